"""The checks of a chain count what is open in all of its partitions, whichever ran last."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest

from assets.chain.run_config import rerun_config
from tests.assets.documents import order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow


def results(ended: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """Return the checks' results of a run by name."""
    return {e.check_name: e for e in ended.get_asset_check_evaluations()}


def test_a_run_over_a_clean_day_does_not_hide_the_rejections_of_others(scene: Scene) -> None:
    """The live run of today would be green a second after yesterday's rejection was found."""
    days = [scene.yesterday - timedelta(days=2), scene.yesterday]
    bad = [("NO-SUCH-SKU", 1)]
    scene.place(*(order(n, scene.moment(day), bad) for n, day in enumerate(days, 1)))
    scene.run_in_dagster("orders", first=days[0])

    result = results(scene.run_in_dagster("orders", first=scene.today))["no_open_rejections"]

    assert not result.passed
    assert (result.metadata["open"].value, result.metadata["partitions"].value) == (2, 2)
    assert str(days[0]) in str(result.description)


def test_the_check_passes_once_the_last_rejection_is_closed(scene: Scene) -> None:
    """Also in a run over another partition."""
    scene.place(order(1, scene.moment(), [("NO-SUCH-SKU", 1)]))
    scene.run_in_dagster("orders", first=scene.yesterday)
    scene.sql("UPDATE sync.rejection SET state = 'discarded' RETURNING 1")

    assert results(scene.run_in_dagster("orders", first=scene.today))["no_open_rejections"].passed


def test_a_run_over_a_clean_day_does_not_hide_what_is_due_in_others(scene: Scene) -> None:
    """Orders of yesterday that were validated, and never sent."""
    scene.place_many([1, 2])
    scene.run_in_dagster("orders", first=scene.yesterday, steps=("captured", "validated"))

    result = results(scene.run_in_dagster("orders", first=scene.today))["nothing_left_to_deliver"]

    assert not result.passed
    assert (result.metadata["pending"].value, result.metadata["partitions"].value) == (2, 1)


def test_a_run_of_single_records_goes_on_while_others_wait(scene: Scene) -> None:
    """Those that a command has left behind, which was cut off, are the next run's."""
    scene.place(order(1, scene.moment()), order(2, scene.moment()))
    scene.run_in_dagster("orders", first=scene.yesterday, steps=["captured"])
    config = rerun_config(NAME, "orders", only_records=["1"])

    ended = scene.run_in_dagster(
        "orders", first=scene.yesterday, steps=["validated", "delivered"], config=config
    )

    assert results(ended)["every_capture_has_an_outcome"].passed
    assert scene.sql("SELECT source_id FROM sync.delivery WHERE state = 'delivered'") == [("1",)]
