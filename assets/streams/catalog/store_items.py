"""The part of the store's catalog that stock and prices need: SKUs, and how each is tracked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from assets.streams.inventory.changes import find_changed_levels
from domain.connections import PRICES
from domain.errors import PermanentError, Problem, RecordRejected
from domain.exchange import Mapped, MasterItem, RawRecord
from domain.identity import capture_id, content_digest, correlation_id, is_fallback_id, unspaced
from domain.records.catalog import Product
from domain.records.inventory import StoreItem
from domain.rules.completeness import refuse_shrinkage
from domain.sources import Page, Source
from domain.streams import KINDS
from domain.values import Window
from resources.ledger.rejections.rejections import Rejections
from resources.ledger.rows import RejectionRow
from resources.ledger.session import Session
from resources.sync import Sync

SHOWN = 5
"""SKUs that a message names."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A product, or a part of one, that can't be used; it is reported, and stops no other."""

    source_id: str
    problems: tuple[Problem, ...]
    digest: bytes
    """Of its content: an entry that was discarded stays so while it is the same."""


def refresh(sync: Sync, session: Session) -> Mapping[str, str] | None:
    """Read the catalog again if it is older than the connection allows.

    Return the store's locations, which are read with it; ``None`` if nothing was read.

    A product that can't be read is a rejection and gets no stock; the others are not affected. The
    rejection closes with the first refresh that can read the product. Raises ``PermanentError``
    where much less came back than last time.
    """
    started = session.now()
    stated = refresh_items(sync, session, sync.connection.inventory.catalog_ttl)
    if stated is None:
        return None
    locations = sync.store_stock.locations()
    if (default := locations.get("default")) is not None:
        find_changed_levels(sync, session, stated, default, started)
    return locations


def refresh_items(
    sync: Sync, session: Session, ttl: timedelta, *, reports: bool = True
) -> Mapping[str, int] | None:
    """Read the catalog's items again if it is older than ``ttl``, as ``refresh`` does.

    Return the levels that it states by SKU; ``None`` if nothing was read. ``reports``: what
    can't be read becomes a rejection of the session's stream, which its later reads close.
    """
    age = session.catalog.catalog_age()
    if age is not None and age <= ttl:
        return None
    reading = _Reading()

    def check(before: int, after: int) -> bool:
        known = after + len(reading.unusable)
        limit = sync.connection.inventory.catalog_shrink
        refuse_shrinkage(f"{sync.name}: the store's catalog", before, known, limit)
        return reading.is_complete

    prices = PRICES in sync.connection.streams
    session.catalog.replace_store_items(reading.pages(sync.catalog, prices=prices), check)
    found: dict[str, list[Unusable]] = {}
    if reports:
        found[session.stream] = list(reading.unusable.values())
    if prices:
        found.setdefault(PRICES, [])  # closes those that an earlier version has opened
    for stream, some in found.items():
        _report(sync, session, stream, some)
    return reading.stated


def _report(sync: Sync, session: Session, stream: str, found: Sequence[Unusable]) -> None:
    """Open a rejection of a stream for what was found, and close its others of the catalog."""
    rejections = Rejections(session.db, sync.name, stream)
    with session.transaction():
        rows = [_rejection(sync, stream, one) for one in found]
        rejections.open(datetime.now(UTC).date(), rows, sync.run_id)
        names = list(dict.fromkeys(one.source_id for one in found))
        rejections.close_others("captured", names, "the store's catalog can be read", sync.run_id)


def entries(
    page: Page, source: Source[Product], *, prices: bool = False
) -> list[StoreItem | Unusable]:
    """Return the SKUs of a page of products, and what can't be used of it.

    ``prices``: also the variants that have a price and no stock of their own, before the others.
    One bad product is the product's fault; where all are bad, it is the answer's. Raises
    ``PermanentError``.
    """
    found: list[StoreItem | Unusable] = []
    priced: list[StoreItem] = []
    for raw in page.records:
        try:
            mapped = source.to_canonical(raw.payload)
        except RecordRejected as rejected:
            found.append(_unusable(raw, rejected.problems))
            continue
        if isinstance(mapped, Mapped):
            found += mapped.record.items
            priced += mapped.record.priced_items if prices else ()
            found += [_unusable(raw, mapped.warnings)] if mapped.warnings else []
    bad = [one for one in found if isinstance(one, Unusable)]
    if len(page.records) > 1 and bad and len(bad) == len(found):
        first = bad[0].problems[0]
        raise PermanentError(
            f"The store's catalog has a page of {len(page.records)} products, none of which can "
            f"be read ({first.field}: {first.message}): that breaks the API's contract; trying "
            "again won't help"
        )
    return [*priced, *found]


def master_items(source: Source[MasterItem], skus: Collection[str]) -> dict[str, MasterItem]:
    """Look SKUs up in the OMS's item master; the unknown ones are absent from the answer.

    A row without a usable id is not an item: orders for its SKU are rejected as unknown.
    """
    found: dict[str, MasterItem] = {}
    for page in source.read(skus):
        found |= _mapped_items(source, page)
    return found


def _mapped_items(source: Source[MasterItem], page: Page) -> dict[str, MasterItem]:
    found: dict[str, MasterItem] = {}
    for raw in page.records:
        try:
            mapped = source.to_canonical(raw.payload)
        except RecordRejected:
            continue
        if isinstance(mapped, Mapped):
            found[mapped.record.sku] = mapped.record
    return found


def all_items(sync: Sync, session: Session) -> None:
    """Read the whole item master of the OMS, which must be one that can be listed."""
    now = datetime.now(UTC)
    for page in sync.item_master.fetch(Window(now, now)):
        found = _mapped_items(sync.item_master, page)
        if found:
            session.catalog.put_oms_items(found.values())


def known_items(
    sync: Sync, session: Session, skus: Collection[str], asked: Collection[str] | None = None
) -> dict[str, MasterItem]:
    """Return the OMS's items of SKUs, remembered for ``item_ttl``.

    The unknown ones are looked up each time: all of them, or those of ``asked``.
    """
    known = session.catalog.oms_items(set(skus), sync.connection.orders.item_ttl)
    unknown = set(skus if asked is None else asked) - known.keys()
    if unknown:
        found = master_items(sync.item_master, sorted(unknown))
        session.catalog.put_oms_items(found.values())
        known |= found
    return known


@dataclass
class _Reading:
    """A read of the whole catalog."""

    unusable: dict[str, Unusable] = field(default_factory=dict)
    stated: dict[str, int] = field(default_factory=dict)
    is_complete: bool = False

    def pages(self, source: Source[Product], *, prices: bool) -> Iterator[list[StoreItem]]:
        """Yield the SKUs, a page at a time; ``prices``: also those that have a price only."""
        now = datetime.now(UTC)
        for page in source.fetch(Window(now, now)):
            self.is_complete = self.is_complete or page.complete
            found = entries(page, source, prices=prices)
            self.unusable |= {one.source_id: one for one in found if isinstance(one, Unusable)}
            items = [item for item in found if isinstance(item, StoreItem)]
            self.stated |= {
                item.sku: item.level
                for item in items
                if item.level is not None and item.tracking != "none"
            }
            # The product's own SKU may be a variant's, too: the last counts, which has the stock.
            yield items


def _unusable(raw: RawRecord, problems: tuple[Problem, ...]) -> Unusable:
    # Written again: the digest must not depend on the spaces in the vendor's answer.
    content = unspaced(raw.payload)
    own = not is_fallback_id(raw.source_id)
    name = f"product {raw.source_id}" if own else raw.source_id
    return Unusable(name, problems, content_digest(content))


def _rejection(sync: Sync, stream: str, one: Unusable) -> RejectionRow:
    entity = KINDS[stream].entity
    identity = capture_id(sync.name, stream, one.source_id, one.digest, "")
    return RejectionRow(
        identity,
        one.source_id,
        "captured",
        one.problems,
        correlation_id(sync.name, entity, one.source_id),
    )
