"""The part of the store's catalog that stock needs: SKUs, and the level each is tracked at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from domain.connections import INVENTORY
from domain.exchange import Unusable
from domain.identity import capture_id, correlation_id
from domain.records.inventory import StoreItem
from resources.ledger.rows import RejectionRow
from resources.ledger.session import Session
from resources.lockstep import Sync


def refresh(sync: Sync, session: Session) -> None:
    """Read the catalog again where it is older than the connection allows.

    A product that can't be read is a rejection and gets no stock; the others are not affected. The
    rejection closes with the first refresh that can read the product.
    """
    age = session.catalog.catalog_age()
    if age is not None and age <= sync.connection.inventory.catalog_ttl:
        return
    unusable: dict[str, Unusable] = {}
    session.catalog.replace_store_items(_usable(sync, unusable))
    day = datetime.now(UTC).date()
    rows = [_rejection(sync, one) for one in unusable.values()]
    with session.transaction():
        session.rejections.open(day, rows, sync.run_id)
        session.rejections.close_others(
            "captured", list(unusable), "the store's catalog can be read", sync.run_id
        )


def _usable(sync: Sync, unusable: dict[str, Unusable]) -> Iterator[list[StoreItem]]:
    for page in sync.platform.fetch_items():
        unusable.update({one.source_id: one for one in page if isinstance(one, Unusable)})
        yield [item for item in page if not isinstance(item, Unusable)]


def _rejection(sync: Sync, one: Unusable) -> RejectionRow:
    identity = capture_id(sync.name, INVENTORY, one.source_id, one.digest, "")
    return RejectionRow(
        identity,
        one.source_id,
        "captured",
        one.problems,
        correlation_id(sync.name, "stock", one.source_id),
    )
