"""Retries of rejected records: of exactly these, as captured or read again, edited or not."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from domain.identity import correlation_id
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.work_queue import RejectionFilter
from tests.assets.documents import address, order
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
BOATS = {"shipping_methods": {"Ground": "Ground", "Slow boat": "Standard"}}


def by_boat(scene: Scene, *numbers: int, today: bool = False) -> None:
    """Place orders with an unmapped shipping method, by default yesterday."""
    moment = scene.moment(scene.today, 0) if today else scene.moment()
    scene.place(
        *[
            order(n, moment, shipping_addresses=[address(n * 100, shipping_method="Slow boat")])
            for n in numbers
        ]
    )


def retry(scene: Scene, *records: str, today: bool = False) -> None:
    """Validate and deliver these records of a partition as they were captured."""
    only = {"config": {"only_records": list(records)}}
    config = {"acme__orders_validated": only, "acme__orders_delivered": only}
    scene.run(
        "orders",
        first=scene.today if today else scene.yesterday,
        steps=("validated", "delivered"),
        config=config,
    )


def edit(scene: Scene, record: str, *wanted: str) -> None:
    """Edit the open rejection of a record."""
    with psycopg.connect(scene.database, autocommit=True) as db:
        (found,) = [r for r in work_queue.find(db, RejectionFilter()) if r.source_id == record]
        operator_actions.edit(
            db, found, operator_actions.planned_edit(db, found, wanted), "ann", "asked the shop"
        )


def methods_at_oms(scene: Scene, number: int) -> set[str]:
    """Return the shipping methods of an order's lines at the OMS."""
    return {line["ShippingMethodId"] for line in scene.oms_order(number)["OrderLine"]}


def test_a_retry_takes_what_failed_and_not_what_the_source_says_now(scene: Scene) -> None:
    """The store changed the order: as captured sends the failed version, re-read the new one."""
    by_boat(scene, 1, today=True)
    scene.run("orders")
    scene.to_store("orders/1", {"customer_message": "Changed since"}, "PATCH")
    scene.configure(orders=BOATS)

    retry(scene, "1", today=True)
    assert scene.oms_order(1).get("OrderNote", []) == []
    assert scene.open_rejections("orders") == {}

    scene.run("orders")
    assert [note["NoteText"] for note in scene.oms_order(1)["OrderNote"]] == ["Changed since"]


def test_a_newer_captured_version_wins_over_the_one_that_failed(scene: Scene) -> None:
    """An old version never overwrites a newer one: it ends as superseded, and is not sent."""
    by_boat(scene, 1)
    scene.run("orders", first=scene.yesterday)
    scene.to_store("orders/1", {"customer_message": "Newer"}, "PATCH")
    scene.run("orders", steps=("captured",))
    scene.configure(orders=BOATS)

    retry(scene, "1")
    assert scene.oms_orders() == {}
    assert scene.open_rejections("orders") == {"1": "shipping_method_unknown"}, (
        "open until the newer version has gone through"
    )

    scene.run("orders")
    assert [note["NoteText"] for note in scene.oms_order(1)["OrderNote"]] == ["Newer"]
    assert scene.open_rejections("orders") == {}


def test_a_retry_of_one_record_leaves_the_others_of_its_day_alone(scene: Scene) -> None:
    """One record of a day is retried: no other is so much as validated again."""
    scene.place_many([1, 2])
    by_boat(scene, 3, 4)
    scene.run("orders", first=scene.yesterday)
    before = dict(scene.sql("SELECT source_id, validated_at FROM sync.record"))
    scene.configure(orders=BOATS)

    retry(scene, "3")

    after = dict(scene.sql("SELECT source_id, validated_at FROM sync.record"))
    assert {source_id for source_id, at in after.items() if at != before[source_id]} == {"3"}
    assert sorted(scene.oms_orders()) == ["1", "2", "3"]
    assert scene.open_rejections("orders") == {"4": "shipping_method_unknown"}


def test_a_retry_of_many_that_fail_again_is_no_failed_run(scene: Scene) -> None:
    """They were chosen for having failed, so the limit of the rejection rate does not apply."""
    by_boat(scene, *range(1, 22))
    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    retry(scene, *map(str, range(1, 22)))
    assert len(scene.open_rejections("orders")) == 21


def test_a_rejection_closes_by_itself_when_a_later_version_goes_through(scene: Scene) -> None:
    """The merchant corrects the order in the store, and no operator has to act."""
    by_boat(scene, 1)
    scene.run("orders", first=scene.yesterday)
    scene.to_store(
        "orders/1", {"shipping_addresses": [{"id": 100, "shipping_method": "Ground"}]}, "PATCH"
    )

    scene.run("orders")

    assert scene.sql("SELECT state, closed_why FROM sync.rejection") == [
        ("resolved", "a later validation accepted the record")
    ]
    assert methods_at_oms(scene, 1) == {"Ground"}


def test_a_refused_stock_level_closes_when_the_store_takes_it(scene: Scene) -> None:
    """Stock has rejections at the store's door too, and they end in the same way."""
    scene.fault(
        "bigcommerce",
        {
            "kind": "status",
            "status": 422,
            "method": "PUT",
            "path": "inventory",
            "body": {"title": "No"},
        },
    )
    scene.run("inventory", first=scene.today, raise_on_error=False)
    assert set(scene.open_rejections("inventory").values()) == {"stock_refused"}
    scene.fault("bigcommerce")

    scene.run("inventory", first=scene.today)

    assert scene.open_rejections("inventory") == {}
    assert set(scene.sql("SELECT class, state, closed_why FROM sync.rejection")) == {
        ("business_rule", "resolved", "the store accepted the level")
    }


def test_an_edit_is_delivered_and_kept_with_its_diff(scene: Scene) -> None:
    """The edited value is sent, the capture stays as it was, and the diff says who changed what."""
    by_boat(scene, 1)
    scene.run("orders", first=scene.yesterday)
    captured = scene.sql("SELECT payload FROM sync.capture")

    edit(scene, "1", "consignments.shipping[0].shipping_method=Ground")
    retry(scene, "1")

    assert methods_at_oms(scene, 1) == {"Ground"}
    assert scene.open_rejections("orders") == {}
    assert scene.sql("SELECT payload FROM sync.capture") == captured
    ((who, why, diff),) = scene.sql(
        "SELECT who, why, diff FROM sync.rejection_action WHERE action = 'edit'"
    )
    assert (who, why) == ("ann", "asked the shop")
    assert [(c["path"].rpartition(".")[2], c["before"], c["after"]) for c in diff] == [
        ("shipping_method", "Slow boat", "Ground")
    ]


def test_an_edit_survives_every_later_validation_and_belongs_to_its_version_only(
    scene: Scene,
) -> None:
    """The nightly sweep keeps the edit; a newer version of the order counts as it was sent."""
    by_boat(scene, 1)
    scene.run("orders", first=scene.yesterday)
    edit(scene, "1", "consignments.shipping[0].shipping_method=Ground")
    retry(scene, "1")
    before = scene.effects()

    scene.run("orders", first=scene.yesterday)
    assert scene.effects() == before
    assert scene.open_rejections("orders") == {}

    scene.to_store("orders/1", {"customer_message": "Newer"}, "PATCH")
    scene.run("orders")
    assert scene.open_rejections("orders") == {"1": "shipping_method_unknown"}
    assert scene.effects() == before


@pytest.mark.parametrize(
    ("status", "code", "category"),
    [
        (429, "delivery_throttled", "rate_limit"),
        (403, "delivery_not_permitted", "permission"),
        (503, "delivery_failed", "connection"),
    ],
)
def test_a_dead_delivery_says_what_kind_of_door_was_shut(
    scene: Scene, status: int, code: str, category: str
) -> None:
    """The class says whom to call: the OMS's administrator, its vendor, or the network.

    Another order gets through, so the order itself is at fault, and not the OMS.
    """
    scene.configure(max_attempts=1, streams=("orders",), oms={"push_concurrency": 1})
    scene.place_many([1, 2])
    scene.run("orders", first=scene.yesterday, steps=("captured", "validated"))
    # The one that is sent last: a refused access stops the others behind it.
    last = scene.sql("SELECT source_id FROM sync.record ORDER BY capture_id DESC")[0][0]
    rule = {
        "correlation": correlation_id("acme", "order", last),
        "kind": "status",
        "status": status,
        "method": "POST",
        "path": "/order/",
        "headers": {"Retry-After": "5000"},
    }
    scene.fault("manhattan", rule)

    scene.run("orders", first=scene.yesterday, raise_on_error=False)

    assert scene.sql("SELECT stage, code, class FROM sync.rejection") == [
        ("delivered", code, category)
    ]
    scene.fault("manhattan")
    retry(scene, last)
    assert set(scene.oms_orders()) == {"1", "2"}
    assert scene.open_rejections("orders") == {}
