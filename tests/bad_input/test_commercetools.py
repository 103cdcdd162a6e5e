"""Bad orders and messages of a project: mapped to the cent, or refused with advice."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from domain.errors import LockstepError, RecordRejected
from domain.exchange import Mapped, RawRecord
from domain.identity import is_id
from domain.records.orders import Order
from domain.rules.export import always
from domain.values import Window
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.platforms.commercetools.deletions import DeletionsReader
from resources.platforms.commercetools.orders.delivered import to_store_snapshot
from resources.platforms.commercetools.orders.mapping import OrderMapper
from resources.platforms.commercetools.orders.states import StateReader
from resources.platforms.commercetools.orders.units import ordered_units
from resources.platforms.commercetools.reader import ChangesReader, Resource
from tests.bad_input.counts import (
    COMMERCETOOLS_ANSWERS,
    COMMERCETOOLS_MESSAGES,
    COMMERCETOOLS_ORDERS,
)
from tests.bad_input.growth import grows_too_fast
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import assert_is_bounded, outcome_of, run
from tests.bad_input.systems import ONCE, Answer
from tests.resources.platforms.commercetools.customers.test_mapping import mapper as customers
from tests.resources.platforms.commercetools.projects import cents, connection, order, settings

pytestmark = pytest.mark.slow(seconds=45)

Json = dict[str, Any]
OF_CUSTOMERS = "customer", "CustomerDeleted"
PERSONAL = ("jane.doe", "Jane", "Doe", "Main Street", "5125550100", "Bobby")
START = datetime(2026, 3, 19, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
RULES = settings(
    parent_field="bundle",
    text_fields=("engraving",),
    gift_message_field="gift",
    note_fields={"note": "customer"},
    gift_wrap_slugs=("wrap",),
    pickup_methods=("Pick up",),
    workflow_states={"canceled": ["dropped"], "on_hold": ["waiting"]},
)
STATES = StateReader(RULES.workflow_states)
MAPPER = OrderMapper(RULES, connection().addresses)


def documents() -> list[bytes]:
    """Return orders with everything that the mapping reads."""
    plain = order()
    plain["lineItems"][0] |= {
        "custom": {"fields": {"engraving": "Bobby", "gift": "For Bobby", "bundle": "x"}},
        "state": [_in_state("open", plain["lineItems"][0]["quantity"])],
        "supplyChannel": {"typeId": "channel", "id": "c1", "obj": {"id": "c1", "key": "EAST"}},
        "distributionChannel": {"typeId": "channel", "id": "c2"},
    }
    plain["purchaseOrderNumber"] = "PO 4711"
    method = plain["shippingInfo"]
    shipped = method | {
        "deliveries": [
            {
                "id": "d1",
                "key": "k1",
                "items": [{"id": plain["lineItems"][0]["id"], "quantity": 1}],
                "parcels": [{"id": "p1", "trackingData": {"trackingId": "1Z", "carrier": "UPS"}}],
            },
        ],
    }
    whole = (
        plain,
        order(orderState="Confirmed", custom={"fields": {"note": "Call Bobby"}}),
        order(orderState="Cancelled", orderNumber=None),
        plain | {"shippingInfo": shipped, "shipmentState": "Partial"},
        plain | {"lineItems": [plain["lineItems"][0] | _partly_canceled(plain)]},
        plain | {"discountCodes": [{"discountCode": {"obj": {"code": "SPRING"}}}]},
        _by_several_ways(),
        _with_all_kinds_of_money(),
    )
    return [_repeatable(orjson.dumps(_with_states(each))) for each in whole]


def _with_states(document: Json) -> Json:
    """Return an order as it is read: the states of its items are expanded."""
    kinds = ("lineItems", "customLineItems")
    for item in (item for kind in kinds for item in document[kind]):
        if "obj" not in item["state"][0]["state"]:
            item["state"] = [_in_state("open", item["quantity"])]
    return document


def _in_state(key: str, units: int) -> Json:
    state = {"id": f"s-{key}", "key": key, "name": {"en": key}}
    return {"quantity": units, "state": {"typeId": "state", "id": f"s-{key}", "obj": state}}


def _partly_canceled(plain: Json) -> Json:
    units = plain["lineItems"][0]["quantity"]
    return {"state": [_in_state("dropped", 1), _in_state("open", units - 1)]}


def _by_several_ways() -> Json:
    """Return an order of the mode Multiple: a divided line, a wrap, taxes by shipping method."""
    address = order()["shippingAddress"]
    targets = [
        {"addressKey": key, "quantity": units, "shippingMethodKey": key}
        for key, units in (("home", 2), ("work", 1))
    ]
    line = {"sku": "MUG", "quantity": 3, "price": "10.00", "taxRate": 0.2}
    return order(
        shippingMode="Multiple",
        shippingInfo=None,
        shipping=[
            {
                "shippingKey": key,
                "shippingAddress": address | {"key": key},
                "shippingInfo": {"shippingMethodName": "Ground", "price": "4.00", "taxRate": 0.2},
            }
            for key in ("home", "work")
        ],
        lineItems=[line | {"shippingDetails": {"targets": targets, "valid": True}}],
        customLineItems=[{"slug": "wrap", "money": "2.00", "taxRate": 0.2}],
    )


def _with_all_kinds_of_money() -> Json:
    """Return an order with precise prices, fees, a discount on its total and a sale price."""
    precise = {
        "type": "highPrecision",
        "currencyCode": "USD",
        "centAmount": 1,
        "preciseAmount": 123456,
        "fractionDigits": 7,
    }
    sale = {"value": cents("12.00"), "discounted": {"value": cents("9.00")}}
    office = order()["shippingAddress"] | {"key": "office", "department": "Purchasing"}
    target = {"addressKey": "office", "quantity": 1}
    return order(
        taxIncluded=True,
        lineItems=[
            {
                "sku": "NUT",
                "quantity": 500,
                "price": {"value": precise, "tiers": [{"minimumQuantity": 9, "value": precise}]},
                "taxRate": 0.2,
            },
            {
                "sku": "MUG",
                "quantity": 2,
                "price": sale,
                "totalPrice": cents("18.00"),
                "taxRate": 0.2,
                "shippingDetails": {"targets": [target], "valid": True},
            },
        ],
        customLineItems=[
            {"slug": "fee", "money": "3.00", "taxRate": 0.2},
            {"slug": "off", "money": "-1.00", "taxRate": 0.2},
        ],
        itemShippingAddresses=[office],
        discountOnTotalPrice={"discountedAmount": cents("2.00"), "includedDiscounts": []},
    )


def _repeatable(document: bytes) -> bytes:
    """Give a document the same ids in each session, so that a seed names one payload."""
    ids: dict[bytes, bytes] = {}
    return _UUID.sub(
        lambda found: ids.setdefault(found[0], uuid_of(len(ids) + 1).encode()), document
    )


def to_order(payload: bytes) -> Any:
    """Map an order in whatever status."""
    return MAPPER.to_order(payload, always)


def amount_of(money: Any) -> Decimal:
    """Return the amount of a document's money in its currency."""
    name = "preciseAmount" if money.get("type") == "highPrecision" else "centAmount"
    stated = money.get("fractionDigits")
    digits = "" if stated is None else str(stated).strip()  # a blank text is none, too
    return Decimal(str(money[name]).strip()).scaleb(-int(digits or 2))


def unconserved(found: Order, payload: bytes) -> str:
    """Return how a mapped order's money differs from its document's, or does not add up."""
    if found.computed_sums() != (found.total, found.total_tax):
        return f"the order comes to {found.computed_sums()} and says {found.total}"
    try:
        document = json.loads(payload.decode(errors="replace"))
    except RecursionError:  # something that is not read is nested too deep for this check
        return ""
    gross = (document.get("taxedPrice") or {}).get("totalGross")
    held = found.total
    if gross is None and not found.tax_included:
        held -= found.total_tax
    wanted = amount_of(document["totalPrice"] if gross is None else gross)
    is_less = b'"dropped"' in payload and held < wanted  # by the canceled units
    if held != wanted and not is_less:
        return f"the document says {wanted}, the order {held}"
    if sum(payment.amount for payment in found.payments) != max(Decimal(0), found.total):
        return "the payments are not the total"
    return ""


def test_every_spoilt_order_is_mapped_skipped_or_rejected() -> None:
    """No crash, no empty message, no personal value shown; what maps conserves the money."""

    def to_conserved(payload: bytes) -> Any:
        found = to_order(payload)
        if isinstance(found, Mapped) and (fault := unconserved(found.record, payload)):
            raise AssertionError(fault)
        return found

    payloads = Mutator(documents()).payloads(COMMERCETOOLS_ORDERS, 10_000_000)
    outcomes = run(to_conserved, payloads, PERSONAL)
    assert outcomes.total() == COMMERCETOOLS_ORDERS
    assert outcomes["mapped"] > COMMERCETOOLS_ORDERS // 10
    assert len(outcomes) > 15, "and reach the rules"


def test_units_and_state_are_read_from_any_order() -> None:
    """Those of an order that can't be mapped count, too: its units are sold."""
    for payload in Mutator(documents()).payloads(COMMERCETOOLS_ANSWERS, 13_000_000):
        assert all(units > 0 for units in ordered_units(payload.body, STATES).values()), payload
        assert to_store_snapshot(payload.body).shipped_units >= 0, payload


def test_an_order_of_ten_thousand_lines_is_mapped_in_proportionate_work() -> None:
    """Nothing grows with the square of the lines, of their taxes or of the deliveries."""
    one = order(lineItems=[order()["lineItems"][0]])

    def make(lines: int) -> Callable[[], object]:
        items = [one["lineItems"][0] | {"id": f"l{i}", "key": f"k{i}"} for i in range(lines)]
        delivery = {"id": "d", "items": [{"id": f"l{i}", "quantity": 1} for i in range(lines)]}
        whole = one | {
            "lineItems": items,
            "shippingInfo": one["shippingInfo"]
            | {"deliveries": [delivery | {"id": f"d{i}"} for i in range(3)]},
        }
        payload = orjson.dumps(whole)
        assert outcome_of(to_order, payload)[1] == ""
        return lambda: outcome_of(to_order, payload)

    assert grows_too_fast(make, 1_000) == ""


def client_on(answer: Answer) -> ApiClient:
    """Build a client of the project on top of a handler."""
    limiter = Limiter(LocalQuota(), "t", quota=1_000_000, window_seconds=1.0)
    policy = ClientPolicy(
        system="commercetools acme",
        base_url="https://api.example/acme",
        auth=NoAuth(),
        limiter=limiter,
        retry=ONCE,
    )
    return ApiClient(policy, transport=httpx.MockTransport(answer))


def uuid_of(number: int) -> str:
    """Return the id of a message, ascending by number."""
    return str(UUID(int=number))


_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_AFTER = re.compile(r'createdAt > "[^"]+" or id > "([^"]+)"')


def project_of(messages: Sequence[tuple[str, bytes]]) -> Answer:
    """Serve messages of one time in pages, by the id that each truly has."""
    names = [name for name, _ in messages]

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        after = _AFTER.search(" ".join(asked.get_list("where")))
        first = bisect_right(names, after[1]) if after else 0
        rows = [body for _, body in messages[first : first + int(asked["limit"])]]
        return httpx.Response(200, content=b'{"results":[' + b",".join(rows) + b"]}")

    return answer


def message(number: int) -> Json:
    """Return the message of a customer's deletion."""
    return {
        "version": 1,
        "sequenceNumber": 2,
        "resourceVersion": 3,
        "type": "CustomerDeleted",
        "email": "jane.doe@example.com",
        "lastModifiedAt": "2026-03-19T10:00:00.000Z",
        "resource": {"typeId": "customer", "id": uuid_of(10**9 + number)},
    }


def spoilt_messages(count: int) -> list[tuple[str, bytes]]:
    """Return spoilt messages that are JSON, each with an id and a time that can be read."""
    mutator, found, seed = Mutator([orjson.dumps(message(1))]), [], 11_000_000
    while len(found) < count:
        body, seed = mutator.payload(seed).body, seed + 1
        name = uuid_of(2 * len(found) + 1)
        if body[:1] == b"{" and body != b"{}":
            tail = b'"id":"%s","createdAt":"2026-03-19T10:00:00.000Z"}' % name.encode()
            body = body[:-1] + b"," + tail
        try:
            if len(orjson.loads(b"[" + body + b"]")) == 1:
                found.append((name, body))
        except orjson.JSONDecodeError:
            continue
    return found


MESSAGE = frozenset(("type", "resource", "sequenceNumber"))
"""What only a message has; a document without any of it can't be known for one."""


def named_in(body: bytes) -> str:
    """Return whom a message names, by the last of its keys."""
    return str(json.loads(body)["resource"]["id"])


def test_no_message_of_a_project_is_lost_between_bad_ones() -> None:
    """Each is captured with its bytes, and deletes only the customer that it names."""
    bad = spoilt_messages(COMMERCETOOLS_MESSAGES)
    good = [
        (
            uuid_of(2 * number),
            orjson.dumps(
                message(number)
                | {"id": uuid_of(2 * number), "createdAt": "2026-03-19T10:00:00.000Z"}
            ),
        )
        for number in range(len(bad) + 1)
    ]
    listed = sorted([*good, *bad])
    reader = DeletionsReader(client_on(project_of(listed)), settings(page_size=500), *OF_CUSTOMERS)
    records = [record for page in reader.read(DAY) for record in page]
    assert sorted({record.payload for record in records}) == sorted({body for _, body in listed})
    assert all(is_id(record.source_id) and record.updated_at in DAY for record in records)
    found: dict[bytes, RawRecord] = {record.payload: record for record in records}
    mapper = customers()
    outcomes = {"mapped": 0, "refused": 0}
    for _, body in bad:
        outcome, fault = outcome_of(mapper.to_customer, body, ())
        assert fault == "", body
        outcomes["mapped" if outcome == "mapped" else "refused"] += 1
        if outcome == "mapped":
            result = mapper.to_customer(body)
            assert isinstance(result, Mapped)
            if not MESSAGE.isdisjoint(json.loads(body)):
                assert result.record.is_gone, body
                assert result.record.source_id in (found[body].source_id, named_in(body))
    assert min(outcomes.values()) > COMMERCETOOLS_MESSAGES // 50


@pytest.mark.parametrize("kind", ["orders", "messages"])
def test_a_spoilt_answer_of_a_query_is_read_whole_or_is_an_error(kind: str) -> None:
    """With the system and the call; no part of it is used."""
    dated = {"createdAt": "2026-03-19T10:00:00.000Z", "lastModifiedAt": "2026-03-19T10:00:00.000Z"}
    entry = (order() if kind == "orders" else message(1)) | {"id": uuid_of(1)} | dated
    good = orjson.dumps({"limit": 2, "count": 2, "results": [entry, entry | {"id": uuid_of(2)}]})
    served = b""

    def answer(request: httpx.Request) -> httpx.Response:
        is_first = " or id > " not in " ".join(request.url.params.get_list("where"))
        return httpx.Response(200, content=served if is_first else b'{"results":[]}')

    client, asked = client_on(answer), settings(probe="messages")
    reader: Any = DeletionsReader(client, asked, *OF_CUSTOMERS)
    if kind == "orders":
        reader = ChangesReader(client, settings(), Resource("order", "/orders", "view_orders"))
    seen = {"read": 0, "refused": 0}
    for payload in Mutator([good]).payloads(COMMERCETOOLS_ANSWERS, 12_000_000):
        served = payload.body
        try:
            records = [record for page in reader.read(DAY) for record in page]
            first = reader.probe(START)
        except LockstepError as error:
            assert_is_bounded(str(error), "commercetools")
            seen["refused"] += 1
            continue
        except RecordRejected as rejected:
            raise AssertionError(payload.body) from rejected
        assert first is None or first >= START
        assert all(is_id(record.source_id) for record in records)
        seen["read"] += 1
    assert min(seen.values()) > COMMERCETOOLS_ANSWERS // 20
