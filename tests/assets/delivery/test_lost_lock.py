"""A writer that loses its lock stops in every stream, and the next run sends nothing twice."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from assets.delivery.plan import Plan
from assets.delivery.sender import Sender
from domain.delivery import Claimed, Intent, Operation, Outcome, failed
from domain.errors import AccessRefused, LockstepError, WriterLost
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow(seconds=8)

ENDED = """SELECT count(pg_terminate_backend(pid)) FROM pg_locks
    WHERE locktype = 'advisory' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


@contextmanager
def losing_the_lock(scene: Scene, once: Callable[[], object]) -> Iterator[None]:
    """End the session that holds the writer's lock as soon as something is true."""
    ended: list[int] = []

    def end() -> None:
        while not once():
            time.sleep(0.02)
        ended.append(scene.sql(ENDED)[0][0])

    thread = threading.Thread(target=end)
    thread.start()
    yield
    thread.join()
    assert ended == [1]


def test_shipments_are_left_to_the_run_that_holds_the_lock(scene: Scene) -> None:
    """What was under way is looked for, and the rest created."""
    scene.configure(platform={"write_concurrency": 1})
    scene.place_many(range(1, 11))
    scene.run("orders", first=scene.yesterday)
    for number in range(1, 11):
        scene.to_oms(f"orders/{number}/ship", {})
    scene.run("shipments", first=scene.today, steps=("captured", "validated"))
    slow = {"kind": "delay", "delay_ms": 200, "method": "POST", "path": "/shipments$"}
    scene.fault("bigcommerce", slow)

    with losing_the_lock(scene, scene.store_shipments):
        run = scene.run("shipments", first=scene.today, steps=("delivered",), raise_on_error=False)

    assert not run.success
    assert 0 < len(scene.store_shipments()) < 6
    scene.fault("bigcommerce")
    for _ in range(2):
        scene.sql_write("UPDATE sync.delivery SET may_act_until = now()")
        scene.run("shipments", first=scene.today)
    assert len(scene.store_shipments()) == 10
    assert {order["status_id"] for order in scene.store_orders().values()} == {2}


def test_a_request_is_not_repeated_once_the_lock_is_lost(scene: Scene) -> None:
    """Another run may hold it by then, and have sent a newer version of the order."""
    scene.place_many([1])
    scene.run("orders", first=scene.yesterday, steps=("captured", "validated"))
    hits = f"{scene.url}/_sandbox/manhattan/{scene.store}/faults/hits"
    busy = {"kind": "status", "status": 503, "times": 1, "headers": {"Retry-After": "1"}}
    scene.fault("manhattan", busy | {"method": "POST", "path": "/order/save$"})

    with losing_the_lock(scene, lambda: scene.http.get(hits).content):
        run = scene.run("orders", first=scene.yesterday, steps=("delivered",), raise_on_error=False)

    assert "the writer's lock" in str(run.failures)
    assert scene.oms_orders() == {}
    scene.sql_write("UPDATE sync.delivery SET may_act_until = now()")
    scene.run("orders", first=scene.yesterday)
    assert set(scene.oms_orders()) == {"1"}


def test_levels_are_left_to_the_run_that_holds_the_lock(scene: Scene) -> None:
    """The items of which tracking is to be stopped are single calls before the batch."""
    scene.configure(inventory={"infinite": "stop_tracking"}, platform={"write_concurrency": 1})
    scene.run("inventory", first=scene.today)
    levels = [("MUG", True), ("LAMP", True), ("TENT", True), ("SHIRT-S", False)]
    scene.to_oms(
        "supply",
        [
            {"item": sku, "location": "DC1", "quantity": 3} | ({"infinite": True} if free else {})
            for sku, free in levels
        ],
    )
    scene.run("inventory", first=scene.today, steps=("captured", "validated"))
    scene.fault(
        "bigcommerce", {"kind": "delay", "delay_ms": 400, "path": "catalog/products|adjust"}
    )

    def has_claimed() -> bool:
        return bool(scene.sql("SELECT 1 FROM sync.delivery WHERE state = 'in_flight' LIMIT 1"))

    with losing_the_lock(scene, has_claimed):
        run = scene.run("inventory", first=scene.today, steps=("delivered",), raise_on_error=False)

    assert not run.success
    scene.fault("bigcommerce")
    scene.run("inventory", first=scene.today)
    assert scene.store_stock()["SHIRT-S"]["quantity"] == 3
    left = scene.sql("SELECT count(*) FROM sync.delivery WHERE state = 'in_flight'")
    assert left == [(0,)]


class _Session:
    """A session whose lock is lost once a test says so, and with it the connection."""

    def __init__(self) -> None:
        self.is_lost = False
        self.deliveries = SimpleNamespace(target_ids=lambda _keys, _actions: set[str]())

    @property
    def db(self) -> Any:
        """Return the connection."""
        return SimpleNamespace(closed=self.is_lost)

    def check_writer(self) -> None:
        """Raise where the lock was lost."""
        if self.is_lost:
            raise WriterLost("the writer's lock was lost")


@pytest.mark.parametrize("refused_at", [0, 2, 4])
@pytest.mark.parametrize("is_seen", [True, False])
def test_the_lost_lock_is_the_reason_whatever_else_fails(refused_at: int, is_seen: bool) -> None:
    """Of calls under way one loses the lock and one is refused, in either order.

    ``is_seen``: before the outcomes are settled; otherwise their transaction fails.
    """
    session = _Session()

    class Writer:
        calls = 0

        async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
            """Refuse the credentials for one record, and lose the lock with another."""
            here, Writer.calls = Writer.calls, Writer.calls + 1
            await asyncio.sleep(0.01 * here)
            if here == refused_at:
                return [failed(AccessRefused("401")) for _ in claimed]
            if here == 3 and is_seen:
                session.is_lost = True
                return [failed(WriterLost("the writer's lock was lost")) for _ in claimed]
            return [Outcome("done") for _ in claimed]

    def settle(*_: object) -> None:
        assert not session.is_lost, "settled without the lock"
        if not is_seen:
            session.is_lost = True
            raise psycopg.OperationalError("the connection is closed")

    settlement: Any = SimpleNamespace(settle=settle, tries_of=lambda _: 0, attempts_of=lambda _: 1)
    planner: Any = SimpleNamespace(
        session=session,
        target=SimpleNamespace(operations={"set": Operation(concurrency=5)}),
        settled=lambda *_: None,
    )
    due: Any = SimpleNamespace(accepted=SimpleNamespace(correlation_id=""), unsettled=())
    plans = [Plan(due, [Intent("set", uuid4(), f"r{n}", None)]) for n in range(5)]
    sender = Sender(planner, settlement)
    with pytest.raises(LockstepError, match="the writer's lock"):
        asyncio.run(sender.send(plans, Writer()))  # type: ignore[arg-type]
