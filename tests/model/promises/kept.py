"""All promises at once."""

from __future__ import annotations

from tests.model.life import Life
from tests.model.promises import (
    actions,
    channels,
    customers,
    items,
    ledger,
    neutral,
    orders,
    prices,
    products,
    returns,
    shipments,
    stock,
)
from tests.model.promises.end import end_of
from tests.model.systems import PAIR

BESIDE = (channels, actions, returns, customers, prices, products, items)
"""The promises that are the same between any two systems."""


def broken(life: Life) -> list[str]:
    """Return a line for each promise that the program's end breaks."""
    beside = [*life.facts.broken, *neutral.canceled_again(life)]
    beside += [problem for part in BESIDE for problem in part.check(life)]
    if life.world.pair != PAIR:
        return [*beside, *neutral.check(life)]
    end = end_of(life)
    parts = (orders, shipments, stock, ledger)
    return [*beside, *(problem for part in parts for problem in part.check(end))]
