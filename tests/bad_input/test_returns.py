"""Bad returns of the OMS, and bad answers about refunds: no crash, and no money by mistake."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.errors import LockstepError
from domain.exchange import ShipmentLine
from domain.refunds import OrderRefunds, RefundRequest, ReturnedUnits, ReturnRecord
from domain.returns_policy import RefundService
from resources.http.async_client import AsyncApiClient
from resources.http.target_writer import TargetWriter
from resources.payments.service import HttpPaymentsWriter
from resources.platforms.bigcommerce.returns.refunds import RefundCalls
from resources.platforms.bigcommerce.returns.target import BigCommerceRefundsWriter
from resources.platforms.commercetools.returns.refunds import mark_of
from resources.platforms.commercetools.returns.target import CommercetoolsReturnsWriter
from resources.platforms.salesforce.returns.parts import return_key
from resources.platforms.salesforce.returns.target import SalesforceReturnsWriter
from tests.bad_input.counts import REFUND_ANSWERS_EACH, RETURNS, SALESFORCE_RETURNS
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import assert_is_bounded, run
from tests.bad_input.targets import KEY, Session, pushing, use
from tests.resources.oms.manhattan.returns.test_mapping import MAPPER, a_return, returned
from tests.resources.platforms.bigcommerce.stores import settings as bigcommerce
from tests.resources.platforms.commercetools.projects import cents
from tests.resources.platforms.commercetools.projects import order as an_order
from tests.resources.platforms.commercetools.projects import settings as commercetools
from tests.resources.platforms.salesforce.orgs import order as salesforce_order
from tests.resources.platforms.salesforce.orgs import settings as salesforce

pytestmark = pytest.mark.slow(seconds=60)

Json = dict[str, Any]
CEILING = Decimal(500)
PERSONAL = ("jane.doe", "Jane", "Doe")


def test_every_spoilt_return_is_mapped_skipped_or_rejected() -> None:
    """No crash, no empty message, no personal value shown."""
    documents = [
        a_return(),
        a_return(returned("1", ("15000", 1), ("18000", 1)), returned("2", ("19000", 1))),
        a_return(
            returned(
                "1",
                ("18000", 2),
                ReturnTrackingNumber="1Z",
                ReceivedItemCondition={"ItemConditionId": "Good"},
            )
        ),
    ]
    payloads = Mutator([orjson.dumps(one) for one in documents]).payloads(RETURNS, 9_000_000)

    def to_return(payload: bytes) -> Any:
        return MAPPER.to_return(payload, ("T-1001",))

    outcomes = run(to_return, payloads, PERSONAL)
    assert outcomes.total() == RETURNS
    assert outcomes["mapped"] > RETURNS // 10
    assert len(outcomes) > 5, "and reach the rules"


def _spoil(
    good: Mapping[str, Json],
    writer_of: Callable[[AsyncApiClient], TargetWriter],
    request: RefundRequest | ReturnRecord,
    others: Sequence[Any] = (),
    *,
    seed: int,
    count: int = REFUND_ANSWERS_EACH,
) -> Counter[str]:
    """Refund with one spoilt answer each time, and check what is sent and what is stated."""
    names = list(good)
    mutators = {name: Mutator([orjson.dumps(good[name])]) for name in names}
    plain = {name: orjson.dumps(document) for name, document in good.items()}
    outcomes: Counter[str] = Counter()
    session = Session()

    async def all_of_them() -> None:
        async with writer_of(pushing(session)) as writer:
            for number in range(count):
                spoilt = names[number % len(names)]
                payload = mutators[spoilt].payload(seed + number)
                bodies = plain | {spoilt: payload.body}
                paid: list[Decimal] = []

                def answer(
                    method: str, path: str, data: bytes, bodies: Any = bodies, paid: Any = paid
                ) -> tuple[int, bytes]:
                    if method == "POST" and (amount := _asked(data)) is not None:
                        paid.append(amount)
                    return 200, bodies[_name_of(method, path, names)]

                session.answers = answer
                try:
                    turn = number // len(names)
                    if turn % 2:
                        await _look(writer, request.order_id, outcomes)
                    contents = [request] if others and turn % 4 else [*others, request]
                    await use(writer, contents, outcomes)
                except Exception as error:
                    raise AssertionError(f"seed {payload.seed} of {spoilt}: {error!r}") from error
                assert all(Decimal(0) < amount <= CEILING for amount in paid), payload.seed
                assert len(paid) <= 1, f"seed {payload.seed}: money went out twice"

    asyncio.run(all_of_them())
    return outcomes


async def _look(writer: Any, order_id: str, outcomes: Counter[str]) -> None:
    try:
        held = (await writer.held({order_id: ()}))[order_id]
        if held.content is not None:
            _check(held.content)
        outcomes["held"] += 1
    except LockstepError as error:
        assert_is_bounded(str(error))
        outcomes["not held"] += 1


def _check(found: OrderRefunds) -> None:
    for refund in found.refunds:
        assert refund.amount.is_finite()
        assert all(units >= 0 for units in refund.units.values())


def _asked(data: bytes) -> Decimal | None:
    """Return the amount that a request gives back; a quote asks for none."""
    body = orjson.loads(data)
    if "payments" in body:
        return sum((Decimal(str(p["amount"])) for p in body["payments"]), Decimal(0))
    if "amount" in body:
        return Decimal(body["amount"])
    for action in body.get("actions", ()):
        if action["action"] == "addTransaction":
            return Decimal(action["transaction"]["amount"]["centAmount"]) / 100
    return None


def _name_of(method: str, path: str, names: Sequence[str]) -> str:
    asked = f"{method} {path}"
    return max((name for name in names if asked.startswith(name)), key=len)


def _request(line_id: str, amount: str | None = None) -> RefundRequest:
    lines = (ShipmentLine(line_id, 2),)
    exact = Decimal(amount) if amount is not None else None
    return RefundRequest("1", "RMA-1", lines, CEILING, "USD", exact)


def test_spoilt_answers_of_bigcommerce_give_no_money_twice_or_beyond_the_limit() -> None:
    """Quotes, refunds, lists of refunds and of the order's units."""
    item = {
        "item_type": "PRODUCT",
        "item_id": 101,
        "quantity": 2,
        "requested_amount": None,
        "reason": f"Return RMA-1 (lockstep {KEY.hex})",
    }
    by_hand = {"item_type": "ORDER", "item_id": 1, "requested_amount": "3.00", "reason": ""}
    payment = {"id": 1, "provider_id": "stripe", "amount": 20.0, "offline": False,
               "is_declined": False, "declined_message": ""}  # fmt: skip
    refund = {"id": 7, "order_id": 1, "total_amount": 20.0, "items": [item], "payments": [payment]}
    option = {"provider_id": "stripe", "amount": 20.0, "offline": False}
    quote = {"order_id": 1, "total_refund_amount": 20.0, "refund_methods": [[option], [option]]}
    line = {"id": 101, "quantity": 3, "quantity_shipped": 3}
    good: dict[str, Any] = {
        "POST /v3/orders/1/payment_actions/refund_quotes": {"data": quote, "meta": {}},
        "POST /v3/orders/1/payment_actions/refunds": {"data": refund, "meta": {}},
        "GET /v3/orders/payment_actions/refunds/": {"data": refund, "meta": {}},
        "GET /v3/orders/1/payment_actions/refunds": {
            "data": [refund, refund | {"id": 8, "items": [by_hand]}],
            "meta": {},
        },
        "GET /v2/orders/1/products": [line],
    }
    outcomes = _spoil(
        good,
        lambda push: BigCommerceRefundsWriter(push, RefundCalls(push, bigcommerce())),
        _request("101"),
        seed=10_000_000,
    )
    assert outcomes["done"] > REFUND_ANSWERS_EACH // 10
    assert {"held", "not held", "refused", "unknown"} <= outcomes.keys()


def test_spoilt_answers_of_commercetools_give_no_money_twice_or_beyond_the_charge() -> None:
    """Orders with payments and return info, and what updates are answered with."""
    order_id = "5f1d3c57-8f4c-4b63-9d0a-4f6a3f0c1a11"
    document = an_order() | {"id": order_id, "version": 3}
    line_id = document["lineItems"][0]["id"]
    reference = document["paymentInfo"]["payments"][0]
    request = RefundRequest(
        order_id, "RMA-1", (ShipmentLine(line_id, 2),), CEILING, "USD", Decimal("19.20")
    )
    old = {"id": "t0", "type": "Refund", "state": "Success", "amount": cents("1.00")}
    charge = {"id": "t1", "type": "Charge", "state": "Success", "amount": cents("46.80")}
    payment_id = "5f1d3c57-8f4c-4b63-9d0a-4f6a3f0c1a12"
    reference["obj"] |= {"id": payment_id, "version": 2}
    reference["obj"]["transactions"] += [charge, old]
    item = {
        "id": "i1",
        "key": "k",
        "lineItemId": line_id,
        "quantity": 1,
        "shipmentState": "Returned",
        "paymentState": "Refunded",
    }
    document["returnInfo"] = [{"items": [item]}]
    own = {
        "id": "t2",
        "type": "Refund",
        "state": "Initial",
        "amount": cents("19.20"),
        "interactionId": mark_of(request, KEY.hex),
    }
    paid = reference["obj"] | {"transactions": [*reference["obj"]["transactions"], own]}
    good: dict[str, Any] = {
        f"GET /orders/{order_id}": document,
        f"POST /orders/{order_id}": document | {"version": 4},
        "POST /payments/": paid | {"version": 3},
    }
    shown = ReturnRecord(
        order_id, "RMA-1", (ReturnedUnits(line_id, 2, 2, 2, "Good"),), "1Z", is_separate=True
    )
    chosen = commercetools(stock_conditions=("Good",))
    outcomes = _spoil(
        good,
        lambda push: CommercetoolsReturnsWriter(push, chosen),
        request,
        [shown],
        seed=11_000_000,
    )
    assert outcomes["done"] > REFUND_ANSWERS_EACH // 10
    assert {"held", "not held", "refused", "unknown"} <= outcomes.keys()


def test_spoilt_answers_of_salesforce_make_no_second_return_order() -> None:
    """Orders with return orders, refunds by hand, and what composites are answered with."""
    document = salesforce_order()
    item = document["OrderItemSummaries"]["records"][0]["Id"]
    shown = ReturnRecord(
        document["Id"], "RMA-1", (ReturnedUnits(item, 2, 1, 1, "Good", expected=2),), "1Z"
    )
    key = return_key(shown)
    line = {
        "Id": "0eLLk0000000001AAC",
        "Lockstep_Key__c": f"{key}-{item}",
        "QuantityExpected": 1,
        "OrderItemSummaryId": item,
        "QuantityReceived": 1,
        "QuantityReturned": 0,
        "Lockstep_Refunded__c": None,
    }
    held = {
        "Id": "0eRLk0000000001AAC",
        "Lockstep_Key__c": key,
        "Status": "Approved",
        "Lockstep_Return__c": "RMA-1",
        "Lockstep_Tracking__c": None,
        "ReturnOrderLineItems": {"totalSize": 1, "done": True, "records": [line]},
    }
    own = held | {"Id": "0eRLk0000000002AAC", "Lockstep_Key__c": None, "Status": "Canceled"}
    returns = {"totalSize": 2, "done": True, "records": [held, own]}
    row = document | {"ReturnOrders": returns, "Amount": 5.0}
    made = {"id": held["Id"], "success": True, "errors": [], "created": False}
    parts = [
        {"body": body, "httpHeaders": {}, "httpStatusCode": 200, "referenceId": name}
        for name, body in (("return", made), ("lines0", [made | {"id": line["Id"]}]))
    ]
    good = {
        "GET /query": {"totalSize": 1, "done": True, "records": [row]},
        "POST /composite": {"compositeResponse": parts},
    }
    outcomes = _spoil(
        good,
        lambda push: SalesforceReturnsWriter(push, salesforce()),
        shown,
        seed=13_000_000,
        count=SALESFORCE_RETURNS,
    )
    assert outcomes["done"] > SALESFORCE_RETURNS // 10
    assert {"held", "not held", "refused", "unknown"} <= outcomes.keys()


def test_spoilt_answers_of_a_payment_service_give_no_money_twice() -> None:
    """Refunds, and lists of them."""
    refund = {
        "id": "rf-1",
        "key": KEY.hex,
        "order": "1",
        "return": "RMA-1",
        "amount": "19.20",
        "currency": "USD",
        "status": "accepted",
        "reason": "",
        "lines": [{"line": "101", "quantity": 2}],
    }
    other = refund | {"id": "rf-2", "key": None, "return": None, "status": "pending", "lines": []}
    good = {"POST /refunds": refund, "GET /refunds": {"refunds": [refund, other]}}
    header = RefundService.model_fields["key_header"].default
    outcomes = _spoil(
        good,
        lambda push: HttpPaymentsWriter(push, header),
        _request("101", "19.20"),
        seed=12_000_000,
    )
    assert outcomes["done"] > REFUND_ANSWERS_EACH // 10
    assert {"held", "not held", "partly", "unknown"} <= outcomes.keys()
