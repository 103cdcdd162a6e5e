"""An outage wears nothing out, one record holds up no other, and a lost lock stops the sending."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from domain.identity import correlation_id
from resources.oms.manhattan.orders.writer import ManhattanWriter
from tests.assets import documents
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
SAVE = "order/save$"


def test_an_outage_uses_up_no_attempt(scene: Scene) -> None:
    """Ten runs meet a target that is down; all orders go out when it is back."""
    scene.configure(max_attempts=2)
    placed = scene.place_many(range(1, 9))
    scene.fault("manhattan", {"kind": "status", "status": 503, "path": SAVE})
    for _ in range(4):
        ended = scene.run("orders", first=scene.yesterday, raise_on_error=False)
        assert not ended.success
    assert scene.open_rejections("orders") == {}
    scene.fault("manhattan")

    scene.run("orders", first=scene.yesterday)

    assert len(scene.oms_orders()) == len(placed)


def test_one_record_that_always_fails_costs_its_partition_nothing(scene: Scene) -> None:
    """The others go out, the run is green, and after its attempts it is a rejection."""
    scene.configure(max_attempts=3)
    scene.place_many(range(1, 5))
    correlation = correlation_id(NAME, "order", "1")
    rule = {"kind": "status", "status": 500, "path": SAVE, "correlation": correlation}
    scene.fault("manhattan", rule)

    assert scene.run("orders", first=scene.yesterday).success
    assert set(scene.oms_orders()) == {"2", "3", "4"}
    for number in (5, 6):
        scene.place_many([number])
        assert scene.run("orders", first=scene.yesterday).success

    assert scene.open_rejections("orders") == {"1": "delivery_failed"}
    scene.fault("manhattan")
    scene.run("orders", first=scene.yesterday)
    assert scene.open_rejections("orders") == {}
    assert scene.oms_orders()["1"]["creates"] == 1


def test_records_that_fail_do_not_starve_those_behind_them(scene: Scene) -> None:
    """Five failing records stop a chunk as if the target were down; the next run starts behind.

    The failing ones are the first that are sent.
    """
    scene.configure(oms={"push_concurrency": 1})
    scene.place_many(range(1, 13))
    scene.run("orders", first=scene.yesterday, steps=("captured", "validated"))
    in_order = [n for (n,) in scene.sql("SELECT source_id FROM sync.record ORDER BY capture_id")]
    ids = [correlation_id(NAME, "order", number) for number in in_order[:7]]
    rule = {"kind": "status", "status": 500, "path": SAVE, "correlation": "|".join(ids)}
    scene.fault("manhattan", rule)

    for _ in range(4):
        scene.run("orders", first=scene.yesterday, raise_on_error=False)

    assert set(in_order[7:]) <= set(scene.oms_orders())


def test_an_unforeseen_error_costs_its_own_record_only(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the log; the record stays due, as if its answer had been lost."""
    scene.place_many(range(1, 4))
    save = ManhattanWriter.save_order

    async def failing(self: ManhattanWriter, payload: Any, correlation: str, **more: Any) -> Any:
        if payload["OrderId"] == "1":
            raise KeyError("Shipper")
        return await save(self, payload, correlation, **more)

    monkeypatch.setattr(ManhattanWriter, "save_order", failing)
    scene.run("orders", first=scene.yesterday)
    assert set(scene.oms_orders()) == {"2", "3"}
    assert scene.outcomes("orders")["1"] == ("accepted", None)
    monkeypatch.setattr(ManhattanWriter, "save_order", save)

    scene.run("orders", first=scene.yesterday)

    assert set(scene.oms_orders()) == {"1", "2", "3"}


def test_a_writer_that_loses_its_lock_stops(scene: Scene) -> None:
    """Another run may hold the lock by now: what was not sent is left to it."""
    scene.configure(oms={"push_concurrency": 1})
    scene.place_many(range(1, 21))
    scene.run("orders", first=scene.yesterday, steps=("captured", "validated"))
    scene.fault("manhattan", {"kind": "delay", "delay_ms": 300, "path": SAVE})
    ended: list[int] = []

    def end_the_backend() -> None:
        while not scene.oms_counts()["saves"]:
            time.sleep(0.02)
        ended.append(
            scene.sql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_locks "
                "WHERE locktype = 'advisory' AND granted AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            )[0][0]
        )

    thread = threading.Thread(target=end_the_backend)
    thread.start()
    run = scene.run("orders", first=scene.yesterday, steps=("delivered",), raise_on_error=False)
    thread.join()

    assert ended == [1]
    assert not run.success
    assert 0 < scene.oms_counts()["saves"] < 10
    scene.fault("manhattan")
    scene.run("orders", first=scene.yesterday)
    assert len(scene.oms_orders()) == 20
    assert {order["creates"] for order in scene.oms_orders().values()} == {1}


def test_an_order_stays_owed_when_its_status_moves_on_before_it_is_sent(scene: Scene) -> None:
    """The OMS is down while the staff goes on working in the store."""
    scene.place_many(range(1, 5))
    scene.fault("manhattan", {"kind": "status", "status": 503, "path": SAVE})
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    for number in range(1, 5):
        scene.to_store(f"orders/{number}/status", {"status_id": 2})
    scene.run("orders", raise_on_error=False)
    scene.fault("manhattan")

    scene.run("orders")

    assert set(scene.oms_orders()) == {"1", "2", "3", "4"}


def test_an_order_that_is_canceled_before_it_is_sent_is_owed_no_more(scene: Scene) -> None:
    """The store has withdrawn it."""
    scene.place_many([1, 2])
    scene.fault("manhattan", {"kind": "drop_before", "path": SAVE})
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    scene.to_store("orders/1/status", {"status_id": 5})
    scene.run("orders", raise_on_error=False)
    scene.fault("manhattan")

    scene.run("orders")

    assert set(scene.oms_orders()) == {"2"}


def test_a_change_that_is_refused_in_part_is_recorded_as_the_oms_holds_it(scene: Scene) -> None:
    """A line has left and keeps its units; the note arrives. The rest is a rejection."""
    order = documents.order(1, scene.moment(), [("MUG", 2), ("LAMP", 2)])
    scene.place(order)
    scene.run("orders")
    shipped = order["products"][0]["id"]
    scene.to_oms("orders/1/ship", {"lines": [{"line": str(shipped), "quantity": 2}]})
    change = {"products": [{"id": shipped, "quantity": 5}], "customer_message": "Ring twice"}
    scene.to_store("orders/1", change, "PATCH")

    scene.run("orders")

    assert scene.open_rejections("orders") == {"1": "line_not_eligible"}
    assert scene.outcomes("orders")["1"] == ("accepted", "rejected")
    held = scene.oms_order(1)
    assert [note["NoteText"] for note in held["OrderNote"]] == ["Ring twice"]
    assert [line["Quantity"] for line in held["OrderLine"]] == [2, 2]
    scene.to_store("orders/1", {"products": [{"id": shipped, "quantity": 2}]}, "PATCH")
    scene.run("orders")
    assert scene.open_rejections("orders") == {}
    assert [line["Quantity"] for line in scene.oms_order(1)["OrderLine"]] == [2, 2]


@pytest.mark.parametrize("released", [(101,), (102,), (101, 102)], ids=str)
def test_of_two_edited_lines_the_one_that_is_open_is_changed(
    scene: Scene, released: tuple[int, ...]
) -> None:
    """What the warehouse works on stays as it was, and that is no "delivered".

    A line without stock is not released with the others.
    """
    skus = {101: "MUG", 102: "LAMP"}
    gone = [{"item": skus[n], "location": documents.DEPOT, "quantity": 0} for n in skus]
    scene.to_oms("supply", [row for n, row in zip(skus, gone, strict=True) if n not in released])
    scene.place(documents.order(1, scene.moment(), [(sku, 2) for sku in skus.values()]))
    scene.run("orders")
    lines = [{"line": str(number), "quantity": 2} for number in released]
    scene.to_oms("orders/1/ship", {"lines": lines})
    edits = [{"id": number, "quantity": 5} for number in (101, 102)]
    scene.to_store("orders/1", {"products": edits}, "PATCH")

    scene.run("orders")

    held = {line["OrderLineId"]: line["Quantity"] for line in scene.oms_order(1)["OrderLine"]}
    assert held == {str(number): 2 if number in released else 5 for number in (101, 102)}
    assert scene.open_rejections("orders") == {"1": "line_not_eligible"}
    assert scene.outcomes("orders")["1"] == ("accepted", "rejected")
    before = scene.effects()
    scene.run("orders")
    assert scene.effects() == before


def test_an_order_that_the_oms_has_canceled_is_not_opened_again(scene: Scene) -> None:
    """Canceled is final at the OMS: an operator has to decide."""
    scene.place_many([1])
    scene.run("orders")
    scene.to_store("orders/1/status", {"status_id": 5})
    scene.run("orders")
    assert scene.oms_orders()["1"]["canceled"]
    scene.to_store("orders/1/status", {"status_id": 11})

    scene.run("orders")

    assert scene.open_rejections("orders") == {"1": "reopened_after_cancel"}
    assert scene.oms_orders()["1"]["canceled"]


ITEMS = {"kind": "status", "status": 503, "path": "item/search"}


@pytest.mark.parametrize("statuses", [[9], [12, 9], [10], [9, 11, 10]], ids=str)
def test_an_order_that_an_outage_kept_from_being_validated_is_owed(
    scene: Scene, statuses: list[int]
) -> None:
    """Staff moves it on before the OMS's items can be asked for: it was paid, and goes out."""
    scene.configure(orders={"check_items": True})
    scene.place_many([1, 2])
    scene.fault("manhattan", ITEMS)
    scene.run("orders", raise_on_error=False)
    for status in statuses:
        scene.to_store("orders/1/status", {"status_id": status})
        scene.run("orders", raise_on_error=False)
    assert scene.oms_orders() == {}
    scene.fault("manhattan")

    scene.run("orders")
    scene.run("orders")  # as the sensor for unfinished records does

    assert {number: held["creates"] for number, held in scene.oms_orders().items()} == {
        "1": 1,
        "2": 1,
    }


def test_an_order_that_an_outage_kept_from_being_validated_and_is_canceled_is_not(
    scene: Scene,
) -> None:
    """The store has withdrawn it."""
    scene.configure(orders={"check_items": True})
    scene.place_many([1, 2])
    scene.fault("manhattan", ITEMS)
    scene.run("orders", raise_on_error=False)
    scene.to_store("orders/1/status", {"status_id": 5})
    scene.run("orders", raise_on_error=False)
    scene.fault("manhattan")

    scene.run("orders")

    assert set(scene.oms_orders()) == {"2"}
    assert scene.open_rejections("orders") == {}
