"""Levels that the store changed itself: by hand, or by selling. They are found, and due again.

The catalog of some stores states a level for the default location, and is read anyway. What it
contradicts is read from the store's stock before it counts; what is changed by hand elsewhere is
found by reconciliation. A sale takes its units off the store's level at once. If the OMS gets them
back, or gets others, before its stock is read again, its level is the same as before, and the
store's is not: so the levels of what was ordered are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice

from assets.streams.inventory.plan import level_content, tracking_before
from domain.connections import ORDERS
from domain.identity import content_digest
from domain.skus import sku_key
from resources.ledger.records.levels import Contradicted
from resources.ledger.records.record_state import Coverage
from resources.ledger.records.undelivered import sold_since_written
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
    changed = {
        row.target_key: _as_found(row, level, read_at)
        for sku, row in chosen.items()
        if (level := held.get((sku, location))) is not None
        and content_digest(level_content(level)) != row.digest
    }
    before = {row.target_key: row for row in chosen.values()}
    with session.writer_lock(), session.transaction():
        number = _correct(session, before, changed)
        session.catalog.note_levels({sku: stated[sku] for sku in chosen})
    return number


def _as_found(row: TargetRow, quantity: int, read_at: datetime) -> TargetRow:
    return row.holding(level_content(quantity))._replace(source_updated_at=read_at)


def look_at_sold_levels(sync: Sync, session: Session) -> int:
    """Correct the target state of levels whose SKUs were ordered since; return their number.

    Each is looked at once after an order, as soon as all sales that it shows are captured.
    """
    if ORDERS not in sync.connection.streams:
        return 0
    now = session.now()
    since = now.date() - timedelta(days=1)
    found = sold_since_written(session.db, sync.name, since, now - SETTLED_AFTER, MOST_READ)
    rows = {row.target_key: row for row in found if tracking_before(row) is None}
    if not rows:
        return 0
    held = sync.store_stock.levels({_sku(row) for row in rows.values()})
    if not are_sales_known(sync, session, session.now()):
        return 0
    levels = {
        f"{sku}@{location}": level_content(quantity, sync.store_stock.basis)
        for (sku, location), quantity in held.items()
    }
    changed = {
        key: row.holding(levels[key])
        for key, row in rows.items()
        if key in levels and content_digest(levels[key]) != row.digest
    }
    with session.writer_lock(), session.transaction():
        session.deliveries.put_targets(_still(session, rows))  # looked at
        return _correct(session, rows, changed)


def _correct(
    session: Session, before: Mapping[str, TargetRow], changed: Mapping[str, TargetRow]
) -> int:
    """Write what the store was found to hold, and make it due; return the number of levels.

    Another run may have written a level since it was read: that one stays.
    """
    kept = [changed[r.target_key] for r in _still(session, before) if r.target_key in changed]
    session.deliveries.put_targets(kept)
    session.levels.make_skus_due({sku_key(_sku(row)) for row in kept})
    return len(kept)


def _still(session: Session, rows: Mapping[str, TargetRow]) -> list[TargetRow]:
    """Return the rows that are in the ledger as they were read."""
    now = session.deliveries.targets(list(rows))
    return [row for key, row in rows.items() if key in now and now[key].sequence == row.sequence]


def _sku(row: TargetRow) -> str:
    return row.target_key.rpartition("@")[0]


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
