"""All promises at once."""

from __future__ import annotations

from tests.model.life import Life
from tests.model.promises import ledger, orders, shipments, stock
from tests.model.promises.end import end_of

NOT_YET: dict[str, str] = {
    "level_by_hand": "a level that was set in the store by hand is not corrected in these programs",
    "failing_shown": "a stream is shown as failing until a record gets through, though none is due",
    "line_kept_after_restore": "after a restore, a line removed since the backup stays at the OMS",
    "version_by_time": "a version that is dated before the one known counts as older, even if it "
    "was read later: a source whose clock was set back loses changes",
}
"""Promises that the product is known not to keep yet, each with its strict test in regressions/."""


def broken(life: Life) -> list[str]:
    """Return a line for each promise that the program's end breaks."""
    end = end_of(life)
    found = [problem for part in (orders, shipments, stock, ledger) for problem in part.check(end)]
    return [problem for problem in found if problem.partition(":")[0] not in life.not_yet]
