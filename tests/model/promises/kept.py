"""All promises at once."""

from __future__ import annotations

from tests.model.life import Life
from tests.model.promises import ledger, orders, shipments, stock
from tests.model.promises.end import end_of


def broken(life: Life) -> list[str]:
    """Return a line for each promise that the program's end breaks."""
    end = end_of(life)
    return [problem for part in (orders, shipments, stock, ledger) for problem in part.check(end)]
