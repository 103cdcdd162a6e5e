"""Items of the OMS as records of the stream ``listings``: how they are read, and what they mean.

A version of an item is captured if something has changed that decides what the store should show:
its texts, marks and price, the connection's policy, whether the store sells it, and the owned texts
that the store shows, so that a merchant's edit is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain

import msgspec
import orjson

from assets.streams.listings.item_prices import prices_of
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import fallback_id, is_composed_id
from domain.listings import item_id
from domain.records.listed_items import ListedItem
from domain.records.listings import Listing
from domain.records.orders import ONE
from domain.records.record import InvalidRecord, encode_record
from domain.rules.listed_items import TEXTS, Place, Takes, listing_of, owned_fields, weighed
from domain.skus import BySku, sku_key
from domain.sources import Page, Scope
from domain.values import Window
from resources.ledger.rows import StoredCapture
from resources.ledger.session import Session
from resources.sync import Sync

ITEMS_AT_ONCE = 500
_START = b'{"lockstep_item":'
_ADVICE = "Correct the item at the OMS."


class Captured(msgspec.Struct, omit_defaults=True):
    """An item as it was captured: its row as it came, and what was read with it."""

    lockstep_item: msgspec.Raw
    price: str = ""
    """Of a unit of the OMS, where the store needs one and the item states none."""
    asked: str = ""
    """When an operator has asked for the item; empty: it was read in its turn."""


_DECODER = msgspec.json.Decoder(Captured)


def is_item_payload(payload: bytes) -> bool:
    """Return whether a capture is an item of the OMS, and no request."""
    return payload.startswith(_START)


class ItemReader:
    """Reads items of the OMS, and finds what the ledger knows of them in the store."""

    def __init__(
        self, sync: Sync, session: Session, waiting: Callable[[Session], Mapping[str, str]]
    ) -> None:
        """``waiting`` returns what sheets have asked for: SKU key -> the SKU of its product."""
        self._sync, self._session, self._source = sync, session, sync.items
        self._read_waiting = waiting
        self._waiting: Mapping[str, str] | None = None
        self._policy = sync.connection.catalog
        target = sync.listings_target
        self.takes = Takes(target.fields, target.needs)
        self._units = BySku(sync.connection.orders.uom_rules)

    def pages(self, present: datetime) -> Iterator[Page]:
        """Yield the items that changed, dated ``present``: all that have their turn."""
        window = Window(present, present)
        most = self._source.items_a_read
        scopes = () if most is None else (Scope(self._turn(most, present)),)
        found = self._source.fetch(window, *scopes)
        for raws in _at_once(chain.from_iterable(page.records for page in found)):
            records = self.records(raws, present)
            known = self._session.captures.latest_digests([one.source_id for one in records])
            yield Page([one for one in records if known.get(one.source_id) != one.digest])

    def asked(self, skus: Collection[str], present: datetime) -> list[RawRecord]:
        """Return requests for items that an operator has named; unknown ones are absent."""
        raws = [raw for page in self._source.read(skus) for raw in page.records]
        return self.records(raws, present, asked=present.isoformat())

    def records(
        self, raws: Sequence[RawRecord], present: datetime, *, asked: str = ""
    ) -> list[RawRecord]:
        """Return rows as records of the stream, each with what distinguishes its versions."""
        items: dict[str, ListedItem] = {}
        for raw in raws:
            try:
                mapped = self._source.to_canonical(raw.payload)
            except RecordRejected:
                continue  # captured all the same: validating it says what is wrong
            if isinstance(mapped, Mapped):
                items[raw.source_id] = mapped.record
        places = self.places({item.sku for item in items.values()})
        prices = self._prices(items.values(), places, asked=bool(asked))
        found = {}
        for raw in raws:
            item = items.get(raw.source_id)
            price = "" if item is None else prices.get(item.sku, "")
            payload = msgspec.json.encode(Captured(msgspec.Raw(raw.payload), price, asked))
            content = None
            if item is not None and not asked:
                content = self._content(item, places[item.sku], price)
            name = item_id(raw.source_id if item is None else item.sku)
            if not is_composed_id(name):  # of a row whose own id leaves no place for more
                name = item_id(fallback_id(name.encode()))
            found[name] = RawRecord(name, present, payload, content)
        return list(found.values())

    def places(self, skus: Collection[str]) -> dict[str, Place]:
        """Return by SKU what the ledger knows of it in the store."""
        products, ids = self._session.products, {sku: item_id(sku) for sku in skus}
        sold = products.products_of(skus)
        spelled = products.spellings(sorted(set(skus) - sold.keys()))
        listed = self._session.deliveries.targets(list(ids.values()))
        owned = owned_fields(self._policy, self.takes)
        single = {found[0] for found in sold.values() if len(found) == 1} if owned else set()
        shown = products.named(single)
        waiting = self._waiting_of([sku for sku in skus if sku not in sold])
        return {
            sku: Place(
                tuple(found := sold.get(sku, ())),
                shown.get(found[0]) if len(found) == 1 else None,
                spelled.get(sku, ""),
                listed[ids[sku]].target_id if ids[sku] in listed else "",
                waiting.get(sku_key(sku), ""),
            )
            for sku in skus
        }

    def _waiting_of(self, absent: Sequence[str]) -> Mapping[str, str]:
        if not absent or self._policy.create_products == "never":
            return {}
        if self._waiting is None:
            self._waiting = self._read_waiting(self._session)
        return self._waiting

    def item_of(self, payload: bytes) -> tuple[ListedItem, Captured]:
        """Return a captured item. Raises ``RecordRejected``."""
        try:
            captured = _DECODER.decode(payload)
        except (ValueError, RecursionError):
            text = "no captured item"
            raise RecordRejected(Problem("listing_unreadable", "", text, _ADVICE)) from None
        mapped = self._source.to_canonical(bytes(captured.lockstep_item))
        if isinstance(mapped, Skipped):
            raise RecordRejected(Problem("listing_unreadable", "", mapped.reason, _ADVICE))
        return mapped.record, captured

    def listing(
        self, item: ListedItem, captured: Captured, place: Place
    ) -> Mapped[Listing] | Skipped:
        """Return what the store should show of an item. Raises ``RecordRejected``."""
        units = self._factor(item.sku)
        try:
            price = item.price or Decimal(captured.price or 0)
            wanted = msgspec.structs.replace(
                item,
                price=price * units or None,
                weight=weighed(item, self._policy, units),
            )
            found = listing_of(
                wanted, place, self._policy, self.takes, is_asked=bool(captured.asked)
            )
        except (InvalidRecord, ArithmeticError) as error:
            raise RecordRejected(
                Problem("listing_unreadable", "", f"no listing: {error}", _ADVICE)
            ) from None
        return found if isinstance(found, Skipped) else Mapped(found)

    def _turn(self, most: int, present: datetime) -> list[str]:
        """Return which SKUs are read now: those that never were, then the others in turn."""
        skus = self._source.skus()
        known = self._session.captures.latest_digests([item_id(sku) for sku in skus])
        never = [sku for sku in skus if item_id(sku) not in known]
        others = [sku for sku in skus if item_id(sku) in known]
        left = max(most - len(never), 0)
        if len(others) <= left:
            return [*never, *others][:most]
        turns = int(present.timestamp() // self._policy.list_interval.total_seconds())
        start = turns * left % len(others) if left else 0
        return [*never, *(others + others)[start : start + left]][:most]

    def _prices(
        self, items: Collection[ListedItem], places: Mapping[str, Place], *, asked: bool
    ) -> dict[str, str]:
        """Return the OMS's prices of items that may be created, where the store needs one."""
        if "price" not in self.takes.needs or self._policy.create_products == "never":
            return {}
        wanted = [
            item.sku
            for item in items
            if item.price is None and self._may_be_created(item, places[item.sku], asked=asked)
        ]
        return prices_of(self._sync, wanted)

    def _may_be_created(self, item: ListedItem, place: Place, *, asked: bool) -> bool:
        left_alone = item.is_discontinued or place.spelled or place.waits_with
        is_variant = item.style and "variants" in self.takes.fields
        is_absent = place.is_lacking or (asked and not place.product_ids)
        return bool(is_absent and not left_alone and not is_variant)

    def _factor(self, sku: str) -> Decimal:
        rule = self._units.get(sku)
        return ONE if rule is None else rule.factor

    def _content(self, item: ListedItem, place: Place, price: str) -> bytes:
        """Return what makes two versions of an item differ."""
        policy, product = self._policy, place.product
        owned = owned_fields(policy, self.takes)
        compared = [name for name in (*TEXTS, "categories") if name in owned]
        shown = [getattr(product, name) for name in compared] if product else []
        basis = [
            encode_record(item).decode(),
            price,
            [
                *owned,
                policy.create_products,
                str(policy.weight_factor),
                str(self._factor(item.sku)),
            ],
            [list(place.product_ids), place.is_lacking, place.spelled, place.waits_with],
            shown,
        ]
        return orjson.dumps(basis)


class ItemMapper:
    """Maps a chunk's captured items; what the ledger knows of them is read once."""

    def __init__(self, reader: ItemReader, captures: Sequence[StoredCapture]) -> None:
        self._reader = reader
        skus = set()
        for capture in captures:
            if is_item_payload(capture.payload):
                try:
                    skus.add(self._reader.item_of(capture.payload)[0].sku)
                except RecordRejected:
                    continue
        self._places = self._reader.places(skus)

    def __call__(self, payload: bytes) -> Mapped[Listing] | Skipped:
        """Return what the store should show of an item. Raises ``RecordRejected``."""
        item, captured = self._reader.item_of(payload)
        place = self._places.get(item.sku) or self._reader.places([item.sku])[item.sku]
        return self._reader.listing(item, captured, place)


def _at_once(records: Iterator[RawRecord]) -> Iterator[list[RawRecord]]:
    """Yield the records some at a time; an item that is listed twice on its way counts once."""
    waiting: dict[str, RawRecord] = {}
    for record in records:
        waiting[record.source_id] = record
        if len(waiting) >= ITEMS_AT_ONCE:
            yield list(waiting.values())
            waiting = {}
    if waiting:
        yield list(waiting.values())
