"""A reconciliation of two days, and the changes at both systems that it compares."""

from __future__ import annotations

from typing import Any

from assets.reconciliation.run import Report, Request, reconcile
from domain.connections import INVENTORY, ORDERS, SHIPMENTS
from tests.assets.scene import NAME, Json, Scene


def look(scene: Scene, *, repair: bool = False) -> Report:
    """Reconcile yesterday's and today's orders and stock in one report."""
    assert scene.lockstep is not None
    sync = scene.lockstep.sync(NAME, "reconciliation")
    found = Report()
    for day in (scene.yesterday, scene.today):
        one = reconcile(
            sync, Request(day, (ORDERS, INVENTORY, SHIPMENTS), repair, confirm_seconds=0)
        )
        found.drifts += one.drifts
        found.closed += one.closed
        found.pending += one.pending
        found.reruns += one.reruns
    return found


def drifts_of(report: Report) -> list[tuple[Any, ...]]:
    """Return (class, entity, record, field, can be repaired) of each drift, once."""
    return sorted({(*drift.key, drift.can_repair) for drift in report.drifts})


def tamper(scene: Scene, number: int, change: Json, *, silent: bool = True) -> None:
    """Change an order at the OMS past its API."""
    scene.to_oms(f"orders/{number}/tamper", {"change": change, "silent": silent})


def synced(scene: Scene, *numbers: int) -> None:
    """Place orders and bring them over."""
    scene.place_many(numbers)
    scene.run("orders", first=scene.yesterday)


def shipped(scene: Scene, number: int) -> None:
    """Ship an order at the OMS, and bring that to the store."""
    scene.to_oms(f"orders/{number}/ship", {"tracking": f"TRACK{number}", "carrier": "UPS"})
    scene.run("shipments", first=scene.today)
