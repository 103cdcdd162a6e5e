"""Items of the OMS that an operator asks for: what each would do, before anything is captured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from assets.pipeline.capture import capture_pages
from assets.streams.listings.group import Wanted
from assets.streams.listings.items import ItemReader
from assets.streams.listings.sheet import check
from assets.streams.listings.state import is_same, values_of
from assets.streams.listings.stream import Listings, waiting_variants
from domain.categories import are_same
from domain.errors import RecordRejected
from domain.exchange import RawRecord, Skipped
from domain.records.catalog import Product
from domain.records.listings import Listing
from domain.rules.listed_items import OWNED
from domain.values import Partition
from resources.ledger.session import Session
from resources.sync import Sync

TITLES = {field: name for name, field in OWNED.items()}
ABSENT = "the OMS has no item with this SKU"


class Asked(NamedTuple):
    """An item, and what it would do in the store."""

    row: Wanted
    record: RawRecord
    product: Product | None
    """What the store sells, as of the last read of its catalog."""
    rule: str = ""
    """Which leaves it alone."""

    @property
    def effect(self) -> str:
        """Return what would be written, by the last read of the store's catalog."""
        listing = self.row.listing
        if listing is None:
            return f"not used: {'; '.join(self.row.problems)}"
        wanted = [TITLES[name] for name in values_of(listing)]
        if not listing.sold_as:
            wanted += ["price"] if listing.price is not None else []
            return f"would be created: {', '.join(wanted)}"
        if self.product is None:
            return f"would be compared with the store: {', '.join(wanted)}"
        wanted = [TITLES[name] for name in _different(listing, self.product)]
        return f"would be changed: {', '.join(wanted)}" if wanted else "unchanged"


def asked_for(sync: Sync, session: Session, skus: Sequence[str]) -> tuple[list[Asked], list[str]]:
    """Look items up, and return what each would do, and the SKUs that the OMS lacks."""
    reader = ItemReader(sync, session, waiting_variants)
    found = _effects(reader, reader.asked(skus, sync.oms.clock()))
    known = {one.row.sku for one in found}
    return found, [sku for sku in dict.fromkeys(skus) if sku not in known]


def changed(sync: Sync, session: Session) -> Iterator[list[Asked]]:
    """Read all items that have their turn, and yield what those that changed would do."""
    reader = ItemReader(sync, session, waiting_variants)
    for page in reader.pages(sync.oms.clock()):
        yield _effects(reader, page.records)


def capture_asked(
    sync: Sync, session: Session, found: Sequence[Asked]
) -> Mapping[Partition, list[str]]:
    """Capture the items that can be used; return their ids by partition."""
    records = [one.record for one in found if one.row.listing is not None]
    return capture_pages(sync, Listings(), session, records, datetime.now(UTC))


def left_alone(found: Sequence[Asked]) -> Counter[str]:
    """Return by rule how many items are left alone."""
    return Counter(one.rule for one in found if one.rule)


def _effects(reader: ItemReader, records: Sequence[RawRecord]) -> list[Asked]:
    found = [_effect(reader, record) for record in records]
    check([[one.row] for one in found], reader.takes.fields, reader.takes.needs)
    return found


def _effect(reader: ItemReader, record: RawRecord) -> Asked:
    row, rule = Wanted(0, {"sku": record.source_id.partition(":")[2]}), ""
    product = None
    try:
        item, captured = reader.item_of(record.payload)
        row.cells = {"sku": item.sku}
        place = reader.places([item.sku])[item.sku]
        product = place.product
        mapped = reader.listing(item, captured, place)
        if isinstance(mapped, Skipped):
            rule, row.problems = mapped.rule, (mapped.reason,)
        else:
            row.listing = mapped.record
    except RecordRejected as rejected:
        row.problems = tuple(f"{one.message} {one.advice}" for one in rejected.problems)
    return Asked(row, record, product, rule)


def _different(listing: Listing, product: Product) -> list[str]:
    """Return the fields that the store shows differently; pictures may be copies, so all count."""
    return [name for name, value in values_of(listing).items() if not _shows(product, name, value)]


def _shows(product: Product, name: str, value: Any) -> bool:
    """Return whether a product shows a value; the catalog has its categories' own names only."""
    if name == "categories":
        return are_same(product.categories, [one.rpartition(">")[2] for one in value])
    shown = getattr(product, name)
    return is_same(name, shown, value) if isinstance(value, str) else bool(shown == value)
