"""Independent verification of a sandbox connection: compares both systems record by record.

It uses neither the connectors nor the stored target state. From the ledger it reads only which
records were rejected or skipped, and checks that against the store's record.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import orjson
import psycopg

from domain.errors import TransientError
from resources.ledger.monitoring.status import newest_outcomes

EXPORTED_STATUS = 11
CANCELLED = (5, 6)
SETTLE_SECONDS = 30


class Systems:
    """The contents of the two simulated systems, as they report them."""

    def __init__(self, url: str, store: str, tenant: str) -> None:
        self._store = f"{url}/_sandbox/bigcommerce/{store}"
        self._oms = f"{url}/_sandbox/manhattan/{tenant}"
        self._http = httpx.Client(timeout=120)

    def store_orders(self) -> dict[str, dict[str, Any]]:
        """Return the store's orders by id."""
        return {str(row["id"]): row for row in self._lines(f"{self._store}/dump/orders")}

    def store_shipments(self) -> list[dict[str, Any]]:
        """Return the shipments that the store has now."""
        return list(self._lines(f"{self._store}/dump/shipments"))

    def store_stock(self) -> dict[str, int]:
        """Return the store's stock by SKU, summed over its locations, once all writes show.

        Raises ``TransientError`` where they never do.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        while self._pending():
            if time.monotonic() > deadline:
                raise TransientError(
                    f"The store's stock did not settle within {SETTLE_SECONDS} s; try again."
                )
            time.sleep(0.1)
        stock: Counter[str] = Counter()
        for row in self._lines(f"{self._store}/dump/inventory"):
            stock[row["sku"]] += int(row["quantity"])
        return dict(stock)

    def _pending(self) -> int:
        """Return how many accepted batches of stock do not show yet."""
        answer = self._http.get(f"{self._store}/counts").raise_for_status()
        return int(orjson.loads(answer.content)["inventory_pending"])

    def oms_orders(self) -> dict[str, dict[str, Any]]:
        """Return the OMS's orders by id."""
        return {row["OrderId"]: row for row in self._lines(f"{self._oms}/effects/orders")}

    def oms_availability(self) -> dict[str, int]:
        """Return the availability in the OMS's network view, by SKU."""
        rows = self._lines(f"{self._oms}/dump/availability")
        return {
            row["ItemId"]: int(row["TotalQuantity"]) for row in rows if row["view"] == "network"
        }

    def _lines(self, url: str) -> Iterator[dict[str, Any]]:
        answer = self._http.get(url).raise_for_status()
        for line in answer.content.splitlines():
            if line.strip():
                row = orjson.loads(line)
                yield from row if isinstance(row, list) else [row]

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def order_differences(systems: Systems, database: str, connection: str) -> list[str]:
    """Return every order that is lost, sent twice, wrong at the OMS, or kept out wrongly."""
    store, oms = systems.store_orders(), systems.oms_orders()
    outcomes = _outcomes(database, connection)
    found = [
        f"order {number}: at the OMS but not in the store" for number in oms if number not in store
    ]
    for number, order in store.items():
        held = oms.get(number)
        state, rule = outcomes.get(number, ("", ""))
        if held is not None:
            found += _compare(number, order, held)
            if (held["creates"]) != 1:
                found.append(f"order {number}: created {held['creates']} times at the OMS")
        elif not state:
            found.append(f"order {number}: never captured")
        elif state == "accepted":
            found.append(f"order {number}: accepted ({rule}) but not at the OMS")
        elif state == "skipped" and order["status_id"] == EXPORTED_STATUS:
            found.append(f"order {number}: skipped by {rule}, but awaiting fulfilment in the store")
        elif state == "superseded":
            found.append(f"order {number}: its newest version is marked as superseded")
    return found


def _outcomes(database: str, connection: str) -> dict[str, tuple[str, str]]:
    with psycopg.connect(database) as db:
        return newest_outcomes(db, connection)


def _compare(number: str, order: dict[str, Any], held: dict[str, Any]) -> Iterator[str]:
    """Compare lines, units and total of one order."""
    bought = Counter(
        {str(line["id"]): Decimal(str(line["quantity"])) for line in order["products"]}
    )
    taken = Counter(
        {str(line["OrderLineId"]): Decimal(str(line["OrderedQuantity"])) for line in held["lines"]}
    )
    if bought != taken:
        yield f"order {number}: the store has {dict(bought)}, the OMS {dict(taken)}"
    if Decimal(str(order["total_inc_tax"])) != Decimal(str(held["saved_total"])):
        yield (
            f"order {number}: total {order['total_inc_tax']} in the store, "
            f"{held['saved_total']} at the OMS"
        )


def shipment_differences(systems: Systems) -> list[str]:
    """Return every difference between the OMS's parcels and the store's shipments."""
    at_store: Counter[tuple[str, str, tuple[tuple[str, int], ...]]] = Counter()
    for row in systems.store_shipments():
        units = tuple(
            sorted((str(item["order_product_id"]), int(item["quantity"])) for item in row["items"])
        )
        at_store[(str(row["order_id"]), row["tracking_number"], units)] += 1
    store_units: Counter[tuple[str, str, str]] = Counter()
    for (order, tracking, units), times in at_store.items():
        for line, quantity in units:
            store_units[(order, tracking, line)] += quantity * times
    oms_units: Counter[tuple[str, str, str]] = Counter()
    for number, held in systems.oms_orders().items():
        for package in held["packages"]:
            if package["PackageId"] is None:
                continue  # pick-up and e-mail: nothing is shipped
            for line in package["lines"]:
                oms_units[(number, package["TrackingNumber"] or "", str(line["OrderLineId"]))] += (
                    int(line["Quantity"])
                )
    differing = sorted(
        {key for key in store_units | oms_units if store_units[key] != oms_units[key]}
    )
    return [
        f"order {order}, line {line}, tracking {tracking or 'none'}: "
        f"{oms_units[(order, tracking, line)]} shipped by the OMS, "
        f"{store_units[(order, tracking, line)]} in the store's shipments"
        for order, tracking, line in differing
    ]


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
        if number not in at_oms and order["status_id"] == EXPORTED_STATUS:
            for line in order["products"]:
                quantity = line["quantity"]
                if isinstance(quantity, int) and quantity > 0:
                    units[line["sku"]] += quantity
    return units
