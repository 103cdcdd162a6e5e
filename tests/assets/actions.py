"""Agents' requests in a scene: made, carried out, and their outcomes."""

from __future__ import annotations

from typing import Any

from assets.streams.actions.requests import capture_request
from domain.connections import ACTIONS
from tests.assets.scene import NAME, Scene

STREAMS = ("orders", "shipments", "actions")
Json = dict[str, Any]


def with_actions(scene: Scene, **sections: Any) -> None:
    """Let the connection take requests, of the sandbox's hold type unless sections say another."""
    policy = {"hold": "Customer Service"} | sections.pop("actions", {})
    scene.configure(streams=list(STREAMS), actions=policy, **sections)


def ask(scene: Scene, kind: str, order: int | str, **fields: Any) -> str:
    """Capture a request as the command line does; return its id."""
    assert scene.lockstep is not None
    sync = scene.lockstep.sync(NAME, "test")
    given = {"kind": kind, "order": str(order), "requested_by": "agent-7", **fields}
    return capture_request(sync, given)[0]


def carry_out(scene: Scene, **more: Any) -> Any:
    """Validate and deliver the requests that wait."""
    return scene.run(ACTIONS, first=None, steps=("validated", "delivered"), **more)


def act(scene: Scene, kind: str, order: int | str, **fields: Any) -> tuple[str, str]:
    """Make a request, carry it out, and return state and code of its outcome."""
    action_id = ask(scene, kind, order, **fields)
    carry_out(scene)
    return outcome(scene, action_id)


def outcome(scene: Scene, action_id: str) -> tuple[str, str]:
    """Return state and code of the outcome of a request."""
    rows = scene.sql("SELECT state, code FROM sync.action_outcome WHERE action_id = %s", action_id)
    return rows[0] if rows else ("none", "")


def saves(scene: Scene) -> tuple[int, int]:
    """Return how often the tenant has saved and canceled orders."""
    counts = scene.oms_counts()
    return counts["saves"], counts["cancels"]
