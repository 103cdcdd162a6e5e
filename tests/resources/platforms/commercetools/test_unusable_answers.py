"""Answers that a write can't build on: refusals of a read, other records, broken promises."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.delivery import NewShipment, Outcome, ShipmentChange, StatusChange
from domain.errors import RecordRejected
from domain.exchange import ShipmentLine, ShipmentRequest
from tests.resources.platforms.commercetools.conftest import Open
from tests.resources.platforms.commercetools.test_writing import apply, level
from tests.sandbox.simulated_project import Project, an_order

Json = dict[str, Any]


def answer(project: Project, method: str, path: str, status: int, body: Any) -> None:
    """Let the project answer so from now on."""
    rule = {"kind": "status", "method": method, "path": path, "status": status, "body": body}
    project.set("faults", [rule])


def placed(project: Project) -> tuple[Json, ShipmentRequest]:
    """Place an order; return it, and a parcel with a unit of it."""
    [order_id] = project.place(an_order())
    order = project.order(order_id)
    lines = (ShipmentLine(order["lineItems"][0]["id"], 1),)
    return order, ShipmentRequest(order_id, "shipping", lines, "1Z", "ups")


def levels(project: Project) -> dict[str, int]:
    """Return what the project truly holds, by SKU."""
    project.set("faults", None, "DELETE")
    rows = project.set("truth", None, "GET")["levels"]
    return {row["sku"]: row["available"] for row in rows}


@pytest.mark.parametrize("body", ["<html>", "", "[]", {"id": "another", "version": 7}, {}])
def test_an_answer_that_is_not_the_order_leaves_a_new_delivery_unknown(
    project: Project, open_store: Open, body: Any
) -> None:
    """It may have been added: it is looked for before it is sent again."""
    _, request = placed(project)
    answer(project, "POST", "/orders/", 200, body)
    [outcome] = apply(open_store(), "shipments", NewShipment("p", request))
    assert outcome.state == "unknown"


def test_an_answer_without_the_delivery_that_was_added_is_no_success(
    project: Project, open_store: Open
) -> None:
    """There would be no id to send tracking to."""
    order, request = placed(project)
    answer(project, "POST", "/orders/", 200, order)
    [outcome] = apply(open_store(), "shipments", NewShipment("p", request))
    assert outcome.state == "retry"
    assert "without the delivery that was added" in outcome.error


def test_an_order_that_the_project_lacks_is_a_rejection_of_each_write(
    project: Project, open_store: Open
) -> None:
    """Whether it is gone at the read or between read and write; others go on."""
    _, request = placed(project)
    store = open_store()
    writes = [
        NewShipment("p", request),
        ShipmentChange("p", "d", request),
        StatusChange(request.order_id, "Shipped"),
    ]
    body = {"statusCode": 404, "message": "x", "errors": [{"code": "ResourceNotFound"}]}
    answer(project, "GET", "/orders/", 404, body)
    assert _codes(apply(store, "shipments", *writes)) == ["order_missing_in_store"] * 3
    answer(project, "POST", "/orders/", 404, body)
    assert _codes(apply(store, "shipments", writes[0], writes[2])) == ["order_missing_in_store"] * 2


def _codes(outcomes: list[Outcome]) -> list[str]:
    assert {outcome.state for outcome in outcomes} == {"refused"}
    return [outcome.problems[0].code for outcome in outcomes]


def test_a_status_that_the_project_refuses_is_a_rejection_with_its_reason(
    project: Project, open_store: Open
) -> None:
    """Of the status, not of a shipment."""
    order, _ = placed(project)
    body = {"statusCode": 400, "message": "No such move.", "errors": [{"code": "InvalidOperation"}]}
    answer(project, "POST", "/orders/", 400, body)
    [outcome] = apply(open_store(), "shipments", StatusChange(order["id"], "Shipped"))
    [problem] = outcome.problems
    assert problem.code == "status_refused"
    assert "No such move." in problem.message


def test_an_id_of_another_form_is_never_part_of_an_address(open_store: Open) -> None:
    """It is refused before a call."""
    store = open_store()

    async def read(order_id: str) -> None:
        async with store.targets["shipments"].writer(lambda _: None) as writer:
            await writer.calls.read_order(order_id)

    for order_id in ("../carts", "1001", ""):
        with pytest.raises(RecordRejected) as raised:
            asyncio.run(read(order_id))
        assert raised.value.problems[0].code == "id_invalid"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"statusCode": 404, "message": "x"}),
        (403, {"statusCode": 403, "message": "x", "errors": [{"code": "insufficient_scope"}]}),
        (200, {"results": [{"id": "e1", "version": 1, "sku": "MUG", "quantityOnStock": 1}]}),
        (200, {"results": [{"id": "", "version": 1, "sku": "MUG"}]}),
    ],
)
def test_no_level_is_written_where_the_present_ones_can_not_be_read(
    project: Project, open_store: Open, status: int, body: Json
) -> None:
    """Without the reservations a level would be wrong; every row waits for a later try."""
    project.set("stock", [{"sku": "MUG", "quantity": 10, "reserved": 3}])
    answer(project, "GET", "/inventory", status, body)
    outcomes = apply(open_store(), "inventory", level("MUG", 50), level("NEW", 5))
    assert "done" not in [outcome.state for outcome in outcomes]
    assert all(outcome.error for outcome in outcomes)
    assert levels(project) == {"MUG": 7}


def test_pages_that_are_not_sorted_end_the_read(project: Project, open_store: Open) -> None:
    """It would go round forever, or miss entries."""
    entry = {"version": 1, "sku": "MUG", "quantityOnStock": 1, "availableQuantity": 1}
    page = {"results": [entry | {"id": "e1"}]}
    answer(project, "GET", "/inventory", 200, page)
    [outcome] = apply(open_store(), "inventory", level("MUG", 50))
    assert outcome.state == "retry"
    assert "not sorted" in outcome.error


@pytest.mark.parametrize("body", ["<html>", {}, {"id": "e1", "sku": "MUG", "version": 2}])
def test_an_answer_that_is_no_entry_does_not_count_as_written(
    project: Project, open_store: Open, body: Any
) -> None:
    """The level is written again, which an absolute level may be."""
    project.set("stock", [{"sku": "MUG", "quantity": 10}])
    store = open_store()
    answer(project, "POST", "/inventory", 200, body)
    outcomes = apply(store, "inventory", level("MUG", 50), level("NEW", 5))
    assert {outcome.state for outcome in outcomes} <= {"retry", "unknown"}
    project.set("faults", None, "DELETE")
    assert all(o.succeeded for o in apply(store, "inventory", level("MUG", 50), level("NEW", 5)))
    assert levels(project) == {"MUG": 50, "NEW": 5}


def test_a_level_that_the_project_refuses_stops_no_other(
    project: Project, open_store: Open
) -> None:
    """A rejection with the project's reason."""
    project.set("stock", [{"sku": "MUG", "quantity": 10}])
    body = {"statusCode": 400, "message": "Too many.", "errors": [{"code": "InvalidField"}]}
    answer(project, "POST", "/inventory/", 400, body)
    refused, made = apply(open_store(), "inventory", level("MUG", 50), level("NEW", 5))
    assert (refused.state, refused.problems[0].code) == ("refused", "stock_refused")
    assert "Too many." in refused.problems[0].message
    assert made.succeeded
    assert levels(project) == {"MUG": 10, "NEW": 5}
