"""A retry whose process died leaves nothing behind that keeps automatic retries away."""

from __future__ import annotations

import pytest

from resources.ledger.rejections import operator_actions
from resources.ledger.rejections.recovery import retry_unreached
from resources.ledger.rejections.work_queue import RejectionFilter
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow


def retried(scene: Scene) -> int:
    """Look for what may be retried; return how many retries were queued."""
    assert scene.lockstep is not None
    with scene.lockstep.ledger.session(NAME, "orders") as session:
        return len(retry_unreached(session))


def test_a_retry_whose_terminal_was_lost_is_taken_up(scene: Scene) -> None:
    """The order has had no answer for a day, and an operator's command was killed over it."""
    scene.place_many([1])
    scene.configure(orders={"shipping_methods": {"Air": "Air"}})
    scene.run("orders", first=scene.yesterday)
    scene.sql_write(
        "UPDATE sync.rejection SET stage = 'delivered', class = 'connection', "
        "seen_at = now() - interval '2 days'"
    )
    db = scene._db()
    found = operator_actions.chosen(db, RejectionFilter())
    operator_actions.begin_retry(db, found, "ann", "as_captured")
    assert retried(scene) == 0, "the command may still be running"
    scene.sql_write("UPDATE sync.rejection_action SET at = at - interval '2 hours'")
    assert retried(scene) == 1
    assert retried(scene) == 0, "a queued one is not taken for abandoned"
    scene.sql_write("UPDATE sync.rejection_action SET at = at - interval '2 hours'")
    assert (retried(scene), scene.sql("SELECT state FROM sync.rejection")) == (0, [("retried",)])
