"""Returns: what the OMS has confirmed is paid back once, and nothing else (docs/returns.md)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from tests.assets import documents
from tests.model.life import Json, Life
from tests.model.promises.both import both
from tests.model.world import number_of

BY_HAND = frozenset({"refund_units", "refund_all"})


def check(life: Life) -> Iterator[str]:
    """Return each order of which more or less was paid back than has come back."""
    if not life.facts.returned:
        return
    yield from _shown(life)
    found = both(life)
    at_oms, at_store = life.world.ask_oms("truth"), life.world.ask_store("truth")
    ids = {order["id"]: number for number, order in found.store.items()}
    paid: Counter[str] = Counter()
    for refund in at_store["refunds"]:
        if refund.get("state") != "Failure":
            paid[ids[refund["order"]]] += int(Decimal(refund["amount"]) * 100)
    for number in sorted(map(str, life.facts.returned)):
        if life.happened[int(number)] & BY_HAND or number not in found.store:
            continue
        names = [row["id"] for row in at_oms["returns"] if number_of(row["order"]) == number]
        most = _worth(life, at_oms["returns"], number)
        if paid[number] > most:
            yield f"refund_doubled: {number}: {paid[number]} cents paid back, {most} confirmed"
        reasons = [code for name in names for code in found.open["returns", name]]
        is_settled = reasons or any(("returns", name) in life.facts.discarded for name in names)
        has_failed = any(refund.get("state") == "Failure" for refund in at_store["refunds"])
        if paid[number] < most and not is_settled and not has_failed:
            yield f"refund_lost: {number}: {paid[number]} cents paid back, {most} confirmed"


def _shown(life: Life) -> Iterator[str]:
    """Return each line of which the store shows more units as returned than have come back."""
    came: defaultdict[str, float] = defaultdict(float)
    shown: Counter[str] = Counter()
    store = life.world.ask_store("truth")
    numbers = {order["id"]: order["number"] for order in store["orders"]}
    for row in life.world.ask_oms("truth")["returns"]:
        number = number_of(row["order"])
        for line in row["lines"]:
            factor = life.world.factor(line["sku"], int(number))
            came[f"{number} {line['sku']}"] += int(line["quantity"]) / factor
    for row in store.get("returns", ()):
        number = numbers[row["order"]]
        for line in row["lines"]:
            sku = life.as_sent(int(number), line["sku"])
            shown[f"{number} {sku}"] += int(line["quantity"])
    for name in sorted(shown):
        if shown[name] > came[name]:
            yield f"return_shown_twice: {name}: {shown[name]} units shown, {came[name]} came back"


def _worth(life: Life, returns: list[Json], number: str) -> int:
    """Return the cents of the units of an order that are confirmed, each line in whole units."""
    units: Counter[tuple[str, str]] = Counter()
    for row in returns:
        for line in row["confirmed"] if number_of(row["order"]) == number else ():
            units[line["line"], line["sku"]] += int(line["quantity"])
    factor = partial(life.world.factor, number=int(number))
    whole = sum(count // factor(sku) for (_, sku), count in units.items())
    return whole * int(documents.PRICE * 100)
