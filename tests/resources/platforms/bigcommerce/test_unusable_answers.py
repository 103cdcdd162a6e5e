"""A store's success without a usable body: the effect is unknown, whichever call it was."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from domain.errors import TransientError
from domain.exchange import OutcomeUnknown
from domain.records.inventory import StockTarget, StoreItem
from resources.http.retries import RetryPolicy
from resources.platforms.bigcommerce.client import adjustment_id, written_data_id, written_id
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import StoreCalls
from tests.resources.platforms.bigcommerce.test_events import ensured
from tests.resources.platforms.bigcommerce.test_writing import (
    catalogued,
    shipment,
    stocked,
    writing,
)

Call = Callable[[Shop, int], Callable[[StoreCalls], Awaitable[object]]]
UNUSABLE: dict[str, Any] = {
    "HTML": "<!DOCTYPE html><title>Maintenance</title>",
    "empty": "",
    "truncated": '{"id": 7, "items": [',
    "no id": {},
    "a list": [{"id": 7}],
    "null": "null",
    "a text": '"done"',
    "an id of another kind": {"id": True, "data": {"id": {}}, "transaction_id": []},
    "another record": {"id": "x-1", "data": {"id": 424242}, "transaction_id": None},
}
PARCEL = "1Z12345E0291980793"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry within hundredths of a second."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)


def create(shop: Shop, order_id: int) -> Callable[[StoreCalls], Awaitable[object]]:
    """Create a shipment."""
    request = shipment(shop, order_id)
    return lambda writer: writer.create_shipment(request, "ord-1")


def update(shop: Shop, order_id: int) -> Callable[[StoreCalls], Awaitable[object]]:
    """Change a shipment's tracking number."""
    request = shipment(shop, order_id, tracking_number="")
    made: list[str] = []

    async def use(writer: StoreCalls) -> None:
        made.append((await writer.create_shipment(request, "ord-1")).target_id)

    writing(shop, use)
    later = shipment(shop, order_id)
    return lambda writer: writer.update_shipment(made[0], later, "ord-1")


def status(_: Shop, order_id: int) -> Callable[[StoreCalls], Awaitable[object]]:
    """Set an order's status."""
    return lambda writer: writer.put_status(str(order_id), "10", "ord-1")


def stock(shop: Shop, _: int) -> Callable[[StoreCalls], Awaitable[object]]:
    """Set a level."""
    items = catalogued(shop)
    target = StockTarget(sku="SOLO", location="1", quantity=3)
    return lambda writer: writer.put_stock([target], items, "test")


def tracking(shop: Shop, _: int) -> Callable[[StoreCalls], Awaitable[object]]:
    """Let a product sell without limit."""
    items: dict[str, StoreItem] = catalogued(shop)
    return lambda writer: writer.stop_tracking(items["SOLO"])


@pytest.mark.parametrize("body", UNUSABLE.values(), ids=UNUSABLE.keys())
@pytest.mark.parametrize("call", [create, update, status, stock, tracking])
def test_a_write_without_a_usable_answer_is_unknown(shop: Shop, call: Call, body: Any) -> None:
    """It took effect, and neither counts as a failure nor raises what would stop other records."""
    [order_id] = shop.place({})
    write = call(shop, order_id)
    for method in ("POST", "PUT"):
        shop.fault(kind="replaced", status=200, body=body, method=method)

    async def use(writer: StoreCalls) -> None:
        with pytest.raises(OutcomeUnknown):
            await write(writer)

    log = writing(shop, use)
    if call is create:
        assert len(log) == 1, "a shipment is sent once: each sends an e-mail"
        assert len(shop.read(f"v2/orders/{order_id}/shipments")) == 1
    elif call is update:
        assert shop.read(f"v2/orders/{order_id}/shipments")[0]["tracking_number"] == PARCEL
    elif call is status:
        assert shop.read(f"v2/orders/{order_id}")["status_id"] == 10
    elif call is stock:
        assert stocked(shop)["SOLO", 1] == 3


@pytest.mark.parametrize("call", [update, status, stock, tracking])
def test_an_upsert_is_repeated_until_its_answer_can_be_used(shop: Shop, call: Call) -> None:
    """One page of HTML from a proxy costs one more request."""
    [order_id] = shop.place({})
    write = call(shop, order_id)
    shop.fault(kind="replaced", status=200, body=UNUSABLE["HTML"], method="PUT", times=1)

    async def use(writer: StoreCalls) -> None:
        await write(writer)

    assert len(writing(shop, use)) == 2


@pytest.mark.parametrize(
    "body", ["", UNUSABLE["HTML"], {}, "[{]"], ids=["empty", "HTML", "{}", "["]
)
def test_an_unusable_list_of_shipments_is_not_an_order_without_shipments(
    shop: Shop, body: Any
) -> None:
    """Taken for one, the look-up would have the shipment created a second time."""
    [order_id] = shop.place({})
    shop.fault(kind="replaced", status=200, body=body, method="GET", path="/shipments")

    async def use(writer: StoreCalls) -> None:
        with pytest.raises(Exception, match="/shipments"):
            await writer.list_shipments(str(order_id))

    writing(shop, use)


@pytest.mark.parametrize("body", ["", UNUSABLE["HTML"], {}], ids=["empty", "HTML", "no status"])
def test_an_order_that_cannot_be_read_before_its_status_is_set_stops_no_other(
    shop: Shop, body: Any
) -> None:
    """Nothing was sent: trying again may help, and it is not a fault of the whole store."""
    [order_id] = shop.place({})
    shop.fault(kind="replaced", status=200, body=body, method="GET")

    async def use(writer: StoreCalls) -> None:
        with pytest.raises(TransientError) as raised:
            await writer.read_order(str(order_id))
        assert not isinstance(raised.value, OutcomeUnknown)

    writing(shop, use)


@pytest.mark.parametrize("body", ["", UNUSABLE["HTML"], {}], ids=["empty", "HTML", "no id"])
def test_a_webhook_whose_registration_is_not_confirmed_is_looked_up(shop: Shop, body: Any) -> None:
    """It is not reported as registered; the next look finds it, and registers no second one."""
    shop.fault(kind="replaced", status=200, body=body, method="POST", path="/v3/hooks")
    with pytest.raises(OutcomeUnknown):
        ensured(shop)
    shop.control("DELETE", "faults")
    assert ensured(shop) == []
    assert len(shop.read("v3/hooks")["data"]) == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b'{"id": 7}', "7"), (b'{"id": "7"}', "7"), (b'{"id": 7.0}', "7"), (b'{"id":7,"x":[]}', "7")],
)
def test_an_id_is_read_in_each_form_that_the_store_uses(body: bytes, expected: str) -> None:
    """V2 writes numbers as text, too."""
    assert written_id(body) == expected
    assert written_data_id(b'{"data": ' + body + b"}") == expected


def test_an_adjustment_is_confirmed_by_its_transaction() -> None:
    """Its id is any text."""
    assert adjustment_id(b'{"transaction_id": "5f3c-1"}') == "5f3c-1"
    with pytest.raises(ValueError, match="no transaction"):
        adjustment_id(b'{"transaction_id": ""}')
