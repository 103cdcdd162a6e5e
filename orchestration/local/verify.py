"""Independent verification of a sandbox connection: compares both systems record by record.

It uses neither the connectors nor the stored target state. From the ledger it reads only which
records were rejected or skipped, and checks that against the store's record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import psycopg

from orchestration.local.truth import PART, Json, Systems
from resources.ledger.monitoring.status import newest_outcomes


def order_differences(systems: Systems, database: str, connection: str) -> list[str]:
    """Return every order that is lost, sent twice, wrong at the OMS, or kept out wrongly."""
    store, oms = systems.store_orders(), systems.oms_orders()
    outcomes = _outcomes(database, connection)
    found = [
        f"order {number}: at the OMS but not in the store" for number in oms if number not in store
    ]
    for number, order in store.items():
        held = oms.get(number)
        state, rule = outcomes.get(order["id"], ("", ""))
        if held is not None:
            found += _compare(number, order, held, ships_only=systems.ships_only)
            if (held["creates"]) != 1:
                found.append(f"order {number}: created {held['creates']} times at the OMS")
        elif not state:
            found.append(f"order {number}: never captured")
        elif state == "accepted" and rule == "rejected" and systems.has_no_place_for(order):
            continue
        elif state == "accepted":
            found.append(f"order {number}: accepted ({rule}) but not at the OMS")
        elif state == "skipped" and order["awaits_fulfilment"]:
            found.append(f"order {number}: skipped by {rule}, but awaiting fulfilment in the store")
        elif state == "superseded":
            found.append(f"order {number}: its newest version is marked as superseded")
    return found


def _outcomes(database: str, connection: str) -> dict[str, tuple[str, str]]:
    with psycopg.connect(database) as db:
        return newest_outcomes(db, connection)


def _compare(number: str, order: Json, held: Json, *, ships_only: bool) -> Iterator[str]:
    """Compare lines, units and total of one order."""
    left_out = [row for row in order["lines"] if ships_only and "emailed" in row]
    bought, taken = _units(order), _units(held)
    for row in left_out:
        bought.pop(row["line"], None)
    if bought != taken:
        yield f"order {number}: the store has {_shown(bought)}, the OMS {_shown(taken)}"
    total = Decimal(order["total"]) - sum((Decimal(row["emailed"]) for row in left_out), Decimal(0))
    if total != Decimal(held["total"]):
        yield f"order {number}: total {total} in the store, {held['total']} at the OMS"


def _shown(units: dict[str, Decimal]) -> str:
    return ", ".join(f"{number} of line {line}" for line, number in sorted(units.items())) or "none"


def _units(order: Json) -> dict[str, Decimal]:
    units: dict[str, Decimal] = {}
    for line in order["lines"]:
        # A line that goes to several addresses is one in the store, and one for each at the OMS.
        name = line["line"].partition(PART)[0]
        units[name] = units.get(name, Decimal(0)) + Decimal(str(line["quantity"]))
    return units


def shipment_differences(systems: Systems) -> list[str]:
    """Return every difference between the OMS's parcels and the store's shipments.

    Units are compared by line, or by SKU where the OMS names no lines.
    """
    store_orders, oms_orders = systems.store_orders(), systems.oms_orders()
    parcels = [parcel for order in oms_orders.values() for parcel in order["parcels"]]
    by_line = all("line" in line for parcel in parcels for line in parcel["lines"])
    name = "line" if by_line else "sku"
    store_units, oms_units = _shipped(store_orders, name), _shipped(oms_orders, name)
    differing = sorted(
        {key for key in store_units | oms_units if store_units[key] != oms_units[key]}
    )
    return [
        f"order {order}, {name} {what}, tracking {tracking or 'none'}: "
        f"{oms_units[(order, tracking, what)]} shipped by the OMS, "
        f"{store_units[(order, tracking, what)]} in the store's shipments"
        for order, tracking, what in differing
    ]


def _shipped(orders: dict[str, Json], name: str) -> Counter[tuple[str, str, str]]:
    """Return (order, tracking number, line or SKU) -> units in parcels."""
    units: Counter[tuple[str, str, str]] = Counter()
    for number, order in orders.items():
        for parcel in order["parcels"]:
            for line in parcel["lines"]:
                what = line[name].partition(PART)[0] if name == "line" else line[name]
                units[(number, parcel["tracking"], what)] += int(line["quantity"])
    return units


def customer_differences(systems: Systems) -> list[str]:
    """Return every registered customer that the two systems hold differently.

    One that is not active any more has no personal data at the OMS, and may be gone in the store.
    """
    store, held = systems.store_customers(), systems.oms_customers()
    active = {name: row for name, row in held.items() if row["active"]}
    found = [f"customer {name}: in the store only" for name in sorted(store.keys() - held.keys())]
    found += [f"customer {name}: at the OMS only" for name in sorted(active.keys() - store.keys())]
    for name in sorted(store.keys() & held.keys()):
        fields = [n for n in store[name] if store[name][n] != held[name].get(n)]
        if fields:
            found.append(f"customer {name}: {', '.join(fields)} differ")
    return found


def return_differences(systems: Systems) -> list[str]:
    """Return every unit that one system has as returned and the other has not, and the money."""
    confirmed = systems.confirmed_returns()
    shown, money = systems.store_returns()
    found = [
        f"order {number}, line {line}: {confirmed[(number, line)]} units returned at the OMS, "
        f"{shown[(number, line)]} in the store"
        for number, line in sorted(confirmed.keys() | shown.keys())
        if confirmed[(number, line)] != shown[(number, line)]
    ]
    if money is None:
        return found
    orders = {number for number, _ in confirmed}
    found += [f"order {n}: returned, and nothing refunded" for n in sorted(orders - money.keys())]
    found += [
        f"order {n}: {money[n]} refunded without a return" for n in sorted(money.keys() - orders)
    ]
    return found


def stock_differences(systems: Systems, tracked: set[str], buffers: dict[str, int]) -> list[str]:
    """Return every tracked SKU whose store stock is not what the OMS's availability makes of it.

    That is the availability less the buffer, and less what is sold in orders that the OMS lacks.
    """
    store, oms = systems.store_stock(), systems.oms_availability()
    waiting = _units_not_at_oms(systems)
    return [
        f"SKU {sku}: {oms[sku]} available at the OMS, {waiting[sku]} units in orders that it "
        f"lacks, {store.get(sku, 0)} in the store"
        for sku in sorted(tracked & oms.keys())
        if store.get(sku, 0) != max(oms[sku] - buffers.get(sku, 0) - waiting[sku], 0)
    ]


def _units_not_at_oms(systems: Systems) -> Counter[str]:
    """Return SKU -> units of the store's orders that are to go out and are not at the OMS."""
    at_oms, units = systems.oms_orders(), Counter[str]()
    for number, order in systems.store_orders().items():
        if number not in at_oms and order["awaits_fulfilment"]:
            for line in order["lines"]:
                quantity = line["quantity"]
                if isinstance(quantity, int) and quantity > 0:
                    units[line["sku"]] += quantity
    return units
