"""Units that are ordered and that the OMS's stock does not contain yet: they can't be sold again.

They are in orders that are due, rejected or owed, of every connection that sells the same stock.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

import orjson

from assets.delivery.obligation import OWED_RULES
from domain.connections import ORDERS, Connection
from domain.rules.availability import AvailabilityRules, takes_off_undelivered
from domain.skus import sku_key
from resources.ledger.records.records import Records
from resources.ledger.records.undelivered import undelivered_units
from resources.ledger.session import Session
from resources.sync import Sync


def rules_of(connection: Connection) -> AvailabilityRules:
    """Return a connection's rules of availability."""
    return AvailabilityRules(connection.inventory, connection.orders.uom_rules)


def orders_under_way(
    sync: Sync, session: Session, read_at: datetime | None = None
) -> dict[str, int]:
    """Return by SKU key the units that the OMS's stock does not contain yet.

    Those of orders that are due, rejected or owed, in the unit of the OMS's orders, and of those
    that arrived since ``read_at``, by default when the last read of stock started. The orders of
    all connections to the OMS's organisation count, since they take units of the same stock.
    """
    if not takes_off_undelivered(sync.connection.inventory):
        return {}
    since = read_at or session.levels.read_at()
    total: dict[str, int] = {}
    for name, connection in (sync.sellers or {sync.name: sync.connection}).items():
        for key, number in _units_under_way(sync, session, name, connection, since).items():
            total[key] = total.get(key, 0) + number
    return total


def _units_under_way(
    sync: Sync, session: Session, name: str, connection: Connection, since: datetime | None
) -> dict[str, int]:
    """Return the units of one connection's orders.

    What another kind of store has sent and could not be validated can't be read here, and does not
    count.
    """
    rules = rules_of(connection)
    orders = Records(session.db, name, ORDERS)
    is_readable = connection.platform.kind == sync.connection.platform.kind

    def units_of(payload: bytes) -> dict[str, Decimal]:
        units: dict[str, Decimal] = {}
        for sku, quantity in sync.orders.ordered_units(payload).items() if is_readable else ():
            key = sku_key(sku)
            units[key] = units.get(key, Decimal(0)) + quantity * rules.unit_of(sku).factor
        return units

    def units_held(content: bytes) -> dict[str, Decimal]:
        units: dict[str, Decimal] = {}
        for sku, quantity in sync.oms.targets["orders"].units(orjson.loads(content)).items():
            units[sku_key(sku)] = units.get(sku_key(sku), Decimal(0)) + quantity
        return units

    def withdrawn(source_ids: Collection[str]) -> set[str]:
        states = orders.newest_states(list(source_ids))
        return {
            source_id
            for source_id, (state, rule) in states.items()
            if state == "skipped" and rule not in OWED_RULES
        }

    return undelivered_units(session.db, name, units_of, units_held, since, withdrawn)
