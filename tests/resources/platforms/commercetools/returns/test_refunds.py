"""Refunds among the transactions of an order's payments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.errors import PermanentError, RecordRejected
from domain.exchange import ShipmentLine
from domain.refunds import OrderRefunds, RefundRequest
from resources.platforms.commercetools.answers_payload import HELD_ORDERS
from resources.platforms.commercetools.returns.refunds import (
    add_refund,
    made_for,
    mark_of,
    next_part,
    refunds_of,
)
from resources.platforms.commercetools.shipments.order import HeldOrder
from tests.resources.platforms.commercetools.projects import cents, order, settings

Json = dict[str, Any]
KEY = "0123456789abcdef0123456789abcdef"
PAYMENT = "5f1d3c57-8f4c-4b63-9d0a-4f6a3f0c1a12"
DOCUMENT = order()
LINE = DOCUMENT["lineItems"][0]["id"]
REQUEST = RefundRequest("o", "R 1:x", (ShipmentLine(LINE, 2),), None, "USD", Decimal("19.20"))


def transaction(kind: str, amount: str, state: str = "Success", **more: Any) -> Json:
    """Return a transaction."""
    return {"id": f"{kind}-{amount}", "type": kind, "state": state, "amount": cents(amount), **more}


def held(*payments: list[Json], **changes: Any) -> HeldOrder:
    """Return an order with payments of these transactions."""
    references = [
        {"id": "p", "obj": {"id": PAYMENT[:-1] + str(n), "version": n, "transactions": list(one)}}
        for n, one in enumerate(payments)
    ]
    document = DOCUMENT | {"paymentInfo": {"payments": references}} | changes
    return HeldOrder(HELD_ORDERS.decode(orjson.dumps(document)).document, settings())


def found(*payments: list[Json], **changes: Any) -> OrderRefunds:
    """Return what the order shows."""
    return refunds_of(held(*payments, **changes))


def test_a_mark_says_which_delivery_which_return_and_which_units() -> None:
    """Whatever characters the return's id has."""
    mark = mark_of(REQUEST, KEY)
    [refund] = found([transaction("Refund", "19.20", "Initial", interactionId=mark)]).refunds
    assert (refund.key, refund.return_id, dict(refund.units)) == (KEY, "R 1:x", {LINE: 2})
    assert (refund.is_pending, refund.declined, refund.unassigned) == (True, "", 0)


@pytest.mark.parametrize(("state", "pending", "declined"), [
    ("Initial", True, False), ("Pending", True, False),
    ("Success", False, False), ("Failure", False, True),
])  # fmt: skip
def test_a_state_says_whether_it_is_decided(state: str, pending: bool, declined: bool) -> None:
    """What failed counts for nothing."""
    [refund] = found([transaction("Refund", "5.00", state)]).refunds
    assert (refund.is_pending, bool(refund.declined)) == (pending, declined)
    assert refund.unassigned == (0 if declined else 5)


def test_what_others_gave_back_names_no_units_or_those_of_its_return_item() -> None:
    """A chargeback, too."""
    item = {"id": "i", "lineItemId": LINE, "quantity": 1, "paymentState": "Refunded"}
    shown = found(
        [transaction("Charge", "46.80"), transaction("Chargeback", "3.00")],
        returnInfo=[{"items": [item, item | {"id": "j", "paymentState": "Initial"}]}],
    )
    assert [(r.key, dict(r.units), r.unassigned) for r in shown.refunds] == [
        ("", {}, Decimal("3.00")),
        ("", {LINE: 1}, 0),
    ]
    assert shown.unshipped[LINE] == 3


def test_the_payment_with_most_left_pays_and_none_pays_more_than_it_has() -> None:
    """What was refunded, is about to be, or was charged back is not left."""
    one = [transaction("Charge", "30.00"), transaction("Refund", "5.00", "Pending")]
    two = [transaction("Charge", "40.00"), transaction("Refund", "9.00", "Failure")]
    order_ = held(one, two, [transaction("Authorization", "90.00")]).order
    part = next_part(order_, REQUEST, Decimal("20.00"), KEY, None)
    assert (part.payment.version, part.amount) == (1, Decimal("20.00"))
    assert part.mark == mark_of(REQUEST, KEY)
    with pytest.raises(RecordRejected) as raised:
        next_part(order_, REQUEST, Decimal("65.01"), KEY, None)
    assert raised.value.problems[0].code == "refund_refused"
    foreign = transaction("Charge", "99.00") | {"amount": cents("99.00", "EUR")}
    with pytest.raises(RecordRejected):
        next_part(held([foreign]).order, REQUEST, Decimal("1.00"), KEY, None)


def given(amount: str, key: str = KEY, whole: str | None = None, **more: Any) -> Json:
    """Return the transaction of a part of a refund."""
    total = None if whole is None else Decimal(whole)
    mark = mark_of(REQUEST, key, total)
    return transaction("Refund", amount, **({"interactionId": mark} | more))


def test_a_refund_is_divided_where_no_payment_has_so_much_left() -> None:
    """By what each has left, most first; each part once, whatever was made of it before."""
    charges = [[transaction("Charge", amount)] for amount in ("8.00", "30.00", "20.00")]
    payments, parts = [list(one) for one in charges], []
    for _ in range(3):
        now = held(*payments)
        part = next_part(now.order, REQUEST, Decimal("57.00"), KEY, made_for(now, KEY))
        parts.append((part.payment.version, part.amount))
        payments[part.payment.version or 0].append(given(str(part.amount), whole="57.00"))
    assert parts == [(1, Decimal("30.00")), (2, Decimal("20.00")), (0, Decimal("7.00"))]
    [refund] = found(*payments).refunds
    assert (refund.amount, refund.missing, dict(refund.units)) == (57, 0, {LINE: 2})
    assert refund.refund_id == "Refund-7.00+Refund-30.00+Refund-20.00"


def test_a_part_of_a_refund_says_what_is_missing() -> None:
    """One that failed is not made again: its refund is declined. Others stay as they are."""
    charge = transaction("Charge", "30.00")
    [refund] = found([charge, given("12.00", whole="19.20")]).refunds
    assert (refund.amount, refund.missing) == (Decimal("12.00"), Decimal("7.20"))
    [refund] = found(
        [charge, given("12.00", whole="19.20")],
        [charge, given("7.20", whole="19.20", state="Failure")],
    ).refunds
    assert (refund.missing, refund.declined) == (0, "the transaction failed")
    other = KEY[::-1]
    two = found([charge, given("12.00", whole="19.20"), given("3.00", key=other)]).refunds
    assert [(r.key, r.missing) for r in two] == [(KEY, Decimal("7.20")), (other, 0)]


def test_the_rest_of_a_refund_is_of_its_first_amount() -> None:
    """Prices may have changed in between; and no payment gives back two parts."""
    now = held(
        [transaction("Charge", "90.00"), given("12.00", whole="19.20")],
        [transaction("Charge", "8.00")],
    )
    part = next_part(now.order, REQUEST, Decimal("25.00"), KEY, made_for(now, KEY))
    assert (part.payment.version, part.amount) == (1, Decimal("7.20"))
    assert part.mark == mark_of(REQUEST, KEY, Decimal("19.20"))
    now = held([transaction("Charge", "90.00"), given("12.00", whole="19.20")])
    with pytest.raises(RecordRejected, match="7.20 is needed after 12.00 was given back"):
        next_part(now.order, REQUEST, Decimal("19.20"), KEY, made_for(now, KEY))


def test_an_amount_is_sent_in_whole_minor_units() -> None:
    """Of the currency: none of yen, three digits of dinars."""
    for currency, amount, expected in (
        ("USD", "19.2", 1920),
        ("JPY", "7", 7),
        ("KWD", "1.5", 1500),
    ):
        request = RefundRequest("o", "R", REQUEST.lines, None, currency)
        action = add_refund(request, Decimal(amount), "m")
        assert action["transaction"]["amount"] == {
            "currencyCode": currency,
            "centAmount": expected,
        }
    with pytest.raises(RecordRejected):
        add_refund(REQUEST, Decimal("0.001"), "m")


def test_payments_that_can_not_be_read_stop_the_refund() -> None:
    """They were not expanded: the scope is missing."""
    bare = DOCUMENT | {"paymentInfo": {"payments": [{"id": PAYMENT}]}}
    with pytest.raises(PermanentError, match="view_payments"):
        refunds_of(HeldOrder(HELD_ORDERS.decode(orjson.dumps(bare)).document, settings()))
