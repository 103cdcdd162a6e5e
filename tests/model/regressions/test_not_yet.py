"""The shortest programs of faults that are known and not fixed yet; each fails strictly."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.model.chunks import FAILING
from tests.model.life import Life
from tests.model.operations.registry import op
from tests.model.program import run
from tests.model.promises.kept import NOT_YET
from tests.model.runs import Runs


@pytest.mark.xfail(strict=True, reason=NOT_YET["level_by_hand"])
def test_a_level_set_by_hand_is_corrected(world):
    """The catalog is read at each tick, and orders are swept, so that the change is to be seen."""
    script = [
        op("place", lines=[("MUG", 1)], number=1001),
        op("sync"),
        op("set_level", quantity=0, sku="MUG"),
        op("wait", minutes=10),
        op("sync"),
        op("sweep"),
        op("wait", minutes=10),
        op("sync"),
    ]
    assert not run(world, script).problems


ANSWERING = [
    [
        op("place", lines=[("MUG", 4)], number=1001),
        op("rerun", back=0, force=False, stream="orders"),
        op("ship", number=1001),
        op("cancel", number=1001),
        op("outage", hours=2, system="manhattan"),
    ],
]


@pytest.mark.xfail(strict=True, reason=NOT_YET["failing_shown"])
@pytest.mark.parametrize("script", ANSWERING)
def test_a_stream_is_not_failing_when_its_target_answers_and_nothing_is_due(world, script):
    """What met the outage is refused or not sent any more afterwards, so nothing gets through."""
    assert not run(world, script).problems


@pytest.mark.xfail(strict=True, reason=NOT_YET["line_kept_after_restore"])
def test_a_line_removed_after_a_restore_leaves_the_oms(world):
    """The restored ledger does not know the line, and the look-up does not ask for others."""
    script = [
        op("place", lines=[("SHIRT-S", 2), ("SHIRT-M", 4)], number=1001),
        op("back_up"),
        op("sync"),
        op("restore"),
        op("remove_line", number=1001, place=0),
        op("sync"),
    ]
    assert not run(world, script).problems


@pytest.mark.xfail(strict=True, reason=NOT_YET["version_by_time"])
def test_a_change_after_the_clock_was_set_back_is_not_lost(world):
    """The store's clock was ahead, and is right from now on."""
    world.begin()
    life = Life(world, Runs(world))
    op("place", lines=[("MUG", 3)], number=1001).run(life)
    op("sync").run(life)
    world.skew["bigcommerce"] = timedelta(seconds=-100)
    op("wait", minutes=0).run(life)
    op("cancel", number=1001).run(life)
    op("wait", minutes=3).run(life)
    op("sweep").run(life)
    op("sync").run(life)
    assert world.ask_oms("effects/orders")[0]["cancelled"]


@pytest.mark.xfail(strict=True, reason=FAILING[104])
def test_a_line_added_to_a_canceled_order_is_taken_off_the_stock_once(world):
    """The OMS takes the line, and the store's level is lowered for it a second time."""
    script = [
        op("place", lines=[("SHIRT-S", 4)], number=1001),
        op("sync"),
        op("change_units", number=1001, place=0, units=1),
        op("add_line", number=1001, sku="LAMP", units=1),
        op("cancel_at_oms", number=1001),
    ]
    assert not run(world, script).problems
