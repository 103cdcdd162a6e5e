"""Comparison of any two systems and the ledger by what each says that it holds, record by record.

It knows no vendor's documents (sandbox/kit/truth.py). An order's number in the store is its id at
the OMS, and its number there the store's id or number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from orchestration.local.simulated import simulated
from sandbox.kit.truth import TrueLine, TrueOrder, Truth
from tests.chaos.beside import beside_orders, line_of
from tests.chaos.compare import (
    DUPLICATED,
    LOST,
    WRONG,
    Difference,
    Rejected,
    is_withdrawn,
    ledger_differences,
)
from tests.chaos.facts import Truths

TOO_LATE = frozenset(
    {"cancel_refused", "change_not_sent", "line_not_eligible", "oms_modification_not_allowed"}
)
"""Codes of changes and cancellations that came after the warehouse had the order."""
UNCHANGEABLE = "order_not_changeable"
"""Of an OMS that takes an order once."""


def exported_share(store: Truth, oms: Truth) -> float:
    """Return which share of the orders that are to be fulfilled has reached the OMS."""
    there = {order["id"] for order in oms["orders"]}
    wanted = {
        order["number"]
        for order in store["orders"]
        if order["number"] in there or order.get("awaits_fulfilment")
    }
    return len(wanted & there) / len(wanted) if wanted else 1.0


def differences(facts: Truths) -> list[Difference]:
    """Return everything in which the two systems and the ledger differ."""
    pair = Both(facts)
    at_oms = [order["id"] for number, order in pair.store.items() if number in pair.oms]
    return [
        *pair.orders(),
        *pair.shipments(),
        *pair.stock(),
        *beside_orders(facts),
        *ledger_differences(facts, at_oms, pair.right),
    ]


class Both:
    """The orders of both systems."""

    def __init__(self, facts: Truths) -> None:
        self._facts = facts
        self._ships_only = simulated(facts.pair.oms).ships_only
        self.store = {order["number"]: order for order in facts.store["orders"]}
        self.oms = {order["id"]: order for order in facts.oms["orders"]}
        self.right = set(self._right_rejections())
        """Rejections that are the right result, and stay until an operator acts."""
        self.kept_out = {source_id for stream, source_id, _ in self.right if stream == "orders"}
        self._cut = facts.requests.cut() if facts.requests is not None else set()

    def _right_rejections(self) -> Iterator[Rejected]:
        by_id = {order["id"]: order for order in self.store.values()}
        for rejected in self._facts.rejections:
            stream, source_id, code = rejected
            order = by_id.get(source_id)
            if stream != "orders" or order is None:
                if stream == "shipments" and code == "shipment_refused":
                    number = order["number"] if order is not None else source_id
                    if self._has_lost_shipped_units(number):
                        yield rejected
                continue
            is_changed = order["number"] in self._facts.changed
            if (
                (code in TOO_LATE and (is_changed or order["canceled"]))
                or (code == UNCHANGEABLE and is_changed)
                or self._has_no_place_for(order)
            ):
                yield rejected

    def _has_no_place_for(self, order: TrueOrder) -> bool:
        return self._ships_only and order.get("places") != 1

    def _has_lost_shipped_units(self, number: str) -> bool:
        """Return whether the OMS has shipped more units of a SKU than the store's order has."""
        order, held = self.store.get(number), self.oms.get(number)
        if order is None or held is None:
            return False
        bought = _units(order["lines"], "sku")
        shipped = _units((line for p in held["parcels"] for line in p["lines"]), "sku")
        return any(units > bought[sku] for sku, units in shipped.items())

    # -- orders

    def orders(self) -> Iterator[Difference]:
        """Return orders that are lost, done twice, or other than in the store."""
        times = Counter(order["number"] for order in self._facts.oms["orders"])
        for number in sorted(number for number, count in times.items() if count > 1):
            yield Difference(DUPLICATED, f"order {number}", "two orders of the OMS are of it")
        for number in sorted(self.oms.keys() - self.store.keys()):
            yield Difference(WRONG, f"order {number}", "at the OMS but not in the store")
        for number, order in self.store.items():
            held = self.oms.get(number)
            if held is None:
                yield from self._absent(number, order)
                continue
            if held.get("creates") != 1:
                text = f"created {held.get('creates')} times at the OMS"
                yield Difference(DUPLICATED, f"order {number}", text)
            if order["id"] not in self._facts.results:
                text = "at the OMS, and the ledger has no result for it"
                yield Difference(WRONG, f"order {number}", text)
            if order["id"] not in self.kept_out:
                if number not in self._cut:
                    yield from self._content(number, order, held)
                yield from self._withdrawn(number, order, held)

    def _absent(self, number: str, order: TrueOrder) -> Iterator[Difference]:
        result = self._facts.results.get(order["id"])
        if result is None:
            yield Difference(LOST, f"order {number}", "never captured")
        elif order["id"] in self.kept_out or is_withdrawn(result, is_canceled=order["canceled"]):
            return
        elif result.state in ("accepted", "rejected"):
            text = f"{result.state} ({result.outcome or result.rule or 'pending'}), not at the OMS"
            yield Difference(LOST, f"order {number}", text)
        elif order.get("awaits_fulfilment") and not self._has_no_place_for(order):
            text = f"{result.state} by {result.rule}, but the store says it is to be fulfilled"
            yield Difference(LOST, f"order {number}", text)

    def _content(self, number: str, order: TrueOrder, held: TrueOrder) -> Iterator[Difference]:
        left_out = [row for row in order["lines"] if self._ships_only and "emailed" in row]
        bought, taken = _units(order["lines"]), _units(held["lines"])
        for row in left_out:
            del bought[row["line"]]
        if bought != taken:
            text = f"the store has {_shown(bought)}, the OMS {_shown(taken)}"
            yield Difference(WRONG, f"order {number}", text)
        total = Decimal(order["total"])
        total -= sum((Decimal(row["emailed"]) for row in left_out), Decimal(0))
        there = Decimal(held["total"])
        # A change that came after the OMS had canceled units is saved without what they are worth.
        is_reduced = there < total and any(line.get("canceled") for line in held["lines"])
        if total != there and not is_reduced:
            text = f"total {total} in the store, {there} at the OMS"
            yield Difference(WRONG, f"order {number}", text)

    def _withdrawn(self, number: str, order: TrueOrder, held: TrueOrder) -> Iterator[Difference]:
        """Compare what became of the order: canceled here means canceled, or requested, there."""
        if order["canceled"] and not held["canceled"]:
            answers = {
                delivery.state
                for delivery in self._facts.deliveries
                if (delivery.stream, delivery.source_id) == ("orders", order["id"])
                and delivery.action == "cancel"
            }
            if not {"requested", "refused"} & answers:
                text = (
                    "canceled in the store, not at the OMS; cancellations sent: "
                    f"{sorted(answers) or 'none'}"
                )
                yield Difference(LOST, f"order {number}", text)
        elif held["canceled"] and order.get("awaits_fulfilment"):
            text = "canceled at the OMS, and waits to be fulfilled in the store"
            yield Difference(LOST, f"order {number}", text)

    # -- what comes back

    def shipments(self) -> Iterator[Difference]:
        """Compare each unit in the OMS's parcels with the store's, by number and line or SKU."""
        parcels = [p for order in self.oms.values() for p in order["parcels"]]
        by = "line" if all("line" in row for p in parcels for row in p["lines"]) else "sku"
        store, oms = _shipped(self.store, by), _shipped(self.oms, by)
        refused = {name for stream, name, _ in self.right if stream == "shipments"}
        refused |= self.kept_out
        for key in sorted(store | oms):
            number, tracking, what = key
            order = self.store.get(number)
            is_refused = number in refused or (order is not None and order["id"] in refused)
            if store[key] != oms[key] and not is_refused:
                yield Difference(
                    DUPLICATED if store[key] > oms[key] else LOST,
                    f"shipment of order {number}",
                    f"{by} {what}, tracking {tracking or 'none'}: {oms[key]} shipped by the OMS, "
                    f"{store[key]} in the store's shipments",
                )

    def stock(self) -> Iterator[Difference]:
        """Compare the stock of each tracked SKU; units of orders that wait are kept back."""
        store, oms = _levels(self._facts.store), _levels(self._facts.oms)
        waiting: Counter[str] = Counter()
        for number, order in self.store.items():
            if number not in self.oms and order.get("awaits_fulfilment"):
                for line in order["lines"]:
                    waiting[line["sku"]] += max(int(line["quantity"]), 0)
        for sku in sorted(self._facts.tracked & oms.keys()):
            wanted = max(oms[sku] - waiting[sku], 0)
            if store[sku] != wanted:
                text = (
                    f"{oms[sku]} available at the OMS, {waiting[sku]} in orders that it lacks, "
                    f"{store[sku]} in the store"
                )
                yield Difference(WRONG, f"stock of {sku}", text)


def _units(lines: Iterable[TrueLine], by: str = "line") -> Counter[str]:
    """Return units by line, or by SKU; a line that goes to several addresses is one."""
    units: Counter[str] = Counter()
    for line in lines:
        name = line_of(line) if by == "line" else line["sku"]
        units[name] += int(Decimal(str(line["quantity"])))
    return units


def _shipped(orders: Mapping[str, TrueOrder], by: str) -> Counter[tuple[str, str, str]]:
    """Return (order, tracking number, line or SKU) -> units in parcels."""
    units: Counter[tuple[str, str, str]] = Counter()
    for number, order in orders.items():
        for parcel in order["parcels"]:
            for what, count in _units(parcel["lines"], by).items():
                units[number, parcel["tracking"], what] += count
    return units


def _levels(truth: Truth) -> Counter[str]:
    units: Counter[str] = Counter()
    for level in truth["levels"]:
        units[level["sku"]] += int(level["available"])
    return units


def _shown(units: Counter[str]) -> str:
    return ", ".join(f"{line}: {quantity}" for line, quantity in sorted(units.items())) or "none"
