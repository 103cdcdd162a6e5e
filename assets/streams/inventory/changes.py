"""Levels that someone changed in the store itself: found in the catalog, and due again.

The catalog states a level for the default location, and is read anyway. What it contradicts is
read from the store's stock before it counts; other locations are compared by reconciliation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice

from assets.streams.inventory.plan import level_content
from domain.connections import ORDERS
from domain.identity import content_digest
from domain.skus import sku_key
from resources.ledger.records.levels import Contradicted
from resources.ledger.records.record_state import Coverage
from resources.ledger.rows import TargetRow
from resources.ledger.session import Session
from resources.sync import Sync

SETTLED_AFTER = timedelta(minutes=2)
"""A store may state the old level for a while after a write."""
MOST_READ = 1_000
"""Levels that are read from the store at once; the others wait for the next read of the catalog."""
SKUS_AT_ONCE = 5_000


def find_changed_levels(
    sync: Sync,
    session: Session,
    stated: Mapping[str, int],
    location: str,
    read_at: datetime,
) -> int:
    """Correct the target state of levels that were changed in the store; return their number.

    ``stated`` has the catalog's levels by SKU as of ``read_at``. A sale lowers the store's level at
    once, so nothing is done while orders are not captured and validated.
    """
    found: dict[str, Contradicted] = {}
    skus = iter(stated)
    while part := list(islice(skus, SKUS_AT_ONCE)):
        levels = {sku: (stated[sku], content_digest(level_content(stated[sku]))) for sku in part}
        found |= session.levels.changed_in_store(location, levels, read_at - SETTLED_AFTER)
    # What was written just now is compared by the next read of the catalog.
    session.catalog.note_levels({sku: n for sku, n in stated.items() if sku not in found})
    suspects = ((sku, one.target) for sku, one in found.items() if one.is_settled)
    chosen = dict(islice(suspects, MOST_READ))
    if not chosen:
        return 0
    held = sync.store_stock.levels(chosen)
    if not are_sales_known(sync, session, session.now()):
        return 0
    changed = [
        _as_found(row, level, read_at)
        for sku, row in chosen.items()
        if (level := held.get((sku, location))) is not None
        and content_digest(level_content(level)) != row.digest
    ]
    with session.writer_lock(), session.transaction():
        session.deliveries.put_targets(changed)
        keys = {sku_key(row.target_key.rpartition("@")[0]) for row in changed}
        session.levels.make_skus_due(keys)
        session.catalog.note_levels({sku: stated[sku] for sku in chosen})
    return len(changed)


def _as_found(row: TargetRow, quantity: int, read_at: datetime) -> TargetRow:
    return row.holding(level_content(quantity))._replace(source_updated_at=read_at)


def are_sales_known(sync: Sync, session: Session, moment: datetime) -> bool:
    """Return whether every order placed until ``moment`` is captured and validated."""
    return are_sales_captured(sync, session, moment) and not session.captures.any_unvalidated(
        ORDERS, datetime.now(UTC).date() - timedelta(days=1)
    )


def are_sales_captured(sync: Sync, session: Session, moment: datetime) -> bool:
    """Return whether every order placed until ``moment`` is captured.

    A sale lowers the store's level at once.
    """
    if ORDERS not in sync.connection.streams:
        return True
    until = Coverage(session.db, sync.name, ORDERS, sync.connection.overlap).until
    return until is not None and (until > moment or sync.orders.probe(until) is None)
