"""The stream ``listings``, to the store: titles, texts and pictures that a merchant asks for.

A request comes from a sheet or the command line and is captured like any other record: it is
validated, delivered once, and shown in trace. A product has one record. A request that was not
delivered yet, or has an open rejection, is taken into the next one of the same product, so that
none of its fields is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec

from assets.delivery.request import DeliveryRequest
from assets.pipeline.capture import capture_pages
from assets.streams.listings.items import ItemMapper, ItemReader, is_item_payload
from assets.streams.listings.plan import ListingsPlanner
from domain.connections import LISTINGS
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import correlation_id
from domain.listings import is_new, item_id, known_skus, new_id
from domain.records.listings import Listing
from domain.records.record import InvalidRecord, decode_record, encode_record
from domain.schemas.listings import listing_problems
from domain.skus import sku_key
from domain.sources import EVERYTHING, Page, Scope, Shape, Source
from domain.values import Partition, Window
from resources.ledger.rows import StoredCapture, TableRows
from resources.ledger.session import Session
from resources.sync import Sync

FIELDS = ("name", "description", "warranty", "images", "brand", "categories")
NEW_FIELDS = ("price", "weight", "variants")
"""What a later request takes over: of any product, and of one to create."""
ADVICE = "correct the row and import it again"
PRESENT = timedelta(minutes=5)
"""A window that ends so shortly before the present is the current one."""


class ListingRequests:
    """The source of listings: requests that were captured when they were made, none to read."""

    shape: ClassVar[Shape] = "changes"
    facts: ClassVar[frozenset[str]] = frozenset(Listing.__struct_fields__)

    def probe(self, since: datetime) -> datetime | None:
        """Return ``None``: requests are captured as they are made."""
        del since
        return None

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Yield nothing."""
        del window, scope
        yield from ()

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Yield nothing."""
        del ids
        yield from ()

    def to_canonical(self, payload: bytes) -> Mapped[Listing] | Skipped:
        """Map a captured request. Raises ``RecordRejected``."""
        try:
            return Mapped(decode_record(Listing, payload))
        except (InvalidRecord, ValueError, RecursionError) as error:
            problem = Problem("listing_unreadable", "", f"no listing: {error}", ADVICE)
            raise RecordRejected(problem) from None

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing."""


class Listings:
    """Listings, by the protocol ``assets.chain.stream.Stream``."""

    name = LISTINGS
    to_oms = False
    is_snapshot = False
    summary = (
        "Titles, descriptions, warranties and pictures from sheets, the command line and, if the "
        "connection lists them, the OMS's items, written to the store's products if they differ."
    )

    def source(self, sync: Sync) -> Source[Listing]:
        """Return the source, which has nothing to read."""
        del sync
        return ListingRequests()

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Return ``since`` if the OMS's items are due; requests are captured as they are made."""
        return since if _are_items_due(sync) else None

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[Page]:
        """Read the OMS's items in a window that reaches the present, if the store lists them.

        Not before the catalog was read as a whole: everything would seem to be missing. Requests
        are captured as they are made.
        """
        present = sync.oms.clock()
        if (
            sync.connection.catalog.list_from_oms
            and window.until >= present - PRESENT
            and session.products.read_at() is not None
        ):
            yield from ItemReader(sync, session, waiting_variants).pages(present)

    def correlate(self, sync: Sync, session: Session, source_ids: Sequence[str]) -> dict[str, str]:
        """Return the correlation ids of the products: those that the stream ``catalog`` has."""
        del session
        return {i: correlation_id(sync.name, "product", i) for i in source_ids}

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[Listing] | Skipped]:
        """Return the mapping of requests, and of the OMS's items."""
        to_canonical = self.source(sync).to_canonical
        if not any(is_item_payload(capture.payload) for capture in captures):
            return to_canonical
        to_listing = ItemMapper(ItemReader(sync, session, waiting_variants), captures)
        return lambda payload: (
            to_listing(payload) if is_item_payload(payload) else to_canonical(payload)
        )

    def check(
        self, sync: Sync, session: Session, records: Sequence[Listing]
    ) -> Mapping[int, Sequence[Problem]]:
        """Check the batch."""
        del session
        target = sync.listings_target
        return listing_problems(records, target.fields, target.needs)

    def typed(self, accepted: Sequence[tuple[StoredCapture, Listing]]) -> list[TableRows]:
        """Return no rows: what a product shows is the stream ``catalog``'s."""
        del accepted
        return []

    def planner(self, sync: Sync, session: Session, request: DeliveryRequest) -> ListingsPlanner:
        """Write what differs from what the store shows."""
        return ListingsPlanner(sync, session, request)

    def conclude(self, sync: Sync) -> None:
        """Do nothing: the stream ``catalog`` sees the change by its own."""


def _are_items_due(sync: Sync) -> bool:
    policy = sync.connection.catalog
    if not policy.list_from_oms:
        return False
    with sync.ledger.session(sync.name, LISTINGS) as session:
        mark, is_read = session.watermark(), session.products.read_at() is not None
    return is_read and (mark is None or sync.oms.clock() - mark >= policy.list_interval)


def capture_listings(sync: Sync, listings: Sequence[Listing]) -> dict[Partition, list[str]]:
    """Capture requests, one a product; return their ids by partition.

    Those behind them, whose place they take, are returned after them. The lock is held, so that no
    run delivers an earlier request while it is taken into this one.
    """
    now = datetime.now(UTC)
    with sync.ledger.session(sync.name, LISTINGS, sync.run_id) as session, session.writer_lock():
        earlier = _Earlier(session, listings)
        records = [
            RawRecord(one.product_id, now, encode_record(_with(one, earlier.of(one))))
            for one in listings
        ]
        captured = capture_pages(sync, Listings(), session, records, now)
        for name, moment in earlier.replaced:
            ids = captured.setdefault(Partition.of(moment, sync.connection.grain), [])
            ids += [name] if name not in ids else []
        return captured


def waiting_variants(session: Session) -> dict[str, str]:
    """Return SKU key -> the SKU that names its product, of variants that wait to be created."""
    found: dict[str, str] = {}
    for versions in session.captures.all_waiting(item_id("")).values():
        for _, payload in versions:
            try:
                listing = decode_record(Listing, payload)
            except (InvalidRecord, ValueError, RecursionError):
                continue
            found |= {sku_key(one.sku): listing.sku for one in listing.variants or ()}
    return found


class _Earlier:
    """What waits of products that are asked for, also from when they were to be created."""

    def __init__(self, session: Session, listings: Sequence[Listing]) -> None:
        names = sorted({name for one in listings for name in _names(one)})
        self._waiting = session.captures.waiting(names)
        delivered = session.deliveries.targets(names)
        self._delivered = {name: row.source_updated_at for name, row in delivered.items()}
        self.replaced: list[tuple[str, datetime]] = []
        """Requests under other ids whose fields were taken, and when they were made."""

    def of(self, listing: Listing) -> list[bytes]:
        """Return what waits of a product, the oldest first.

        Of its other ids only what is newer than the last delivery: that has taken in what was older
        than itself.
        """
        names = _names(listing)
        moments = [self._delivered[name] for name in names if name in self._delivered]
        last = max(moments, default=None)
        found = []
        for name in names:
            for moment, payload in self._waiting.get(name, ()):
                if name != listing.product_id:
                    if last is not None and moment <= last:
                        continue
                    self.replaced.append((name, moment))
                found.append((moment, payload))
        return [payload for _, payload in sorted(found)]


def _names(listing: Listing) -> list[str]:
    """Return the ids that requests about a product may have."""
    return list(dict.fromkeys((listing.product_id, *map(new_id, listing.skus))))


def _with(listing: Listing, waiting: Sequence[bytes]) -> Listing:
    """Return a request with the fields of those that wait, if it says nothing of its own."""
    fields = FIELDS if not is_new(listing.product_id) else (*FIELDS, *NEW_FIELDS)
    left_out: dict[str, None] = {}
    for payload in reversed(waiting):
        try:
            before = decode_record(Listing, payload)
        except (InvalidRecord, ValueError, RecursionError):
            continue  # rejected as listing_unreadable: it has no fields to lose
        more: dict[str, Any] = {
            name: value
            for name in fields
            if getattr(listing, name) is None and (value := getattr(before, name)) is not None
        }
        own = {sku_key(one.sku) for one in listing.variants or ()}
        others = [one for one in before.variants or () if sku_key(one.sku) not in own]
        if not is_new(listing.product_id):
            if is_new(before.product_id) and sku_key(before.sku) in own:
                continue  # a product of its own was asked for, which is a variant of this one now
            if others and not is_new(before.product_id):
                more["variants"] = (*(listing.variants or ()), *others)
        elif own:
            left_out |= dict.fromkeys(one.sku for one in others)
        if more and not is_new(before.product_id):  # a new one is known by its first SKU alone
            names = dict.fromkeys((*listing.taken_in, *known_skus(before)))
            names.pop(listing.sku, None)
            more["taken_in"] = tuple(names)
        if more:
            listing = msgspec.structs.replace(listing, **more)
    return msgspec.structs.replace(listing, left_out=tuple(left_out)) if left_out else listing
