"""``lockstep action``, and the job ``agent_action`` of the UI."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration.action_job import AgentAction, AgentActionConfig, action_job
from orchestration.settings import load
from resources.lockstep import Lockstep
from tests.orchestration.shop import Shop

pytestmark = [pytest.mark.slow(seconds=30), pytest.mark.usefixtures("direct_runs")]


@pytest.fixture
def open_shop(shop: Shop) -> Shop:
    """Order 1001 is at the OMS, of a connection that takes requests."""
    shop.change(
        streams=["orders", "shipments", "actions"],
        actions={"permissions": {"operator": ["cancel_line", "hold", "release"]}},
    )
    shop.place(1001)
    shop.done("sync-orders", "demo", "1001")
    return shop


def test_a_request_is_carried_out_and_its_outcome_printed(open_shop: Shop) -> None:
    """Once by its id; what is not allowed ends with 1 and the reason; the history has all of it."""
    printed = open_shop.done("action", "hold", "demo", "1001", "--id", "H1", "--by", "agent-7")
    assert printed.strip() == "H1: done"
    saves = open_shop.saves()
    assert open_shop.done("action", "hold", "demo", "1001", "--id", "H1").strip() == "H1: done"
    assert open_shop.saves() == saves
    refused = open_shop.run("action", "cancel", "demo", "1001", "--id", "C1")
    assert refused.exit_code == 1
    assert "C1: refused: action_not_permitted: " in refused.output
    assert open_shop.run("action", "hold", "demo", "1001", "--line", "1").exit_code == 2
    assert open_shop.run("action", "reroute", "demo", "1001").exit_code == 1

    listed = open_shop.json("action", "list", "demo", "--order", "1001")
    assert [(row["action_id"], row["state"]) for row in listed] == [
        ("C1", "refused"),
        ("H1", "done"),
    ]
    assert "H1" in open_shop.done("action", "list", "demo")
    trace = open_shop.done("trace", "1001")
    assert "action hold done" in trace
    assert "action cancel refused" in trace
    assert "action_not_permitted" in trace
    assert "action" in open_shop.done("trace", "H1")


def test_a_connection_without_the_stream_takes_no_requests(shop: Shop) -> None:
    """It is said before anything is captured; neither does a paused stream."""
    assert shop.run("action", "hold", "demo", "1001").exit_code == 2
    shop.change(streams=["orders", "shipments", "actions"])
    shop.done("pause", "demo", "--streams", "actions", "--reason", "test")
    result = shop.run("action", "hold", "demo", "1001")
    assert (result.exit_code, "Resume it" in result.output) == (1, True)
    assert shop.sql("SELECT count(*) FROM sync.capture WHERE stream = 'actions'") == [(0,)]


def test_the_job_of_the_ui_asks_for_the_same(open_shop: Shop) -> None:
    """It captures the request and queues what carries it out."""
    lockstep = Lockstep(load())
    config = AgentActionConfig(
        connection="demo", action=AgentAction.hold, order="1001", who="agent-7", action_id="J1"
    )
    ended = action_job.execute_in_process(
        run_config=dg.RunConfig({"request_action": config}), resources={"lockstep": lockstep}
    )
    lockstep.close()
    assert ended.success
    assert open_shop.sql("SELECT stream, source_ids FROM sync.rerun") == [("actions", ["J1"])]
