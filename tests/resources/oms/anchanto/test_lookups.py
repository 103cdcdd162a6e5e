"""Orders that the account has: whether one is what was to be created, and what it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from domain.delivery import Claimed, Intent, OrderSave
from domain.exchange import OutcomeUnknown, Receipt
from domain.records.orders import Note
from resources.oms.anchanto.orders.lists import OrderLists
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.orders.target import AnchantoOrders, OrdersWriter
from tests.conformance.systems import connection_of
from tests.resources.oms.anchanto.samples import Json, policy_of, reader_of, settings_of
from tests.resources.oms.manhattan.samples import order_of

RING = Note(kind="customer", text="Ring twice")
CONNECTION = connection_of(orders={"order_id_prefix": "T-"})


def target_of(handler: Callable[[httpx.Request], httpx.Response]) -> AnchantoOrders:
    """Build a target whose reads are answered in this process."""
    settings = settings_of()
    lists = OrderLists(reader_of(handler, settings), settings)
    return AnchantoOrders(policy_of(), settings, lists, Origins(settings, CONNECTION))


def holding(*orders: Json) -> AnchantoOrders:
    """Build a target of an account that has orders, and no shipments."""
    held = {each["number"]: each for each in orders}

    def answer(request: httpx.Request) -> httpx.Response:
        path, _, number = request.url.path.rpartition("/")
        if number == "shipments":
            return httpx.Response(200, content=b'{"data": []}')
        if path.endswith("/orders") and number in held:
            row = {"id": 1, "attributes": held[number]}
            return httpx.Response(200, content=orjson.dumps({"data": row}))
        missing = {"response": "error", "message": "Order not found"}
        return httpx.Response(404, json=missing)

    return target_of(answer)


def writer_of(target: AnchantoOrders) -> OrdersWriter:
    """Return the target's writer; nothing is written with it."""
    return target.writer(lambda _: None)


def wanted(number: str, **changes: Any) -> Json:
    """Return an order as it is sent."""
    return holding().payload(order_of(number, **changes))


def find(target: AnchantoOrders, *orders: Json, owned: tuple[str, ...] = ()) -> list[Any]:
    """Look for orders that may have been created."""
    claims = [
        Claimed(Intent("create", uuid4(), each["number"], OrderSave(each, each, None)), "ord-1")
        for each in orders
    ]
    return asyncio.run(writer_of(target).find(claims, owned))


def test_an_order_that_is_what_was_to_be_created_is_found() -> None:
    """An order of another content, of another intent, or none, is not this effect."""
    first, second, third = (wanted(f"T-{n}") for n in range(3))
    other = second | {"order_items": second["order_items"][:1]}
    target = holding(first | {"status": "Packed"}, other)
    assert find(target, first, second, third) == [Receipt("T-0"), None, None]
    assert find(target, first, owned=("T-0",)) == [None]
    assert find(target) == []


@pytest.mark.parametrize("status", [403, 422, 503])
def test_an_account_that_can_t_be_read_leaves_it_open(status: int) -> None:
    """Neither created nor not: it is looked for again."""
    target = target_of(lambda _: httpx.Response(status, json={"message": "no"}))
    with pytest.raises(OutcomeUnknown, match="could not be looked up"):
        find(target, wanted("T-1"))


def test_what_the_account_holds_is_of_the_version_that_it_differs_least_from() -> None:
    """Both may have been sent; an order that is not there is not among the answers."""
    old, new = wanted("T-1"), wanted("T-1", charges=(), notes=(RING,))
    for present in (old, new):
        held = asyncio.run(writer_of(holding(present)).held({"T-1": (old, new), "T-2": (old,)}))
        assert held.keys() == {"T-1"}
        assert held["T-1"].content == present
        assert not held["T-1"].is_canceled
    gone = holding(old | {"status": "Canceled"})
    assert asyncio.run(writer_of(gone).held({"T-1": (old,)}))["T-1"].is_canceled


def test_an_order_of_another_shape_is_a_problem_of_that_order() -> None:
    """The others are compared all the same."""
    good, bad = wanted("T-1"), wanted("T-2")
    target = holding(good, bad | {"order_items": 7})
    held = asyncio.run(writer_of(target).held({"T-1": (good,), "T-2": (bad,)}))
    assert held["T-1"].content == good
    assert held["T-2"].content is None
    assert [problem.code for problem in held["T-2"].problems] == ["oms_payload_unreadable"]
