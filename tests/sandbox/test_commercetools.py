"""The simulated commercetools project: tokens, queries, versions, deliveries, stock."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.app import RunningSandbox
from sandbox.kit.refused import Refused
from sandbox.platforms.commercetools.predicates import Predicate
from tests import loopback
from tests.sandbox.simulated_project import AT, Project, an_order

Json = dict[str, Any]


@pytest.fixture
def project(sandbox: RunningSandbox, request: pytest.FixtureRequest) -> Project:
    """A separate project for each test."""
    return Project(sandbox.url, f"p{abs(hash(request.node.name))}")


def test_a_token_needs_the_right_secret_grant_and_scope(project: Project) -> None:
    """Each refusal has the code of RFC 6749; the granted scope is stated."""
    assert project.token(auth=("lockstep", "wrong")).json()["error"] == "invalid_client"
    answer = project.token(data={"grant_type": "password"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    form = {"grant_type": "client_credentials", "scope": f"manage_everything:{project.name}"}
    assert project.token(data=form).json()["error"] == "invalid_scope"
    form["scope"] = f"view_orders:{project.name}"
    assert project.token(data=form).json()["scope"] == form["scope"]


def test_a_call_needs_a_valid_token_with_its_scope(project: Project) -> None:
    """Unknown and expired tokens are 401, missing scopes 403."""
    assert loopback.request("GET", f"{project.url}/{project.name}/orders").status_code == 401
    project.set("settings", {"lifetime": 0})
    project.renew()
    answer = project.query()
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "invalid_token")
    project.set("settings", {"lifetime": 600, "scopes": ["view_orders"]})
    project.renew()
    assert project.query().status_code == 200
    answer = project.query("/inventory")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "insufficient_scope")
    [order_id] = project.place(an_order())
    assert project.update(project.order(order_id)).status_code == 403


def test_a_query_pages_by_time_and_id(project: Project) -> None:
    """Ties are ordered by id, and a keyset predicate continues behind any of them."""
    placed = sorted(project.place(*(an_order(str(n)) for n in range(7))))
    where = f'lastModifiedAt >= "{AT}" and lastModifiedAt < "2026-03-04T10:00:01Z"'
    sort = ["lastModifiedAt asc", "id asc"]
    found: list[str] = []
    while True:
        more = f' and (lastModifiedAt > "{AT}" or id > "{found[-1]}")' if found else ""
        page = project.query(where=where + more, sort=sort, limit=3, withTotal="false").json()
        assert "total" not in page
        if not page["results"]:
            break
        found += [order["id"] for order in page["results"]]
    assert found == placed
    assert project.query(where=f'lastModifiedAt > "{AT}"').json()["total"] == 0


@pytest.mark.parametrize(
    ("where", "matches"),
    [
        ('orderNumber = "1001"', True),
        ('orderNumber in ("7", "1001")', True),
        ('orderNumber not in ("7", "1001")', False),
        ('lineItems(variant(sku = "LAMP"))', True),
        ('lineItems(variant(sku = "TENT"))', False),
        ('not (orderState = "Complete") and orderState <> "Cancelled"', True),
        ("store is not defined", True),
        ("paymentInfo is defined", True),
        ('orderNumber = "\\"1001"', False),
        ("totalPrice(centAmount > 4000 and centAmount <= 4000)", False),
        ('orderNumber = "2" or orderNumber = "1001"', True),
    ],
)
def test_predicates_have_the_vendors_meaning(
    project: Project, where: str, *, matches: bool
) -> None:
    """Comparisons, lists, nesting, negation, and definedness."""
    project.place(an_order())
    assert project.query(where=where).json()["count"] == int(matches)


@pytest.mark.parametrize("where", ["orderNumber =", "= 1", 'a = "b" and', "(a = 1", "a ~ 1", "é"])
def test_a_malformed_predicate_is_refused(project: Project, where: str) -> None:
    """With 400 and InvalidInput."""
    answer = project.query(where=where)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "InvalidInput")


def test_only_comparisons_that_all_matches_fulfil_bound_a_query() -> None:
    """An alternative, a negation or a nested field bounds nothing."""
    at = '"2026-01-01T00:00:00Z"'
    assert len(Predicate(f"lastModifiedAt >= {at} and (id > 1 or id = 2)", {}).bounds) == 1
    for text in (
        f'lastModifiedAt > {at} or orderState = "Open"',
        f"not lastModifiedAt > {at}",
        f"child(lastModifiedAt > {at})",
    ):
        assert Predicate(text, {}).bounds == [], text
    with pytest.raises(Refused):
        Predicate("id = :unknown", {})


@pytest.mark.parametrize("query", [{"limit": 501}, {"offset": 10_001}, {"limit": -1}])
def test_pages_have_the_vendors_limits(project: Project, query: Json) -> None:
    """A limit above 500 or an offset above 10,000 is refused."""
    assert project.query(**query).status_code == 400


def test_an_update_needs_the_current_version_and_is_applied_as_a_whole(project: Project) -> None:
    """A stale version is 409 with the current one; one bad action undoes the others."""
    [order_id] = project.place(an_order())
    order = project.order(order_id)
    confirm = {"action": "changeOrderState", "orderState": "Confirmed"}
    changed = project.update(order, confirm).json()
    assert (changed["version"], changed["orderState"]) == (2, "Confirmed")
    stale = project.update(order, confirm)
    assert stale.status_code == 409
    assert stale.json()["errors"][0]["code"] == "ConcurrentModification"
    assert stale.json()["errors"][0]["currentVersion"] == 2
    bad = {"action": "changeShipmentState", "shipmentState": "Bogus"}
    complete = {"action": "changeOrderState", "orderState": "Complete"}
    assert project.update(changed, complete, bad).status_code == 400
    assert project.order(order_id) == changed
    assert project.update(changed, confirm).json()["version"] == 2, "nothing changed"


def _delivery(order: Json, key: str = "d-1", quantity: int = 2) -> Json:
    items = [{"id": order["lineItems"][0]["id"], "quantity": quantity}]
    parcel = {"key": f"p-{key}", "trackingData": {"trackingId": "1Z", "carrier": "UPS"}}
    return {"action": "addDelivery", "deliveryKey": key, "items": items, "parcels": [parcel]}


def test_deliveries_and_parcels_are_kept_under_their_keys(project: Project) -> None:
    """More units than ordered are taken; a second delivery with a key is refused."""
    [order_id] = project.place(an_order())
    order = project.update(project.order(order_id), _delivery(project.order(order_id))).json()
    [delivery] = order["shippingInfo"]["deliveries"]
    assert (delivery["key"], delivery["parcels"][0]["key"]) == ("d-1", "p-d-1")
    assert order["shipmentState"] == "Pending"
    assert project.update(order, _delivery(order)).status_code == 400
    order = project.update(order, _delivery(order, "d-2", 50)).json()
    tracked = {
        "action": "setParcelTrackingData",
        "parcelKey": "p-d-2",
        "trackingData": {"trackingId": "NEW"},
    }
    order = project.update(order, tracked).json()
    assert order["shippingInfo"]["deliveries"][1]["parcels"][0]["trackingData"] == {
        "trackingId": "NEW"
    }
    removed = {"action": "removeDelivery", "deliveryKey": "d-1"}
    assert len(project.update(order, removed).json()["shippingInfo"]["deliveries"]) == 1


def test_an_order_without_shipping_takes_no_delivery(project: Project) -> None:
    """As a digital order; in Multiple mode the shipping key is needed."""
    info = {"shippingMethodName": "Express", "price": "3.00"}
    shipping = [{"shippingKey": "k1", "shippingAddress": {"country": "US"}, "shippingInfo": info}]
    digital, multiple = project.place(
        an_order("1", shippingInfo=None),
        an_order("2", shippingInfo=None, shippingMode="Multiple", shipping=shipping),
    )
    order = project.order(digital)
    assert project.update(order, _delivery(order)).status_code == 400
    order = project.order(multiple)
    assert project.update(order, _delivery(order)).status_code == 400
    order = project.update(order, _delivery(order) | {"shippingKey": "k1"}).json()
    assert len(order["shipping"][0]["shippingInfo"]["deliveries"]) == 1


def test_returns_have_states_with_one_way_only(project: Project) -> None:
    """Advised is not refundable; Returned becomes back in stock or unusable once."""
    [order_id] = project.place(an_order())
    order = project.order(order_id)
    line = order["lineItems"][0]["id"]
    items = [
        {"lineItemId": line, "quantity": 1, "shipmentState": state}
        for state in ("Advised", "Returned")
    ]
    order = project.update(order, {"action": "addReturnInfo", "items": items}).json()
    advised, returned = order["returnInfo"][0]["items"]
    assert (advised["paymentState"], returned["paymentState"]) == ("NonRefundable", "Initial")
    stocked = {"action": "setReturnShipmentState", "shipmentState": "BackInStock"}
    assert project.update(order, stocked | {"returnItemId": advised["id"]}).status_code == 400
    order = project.update(order, stocked | {"returnItemId": returned["id"]}).json()
    assert order["returnInfo"][0]["items"][1]["shipmentState"] == "BackInStock"
    assert project.update(order, stocked | {"returnItemId": returned["id"]}).status_code == 400


def test_payments_are_references_until_they_are_expanded(project: Project) -> None:
    """One call brings an order with its payments."""
    [order_id] = project.place(an_order())
    [payment] = project.order(order_id)["paymentInfo"]["payments"]
    assert set(payment) == {"typeId", "id"}
    [payment] = project.order(order_id, expand="paymentInfo.payments[*]")["paymentInfo"]["payments"]
    assert payment["obj"]["transactions"][0]["amount"]["centAmount"] == 4680


def test_units_move_between_states_as_the_workflow_allows(project: Project) -> None:
    """No more than are in the state; a query expands the states of items."""
    project.set("states", [{"key": "dropped", "transitions": []}, {"key": "packing"}])
    [order_id] = project.place(an_order())
    order = project.order(order_id)
    mug = order["lineItems"][0]["id"]

    def move(source: str, target: str, quantity: int) -> int:
        ends = {"fromState": {"key": source}, "toState": {"key": target}}
        action = {"action": "transitionLineItemState", "lineItemId": mug, "quantity": quantity}
        return project.update(project.order(order_id), action | ends).status_code

    assert move("Initial", "dropped", 4) == 400
    assert move("Initial", "dropped", 2) == 200
    assert move("dropped", "packing", 1) == 400, "the state is final"
    expand = "lineItems[*].state[*].state"
    [mugs, lamp] = project.order(order_id, expand=expand)["lineItems"]
    found = {entry["state"]["obj"]["key"]: entry["quantity"] for entry in mugs["state"]}
    assert found == {"Initial": 1, "dropped": 2}
    assert lamp["state"][0]["state"]["obj"]["builtIn"]
    assert set(project.order(order_id)["lineItems"][0]["state"][0]["state"]) == {"typeId", "id"}
    listed = project.query("/states", where='key = "dropped"').json()["results"]
    assert [state["type"] for state in listed] == ["LineItemState"]


def test_a_quantity_that_is_set_includes_what_is_reserved(project: Project) -> None:
    """The action changeQuantity sets quantityOnStock, and the reservation stays."""
    [east] = project.set("channels", [{"key": "EAST"}])["ids"]
    project.set("stock", [{"sku": "MUG", "quantity": 10, "reserved": 3}])
    [entry] = project.query("/inventory", where='sku = "MUG"').json()["results"]
    assert (entry["quantityOnStock"], entry["availableQuantity"]) == (10, 7)
    body = {"version": entry["version"], "actions": [{"action": "changeQuantity", "quantity": 20}]}
    changed = project.api.post(f"/inventory/{entry['id']}", json=body).json()
    assert (changed["quantityOnStock"], changed["availableQuantity"]) == (20, 17)
    assert project.api.post(f"/inventory/{entry['id']}", json=body).status_code == 409
    draft = {"sku": "MUG", "quantityOnStock": 4, "supplyChannel": {"typeId": "channel", "id": east}}
    assert project.api.post("/inventory", json=draft).status_code == 201
    assert project.api.post("/inventory", json=draft).status_code == 400
    found = project.query("/inventory", where=f'supplyChannel(id = "{east}")').json()
    assert found["count"] == 1


def test_messages_follow_changes_unless_they_are_switched_off(project: Project) -> None:
    """In sequence for a resource, with its version."""
    [order_id] = project.place(an_order())
    order = project.order(order_id)
    project.update(
        order, _delivery(order), {"action": "changeOrderState", "orderState": "Complete"}
    )
    found = project.query("/messages", where='resource(typeId = "order")').json()["results"]
    found.sort(key=lambda message: message["sequenceNumber"])
    assert [message["type"] for message in found] == [
        "OrderCreated",
        "DeliveryAdded",
        "ParcelAddedToDelivery",
        "OrderStateChanged",
    ]
    project.set("settings", {"messages": False})
    project.set(f"orders/{order_id}/state", {"paymentState": "Paid"})
    assert project.query("/messages").json()["count"] == 4


def test_totals_are_computed_as_a_cart_does(project: Project) -> None:
    """Lines after discounts plus shipping; taxes by line; the yen without digits."""
    first, second = project.place(
        an_order(),
        an_order(
            "2",
            currency="JPY",
            shippingInfo=None,
            lineItems=[{"sku": "A", "quantity": 2, "price": 500}],
        ),
    )
    order = project.order(first)
    assert order["totalPrice"]["centAmount"] == 3 * 800 + 1000 + 500
    assert order["taxedPrice"]["totalGross"]["centAmount"] == 4680
    assert order["taxedShippingPrice"]["totalTax"]["centAmount"] == 100
    assert project.order(second)["totalPrice"] == {
        "type": "centPrecision",
        "currencyCode": "JPY",
        "centAmount": 1000,
        "fractionDigits": 0,
    }


def test_a_neutral_order_and_the_truth(project: Project) -> None:
    """What is placed neutrally is shown neutrally, with parcels and levels."""
    given = {
        "number": 7,
        "at": AT,
        "email": "jo@example.com",
        "lines": [{"sku": "MUG", "quantity": 2, "price": "4.00"}],
        "shipping": {"method": "Ground", "price": "1.00"},
        "address": {"city": "Austin"},
    }
    [order_id] = project.set("place", [given])["ids"]
    order = project.order(order_id)
    project.update(order, _delivery(order)).raise_for_status()
    project.set("stock", [{"sku": "MUG", "quantity": 5, "reserved": 1}])
    truth = project.set("truth", None, "GET")
    [shown] = truth["orders"]
    assert (shown["number"], shown["total"]) == ("7", "9.00")
    assert [(p["tracking"], p["lines"][0]["sku"]) for p in shown["parcels"]] == [("1Z", "MUG")]
    assert truth["levels"] == [
        {"sku": "MUG", "location": "default", "available": 4, "on_hand": 5, "reserved": 1}
    ]


def test_a_project_survives_a_restart(project: Project, sandbox: RunningSandbox) -> None:
    """Everything but the tokens is in the snapshot."""
    [order_id] = project.place(an_order())
    project.set("stock", [{"sku": "MUG", "quantity": 5, "reserved": 1}])
    system = sandbox.server.systems["commercetools", project.name]
    before, truth = project.order(order_id), project.set("truth", None, "GET")
    system.restore(system.snapshot())
    project.renew()
    assert project.order(order_id) == before
    assert project.set("truth", None, "GET") == truth


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"version": "1", "actions": []}', b"null"])
def test_an_odd_body_is_refused_without_an_effect(project: Project, body: bytes) -> None:
    """With 400, and the order stays as it was."""
    [order_id] = project.place(an_order())
    before = project.order(order_id)
    assert project.api.post(f"/orders/{order_id}", content=body).status_code == 400
    for action in (
        None,
        [],
        {"action": []},
        {"action": "addDelivery", "items": 5},
        {"action": "addReturnInfo"},
    ):
        assert project.update(before, action).status_code == 400  # type: ignore[arg-type]
    assert project.order(order_id) == before
