"""``simple-salesforce``, which is not ours, drives the simulated org as it would a real one.

It calls https addresses only: its session sends them to the sandbox on loopback instead.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceOperationError,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_soql

from sandbox.app import RunningSandbox
from tests import loopback
from tests.rsa_keys import pem_of, public_pem_of
from tests.sandbox.simulated_org import an_order

Json = dict[str, Any]


class Redirected(HTTPAdapter):
    """Sends what is meant for the vendor's hosts to an org of the sandbox."""

    def __init__(self, org: str) -> None:
        super().__init__()
        self._org = org

    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        """Send a request to loopback."""
        url = str(request.url)
        host, slash, path = url.removeprefix("https://").partition("/")
        is_own = host.endswith("salesforce.com")
        request.url = f"{self._org}/{path}" if is_own else f"http://{host}{slash}{path}"
        return super().send(request, **more)


class Org:
    """An org of the sandbox, and its control."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.name = f"o{uuid4().hex[:10]}"
        self.url = f"{sandbox.url}/salesforce/{self.name}"
        self._http = loopback.client(f"{sandbox.url}/_sandbox/salesforce/{self.name}")
        self.control("settings", {"public_key": public_pem_of()})

    def control(self, path: str, body: object) -> Json:
        """Make a control call."""
        answer = self._http.post(f"/{path}", json=body)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def client(self, **login: Any) -> Salesforce:
        """Log in, by default with client credentials."""
        secret = {"consumer_secret": f"sandbox-secret-{self.name}", "domain": "acme.my"}
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", Redirected(self.url))
        given = {"consumer_key": "lockstep", "version": "66.0"} | (login or secret)
        return Salesforce(session=session, **given)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


@pytest.fixture
def org(sandbox: RunningSandbox) -> Iterator[Org]:
    """Return an org that no other test uses."""
    made = Org(sandbox)
    yield made
    made.close()


@pytest.fixture
def client(org: Org) -> Salesforce:
    """Return a client that has logged in."""
    return org.client()


def keyed(key: str, order: str, **more: Any) -> Json:
    """Return a shipment with an external id."""
    return {"Lockstep_Key__c": key, "OrderSummaryId": order, "ShipToName": "Jane Doe"} | more


def codes(caught: pytest.ExceptionInfo[Any]) -> list[str]:
    """Return the codes of a refusal."""
    return [each["errorCode"] for each in caught.value.content]


def test_it_logs_in_by_an_assertion_that_it_signs(org: Org) -> None:
    """With the key of the app's certificate, and as an approved user."""
    signed = {"username": "sync@example.com", "privatekey": pem_of(), "domain": "login"}
    assert org.client(**signed).query("SELECT Id FROM Account")["totalSize"] == 0
    for change, reason in (
        ({"privatekey": pem_of("other")}, "invalid assertion"),
        ({"domain": "test"}, "audience is invalid"),
        ({"consumer_key": "another"}, "client identifier invalid"),
    ):
        with pytest.raises(SalesforceAuthenticationFailed, match=reason):
            org.client(**signed | change)
    with (
        pytest.warns(UserWarning, match="authorize"),
        pytest.raises(SalesforceAuthenticationFailed, match="approved this consumer"),
    ):
        org.client(**signed | {"username": "other@example.com"})


def test_its_secret_is_checked_and_its_session_ends(org: Org, client: Salesforce) -> None:
    """Each in the form that it knows."""
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid_client"):
        org.client(consumer_secret="other", domain="acme.my")
    org.control("expire", {})
    assert client.query("SELECT Id FROM Account")["done"]  # it has logged in again
    ended = org.client(session_id="ended", instance=org.url.removeprefix("http://"))
    with pytest.raises(SalesforceExpiredSession) as caught:
        ended.query("SELECT Id FROM Account")
    assert codes(caught) == ["INVALID_SESSION_ID"]


def test_it_reads_all_pages_of_a_query(org: Org, client: Salesforce) -> None:
    """By the locators, with children and parents, deleted rows where it asks for them."""
    org.control("orders", [an_order(str(number)) for number in range(1001, 1008)])
    org.control("settings", {"page": 3})
    text = (
        "SELECT Id, OrderNumber, Account.Name, (SELECT Id, Quantity FROM OrderItemSummaries) "
        "FROM OrderSummary WHERE OrderNumber != {} ORDER BY OrderNumber DESC"
    )
    text = format_soql(text, "it's \\ none")
    first = client.query(text)
    assert (first["totalSize"], first["done"], len(first["records"])) == (7, False, 3)
    found = list(client.query_all_iter(text))
    assert [row["OrderNumber"] for row in found] == [str(n) for n in range(1007, 1000, -1)]
    assert found[0]["OrderItemSummaries"]["totalSize"] == 3
    assert found[0]["Account"]["Name"] == "Jane Doe"
    account = client.query("SELECT Id FROM Account LIMIT 1")["records"][0]["Id"]
    client.Account.delete(account)
    counted = [
        client.query_all("SELECT Id FROM Account", include_deleted=deleted)["totalSize"]
        for deleted in (False, True)
    ]
    assert counted == [6, 7]


def test_it_reads_changes_and_deletes_one_record(client: Salesforce) -> None:
    """By id."""
    made = client.Account.create({"Name": "Acme"})
    assert made["success"]
    found = client.Account.get(made["id"])
    assert found["attributes"]["url"].endswith(f"/sobjects/Account/{made['id']}")
    assert client.Account.update(made["id"], {"Name": "Acme Inc."}) == 204
    assert client.Account.get(made["id"])["Name"] == "Acme Inc."
    assert client.Account.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound) as caught:
        client.Account.get(made["id"])
    assert codes(caught) == ["ENTITY_IS_DELETED"]


def test_it_upserts_by_an_external_id(org: Org, client: Salesforce) -> None:
    """Made once, then changed; one of several records is not chosen."""
    [order] = org.control("orders", [an_order("1001")])["ids"]
    values = keyed("k1", order)
    del values["Lockstep_Key__c"]
    assert client.Shipment.upsert("Lockstep_Key__c/k1", values) == 201
    assert client.Shipment.upsert("Lockstep_Key__c/k1", {"TrackingNumber": "T1"}) == 200
    assert client.Shipment.get_by_custom_id("Lockstep_Key__c", "k1")["TrackingNumber"] == "T1"
    with pytest.raises(SalesforceResourceNotFound):
        client.Shipment.get_by_custom_id("Lockstep_Key__c", "k2")
    org.control("put/Shipment", values | {"Lockstep_Key__c": "k1"})
    for call in (
        lambda: client.Shipment.get_by_custom_id("Lockstep_Key__c", "k1"),
        lambda: client.Shipment.upsert("Lockstep_Key__c/k1", values),
    ):
        with pytest.raises(SalesforceMoreThanOneRecord) as caught:
            call()
        assert len(caught.value.content) == 2
        assert all("/sobjects/Shipment/" in path for path in caught.value.content)


def test_it_writes_collections_and_composites(org: Org, client: Salesforce) -> None:
    """With a result for each row, also of the rows that fail."""
    [order] = org.control("orders", [an_order("1001")])["ids"]
    kind = {"attributes": {"type": "Shipment"}}
    records = [kind | keyed(f"k{n}", order) for n in (1, 2)] + [kind | keyed("k3", "0" * 18)]
    path = "composite/sobjects/Shipment/Lockstep_Key__c"
    found = client.restful(path, method="PATCH", json={"records": records})
    assert [row["success"] for row in found] == [True, True, False]
    assert found[2]["errors"][0]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    again = client.restful(path, method="PATCH", json={"allOrNone": True, "records": records})
    assert again[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    body = {"records": [kind] * 201}
    with pytest.raises(SalesforceMalformedRequest) as caught:
        client.restful(path, method="PATCH", json=body)
    assert codes(caught) == ["EXCEEDED_ID_LIMIT"]
    url = f"/services/data/v66.0/sobjects/OrderSummary/{order}"
    parts = {"compositeRequest": [{"method": "GET", "url": url, "referenceId": "one"}]}
    [part] = client.restful("composite", method="POST", json=parts)["compositeResponse"]
    assert (part["httpStatusCode"], part["body"]["OrderNumber"]) == (200, "1001")


def test_it_knows_the_limits(org: Org, client: Salesforce) -> None:
    """From its own call and from each answer; beyond them it is refused."""
    org.control("settings", {"daily": 3, "used": 0})
    assert client.limits()["DailyApiRequests"] == {"Max": 3, "Remaining": 2}
    client.query("SELECT Id FROM Account")
    usage: Any = client.api_usage["api-usage"]
    assert (usage.used, usage.total) == (2, 3)
    client.limits()
    with pytest.raises(SalesforceRefusedRequest) as caught:
        client.limits()
    assert codes(caught) == ["REQUEST_LIMIT_EXCEEDED"]


def test_it_reads_descriptions(client: Salesforce) -> None:
    """Of all objects, and of one with its fields."""
    described: Any = client.describe()
    assert "OrderSummary" in {each["name"] for each in described["sobjects"]}
    fields = {each["name"]: each for each in client.Shipment.describe()["fields"]}
    assert fields["Lockstep_Key__c"]["externalId"]
    assert not fields["SystemModstamp"]["updateable"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT Id FROM", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Nothing__c FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp > '2026-01-01'", "INVALID_FIELD"),
    ],
)
def test_it_reads_why_a_query_is_refused(client: Salesforce, text: str, code: str) -> None:
    """With 400 and a list of one."""
    with pytest.raises(SalesforceMalformedRequest) as caught:
        client.query(text)
    assert codes(caught) == [code]


def test_it_reads_why_a_record_is_refused(client: Salesforce) -> None:
    """With the fields that are wrong."""
    with pytest.raises(SalesforceMalformedRequest) as caught:
        client.Shipment.create({"TrackingNumber": "T1"})
    assert codes(caught) == ["REQUIRED_FIELD_MISSING"]
    assert caught.value.content[0]["fields"] == ["ShipToName"]
    with pytest.raises(SalesforceResourceNotFound) as missing:
        client.Account.update("001000000000000AAA", {"Name": "x"})
    assert codes(missing) == ["NOT_FOUND"]


def table(text: str) -> list[dict[str, str]]:
    """Return the rows of a result."""
    return list(csv.DictReader(StringIO(text)))


def test_it_writes_by_jobs_of_many_records(org: Org, client: Salesforce) -> None:
    """A row that fails does not hold up the others, and its result says why."""
    accounts = client.bulk2.Account
    [made] = accounts.insert(records=[{"Name": f"Account {n}"} for n in range(3)], wait=0)
    assert (made["numberRecordsProcessed"], made["numberRecordsFailed"]) == (3, 0)
    ids = [row["sf__Id"] for row in table(accounts.get_successful_records(made["job_id"]))]
    [changed] = accounts.update(
        records=[{"Id": ids[0], "Name": "Changed"}, {"Id": "001000000000000AAA", "Name": "x"}],
        wait=0,
    )
    assert changed["numberRecordsFailed"] == 1
    [failed] = table(accounts.get_failed_records(changed["job_id"]))
    assert failed["sf__Error"].startswith("NOT_FOUND:")
    assert client.Account.get(ids[0])["Name"] == "Changed"
    accounts.delete(records=[{"Id": ids[1]}], wait=0)
    assert client.query("SELECT Id FROM Account")["totalSize"] == 2
    with pytest.raises(SalesforceOperationError, match="Field name not found : Nothing__c"):
        accounts.insert(records=[{"Nothing__c": "x"}], wait=0)


def test_it_upserts_by_jobs(org: Org, client: Salesforce) -> None:
    """By an external id: a second job makes nothing twice."""
    [order] = org.control("orders", [an_order("1001")])["ids"]
    rows = [keyed(f"k{number}", order) for number in range(3)]
    shipments = client.bulk2.Shipment
    created = []
    for _ in range(2):
        [job] = shipments.upsert(records=rows, external_id_field="Lockstep_Key__c", wait=0)
        found = table(shipments.get_successful_records(job["job_id"]))
        created.append([row["sf__Created"] for row in found])
    assert created == [["true"] * 3, ["false"] * 3]
    assert client.query("SELECT Id FROM Shipment")["totalSize"] == 3


def test_it_queries_by_jobs(org: Org, client: Salesforce) -> None:
    """Page by page, by the locators of the answers."""
    org.control("orders", [an_order(str(number)) for number in range(1001, 1006)])
    orders, text = client.bulk2.OrderSummary, "SELECT OrderNumber, Account.Name FROM OrderSummary"
    pages = [table(page) for page in orders.query(text, max_records=2)]
    assert [len(page) for page in pages] == [2, 2, 1]
    found = sorted(row["OrderNumber"] for page in pages for row in page)
    assert found == [str(number) for number in range(1001, 1006)]
    assert pages[0][0]["Account.Name"] == "Jane Doe"
    with pytest.raises(SalesforceOperationError, match="relationship queries"):
        list(orders.query("SELECT Id, (SELECT Id FROM Shipments) FROM OrderSummary"))
