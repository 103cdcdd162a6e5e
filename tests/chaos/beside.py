"""Comparison of what goes beside orders: customers, returns, prices, agents, products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from sandbox.kit.truth import TrueLine, TruePrice, Truth
from tests.chaos.asked import action_differences
from tests.chaos.compare import DUPLICATED, LOST, WRONG, Difference
from tests.chaos.facts import Truths
from tests.chaos.listed import listing_differences

PART = "~"
"""Between a line's id and the address that a part of its units goes to."""


def beside_orders(facts: Truths) -> Iterator[Difference]:
    """Return what differs beside the orders, of the streams that the connection has."""
    if "customers" in facts.streams:
        yield from _customers(facts)
    if "returns" in facts.streams:
        yield from _returns(facts)
    if "prices" in facts.streams:
        yield from _prices(facts)
    if facts.requests is not None:
        yield from action_differences(
            facts.requests, facts.store, facts.oms, facts.deliveries, facts.changed
        )
    if facts.listed is not None:
        yield from listing_differences(facts.listed, facts.store, facts.deliveries)


def _customers(facts: Truths) -> Iterator[Difference]:
    store = {row["id"]: row for row in facts.store.get("customers", ())}
    held = {row["id"]: row for row in facts.oms.get("customers", ())}
    for name in sorted(store.keys() - held.keys()):
        yield Difference(LOST, f"customer {name}", "in the store, and not at the OMS")
    for name in sorted(held.keys() - store.keys()):
        if held[name]["active"]:
            yield Difference(LOST, f"customer {name}", "deleted in the store, active at the OMS")
    for name in sorted(store.keys() & held.keys()):
        here: Mapping[str, Any] = store[name]
        there: Mapping[str, Any] = held[name]
        if fields := sorted(field for field in here if here[field] != there.get(field)):
            yield Difference(WRONG, f"customer {name}", f"{', '.join(fields)} differ")


def _returns(facts: Truths) -> Iterator[Difference]:
    """Compare units that came back with those that the store shows, and money with both."""
    numbers = {order["id"]: order["number"] for order in facts.store["orders"]}
    confirmed: Counter[tuple[str, str]] = Counter()
    for row in facts.oms.get("returns", ()):
        for line in row["confirmed"]:
            confirmed[row["order"], line_of(line)] += int(line["quantity"])
    shown: Counter[tuple[str, str]] = Counter()
    for order, lines in _shown_returns(facts.store):
        for line in lines:
            shown[numbers[order], line_of(line)] += int(line["quantity"])
    for key in sorted(confirmed | shown):
        if confirmed[key] != shown[key]:
            yield Difference(
                DUPLICATED if shown[key] > confirmed[key] else LOST,
                f"return of order {key[0]}",
                f"line {key[1]}: {confirmed[key]} confirmed by the OMS, {shown[key]} in the store",
            )
    if "refunds" in facts.store:
        yield from _refunds({number for number, _ in confirmed}, facts, numbers)


def _shown_returns(store: Truth) -> Iterator[tuple[str, list[TrueLine]]]:
    """Yield order and lines of what the store shows as returned, or else as refunded."""
    if "returns" in store:
        yield from ((one["order"], one["lines"]) for one in store["returns"])
    else:
        yield from ((one["order"], one["lines"]) for one in store["refunds"])


def _refunds(returned: set[str], facts: Truths, numbers: Mapping[str, str]) -> Iterator[Difference]:
    """Each order of which one unit came back is paid back once: no return here has two."""
    paid = Counter(
        numbers[refund["order"]]
        for refund in facts.store["refunds"]
        if refund.get("state") != "Failure"
    )
    for number in sorted(returned | paid.keys()):
        wanted = int(number in returned)
        if paid[number] != wanted:
            yield Difference(
                DUPLICATED if paid[number] > wanted else LOST,
                f"refund of order {number}",
                f"{paid[number]} refunds, where {wanted} unit came back",
            )


def _prices(facts: Truths) -> Iterator[Difference]:
    wanted = _prices_of(facts.oms.get("prices", ()), facts.priced)
    shown = _prices_of(facts.store.get("prices", ()), facts.priced)
    for sku in sorted(wanted):
        if wanted[sku] != shown.get(sku):
            text = f"{wanted[sku]} at the OMS, {shown.get(sku, 'none')} in the store"
            yield Difference(WRONG, f"price of {sku}", text)


def _prices_of(rows: Iterable[TruePrice], skus: set[str]) -> dict[str, Decimal]:
    return {
        row["sku"]: price
        for row in rows
        if row["sku"] in skus and not row["price_list"] and (price := Decimal(row["regular"]))
    }


def line_of(line: TrueLine) -> str:
    """Return an order line's id: one that goes to several addresses is several at the OMS."""
    return line.get("line", "").partition(PART)[0]
