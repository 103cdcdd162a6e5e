"""Every path, parameter, header and field of the assumed API can have another name."""

from __future__ import annotations

import ssl
from typing import Any

import httpx
import orjson
import pytest
from pydantic import ValidationError

from domain.errors import AccessRefused, PermanentError, TransientError
from domain.exchange import Mapped
from domain.milestones import Milestone
from domain.policies import InventoryPolicy, SecretRef
from resources.http.rate_limit import LocalQuota
from resources.oms.anchanto.adapter import build
from resources.oms.anchanto.client import Opener, Reader, path_of, rejection
from resources.oms.anchanto.inventory import InventorySource, StockList
from resources.oms.anchanto.login import LoginTokens
from resources.oms.anchanto.orders.lists import OrderLists
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.orders.mapping import OrderMapper
from resources.oms.anchanto.shipments.mapping import FulfilmentMapper
from resources.oms.anchanto.wire import AnchantoFields, AnchantoWire
from tests.conformance.systems import connection_of
from tests.resources.oms.anchanto.samples import reader_of, settings_of
from tests.resources.oms.manhattan.samples import order_of

Json = dict[str, Any]
WIRE: Json = {
    "paths": {"order": "/b2c/orders/{number}/details", "shipments": "/parcels", "stocks": "/inv"},
    "params": {"page": "p", "size": "n", "since": "from", "store": None, "skus": "sku"},
    "fields": {
        "answer": {"data": "result", "attributes": "fields", "response": "state"},
        "order": {"number": "no", "order_items": "lines", "order_items.line_id": "ref",
                  "shipping_address.zipcode": "zip", "status": "state", "updated_at": "changed",
                  "remarks": None},
        "shipment": {"order_number": "order", "shipment_number": "no", "items": "contents"},
        "stock": {"sku": "code", "warehouse_code": "site", "available": "free"},
    },
}  # fmt: skip
SETTINGS = settings_of(wire=WIRE)
CONNECTION = connection_of(orders={"order_id_prefix": "T-"})
ORDER: Json = {
    "id": 1,
    "fields": {
        "no": "T-1",
        "state": "Ready_to_Ship",
        "changed": "2026-03-04T05:06:07Z",
        "lines": [{"ref": "11", "sku": "A", "quantity": 2}],
    },
}
PARCEL: Json = {
    "order": "T-1",
    "no": "S1",
    "tracking_number": "1Z",
    "carrier_code": "UPS",
    "status": "Ready_to_Ship",
    "contents": [{"sku": "A", "quantity": 2}],
}


def answer(request: httpx.Request) -> httpx.Response:
    """Answer in the names of an account that has others."""
    path, asked = request.url.path.removeprefix("/rest/v1"), request.url.params
    rows: Any = []
    if path == "/b2c/orders/T-1/details":
        rows = ORDER
    elif asked.get("p") == "1" and path == "/parcels":
        assert asked.get_list("filter[order_number][]") == ["T-1"]
        rows = [PARCEL]
    elif asked.get("p") == "1" and path == "/inv":
        assert asked.get_list("sku") == ["A"]
        rows = [{"id": 2, "fields": {"code": "A", "site": "EAST", "free": "5"}}]
    return httpx.Response(200, content=orjson.dumps({"result": rows}))


def test_documents_are_read_in_the_accounts_names() -> None:
    """Exactly as they came, and mapped by ours."""
    reader = reader_of(answer, SETTINGS)
    [record] = OrderLists(reader, SETTINGS).read(["T-1"])
    assert record.source_id == "T-1"
    assert orjson.dumps(ORDER) in record.payload
    assert orjson.dumps(PARCEL) in record.payload
    mapper = FulfilmentMapper(SETTINGS, CONNECTION, Origins(SETTINGS, CONNECTION))
    mapped = mapper.fulfilment(record.payload)
    assert isinstance(mapped, Mapped)
    assert mapped.record.milestone() is Milestone.PACKED
    assert [parcel.parcel_id for parcel in mapped.record.parcels] == ["S1"]
    stock = InventorySource(StockList(reader, SETTINGS), SETTINGS, InventoryPolicy())
    [level] = [each for page in stock.read(["A"]) for each in page.records]
    found = stock.to_canonical(level.payload)
    assert isinstance(found, Mapped)
    assert (found.record.sku, found.record.available) == ("A", 5)


def test_a_new_order_is_sent_in_the_accounts_names() -> None:
    """At every depth; a field that the account does not have is left out."""
    payload = OrderMapper(SETTINGS).payload(order_of())
    order = SETTINGS.wire.fields.outgoing("order", payload | {"remarks": "Ring"})
    assert isinstance(order, dict)
    assert order["no"] == "T-1001"
    assert order["lines"][0]["ref"] == "1"
    assert order["shipping_address"]["zip"] == "78701"
    assert "remarks" not in order
    assert SETTINGS.wire.fields.incoming("order", order) == payload


def test_a_field_of_the_accounts_own_is_not_taken_for_ours() -> None:
    """Where ours has another name there; names within other objects are apart."""
    fields = AnchantoFields(order={"status": "state", "customer.name": "full_name"})
    held = {
        "state": "New",
        "status": "synced",
        "name": "x",
        "customer": {"full_name": "Ada"},
        "shipping_address": {"state": "TX"},
    }
    assert fields.incoming("order", held) == {
        "status": "New",
        "name": "x",
        "customer": {"name": "Ada"},
        "shipping_address": {"state": "TX"},
    }


def test_names_that_do_not_differ_cost_nothing() -> None:
    """A document is then read and sent as it is."""
    document = {"number": "1"}
    assert AnchantoFields().outgoing("order", document) is document
    assert AnchantoFields().incoming("order", document) is document


def test_a_connection_has_to_say_that_it_is_experimental() -> None:
    """The shape is assumed, and a misspelt name of the wire is an error."""
    for changes in (
        {"experimental": False},
        {"wire": {"pathes": {}}},
        {"wire": {"paths": {"x": "/"}}},
    ):
        with pytest.raises(ValidationError):
            settings_of(**changes)


def login(*answers: httpx.Response, **settings: Any) -> tuple[LoginTokens, list[httpx.Request]]:
    """Build a login whose calls have these answers, and the list of its calls."""
    queue, asked = iter(answers), list[httpx.Request]()

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return next(queue)

    chosen = settings_of(**settings)
    return LoginTokens(chosen, "secret-9", transport=httpx.MockTransport(handle)), asked


def test_a_token_is_sent_as_it_is_or_with_a_prefix() -> None:
    """In the header that the account expects; one login serves until it is refused."""
    tokens, asked = login(*(httpx.Response(200, json={"jwt": f"j{n}"}) for n in range(2)))
    assert tokens.headers() == tokens.headers() == {"Authorization": "j0"}
    assert orjson.loads(asked[0].content) == {
        "api_user": {"email": "sync@example.com", "password": "secret-9"}
    }
    assert tokens.invalidate({"Authorization": "j0"})
    assert tokens.headers() == {"Authorization": "j1"}
    assert len(asked) == 2
    assert "secret-9" not in repr(tokens)
    wire = {
        "headers": {"token": "X-Token", "token_prefix": "Bearer "},
        "fields": {"login": {"jwt": "token", "api_user": "user"}},
    }
    other, asked = login(httpx.Response(200, json={"token": "j"}), wire=wire)
    assert other.headers() == {"X-Token": "Bearer j"}
    assert list(orjson.loads(asked[0].content)) == ["user"]


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(401, json={"message": "wrong"}), AccessRefused),
        (httpx.Response(404, content=b"<html>"), AccessRefused),
        (httpx.Response(503), TransientError),
        (httpx.Response(429), TransientError),
        (httpx.Response(200, content=b"<html>"), TransientError),
        (httpx.Response(200, json={"jwt": ""}), PermanentError),
        (httpx.Response(200, json={"jwt": "a\nb"}), PermanentError),
    ],
)
def test_a_failed_login_says_whose_fault_it_is(
    response: httpx.Response, error: type[Exception]
) -> None:
    """No record's, and the password is in no message."""
    tokens, _ = login(response, response)
    with pytest.raises(error) as raised:
        tokens.headers()
    assert "secret-9" not in str(raised.value)


@pytest.mark.parametrize("fault", [httpx.ConnectError, httpx.ReadTimeout])
def test_an_account_that_can_t_be_reached_is_tried_again_later(
    fault: type[httpx.TransportError],
) -> None:
    """Only a certificate that isn't trusted stays so."""

    def fail(cause: Exception | None) -> LoginTokens:
        def handle(request: httpx.Request) -> httpx.Response:
            raise fault("no", request=request) from cause

        return LoginTokens(settings_of(), "secret-9", transport=httpx.MockTransport(handle))

    with pytest.raises(TransientError, match="trying again later may help"):
        fail(None).headers()
    with pytest.raises(TransientError):
        fail(ssl.SSLError("protocol")).headers()
    with pytest.raises(PermanentError, match="certificate"):
        fail(ssl.SSLCertVerificationError("self-signed")).headers()


def test_a_refused_token_that_was_replaced_since_costs_no_login() -> None:
    """Several threads may be refused with the old one."""
    tokens, asked = login(*(httpx.Response(200, json={"jwt": f"j{n}"}) for n in range(2)))
    assert tokens.invalidate({"Authorization": "j0"}), "there is none yet"
    assert tokens.headers() == {"Authorization": "j0"}
    assert tokens.invalidate({"Authorization": "older"})
    assert tokens.invalidate({})
    assert tokens.headers() == {"Authorization": "j0"}
    assert len(asked) == 1


OPEN = Opener(AnchantoWire())


@pytest.mark.parametrize("body", [b"<html>", b"", b"{}", b"[]", b'{"data": null}', b"[" * 5000])
def test_a_body_without_data_and_response_is_no_answer(body: bytes) -> None:
    """It neither confirms nor refuses."""
    with pytest.raises(ValueError, match=r"."):
        OPEN(body)


def test_a_refusal_is_one_whatever_its_status_is() -> None:
    """Its reason is the vendor's, and names the field of the order."""
    refused = OPEN(orjson.dumps({"response": "error", "message": "zipcode is invalid"}))
    [problem] = rejection(refused, {"zipcode": "x"}).problems
    assert (problem.code, problem.field) == ("oms_refused", "zipcode")
    assert OPEN(b'{"response": "failed"}').is_refused
    assert not OPEN(b'{"response": "Success", "data": {}}').is_refused
    assert OPEN(b'{"response": false, "data": {}}').is_refused


def test_reads_distinguish_a_missing_record_from_a_wrong_address() -> None:
    """An order that is not there is none; a page of another system is an error."""
    missing = {"response": "error", "message": "Order not found"}
    reader: Reader = reader_of(lambda _: httpx.Response(404, json=missing))
    assert reader.one("/orders/1", {}) is None
    for answered in (httpx.Response(404, content=b"<html>"), httpx.Response(422, json=missing)):
        other = {"response": "error", "message": "Unknown filter"}
        shown = answered if answered.status_code == 404 else httpx.Response(422, json=other)
        with pytest.raises(PermanentError):
            reader_of(lambda _, shown=shown: shown).one("/orders/1", {})
    with pytest.raises(AccessRefused):
        reader_of(lambda _: httpx.Response(403)).page("/orders", {})
    with pytest.raises(TransientError):
        reader_of(lambda _: httpx.Response(200, json={"data": {}})).page("/orders", {})


def test_numbers_are_encoded_in_paths() -> None:
    """A number may hold any character."""
    assert path_of("/orders/{number}", "A/1 #+?%") == "/orders/A%2F1%20%23%2B%3F%25"


def test_two_channels_of_an_account_share_its_quota_and_no_orders() -> None:
    """An account and channel in another spelling is the same one."""
    first, other = settings_of().identity, settings_of(store_code="SHOPEE").identity
    assert first.bucket == other.bucket
    assert not first.overlaps(other)
    assert first.overlaps(settings_of(store_code="web", account="ACME").identity)


def test_a_connector_is_built_without_a_call() -> None:
    """Its secret is resolved, and a missing one is an error."""
    settings = settings_of(password=SecretRef(env="NO_SUCH_VARIABLE_HERE"))
    built = build(settings, CONNECTION, lambda _: "secret-9", LocalQuota())
    assert "secret-9" not in repr(built)
    built.close()
