"""Units that are ordered and that the OMS's stock does not contain yet: they can't be sold again.

They are in orders that are due, rejected or owed, of every connection that sells the same stock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import orjson

from assets.delivery.obligation import OWED_RULES
from domain.connections import ORDERS, Connection
from domain.records.orders import Order
from domain.records.record import decode_record
from domain.rules.amendments import amended, units_wanted
from domain.rules.availability import AvailabilityRules, takes_off_undelivered
from domain.skus import by_key
from resources.ledger.records.amendments import Amendments
from resources.ledger.records.records import Records
from resources.ledger.records.undelivered import OpenVersion, Units, undelivered_units
from resources.ledger.records.withdrawals import opened_again
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
        ordered = sync.orders.ordered_units(payload) if is_readable else {}
        return by_key((sku, units * rules.unit_of(sku).factor) for sku, units in ordered.items())

    def units_held(content: bytes) -> dict[str, Decimal]:
        return by_key(sync.oms.targets["orders"].units(orjson.loads(content)).items())

    def wanted(versions: Mapping[str, OpenVersion]) -> dict[str, Units]:
        states = orders.newest_states(list(versions))
        withdrawn = {
            source_id
            for source_id, (state, rule) in states.items()
            if state == "skipped" and rule not in OWED_RULES
        }
        left = {s: version for s, version in versions.items() if s not in withdrawn}
        return _without_canceled(session, name, left)

    return undelivered_units(session.db, name, units_of, units_held, since, wanted)


def _without_canceled(
    session: Session, name: str, versions: Mapping[str, OpenVersion]
) -> dict[str, Units]:
    """Return the units of versions without those that agents have canceled at the OMS.

    Agents cancel what the OMS has, so the newest accepted version says of which SKU a line is. An
    order that the store has opened again is wanted as a whole.
    """
    wanted: dict[str, Units] = {s: version.units for s, version in versions.items()}
    amendments = Amendments(session.db, name).of_orders(versions.keys())
    captures = [(source_id, versions[source_id].capture_id) for source_id in amendments]
    again = opened_again(session.db, name, captures)
    orders = Records(session.db, name, ORDERS)
    known = orders.canonicals(orders.newest_accepted(list(amendments.keys() - again)))
    for source_id, content in known.items():
        order = decode_record(Order, content)
        left = amended(order, list(amendments[source_id].values()))
        wanted[source_id] = units_wanted(versions[source_id].units, _units(order), _units(left))
    return wanted


def _units(order: Order) -> Units:
    lines = () if order.canceled else order.lines
    return by_key((line.sku, line.quantity) for line in lines)
