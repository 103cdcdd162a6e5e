"""A manual materialization of a paused stream writes nothing, and says so."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
import psycopg
import pytest

from assets.chain.checks import ALL_DELIVERED
from assets.delivery import partition
from assets.delivery.engine import Engine
from assets.delivery.request import DeliveryCounts
from resources.ledger.monitoring import activation
from resources.ledger.rows import AcceptedRecord
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow


def pause(scene: Scene, *streams: str) -> None:
    """Pause streams as an operator does."""
    with psycopg.connect(scene.database, autocommit=True) as db:
        activation.pause(db, NAME, streams, "ann", "audit")


@pytest.mark.parametrize("stream", ["orders", "inventory", "shipments"])
def test_the_step_says_that_the_stream_is_paused(scene: Scene, stream: str) -> None:
    """In metadata, log and check; also with force, and also if nothing is due."""
    scene.place_many([1])
    pause(scene, stream)
    before = scene.effects()
    delivered = f"{NAME}__{stream}_delivered"
    result = scene.run_in_dagster(
        stream, first=scene.yesterday, config={delivered: {"config": {"force": True}}}
    )

    assert scene.effects() == before
    [event] = result.asset_materializations_for_node(delivered)
    assert "is paused by ann" in str(event.metadata["paused"].value)
    assert "nothing more is sent" in str(event.metadata["summary"].value)
    [check] = [c for c in result.get_asset_check_evaluations() if c.check_name == ALL_DELIVERED]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert f"nothing is sent: {NAME}/{stream} is paused by ann" in str(check.description)
    assert scene.sql("SELECT count(*) FROM sync.delivery") == [(0,)]


def test_records_of_a_paused_stream_stay_due(scene: Scene) -> None:
    """They are validated, so that an operator can look at them; resumed, they are sent once."""
    scene.place_many([1, 2])
    pause(scene, "orders")
    scene.run("orders", first=scene.yesterday)
    assert scene.outcomes("orders") == {"1": ("accepted", None), "2": ("accepted", None)}
    scene.configure()
    with psycopg.connect(scene.database, autocommit=True) as db:
        activation.resume(db, NAME, ["orders"], "ann")
    scene.run("orders", first=scene.yesterday)
    assert {n: held["creates"] for n, held in scene.oms_orders().items()} == {"1": 1, "2": 1}


def test_a_pause_takes_effect_between_two_chunks_of_a_run(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run over a large partition does not go on for minutes after an operator paused it."""
    monkeypatch.setattr(partition, "CHUNK", 2)
    scene.place_many(range(1, 7))
    run = Engine.run

    def run_and_pause(self: Engine, chunk: Sequence[AcceptedRecord]) -> DeliveryCounts:
        counts = run(self, chunk)
        pause(scene, "orders")
        return counts

    monkeypatch.setattr(Engine, "run", run_and_pause)
    result = scene.run_in_dagster("orders", first=scene.yesterday)
    assert len(scene.oms_orders()) == 2
    [event] = result.asset_materializations_for_node(f"{NAME}__orders_delivered")
    assert event.metadata["delivered"].value == 2
    assert event.metadata["total: pending"].value == 4
