"""The part of the store's catalog that stock needs: SKUs, and the level each is tracked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from assets.streams.inventory_changes import find_changed_levels
from domain.connections import INVENTORY
from domain.exchange import Unusable
from domain.identity import capture_id, correlation_id
from domain.records.inventory import StoreItem
from resources.ledger.rows import RejectionRow
from resources.ledger.session import Session
from resources.lockstep import Sync


def refresh(sync: Sync, session: Session) -> Mapping[str, str] | None:
    """Read the catalog again where it is older than the connection allows.

    Return the store's locations, which are read with it; ``None`` where nothing was read.

    A product that can't be read is a rejection and gets no stock; the others are not affected. The
    rejection closes with the first refresh that can read the product.
    """
    age = session.catalog.catalog_age()
    if age is not None and age <= sync.connection.inventory.catalog_ttl:
        return None
    started = session.now()
    unusable: dict[str, Unusable] = {}
    stated: dict[str, int] = {}
    session.catalog.replace_store_items(_usable(sync, unusable, stated))
    day = datetime.now(UTC).date()
    rows = [_rejection(sync, one) for one in unusable.values()]
    with session.transaction():
        session.rejections.open(day, rows, sync.run_id)
        session.rejections.close_others(
            "captured", list(unusable), "the store's catalog can be read", sync.run_id
        )
    locations = sync.platform.location_ids()
    if (default := locations.get("default")) is not None:
        find_changed_levels(sync, session, stated, default, started)
    return locations


def _usable(
    sync: Sync, unusable: dict[str, Unusable], stated: dict[str, int]
) -> Iterator[list[StoreItem]]:
    for page in sync.platform.fetch_items():
        unusable.update({one.source_id: one for one in page if isinstance(one, Unusable)})
        items = [item for item in page if not isinstance(item, Unusable)]
        for item in items:
            if item.level is not None and item.tracking != "none":
                stated[item.sku] = item.level
        yield items


def _rejection(sync: Sync, one: Unusable) -> RejectionRow:
    identity = capture_id(sync.name, INVENTORY, one.source_id, one.digest, "")
    return RejectionRow(
        identity,
        one.source_id,
        "captured",
        one.problems,
        correlation_id(sync.name, "stock", one.source_id),
    )
