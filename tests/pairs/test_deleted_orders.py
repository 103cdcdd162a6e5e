"""Orders that a project deletes: no list shows them, and nothing is left to read."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from domain.exchange import WebhookEvent
from resources.ledger.captures import inbox
from tests.pairs.commercetools import ProjectScene

pytestmark = pytest.mark.slow(seconds=15)

Json = dict[str, Any]


def configure(project: ProjectScene, *, messages: bool, **orders: Any) -> None:
    """Read deletions from messages or not, with a policy."""
    connection = project.installation.connections["acme"]
    platform = connection.platform.model_dump(mode="json") | {"order_deletions": messages}
    project.to_store("settings", {"messages": True})
    project.configure(platform=platform, orders=connection.orders.model_dump(mode="json") | orders)


def delete(project: ProjectScene, order: Json, event: str = "") -> None:
    """Delete an order; an event of the subscription says so, if one is named."""
    project.to_store(f"orders/{order['id']}", None, "DELETE")
    if event:
        found = WebhookEvent(str(uuid4()), "orders", order["id"], event, None)
        assert project.lockstep is not None
        with project.lockstep.ledger.connect() as db:
            inbox.put(db, "acme", "platform", [found])


@pytest.mark.parametrize("event", ["", "OrderDeleted", "ResourceDeleted"])
def test_a_deleted_order_is_an_operators_to_decide(project: ProjectScene, event: str) -> None:
    """By its message or its event, once; the order at the OMS stays until an operator decides."""
    configure(project, messages=not event)
    order = project.place_order(1)
    project.run("orders")
    delete(project, order, event)
    for _ in range(2):
        project.run("orders")
        assert project.open_rejections("orders") == {order["id"]: "order_deleted_in_store"}
    assert project.oms_counts()["cancels"] == 0
    configure(project, messages=not event, deleted="cancel")
    project.run("orders")
    assert project.oms_orders()["1"]["canceled"]
    before = project.effects()
    project.run("orders")
    assert project.effects() == before
    assert project.open_rejections("orders") == {}


def test_an_order_that_is_deleted_before_it_is_sent_is_withdrawn(project: ProjectScene) -> None:
    """It was accepted, and its OMS was away."""
    configure(project, messages=True)
    order = project.place_order(1)
    project.run("orders", steps=("captured", "validated"))
    delete(project, order)
    project.run("orders")
    assert project.oms_orders() == {}
    assert project.outcomes("orders")[order["id"]] == ("skipped", "deleted_in_store")


def test_an_event_about_an_order_that_the_store_still_has_deletes_nothing(
    project: ProjectScene,
) -> None:
    """An order of another connection's, or an event that is wrong."""
    configure(project, messages=False)
    order = project.place_order(1)
    project.run("orders")
    stranger = {"id": str(uuid4())}
    found = [
        WebhookEvent(str(uuid4()), "orders", each["id"], "OrderDeleted", None)
        for each in (order, stranger)
    ]
    assert project.lockstep is not None
    with project.lockstep.ledger.connect() as db:
        inbox.put(db, "acme", "platform", found)
    before = project.effects()
    project.run("orders")
    assert project.effects() == before
    assert project.open_rejections("orders") == {}
    assert stranger["id"] not in project.outcomes("orders")


def test_an_order_with_the_number_of_a_deleted_one_says_so(project: ProjectScene) -> None:
    """A merchant has placed a faulty order again: its id at the OMS is the first one's for good."""
    configure(project, messages=True, deleted="cancel")
    first = project.place_order(1)
    project.run("orders")
    delete(project, first)
    project.run("orders")
    second = project.place_order(1)
    project.run("orders")
    assert project.open_rejections("orders") == {second["id"]: "order_linked_elsewhere"}
    [(message, advice)] = project.sql("SELECT message, advice FROM sync.rejection")
    assert f"the store's order {first['id']}, which had the number 1" in message
    assert "under a number that was never used" in advice
    assert project.oms_counts()["creates"] == 1
