"""Writing to a project under versions: conflicts, reservations, parcels, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Intent, LevelChange, NewShipment, Outcome, StatusChange
from domain.exchange import ShipmentLine, ShipmentRequest
from domain.records.inventory import StockTarget, StoreItem
from resources.platforms.commercetools import inventory
from sandbox.app import RunningSandbox
from sandbox.platforms.commercetools.carts import order_cart, put_carts
from sandbox.system import Request
from tests.resources.platforms.commercetools.conftest import Open
from tests.resources.platforms.commercetools.projects import calls_to_orders
from tests.sandbox.simulated_project import Project, an_order

Json = dict[str, Any]


def apply(store: Any, stream: str, *contents: Any) -> list[Outcome]:
    """Write to a stream's target; return the outcomes."""

    async def run() -> list[Outcome]:
        async with store.targets[stream].writer(lambda _: None) as writer:
            claimed = [Claimed(Intent("any", uuid4(), "key", c), "ord-1") for c in contents]
            found: list[Outcome] = await writer.apply(claimed)
            return found

    return asyncio.run(run())


def level(sku: str, quantity: int, location: str = "default") -> LevelChange:
    """Return a level to write."""
    target = StockTarget(sku=sku, location=location, quantity=quantity)
    return LevelChange(target, StoreItem(sku=sku, parent_id="p", item_id="1", tracking="variant"))


def _before_writes(
    sandbox: RunningSandbox, project: Project, path: str, act: Callable[[], None]
) -> None:
    """Let something happen to a record between the connector's read and its first write."""
    system, done = sandbox.server.systems["commercetools", project.name], list[bool]()
    answer = system.handle

    def handle(request: Request) -> Any:
        if request.method == "POST" and path in request.path and not done:
            done.append(True)
            act()
        return answer(request)

    system.handle = handle  # type: ignore[method-assign]


def test_a_reservation_between_read_and_write_is_kept(
    project: Project, open_store: Open, sandbox: RunningSandbox
) -> None:
    """The entry is read again, and the new reservation is added to what is wanted."""
    project.set("stock", [{"sku": "MUG", "quantity": 10, "reserved": 1}])
    system: Any = sandbox.server.systems["commercetools", project.name]
    entry_id = system.entries["MUG", ""]

    def reserve() -> None:
        entry = system.inventory.get(entry_id)
        system.keep(system.inventory, entry | {"availableQuantity": 4}, [])

    _before_writes(sandbox, project, "/inventory/", reserve)
    [outcome] = apply(open_store(), "inventory", level("MUG", 50))
    assert outcome.succeeded
    assert project.set("truth", None, "GET")["levels"] == [
        {"sku": "MUG", "location": "default", "available": 50, "on_hand": 56, "reserved": 6}
    ]


CARTS: Json = {"cart_reservations": True}


def _carts(project: Project, *lines: Json) -> list[str]:
    """Fill a cart for each line; return their ids."""
    ids: list[str] = project.set("carts", [{"lineItems": [line]} for line in lines])["ids"]
    return ids


def _shown(project: Project, location: str = "default") -> tuple[int, int]:
    """Return what of the mugs is available, and on stock."""
    rows = project.set("truth", None, "GET")["levels"]
    [row] = [r for r in rows if (r["sku"], r["location"]) == ("MUG", location)]
    return row["available"], row["on_hand"]


def test_what_is_in_carts_is_not_offered_again(project: Project, open_store: Open) -> None:
    """The OMS does not know of carts; one that is given up frees its units by itself."""
    project.set("stock", [{"sku": "MUG", "quantity": 11, "reserved": 1}])  # an order's
    first, second = _carts(project, {"sku": "MUG", "quantity": 2}, {"sku": "MUG", "quantity": 1})
    store = open_store(**CARTS)
    assert store.targets["inventory"].levels(["MUG"]) == {("MUG", "default"): 10}
    [outcome] = apply(store, "inventory", level("MUG", 10))
    assert outcome.succeeded
    assert "InventoryEntryQuantitySet" not in project.set("counts", None, "GET")
    apply(store, "inventory", level("MUG", 8))
    assert _shown(project) == (5, 9)
    project.set(f"carts/{first}/expire", {})
    assert _shown(project) == (7, 9)
    project.set(f"carts/{second}/order", {})  # the OMS has one less to offer
    apply(store, "inventory", level("MUG", 7))
    assert _shown(project) == (7, 9)


def test_carts_of_other_entries_and_beyond_a_page_are_counted_where_they_belong(
    project: Project, open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By SKU and supply channel, over all pages."""
    monkeypatch.setattr(inventory, "CART_PAGE", 2)
    project.set("channels", [{"key": "EAST"}])
    stock = {"sku": "MUG", "quantity": 20}
    project.set("stock", [stock, stock | {"channel": "EAST"}, {"sku": "LAMP", "quantity": 20}])
    mug = {"sku": "MUG", "quantity": 1}
    _carts(project, *[mug] * 5, mug | {"channel": "EAST"}, {"sku": "LAMP", "quantity": 4})
    store = open_store(**CARTS)
    channel = store.targets["inventory"].locations()["EAST"]
    apply(store, "inventory", level("MUG", 30), level("MUG", 30, channel))
    assert (_shown(project), _shown(project, "EAST")) == ((25, 30), (29, 30))
    held = store.targets["inventory"].levels(["MUG"])
    assert held == {("MUG", "default"): 30, ("MUG", channel): 30}


def test_a_cart_that_reserves_between_read_and_write_is_counted(
    project: Project, open_store: Open, sandbox: RunningSandbox
) -> None:
    """The entry has another version then: both are read again."""
    system: Any = sandbox.server.systems["commercetools", project.name]
    project.set("stock", [{"sku": "MUG", "quantity": 10}])

    def fill() -> None:
        put_carts(system, [{"lineItems": [{"sku": "MUG", "quantity": 4}]}])

    _before_writes(sandbox, project, "/inventory/", fill)
    apply(open_store(**CARTS), "inventory", level("MUG", 9))
    assert _shown(project) == (5, 9)


@pytest.mark.parametrize("happens", ["a cart reserves", "a cart is ordered"])
@pytest.mark.parametrize("call", [2, 3, 4])
def test_units_that_move_while_they_are_read_are_not_offered_again(
    project: Project, open_store: Open, sandbox: RunningSandbox, happens: str, call: int
) -> None:
    """Between the reads of carts and of entries: the OMS knows neither cart nor order yet."""
    system: Any = sandbox.server.systems["commercetools", project.name]
    project.set("stock", [{"sku": "MUG", "quantity": 10}])
    carts = [{"lineItems": [{"sku": "MUG", "quantity": 4}]}]
    is_filled_before = happens == "a cart is ordered"
    before = put_carts(system, carts)["ids"] if is_filled_before else []
    answer, reads = system.handle, list[str]()

    def handle(request: Request) -> Any:
        if request.method == "GET" and request.path.endswith(("/inventory", "/carts")):
            reads.append(request.path)
            if len(reads) == call:
                order_cart(system, before[0]) if before else put_carts(system, carts)
        return answer(request)

    system.handle = handle
    apply(open_store(**CARTS), "inventory", level("MUG", 10))
    assert len(reads) >= call
    assert _shown(project) == (6, 10)


def test_no_more_is_counted_for_carts_than_is_reserved(project: Project, open_store: Open) -> None:
    """Whatever a cart says of a reservation that the entry does not have."""
    project.set("stock", [{"sku": "MUG", "quantity": 10}])
    _carts(project, {"sku": "MUG", "quantity": 4})
    project.set("stock", [{"sku": "MUG", "quantity": 10, "reserved": 1}])
    apply(open_store(**CARTS), "inventory", level("MUG", 9))
    assert _shown(project) == (8, 9)


def test_the_preflight_names_carts_that_reserve_and_are_not_read(
    project: Project, open_store: Open
) -> None:
    """Without a time to expire no cart does; the setting needs the right to read them."""

    def found(**changes: Any) -> str:
        checks = {check.name: check for check in open_store(**changes).preflight()}
        assert checks["cart reservations"].ok
        return checks["cart reservations"].detail

    assert "reserve no stock" in found()
    project.set("settings", {"reservation_minutes": 30})
    assert found().startswith("WARNING: carts may reserve stock for 30 minutes")
    assert found(**CARTS) == "are read"
    project.set("settings", {"scopes": ["manage_orders"]})
    assert "needs view_project_settings" in found(**CARTS)


def test_an_entry_that_others_create_or_delete_meanwhile_is_written_all_the_same(
    project: Project, open_store: Open, sandbox: RunningSandbox
) -> None:
    """A duplicate is updated, a missing one created."""
    system: Any = sandbox.server.systems["commercetools", project.name]
    project.set("stock", [{"sku": "OLD", "quantity": 1}])

    def both() -> None:
        entry = system.envelope() | {"sku": "NEW", "quantityOnStock": 3, "availableQuantity": 2}
        system.keep(system.inventory, entry, [], is_new=True)
        system.inventory.remove(system.entries.pop(("OLD", "")))

    _before_writes(sandbox, project, "/inventory", both)
    outcomes = apply(open_store(), "inventory", level("NEW", 20), level("OLD", 30))
    assert [outcome.state for outcome in outcomes] == ["done", "done"]
    levels = {row["sku"]: row for row in project.set("truth", None, "GET")["levels"]}
    assert (levels["NEW"]["available"], levels["NEW"]["reserved"]) == (20, 1)
    assert levels["OLD"]["available"] == 30


def test_an_equal_level_is_not_written(project: Project, open_store: Open) -> None:
    """Its version stays."""
    project.set("stock", [{"sku": "MUG", "quantity": 10, "reserved": 3}])
    [outcome] = apply(open_store(), "inventory", level("MUG", 7))
    assert outcome.succeeded
    assert "InventoryEntryQuantitySet" not in project.set("counts", None, "GET")


def test_a_record_that_never_rests_waits_for_a_later_try(
    project: Project, open_store: Open
) -> None:
    """Not a rejection: nothing is wrong with it."""
    project.set("stock", [{"sku": "MUG", "quantity": 10}])
    [order_id] = project.place(an_order())
    body = {"statusCode": 409, "message": "x", "errors": [{"code": "ConcurrentModification"}]}
    rule = {"kind": "status", "status": 409, "body": body, "method": "POST", "path": "/(inv|ord)"}
    project.set("faults", [rule])
    store = open_store()
    [stock] = apply(store, "inventory", level("MUG", 50))
    [status] = apply(store, "shipments", StatusChange(order_id, "Shipped"))
    assert (stock.state, status.state) == ("retry", "retry")
    assert "changed 5 times" in stock.error
    project.set("faults", None, "DELETE")


def test_a_merchants_change_between_read_and_write_survives(
    project: Project, open_store: Open, sandbox: RunningSandbox
) -> None:
    """A delivery that was made by hand meanwhile leaves fewer units, which is a rejection."""
    [order_id] = project.place(an_order())
    system: Any = sandbox.server.systems["commercetools", project.name]
    line = project.order(order_id)["lineItems"][0]["id"]

    def by_hand() -> None:
        order = system.orders.get(order_id)
        items = [{"id": line, "quantity": 2}]
        order["shippingInfo"]["deliveries"] = [{"id": "d", "items": items, "parcels": []}]
        system.keep(system.orders, order, [])

    _before_writes(sandbox, project, "/orders/", by_hand)
    request = ShipmentRequest(order_id, "shipping", (ShipmentLine(line, 2),), "1Z", "ups")
    [outcome] = apply(open_store(), "shipments", NewShipment("p", request))
    assert outcome.state == "refused"
    assert outcome.problems[0].code == "shipment_refused"
    assert len(project.order(order_id)["shippingInfo"]["deliveries"]) == 1


@pytest.mark.parametrize(
    ("order", "lines", "code"),
    [
        ({"shippingInfo": None}, 1, "group_not_shippable"),
        ({}, 0, "shipment_without_lines"),
        ({}, 9, "shipment_refused"),
    ],
)
def test_what_can_not_be_delivered_is_refused_before_it_is_sent(
    project: Project, open_store: Open, order: Json, lines: int, code: str
) -> None:
    """The API would take too many units; for the others our message says more."""
    [order_id] = project.place(an_order(**order))
    line = project.order(order_id)["lineItems"][0]["id"]
    content = (ShipmentLine(line, lines),) if lines else ()
    request = ShipmentRequest(order_id, "shipping", content, "1Z", "ups")
    [outcome] = apply(open_store(), "shipments", NewShipment("p", request))
    assert (outcome.state, outcome.problems[0].code) == ("refused", code)


def test_a_carrier_is_written_by_its_configured_text(project: Project, open_store: Open) -> None:
    """Else by the OMS's name of it."""
    [order_id] = project.place(an_order())
    line = project.order(order_id)["lineItems"][0]["id"]

    def request(carrier: str, name: str) -> NewShipment:
        lines = (ShipmentLine(line, 1),)
        return NewShipment(
            "p", ShipmentRequest(order_id, "shipping", lines, "1", carrier, "", name)
        )

    store = open_store(carriers={"ups": "United Parcel Service"})
    apply(store, "shipments", request("ups", "UPS"), request("dhl", "DHL Paket"))
    deliveries = project.order(order_id)["shippingInfo"]["deliveries"]
    assert [d["parcels"][0]["trackingData"]["carrier"] for d in deliveries] == [
        "United Parcel Service",
        "DHL Paket",
    ]


def test_an_order_is_not_read_again_for_the_writes_that_follow_a_read(
    project: Project, open_store: Open, sandbox: RunningSandbox
) -> None:
    """Its version guards them: the answer of each write is what the next one is planned for."""
    [order_id] = project.place(an_order())
    line = project.order(order_id)["lineItems"][0]["id"]
    parcels = [
        NewShipment("p", ShipmentRequest(order_id, "shipping", (ShipmentLine(line, 1),), number))
        for number in ("1", "2")
    ]
    calls, store = calls_to_orders(sandbox, project.name), open_store()

    async def run() -> list[Outcome]:
        async with store.targets["shipments"].writer(lambda _: None) as writer:
            await writer.held({order_id: ()})
            contents = [*parcels, StatusChange(order_id, "Partial")]
            claimed = [Claimed(Intent("any", uuid4(), "key", c), "ord-1") for c in contents]
            return [outcome for one in claimed for outcome in await writer.apply([one])]

    assert [outcome.state for outcome in asyncio.run(run())] == ["done"] * 3
    assert calls == ["GET", "POST", "POST", "POST"]
    order = project.order(order_id)
    assert len(order["shippingInfo"]["deliveries"]) == 2
    assert order["shipmentState"] == "Partial"


@pytest.mark.parametrize(
    ("change", "state"),
    [({"shipmentState": "Delayed"}, "done"), ({"shipmentState": "Shipped"}, "done")],
)
def test_what_others_change_after_the_read_is_seen_before_nothing_is_done(
    project: Project, open_store: Open, sandbox: RunningSandbox, change: Json, state: str
) -> None:
    """Neither an equal state nor a refusal is taken from how the order was seen before."""
    [order_id] = project.place(an_order(shipmentState="Shipped"))
    calls, store = calls_to_orders(sandbox, project.name), open_store()

    async def run() -> Outcome:
        async with store.targets["shipments"].writer(lambda _: None) as writer:
            await writer.held({order_id: ()})
            project.set(f"orders/{order_id}/state", change)
            intent = Intent("status", uuid4(), "key", StatusChange(order_id, "Shipped"))
            [outcome] = await writer.apply([Claimed(intent, "ord-1")])
            found: Outcome = outcome
            return found

    assert asyncio.run(run()).state == state
    assert project.order(order_id)["shipmentState"] == "Shipped"
    writes = ["POST"] if change["shipmentState"] == "Delayed" else []
    assert calls[:2] == ["GET", "GET"]
    assert calls[2 : 2 + len(writes)] == writes


def test_a_refusal_is_not_taken_from_how_the_order_was_seen_before(
    project: Project, open_store: Open
) -> None:
    """A delivery that was removed by hand meanwhile has freed its units."""
    [order_id] = project.place(an_order())
    line = project.order(order_id)["lineItems"][0]["id"]
    action = {"action": "addDelivery", "items": [{"id": line, "quantity": 3}]}
    held = project.update(project.order(order_id), action).json()
    [delivery] = held["shippingInfo"]["deliveries"]
    store = open_store()
    request = ShipmentRequest(order_id, "shipping", (ShipmentLine(line, 3),), "1Z")

    async def run() -> Outcome:
        async with store.targets["shipments"].writer(lambda _: None) as writer:
            await writer.held({order_id: ()})
            removed = {"action": "removeDelivery", "deliveryId": delivery["id"]}
            assert project.update(project.order(order_id), removed).is_success
            intent = Intent("shipment", uuid4(), "key", NewShipment("p", request))
            [outcome] = await writer.apply([Claimed(intent, "ord-1")])
            found: Outcome = outcome
            return found

    assert asyncio.run(run()).state == "done"
