"""Tests of paused streams: ``lockstep pause``, ``resume``, and connections never started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import psycopg
import pytest

from assets.streams.orders.stream import Orders
from orchestration.settings import load
from orchestration.streams_job import StreamsAction, streams_job
from resources.ledger.monitoring import activation
from resources.lockstep import Lockstep
from tests.orchestration.shop import Shop

pytestmark = [pytest.mark.slow(seconds=60), pytest.mark.usefixtures("direct_runs")]


def effects(shop: Shop) -> dict[str, Any]:
    """Return all counts of effects at both systems."""
    found: dict[str, Any] = {}
    for system in ("bigcommerce", "manhattan"):
        answer = httpx.get(f"{shop.url}/_sandbox/{system}/{shop.store}/counts", timeout=30)
        counts = answer.raise_for_status().json()
        names = ("inventory_writes", "shipments", "status_changes", "creates", "saves", "cancels")
        found |= {f"{system} {name}": counts[name] for name in names if name in counts}
    return found


def states(shop: Shop) -> dict[str, str]:
    """Return stream -> state."""
    return {row["stream"]: row["state"] for row in shop.json("status")}


def test_a_connection_that_was_never_started_writes_nothing(shop: Shop):
    """Whatever is run: reruns with and without force, of orders, stock and shipments."""
    shop.forget_start()
    shop.place(1001)
    before = effects(shop)
    first, last = shop.yesterday.isoformat(), shop.today.isoformat()
    for force in ((), ("--force",)):
        printed = shop.done("replay", "demo", "--from", first, "--to", last, *force)
        assert "0 delivered" in printed
    assert effects(shop) == before
    assert shop.sql("SELECT count(*) FROM sync.delivery") == [(0,)]
    assert shop.sql("SELECT state FROM sync.record WHERE stream = 'orders'") == [("accepted",)]

    assert set(states(shop).values()) == {"paused"}
    printed = shop.done("status")
    assert "demo/orders is paused: it was never started" in printed
    assert "lockstep connect demo" in printed
    assert shop.run("status", "--fail").exit_code == 1
    (check,) = [c for c in shop.json("doctor", "--offline") if c["name"] == "demo: streams"]
    assert check["ok"]
    assert "demo/inventory is paused: it was never started" in check["detail"]


def test_connect_starts_a_connection_once_it_has_succeeded(shop: Shop, own_home: Path):
    """A failed check or run leaves it paused."""
    shop.forget_start()
    shop.place(1001)
    token = own_home / "secrets" / f"token-{shop.store}"
    right = token.read_text()
    token.write_text("wrong")
    assert shop.run("connect", "demo", "--yes").exit_code == 1
    assert set(states(shop).values()) == {"paused"}
    token.write_text(right)

    shop.connect()
    assert shop.at_oms() == {"1001"}
    assert set(states(shop).values()) == {"ok"}
    assert set(shop.sql("SELECT active, why FROM sync.activation")) == {(True, "lockstep connect")}


def test_a_pause_while_a_connection_is_started_counts(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    """An operator sees that something is wrong while the past is synced, and stops it."""
    shop.forget_start()
    shop.place(1001)
    fetch = Orders.fetch

    def paused(*given: Any) -> Any:
        with psycopg.connect(shop.database, autocommit=True) as db:
            activation.pause(db, "demo", ["orders"], "ann", "wrong OMS")
        return fetch(*given)

    with monkeypatch.context() as patched:
        patched.setattr(Orders, "fetch", paused)
        printed = shop.connect()
    assert "demo/orders is paused by ann" in printed
    assert shop.at_oms() == set()
    assert states(shop) == {"orders": "paused", "inventory": "ok", "shipments": "ok"}
    shop.done("resume", "demo")
    day = shop.yesterday.isoformat()
    shop.done("replay", "demo", "--from", day, "--to", day)
    assert shop.at_oms() == {"1001"}


def test_a_run_that_fails_leaves_the_connection_paused(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    """The second stream's run fails after the first was delivered."""
    shop.forget_start()
    shop.place(1001)

    def fail(*_: object) -> None:
        raise dg.Failure("the OMS is down", allow_retries=False)

    with monkeypatch.context() as patched:
        patched.setattr("assets.streams.shipments.stream.Shipments.fetch", fail)
        assert shop.run("connect", "demo", "--days", "2", "--yes").exit_code == 1
    assert set(states(shop).values()) == {"paused"}
    shop.connect()
    assert set(states(shop).values()) == {"ok"}


def test_a_dry_run_shows_what_would_be_sent_and_changes_nothing(shop: Shop):
    """Payloads as the OMS would get them, without a person's data; stock beside what is shown."""
    shop.forget_start()
    shop.place(1001)
    shop.place_by_boat(1002)
    shop.place(1003, status_id=2)
    before = effects(shop)

    printed = shop.done("connect", "demo", "--days", "2", "--dry-run")

    assert "demo/orders: of 3 records 1 rejected, 1 send, 1 skipped" in printed
    assert "send 1001: create order 1001" in printed
    assert '"OrderId": "1001"' in printed
    assert '"ItemId": "MUG"' in printed
    assert "rejected: 1 x shipping_method_unknown" in printed
    assert "skipped 1003: status_not_exported" in printed
    assert "it would show 1000" in printed
    assert "demo/shipments: no records" in printed
    assert "[masked]" in printed
    for personal in ("Ada", "Lovelace", "ada@", "12 Main", "78701"):
        assert personal not in printed
    assert effects(shop) == before
    rows = """SELECT (SELECT count(*) FROM sync.capture), (SELECT count(*) FROM sync.record),
                     (SELECT count(*) FROM sync.delivery), (SELECT count(*) FROM sync.rejection)"""
    assert shop.sql(rows) == [(0, 0, 0, 0)]
    assert set(states(shop).values()) == {"paused"}


def test_a_dry_run_shows_the_shipments_of_orders_that_are_under_way(shop: Shop):
    """By the store's present lines: the parcel's units and number, and the order's status."""
    shop.place(1001)
    shop.connect()
    httpx.post(
        f"{shop.url}/_sandbox/manhattan/{shop.store}/orders/1001/ship",
        json={"tracking": "1Z999AA10123456784"},
        timeout=30,
    ).raise_for_status()
    before = effects(shop)
    printed = shop.done("connect", "demo", "--days", "2", "--dry-run")
    assert "send 1001: order 1001: 1 shipments, status 2 (shipped)" in printed
    assert "1Z999AA10123456784" in printed
    assert effects(shop) == before


def test_a_paused_stream_waits_while_the_others_go_on(shop: Shop):
    """Only the paused stream; resumed, it delivers what came in the meantime, once."""
    shop.connect()
    assert shop.done("pause", "demo", "--streams", "orders", "--reason", "audit").splitlines() == [
        "demo/orders is paused"
    ]
    assert "already paused" in shop.done("pause", "demo", "--streams", "orders")
    assert states(shop) == {"orders": "paused", "inventory": "ok", "shipments": "ok"}
    printed = shop.done("status")
    assert "demo/orders is paused by" in printed
    assert ": audit. Run 'lockstep resume demo --streams orders' to continue" in printed

    shop.place(1001)
    assert "0 delivered" in shop.replay_orders()
    assert "it is skipped" in shop.connect()
    assert shop.at_oms() == set()

    assert shop.done("resume", "demo").splitlines() == [
        "demo/orders is active again",
        "demo/inventory is already active",
        "demo/shipments is already active",
    ]
    assert "1 delivered" in shop.replay_orders()
    assert shop.at_oms() == {"1001"}


def test_connect_refuses_where_everything_is_paused(shop: Shop):
    """What an operator has paused is not started as a side effect."""
    shop.done("pause", "demo")
    result = shop.run("connect", "demo", "--yes")
    assert result.exit_code == 1
    assert "Every stream of demo is paused; resume one first" in result.output


def test_a_connection_that_was_paused_before_its_start_begins_when_it_is_resumed(shop: Shop):
    """Nothing of its past was read, which the command says; connect does that afterwards."""
    shop.forget_start()
    shop.place(1001)
    shop.done("pause", "demo")
    assert "every stream of demo is paused" in shop.run("connect", "demo", "--yes").stderr.lower()
    printed = shop.done("resume", "demo", "--streams", "orders")
    assert "demo/orders is active; it starts from today. 'lockstep connect demo'" in printed
    assert "demo/shipments is paused by" in shop.connect()
    assert shop.at_oms() == {"1001"}
    assert "demo/orders is already active" in shop.done("resume", "demo", "--streams", "orders")
    shop.done("pause", "demo")
    assert "demo/orders is active again" in shop.done("resume", "demo", "--streams", "orders")


def test_wrong_names_are_refused(shop: Shop):
    """Of a connection and of a stream."""
    assert "There is no connection 'other'" in shop.run("pause", "other").output
    assert "unknown stream 'stock'" in shop.run("resume", "demo", "--streams", "stock").output


def run_job(shop: Shop, **config: Any) -> dg.ExecuteInProcessResult:
    """Run the job ``streams``."""
    lockstep = Lockstep(load(), lambda: shop.database)
    try:
        return streams_job.execute_in_process(
            run_config={"ops": {"switch_streams": {"config": config}}},
            resources={"lockstep": lockstep},
            raise_on_error=False,
        )
    finally:
        lockstep.close()


def test_the_job_pauses_and_resumes_as_the_commands_do(shop: Shop):
    """For operators who use the UI; the name and the reason are recorded."""
    result = run_job(
        shop, action="pause", connection="demo", streams=["inventory"], who="ada", reason="count"
    )
    assert result.success
    assert shop.sql("SELECT stream, changed_by, why FROM sync.activation WHERE NOT active") == [
        ("inventory", "ada", "count")
    ]
    (output,) = [e for e in result.all_events if e.is_successful_output]
    metadata = output.step_output_data.metadata
    assert metadata["paused"].value == 1
    assert "demo/inventory is paused by ada" in str(metadata["summary"].value)

    assert run_job(shop, action="resume", connection="demo", who="ada").success
    assert shop.sql("SELECT count(*) FROM sync.activation WHERE NOT active") == [(0,)]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"connection": "other", "who": "ada"}, "no connection 'other'"),
        ({"connection": "demo", "who": "ada", "streams": ["stock"]}, "has no stream 'stock'"),
        ({"connection": "demo", "who": " "}, "who is empty"),
    ],
)
def test_the_job_refuses_what_it_does_not_know(shop: Shop, config: dict[str, Any], message: str):
    """Nothing is changed."""
    result = run_job(shop, action=StreamsAction.pause.value, **config)
    assert not result.success
    (failure,) = [e for e in result.all_events if e.is_step_failure]
    assert message in str(failure.event_specific_data)
    assert shop.sql("SELECT count(*) FROM sync.activation WHERE NOT active") == [(0,)]


def test_a_pause_is_part_of_the_status_as_json(shop: Shop):
    """Monitoring reads who paused what, and why."""
    shop.done("pause", "demo", "--streams", "inventory", "--reason", "stocktaking")
    rows = {row["stream"]: row for row in json.loads(shop.done("status", "--json"))}
    assert rows["inventory"]["paused_why"] == "stocktaking"
    assert rows["inventory"]["paused_at"]
    assert rows["orders"]["paused_at"] is None
