"""The ledger: nothing is left open, and rejections are open for a reason that still stands."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.promises.end import End

STANDING = frozenset({"connection", "rate_limit"})


def check(end: End) -> Iterator[str]:
    """Return what is still open in the ledger."""
    for stream, source_id, action, state, is_uncertain in end.unsettled:
        held = end.oms.get(int(source_id)) if source_id.isdigit() else None
        if state == "requested" and held and held["late_cancel"] == "Requested":
            continue
        is_left = (stream, source_id) in {*end.open, *end.life.facts.discarded}
        if state in ("dead", "failed") and is_left:
            continue  # what a retry, or a version before a rejected one, has left: read at the next
        yield (
            f"delivery_open: {stream} {source_id} {action} is {state}"
            f"{', uncertain' if is_uncertain else ''}"
        )
    failing = end.life.world.database.rows(
        "SELECT stream, delivery_error FROM sync.watermark WHERE failing_since IS NOT NULL"
    )
    for stream, error in failing:
        yield f"failing_shown: {stream} is shown as failing when all works: {error}"
