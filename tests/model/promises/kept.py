"""All promises at once."""

from __future__ import annotations

from tests.model.life import Life
from tests.model.promises import actions, ledger, neutral, orders, returns, shipments, stock
from tests.model.promises.end import end_of
from tests.model.systems import PAIR


def broken(life: Life) -> list[str]:
    """Return a line for each promise that the program's end breaks."""
    seen = [*life.facts.broken, *neutral.canceled_again(life)]
    if life.world.pair != PAIR:
        return [*seen, *neutral.check(life), *actions.check(life), *returns.check(life)]
    end = end_of(life)
    parts = (orders, shipments, stock, ledger)
    problems = [problem for part in parts for problem in part.check(end)]
    return [*seen, *problems, *actions.check(life), *returns.check(life)]
