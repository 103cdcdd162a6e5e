"""The simulated org: tokens, queries, writes, limits and stock, as documented."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from sandbox.platforms.salesforce.book import full_id
from sandbox.platforms.salesforce.org import DATA
from sandbox.system import Response
from tests.rsa_keys import public_pem_of, token_of
from tests.sandbox.simulated_org import AT, Caller

Json = dict[str, Any]


@pytest.fixture
def org() -> Caller:
    """Return an org that no other test uses."""
    return Caller()


def code(answer: Response) -> str:
    """Return the code of an error, which is a list of one."""
    [error] = orjson.loads(answer.body)
    return str(error["errorCode"])


def assertion(key: str = "ours", algorithm: str = "RS256", **claims: Any) -> str:
    """Return an assertion of the integration user."""
    given = {"iss": "lockstep", "sub": "sync@example.com", "aud": "https://login.salesforce.com"}
    return token_of(given | {"exp": int(time.time()) + 170} | claims, key, algorithm)


JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def test_a_token_comes_with_the_instance_and_without_a_lifetime(org: Caller) -> None:
    """By client credentials, and by a signed assertion."""
    org.control("settings", {"public_key": public_pem_of()})
    mine = assertion(aud="http://127.0.0.1:7000/salesforce/acme")
    signed = (org.token(grant_type=JWT, assertion=each) for each in (assertion(), mine))
    for answer in (org.token(), *signed):
        found = orjson.loads(answer.body)
        assert found["instance_url"] == "http://127.0.0.1:7000/salesforce/acme"
        assert "expires_in" not in found
        assert found["access_token"]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_secret": "other"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": JWT}, "invalid_grant"),
        ({"grant_type": JWT, "assertion": "x.y.z"}, "invalid_grant"),
        ({"grant_type": JWT, "assertion": "e30.e30.e30"}, "invalid_grant"),
    ],
)
def test_credentials_are_checked(org: Caller, form: dict[str, str], error: str) -> None:
    """The token endpoint has an error form of its own."""
    answer = org.token(**form)
    assert (answer.status, orjson.loads(answer.body)["error"]) == (400, error)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"key": "other"}, "invalid assertion"),
        ({"algorithm": "none"}, "client identifier invalid"),
        ({"iss": "another app"}, "client identifier invalid"),
        ({"exp": 1}, "expired authorization code"),
        ({"exp": int(time.time()) + 1_000_000}, "expired authorization code"),
        ({"exp": None}, "invalid assertion"),
        ({"aud": "https://test.salesforce.com"}, "audience is invalid"),
        ({"sub": "other@example.com"}, "user hasn't approved this consumer"),
    ],
)
def test_each_part_of_an_assertion_is_checked(org: Caller, changes: Json, reason: str) -> None:
    """And its signature first."""
    org.control("settings", {"public_key": public_pem_of()})
    answer = org.token(grant_type=JWT, assertion=assertion(**changes))
    assert (answer.status, orjson.loads(answer.body)["error_description"]) == (400, reason)


def test_an_app_without_a_certificate_takes_no_assertion(org: Caller) -> None:
    """Nor one that is not approved for the user; both outlast a restart as far as they are kept."""
    assert org.token(grant_type=JWT, assertion=assertion()).status == 400
    org.control("settings", {"public_key": public_pem_of()})
    org.org.restore(org.org.snapshot())
    assert org.token(grant_type=JWT, assertion=assertion()).status == 200
    org.control("settings", {"approved": False})
    assert org.token(grant_type=JWT, assertion=assertion()).status == 400


def test_a_session_that_ended_is_refused(org: Caller) -> None:
    """With 401, in the vendor's list form."""
    org.control("expire")
    answer = org.call("GET", "/query", q="SELECT Id FROM Account")
    assert (answer.status, code(answer)) == (401, "INVALID_SESSION_ID")


def test_the_days_calls_are_counted_and_limited(org: Caller) -> None:
    """Each answer states them; beyond the limit it is 403."""
    org.control("settings", {"daily": 2, "used": 0})
    first, _, third = (org.call("GET", "/limits") for _ in range(3))
    assert first.headers["Sforce-Limit-Info"] == "api-usage=1/2"
    assert (third.status, code(third)) == (403, "REQUEST_LIMIT_EXCEEDED")


ORDERED = (
    "SELECT Id, OrderNumber, Account.Name, (SELECT Id, Quantity, Product2.StockKeepingUnit, "
    "(SELECT Amount FROM OrderItemAdjustmentLineSummaries) FROM OrderItemSummaries "
    "WHERE Type = 'Order Product' ORDER BY LineNumber) FROM OrderSummary"
)


def test_a_query_brings_parents_and_children(org: Caller) -> None:
    """A child list without rows is null, a parent that is not there, too."""
    [identifier] = org.place("1001")
    [row] = org.query(ORDERED)["records"]
    assert row["attributes"]["url"] == f"{DATA}/sobjects/OrderSummary/{identifier}"
    assert row["Account"]["Name"] == "Jane Doe"
    mug, shirt = row["OrderItemSummaries"]["records"]
    assert (mug["Product2"]["StockKeepingUnit"], mug["Quantity"]) == ("MUG", 3.0)
    assert [a["Amount"] for a in mug["OrderItemAdjustmentLineSummaries"]["records"]] == [-3.0]
    assert shirt["OrderItemAdjustmentLineSummaries"] is None


NUMBERS = "SELECT OrderNumber FROM OrderSummary"
PARENTS = "SELECT OrderSummaryId FROM OrderItemSummary"


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("OrderNumber = '1002'", ["1002"]),
        ("OrderNumber IN ('1001', '1003', 'x')", ["1001", "1003"]),
        ("OrderNumber NOT IN ('1001')", ["1002", "1003"]),
        ("OrderNumber LIKE '%02'", ["1002"]),
        ("NOT (OrderNumber = '1001' OR OrderNumber = '1002')", ["1003"]),
        (f"SystemModstamp > {AT}", ["1003"]),
        ("SystemModstamp <= 2026-03-04T10:00:00.000Z AND Status = 'approved'", ["1001", "1002"]),
        ("SalesStoreId = null AND IsDeleted = false", ["1001", "1002", "1003"]),
        ("GrandTotalAmount >= 54.13 AND (OrderNumber < '1002')", ["1001"]),
        ("Account.Name = 'Jane Doe' AND OrderNumber != '1001'", ["1002", "1003"]),
        ("OrderNumber = 'it\\'s \\\\ \\n'", []),
    ],
)
def test_conditions_are_those_of_soql(org: Caller, where: str, found: list[str]) -> None:
    """Texts are compared without regard to case, dates are unquoted."""
    org.place("1001", "1002")
    org.place("1003", at="2026-03-05T00:00:00Z")
    rows = org.query(f"{NUMBERS} WHERE {where} ORDER BY OrderNumber")
    assert [row["OrderNumber"] for row in rows["records"]] == found


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("SELECT Id FROM OrderSummary WHERE Id = '1' AND Id = '2' OR Id = '3'", "MALFORMED_QUERY"),
        ("SELECT Id FROM OrderSummary WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM OrderSummary LIMIT x", "MALFORMED_QUERY"),
        ("SELECT Id FROM OrderSummary; DELETE", "MALFORMED_QUERY"),
        ("SELECT Nonsense FROM OrderSummary", "INVALID_FIELD"),
        ("SELECT Id FROM OrderSummary WHERE SystemModstamp > '2026-03-04'", "INVALID_FIELD"),
        ("SELECT Id FROM OrderSummary WHERE OrderNumber = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Nonsense", "INVALID_TYPE"),
        ("SELECT Id, (SELECT Id FROM Nonsenses) FROM OrderSummary", "INVALID_TYPE"),
        ("SELECT Id FROM OrderSummary WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
    ],
)
def test_a_query_that_is_none_is_refused(org: Caller, text: str, error: str) -> None:
    """As the vendor refuses it."""
    answer = org.call("GET", "/query", q=text)
    assert (answer.status, code(answer)) == (400, error)


def test_results_come_in_pages_by_a_locator(org: Caller) -> None:
    """Of the query, and of each child list; one that has expired is refused."""
    org.place(*map(str, range(1001, 1006)))
    org.control("settings", {"page": 2, "child_page": 1})
    page = org.query(ORDERED)
    assert (page["totalSize"], page["done"], len(page["records"])) == (5, False, 2)
    children = page["records"][0]["OrderItemSummaries"]
    assert (children["totalSize"], children["done"], len(children["records"])) == (2, False, 1)
    rest = org.call("GET", children["nextRecordsUrl"].removeprefix(DATA))
    assert len(orjson.loads(rest.body)["records"]) == 1
    seen = len(page["records"])
    while not page["done"]:
        page = orjson.loads(org.call("GET", page["nextRecordsUrl"].removeprefix(DATA)).body)
        seen += len(page["records"])
    assert seen == 5
    org.control("expire")
    org.renew()
    answer = org.call("GET", "/query/01gLk0000000000AAA-2")
    assert code(answer) == "INVALID_QUERY_LOCATOR"


def test_a_change_of_a_child_does_not_touch_its_parent(org: Caller) -> None:
    """So a reader has to ask for both."""
    [identifier] = org.place("1001")
    item = org.query("SELECT Id FROM OrderItemSummary")["records"][0]["Id"]
    org.control(f"touch/OrderItemSummary/{item}")
    changed = f"WHERE SystemModstamp > {AT}"
    assert org.query(f"{NUMBERS} {changed}")["records"] == []
    [row] = org.query(f"{PARENTS} {changed}")["records"]
    assert row["OrderSummaryId"] == identifier


def test_deleted_records_are_in_query_all_only(org: Caller) -> None:
    """With ``IsDeleted``."""
    [account] = org.control("customers", [{"LastName": "Doe", "Email": "d@example.com"}])["ids"]
    org.control(f"customers/{account}", method="DELETE")
    assert org.query("SELECT Id FROM Account")["records"] == []
    answer = org.call("GET", "/queryAll", q="SELECT Id, IsDeleted FROM Account")
    [row] = orjson.loads(answer.body)["records"]
    assert (row["Id"], row["IsDeleted"]) == (account, True)


def a_shipment(order: str, **changes: Any) -> Json:
    """Return a shipment of an order."""
    return {"OrderSummaryId": order, "ShipToName": "Jane Doe", "Status": "Shipped", **changes}


def test_a_record_is_made_once_for_an_external_id(org: Caller) -> None:
    """201 when it is new, 200 when it is changed, 404 where it must exist."""
    [order] = org.place("1001")
    path = "/sobjects/Shipment/Lockstep_Key__c/k1"
    assert org.call("PATCH", path, a_shipment(order), updateOnly="true").status == 404
    assert org.call("PATCH", path, a_shipment(order)).status == 201
    assert org.call("PATCH", path, {"TrackingNumber": "1Z"}).status == 200
    shown = orjson.loads(org.call("GET", path).body)
    assert (shown["TrackingNumber"], shown["Lockstep_Key__c"]) == ("1Z", "k1")
    assert org.call("GET", f"{path}0").status == 404
    [row] = org.query("SELECT TrackingNumber, Status, Lockstep_Key__c FROM Shipment")["records"]
    assert (row["TrackingNumber"], row["Status"], row["Lockstep_Key__c"]) == ("1Z", "Shipped", "k1")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"ShipToName": ""}, "REQUIRED_FIELD_MISSING"),
        ({"Nonsense": 1}, "INVALID_FIELD"),
        ({"OrderSummaryId": full_id("1OsLk0000009999")}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"OrderSummaryId": "1"}, "MALFORMED_ID"),
    ],
)
def test_a_bad_row_fails_by_itself(org: Caller, changes: Json, error: str) -> None:
    """HTTP 200, one result a row in order; with ``allOrNone`` the good ones are taken back."""
    [order] = org.place("1001")
    rows = [
        {"attributes": {"type": "Shipment"}, "Lockstep_Key__c": key, **a_shipment(order), **more}
        for key, more in (("k1", {}), ("k2", changes), ("k3", {}))
    ]
    path = "/composite/sobjects/Shipment/Lockstep_Key__c"
    whole = orjson.loads(org.call("PATCH", path, {"allOrNone": True, "records": rows}).body)
    assert [row["errors"][0]["statusCode"] for row in whole] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        error,
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    ]
    assert org.query("SELECT Id FROM Shipment")["records"] == []
    answer = org.call("PATCH", path, {"records": rows})
    assert answer.status == 200
    assert [row["success"] for row in orjson.loads(answer.body)] == [True, False, True]
    assert len(org.query("SELECT Id FROM Shipment")["records"]) == 2


def parts(order: str, quantity: object = 1) -> list[Json]:
    """Return the requests for a shipment and its item."""
    url = f"{DATA}/sobjects/Shipment/Lockstep_Key__c/k1"
    item = {
        "attributes": {"type": "ShipmentItem"},
        "Lockstep_Key__c": "k1-1",
        "ShipmentId": "@{shipment.id}",
        "Quantity": quantity,
    }
    return [
        {"method": "PATCH", "url": url, "referenceId": "shipment", "body": a_shipment(order)},
        {
            "method": "PATCH",
            "url": f"{DATA}/composite/sobjects/ShipmentItem/Lockstep_Key__c",
            "referenceId": "items",
            "body": {"allOrNone": True, "records": [item]},
        },
    ]


def test_a_composite_keeps_all_or_nothing(org: Caller) -> None:
    """Later requests refer to the records of earlier ones; a row that fails fails all of it."""
    [order] = org.place("1001")
    body = {"allOrNone": True, "compositeRequest": parts(order, None)}
    found = orjson.loads(org.call("POST", "/composite", body).body)["compositeResponse"]
    assert found[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert found[1]["body"][0]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert org.query("SELECT Id FROM Shipment")["records"] == []
    assert org.control("counts", method="GET").get("ShipmentCreated", 0) == 0
    for status in (201, 200):
        body["compositeRequest"] = parts(order)
        found = orjson.loads(org.call("POST", "/composite", body).body)["compositeResponse"]
        assert found[0]["httpStatusCode"] == status
    [item] = org.query("SELECT Quantity, Shipment.Lockstep_Key__c FROM ShipmentItem")["records"]
    assert (item["Quantity"], item["Shipment"]["Lockstep_Key__c"]) == (1, "k1")


def test_a_locked_parent_refuses_its_children(org: Caller) -> None:
    """For a moment."""
    [order] = org.place("1001")
    org.control("settings", {"locks": {order: 1}})
    first, second = (org.call("POST", "/sobjects/Shipment", a_shipment(order)) for _ in range(2))
    assert (first.status, code(first)) == (400, "UNABLE_TO_LOCK_ROW")
    assert second.status == 201


def test_a_fulfilment_order_takes_lines_as_a_draft_only(org: Caller) -> None:
    """So it is made in three steps."""
    [order] = org.place("1001")
    item = org.query("SELECT Id, Name FROM OrderItemSummary")["records"][0]
    head = org.query("SELECT AccountId FROM OrderSummary")["records"][0]
    [method] = org.query("SELECT Id FROM OrderDeliveryMethod")["records"]
    [place] = org.query("SELECT Id FROM Location")["records"]
    values = {
        "OrderSummaryId": order,
        "AccountId": head["AccountId"],
        "DeliveryMethodId": method["Id"],
        "FulfilledFromLocationId": place["Id"],
        "FulfilledToName": "x",
        "Type": "Standard",
    }
    path = "/sobjects/FulfillmentOrder"
    refused = org.call("POST", path, values | {"Status": "Fulfilled"})
    assert code(refused) == "FIELD_INTEGRITY_EXCEPTION"
    made = orjson.loads(org.call("POST", path, values | {"Status": "Draft"}).body)["id"]
    line = {"FulfillmentOrderId": made, "OrderItemSummaryId": item["Id"], "Quantity": 1}
    assert org.call("POST", "/sobjects/FulfillmentOrderLineItem", line).status == 201
    assert org.call("PATCH", f"{path}/{made}", {"Status": "Allocated"}).status == 204
    late = org.call("POST", "/sobjects/FulfillmentOrderLineItem", line)
    assert code(late) == "FIELD_INTEGRITY_EXCEPTION"


def test_a_managed_order_takes_no_status(org: Caller) -> None:
    """It is changed by actions only."""
    [order] = org.place("1001", OrderLifeCycleType="MANAGED")
    answer = org.call("PATCH", f"/sobjects/OrderSummary/{order}", {"Status": "Fulfilled"})
    assert code(answer) == "ORDER_MANAGEMENT_ACTION_NOT_ALLOWED"


def test_an_object_without_permission_is_not_there(org: Caller) -> None:
    """For queries, describes and writes."""
    org.control("settings", {"denied": ["Shipment"]})
    assert code(org.call("GET", "/query", q="SELECT Id FROM Shipment")) == "INVALID_TYPE"
    assert org.call("GET", "/sobjects/Shipment/describe").status == 404
    assert org.call("POST", "/sobjects/Shipment", {}).status == 404
    assert org.call("GET", "/sobjects/OrderSummary/describe").status == 200


BATCH = "/commerce/oci/availability-records/actions/batch-update"
LEVELS = "/commerce/oci/availability/availability-records/actions/get-availability"


def test_stock_is_absolute_and_a_request_is_done_once(org: Caller) -> None:
    """What orders have reserved is not available; a refused row stops no other."""
    org.control("stock", [{"sku": "MUG", "location": "WAREHOUSE", "quantity": 5, "reserved": 2}])
    rows = [
        {
            "actionRequestId": "a",
            "stockKeepingUnit": "MUG",
            "locationIdentifier": "WAREHOUSE",
            "onHand": 9,
        },
        {
            "actionRequestId": "b",
            "stockKeepingUnit": "MUG",
            "locationIdentifier": "MOON",
            "onHand": 9,
        },
    ]
    for _ in range(2):
        found = orjson.loads(org.call("POST", BATCH, {"records": rows}).body)
        assert (found["success"], [e["details"] for e in found["errors"]]) == (False, ["b"])
    assert org.control("counts", method="GET")["inventory_writes"] == 1
    asked = {"stockKeepingUnits": ["MUG", "NONE"], "locations": ["WAREHOUSE"]}
    [location] = orjson.loads(org.call("POST", LEVELS, asked).body)["locations"]
    [level] = location["inventoryRecords"]
    assert (level["onHand"], level["reserved"], level["availableToFulfill"]) == (9, 2, 7)


def test_a_snapshot_continues_where_it_stopped(org: Caller) -> None:
    """Records, children, external ids, products and levels."""
    [order] = org.place("1001")
    org.call("PATCH", "/sobjects/Shipment/Lockstep_Key__c/k1", a_shipment(order))
    org.control("stock", [{"sku": "MUG", "location": "WAREHOUSE", "quantity": 5}])
    before, truth = org.query(ORDERED), org.control("truth", method="GET")
    other = Caller()
    other.org.restore(org.org.snapshot())
    assert other.query(ORDERED) == before
    assert other.control("truth", method="GET") == truth
    path = "/sobjects/Shipment/Lockstep_Key__c/k1"
    assert other.call("PATCH", path, {"TrackingNumber": "1Z"}).status == 200
    [second] = other.place("1002")
    assert second > order


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"null", b'{"compositeRequest": [1]}'])
def test_an_odd_body_is_refused(org: Caller, body: bytes) -> None:
    """And crashes nothing."""
    for path in ("/composite", "/sobjects/Shipment", "/composite/sobjects", BATCH, LEVELS):
        answer = org.call("POST", path, orjson.Fragment(body))
        assert 400 <= answer.status < 500, path
        assert isinstance(orjson.loads(answer.body), list)
