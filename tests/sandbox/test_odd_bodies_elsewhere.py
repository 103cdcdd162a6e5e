"""No body makes the other simulated systems crash either; Extensiv's account has its own test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson
import pytest

from sandbox.platforms.commercetools.project import Project
from sandbox.platforms.salesforce.org import DATA
from sandbox.system import Request, Response
from tests.sandbox.anchanto_caller import LOGIN, order_of
from tests.sandbox.anchanto_caller import Caller as Anchanto
from tests.sandbox.simulated_org import Caller as Salesforce
from tests.sandbox.simulated_org import an_order as a_summary
from tests.sandbox.simulated_project import ADDRESS, an_order
from tests.sandbox.test_odd_bodies import WHOLE, spoiled
from tests.sandbox.test_salesforce import BATCH, LEVELS, a_shipment

Json = dict[str, Any]


class Place(NamedTuple):
    """A system with one order."""

    send: Callable[[str, str, bytes], Response]
    control: Callable[[Request], Response]
    calls: list[tuple[str, str, Any]]
    controls: list[tuple[str, Any]]
    reads: list[str]
    restored: Callable[[], None]


def _project() -> Place:
    project, token = Project("odd"), ""

    def call(method: str, path: str, body: bytes) -> Response:
        return project.handle(
            Request(method, f"/odd{path}", {}, {"authorization": f"Bearer {token}"}, body)
        )

    def renew() -> None:
        nonlocal token
        login = {"authorization": "Basic bG9ja3N0ZXA6c2FuZGJveC1zZWNyZXQtb2Rk"}
        form = b"grant_type=client_credentials"
        answer = project.handle(Request("POST", "/oauth/token", {}, login, form))
        token = orjson.loads(answer.body)["access_token"]

    def restored() -> None:
        project.restore(kept)
        renew()

    for path, body in (("/orders", [an_order()]), ("/stock", [{"sku": "MUG", "quantity": 5}])):
        assert project.control(_posted(path, orjson.dumps(body))).status == 200
    renew()
    [order] = orjson.loads(call("GET", "/orders", b"").body)["results"]
    [entry] = orjson.loads(call("GET", "/inventory", b"").body)["results"]
    kept, one = project.snapshot(), f"/orders/{order['id']}"
    line = order["lineItems"][0]["id"]
    items = [{"id": line, "quantity": 1}]
    back = {"key": "k-1", "lineItemId": line, "quantity": 1, "shipmentState": "Returned"}
    parcel = {"key": "p-1", "items": items}
    sent = {"action": "addDelivery", "deliveryKey": "d-1", "items": items, "parcels": [parcel]}
    number = {"trackingId": "N", "carrier": "ups"}
    batches: list[list[Json]] = [
        [sent, {"action": "setParcelTrackingData", "parcelKey": "p-1", "trackingData": number}],
        [{"action": "changeOrderState", "orderState": "Complete"}],
        [{"action": "addReturnInfo", "returnTrackingId": "r", "items": [back]}],
        [{"action": "setShippingAddress", "address": ADDRESS}],
    ]
    calls = [("POST", one, {"version": order["version"], "actions": each}) for each in batches]
    level = {"version": entry["version"], "actions": [{"action": "changeQuantity", "quantity": 4}]}
    calls += [("POST", f"/inventory/{entry['id']}", level)]
    calls += [("POST", "/inventory", {"sku": "LAMP", "quantityOnStock": 3})]
    controls = [("/orders", [an_order()]), ("/stock", [{"sku": "A", "quantity": 1}])]
    return Place(call, project.control, calls, controls, ["/orders", one, "/inventory"], restored)


def _account() -> Place:
    caller = Anchanto()
    caller.create("T-9")
    kept = caller.account.snapshot()

    def restored() -> None:
        caller.account.restore(kept)
        caller.control("settings", {"requests_per_second": 0})
        caller.jwt = caller.ok("POST", "/login", LOGIN)["jwt"]

    calls = [
        ("POST", "/orders", {"order": order_of()}),
        ("POST", "/orders/T-9/cancel", {"order": {"reason": "x"}}),
        ("POST", "/login", LOGIN),
    ]
    controls = [
        ("/items", [{"sku": "S", "name": "n"}]),
        ("/supply", [{"item": "SKU-1", "location": "EAST", "quantity": 1}]),
        ("/orders/T-9/ready", {"lines": [{"sku": "SKU-1", "quantity": 1}]}),
    ]
    reads = ["/orders", "/orders/T-9", "/stocks", "/shipments"]
    return Place(caller.send, caller.account.control, calls, controls, reads, restored)


def _org() -> Place:
    caller = Salesforce()
    [order] = caller.place("1001")
    caller.control("stock", [{"sku": "MUG", "location": "WAREHOUSE", "quantity": 5}])
    kept = caller.org.snapshot()

    def call(method: str, path: str, body: bytes) -> Response:
        headers = {"authorization": f"Bearer {caller.session}"}
        return caller.org.handle(Request(method, f"{DATA}{path}", {}, headers, body))

    def restored() -> None:
        caller.org.restore(kept)
        caller.renew()

    keyed = "/sobjects/Shipment/Lockstep_Key__c/k1"
    typed = a_shipment(order) | {"attributes": {"type": "Shipment"}}
    part = {"method": "PATCH", "url": f"{DATA}{keyed}", "referenceId": "a"}
    row = {
        "actionRequestId": "a",
        "locationIdentifier": "WAREHOUSE",
        "stockKeepingUnit": "MUG",
        "onHand": 3,
    }
    calls: list[tuple[str, str, Any]] = [
        ("PATCH", keyed, a_shipment(order)),
        ("POST", "/sobjects/Shipment", a_shipment(order)),
        ("PATCH", f"/sobjects/OrderSummary/{order}", {"Status": "Fulfilled"}),
        (
            "POST",
            "/composite",
            {"allOrNone": True, "compositeRequest": [part | {"body": a_shipment(order)}]},
        ),
        ("POST", "/composite/sobjects", {"allOrNone": False, "records": [typed]}),
        ("POST", LEVELS, {"stockKeepingUnits": ["MUG"], "locations": ["WAREHOUSE"]}),
        ("POST", BATCH, {"records": [row]}),
    ]
    stock = [{"sku": "MUG", "location": "WAREHOUSE", "quantity": 5}]
    controls = [("/orders", [a_summary("7")]), ("/stock", stock)]
    reads = [f"/sobjects/OrderSummary/{order}", "/limits"]
    return Place(call, caller.org.control, calls, controls, reads, restored)


def _posted(path: str, body: bytes) -> Request:
    return Request("POST", path, {}, {}, body)


PLACES = {"commercetools": _project, "anchanto": _account, "salesforce": _org}


@pytest.mark.parametrize("system", PLACES)
def test_no_body_makes_a_system_crash(system: str) -> None:
    """Each is taken or refused with 4xx, and the order can be read afterwards."""
    place = PLACES[system]()
    for method, path, body in place.calls:
        assert place.send(method, path, orjson.dumps(body)).status < 300, path
        place.restored()
        for content in (*WHOLE, *map(orjson.dumps, spoiled(body))):
            answer = place.send(method, path, content)
            assert answer.status < 500, (path, content, answer.body)
            if answer.status < 300:
                for read in place.reads:
                    assert place.send("GET", read, b"").status < 300, (path, content, read)
                place.restored()


@pytest.mark.parametrize("system", PLACES)
def test_no_control_call_makes_a_system_crash(system: str) -> None:
    """A typing error in a test or a demo is a 400 that names it."""
    place = PLACES[system]()
    for path, body in place.controls:
        assert place.control(_posted(path, orjson.dumps(body))).status < 300, path
        place.restored()
        for content in (*WHOLE, *map(orjson.dumps, spoiled(body))):
            answer = place.control(_posted(path, content))
            assert answer.status < 500, (path, content, answer.body)
            if answer.status < 300:
                place.restored()
