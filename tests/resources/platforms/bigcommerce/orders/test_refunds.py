"""Units refunded in the store: the OMS neither ships nor charges what it can still leave out."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.schemas.orders import order_problems
from tests.resources.platforms.bigcommerce.stores import Json, line_of, mapper, order


def refunded(*lines: Json, **changes: Any) -> Json:
    """Return an order of two lines of three units at 10 with 1 of tax each, changed by ``lines``.

    With 5 for shipping, 0.50 of its tax, it comes to 71.50.
    """
    document = order(total_tax="6.5000", total_inc_tax="71.5000", items_total=6) | changes
    sample = copy.deepcopy(line_of(document)) | {
        "quantity": 3, "total_ex_tax": "30.0000", "total_inc_tax": "33.0000", "total_tax": "3.0000",
        "quantity_refunded": 0, "quantity_shipped": 0, "is_refunded": False,
    }  # fmt: skip
    consignment = document["consignments"]["shipping"][0]
    consignment["line_items"] = [
        sample | {"id": 501 + i} | (lines[i] if i < len(lines) else {}) for i in range(2)
    ]
    return document


def mapped_order(document: Json, *, exported: bool = False) -> Mapped[Any]:
    """Map an order that goes to the OMS, and check that it still adds up."""
    result = mapper().to_order(orjson.dumps(document), lambda _: exported)
    assert isinstance(result, Mapped)
    assert order_problems([result.record], None) == {}
    paid = sum(payment.amount for payment in result.record.payments)
    assert result.record.canceled or paid == result.record.total
    return result


def units(result: Mapped[Any]) -> dict[str, Decimal]:
    """Return the units of each line."""
    return {line.line_id: line.quantity for line in result.record.lines}


@pytest.mark.parametrize(
    ("lines", "expected", "total"),
    [
        ([{"quantity_refunded": 1}], {"501": 2, "502": 3}, "60.50"),
        ([{"quantity_refunded": 3}], {"502": 3}, "38.50"),
        ([{"is_refunded": True}], {"502": 3}, "38.50"),
        ([{"quantity_refunded": 2}, {"quantity_refunded": "1"}], {"501": 1, "502": 2}, "38.50"),
        ([{"quantity_refunded": 9}], {"502": 3}, "38.50"),
    ],
)
def test_units_refunded_before_export_are_not_sent(
    lines: list[Json], expected: dict[str, int], total: str
) -> None:
    """Nor charged: total, tax and payment are those of what is left."""
    result = mapped_order(refunded(*lines))
    assert units(result) == expected
    assert result.record.total == Decimal(total)
    assert result.record.computed_total() == Decimal(total)
    assert result.warnings == ()


def test_a_refund_takes_its_share_of_discounts_wrapping_and_rounding() -> None:
    """What remains is stated in cents, and adds up."""
    wrapped = {
        "quantity_refunded": 1,
        "applied_discounts": [{"id": "coupon", "amount": "5.0000", "code": "FIVE", "name": ""}],
        "wrapping_cost_ex_tax": "1.0000",
        "wrapping_cost_tax": "0.1000",
    }
    document = refunded(
        wrapped,
        wrapping_cost_ex_tax="1.0000",
        wrapping_cost_tax="0.1000",
        coupon_discount="5.0000",
        discount_amount="6.0000",
        total_tax="6.6100",
        total_inc_tax="61.6100",
    )
    record = mapped_order(document).record
    first = record.lines[0]
    assert (first.quantity, first.line_total) == (2, 20)
    assert [discount.amount for discount in first.discounts] == [Decimal("3.33")]
    assert [charge.amount for charge in first.charges] == [Decimal("0.67")]
    # The order's own discount of 6 is shared by the goods left: (16.67 + 30) of (25 + 30).
    assert [discount.amount for discount in record.discounts] == [Decimal("5.09")]
    assert record.total == record.computed_total()


def test_a_refund_is_taken_from_the_gateways_payment_first() -> None:
    """Its events state what remains, or the OMS would give the difference back again."""
    document = refunded(
        {"quantity_refunded": 3}, gift_certificate_amount="40.0000", store_credit_amount="1.5000"
    )
    event = {"id": 1, "event": "capture", "amount": 30, "currency": "USD", "status": "ok"}
    found = mapped_order({"order": document, "transactions": [event]}).record.payments
    assert [(payment.payment_id, payment.amount) for payment in found] == [
        ("gift_certificate", Decimal("38.50"))
    ]
    document["gift_certificate_amount"] = "20.0000"
    event["amount"] = 50
    found = mapped_order({"order": document, "transactions": [event]}).record.payments
    assert [(payment.payment_id, payment.amount) for payment in found] == [
        ("gift_certificate", 20),
        ("store_credit", Decimal("1.50")),
        ("payment", 17),
    ]
    assert [event.amount for event in found[-1].transactions] == [17]


def test_an_order_refunded_as_a_whole_before_export_is_skipped() -> None:
    """And one that the OMS has is canceled there."""
    everything = refunded({"quantity_refunded": 3}, {"quantity_refunded": 3})
    result = mapper().to_order(orjson.dumps(everything), lambda _: False)
    assert isinstance(result, Skipped)
    assert result.rule == "refunded_before_export"
    assert mapped_order(everything, exported=True).record.canceled
    by_status = refunded(status_id=4)
    assert isinstance(mapper().to_order(orjson.dumps(by_status), lambda _: False), Skipped)
    found = mapped_order(by_status, exported=True).record
    assert (found.canceled, found.cancel_reason) == (True, "Customer Request")


@pytest.mark.parametrize(
    ("status", "lines", "expected", "codes"),
    [
        (14, [{"quantity_refunded": 1}], {"501": 2, "502": 3}, []),
        (14, [{"quantity_refunded": 1, "quantity_shipped": 2}], {"501": 2, "502": 3}, []),
        (
            14,
            [{"quantity_refunded": 2, "quantity_shipped": 2}],
            {"501": 2, "502": 3},
            ["refunded_after_shipping"],
        ),
        (
            14,
            [{"quantity_refunded": 1, "quantity_shipped": 3}],
            {"501": 3, "502": 3},
            ["refunded_after_shipping"],
        ),
        (14, [], {"501": 3, "502": 3}, ["refund_without_units"]),
        (4, [{"quantity_shipped": 3}], {"501": 3}, ["refunded_after_shipping"]),
    ],
)
def test_after_export_only_units_that_have_not_shipped_are_taken_off(
    status: int, lines: list[Json], expected: dict[str, int], codes: list[str]
) -> None:
    """What has shipped can't be canceled: an operator sees a warning."""
    result = mapped_order(refunded(*lines, status_id=status), exported=True)
    assert units(result) == expected
    assert [warning.code for warning in result.warnings] == codes
    assert not result.record.canceled


@pytest.mark.parametrize("status", [2, 12, 13])
def test_units_are_taken_off_whatever_the_status_says_since(status: int) -> None:
    """The merchant has moved a refunded order to a status that is not exported."""
    document = refunded({"quantity_refunded": 1}, status_id=status)
    assert units(mapped_order(document, exported=True)) == {"501": 2, "502": 3}
    group = document["consignments"]["shipping"][0]
    listed = [line | {"order_address_id": group["id"]} for line in group["line_items"]]
    assert units(mapped_order({"order": document, "products": listed}, exported=True)) == {
        "501": 2,
        "502": 3,
    }
    everything = refunded({"is_refunded": True}, {"quantity_refunded": 3}, status_id=status)
    assert mapped_order(everything, exported=True).record.canceled


@pytest.mark.parametrize(
    "line", [{}, {"quantity_refunded": 1, "quantity_shipped": 3}, {"quantity_refunded": "0"}]
)
def test_a_status_that_is_not_exported_keeps_back_what_was_not_refunded(line: Json) -> None:
    """So does a refund of units that have shipped: it takes nothing off."""
    document = refunded(line, status_id=12)
    document["consignments"]["downloads"] = [None, {"line_items": None}]
    result = mapper().to_order(orjson.dumps(document), lambda _: True)
    assert isinstance(result, Skipped)
    assert result.rule == "status_not_exported"
    del document["consignments"]
    result = mapper().to_order(orjson.dumps(document), lambda _: True)
    assert isinstance(result, Skipped)


def test_what_the_store_shipped_by_hand_before_export_is_not_shipped_again() -> None:
    """All of it: skipped. A part of it: the operator decides, since the OMS would ship it all."""
    document = refunded({"quantity_shipped": 3}, items_shipped=6)
    result = mapper().to_order(orjson.dumps(document), lambda _: False)
    assert isinstance(result, Skipped)
    assert result.rule == "shipped_before_export"
    document["items_shipped"] = 2
    with pytest.raises(RecordRejected) as rejected:
        mapper().to_order(orjson.dumps(document), lambda _: False)
    [problem] = rejected.value.problems
    assert (problem.code, problem.field) == ("partly_shipped_in_store", "items_shipped")
    assert units(mapped_order(document, exported=True)) == {"501": 3, "502": 3}


@pytest.mark.parametrize("field", ["quantity_refunded", "quantity_shipped"])
def test_a_number_of_refunded_units_that_cannot_be_read_rejects(field: str) -> None:
    """The OMS could ship what the shopper got back."""
    document = refunded({"quantity_refunded": 1, field: "some"})
    with pytest.raises(RecordRejected) as rejected:
        mapper().to_order(orjson.dumps(document), lambda _: False)
    assert [(p.code, p.field.rpartition(".")[2]) for p in rejected.value.problems] == [
        ("quantity_invalid", field)
    ]


def test_a_refund_in_yen_is_in_whole_yen() -> None:
    """Shares are rounded to the currency's minor unit."""
    line = {
        "quantity_refunded": 1,
        "price_ex_tax": "333",
        "total_ex_tax": "1000",
        "total_tax": "100",
    }
    document = refunded(
        line, default_currency_code="JPY", total_tax="103.5000", total_inc_tax="1138.5000"
    )
    record = mapped_order(document).record
    assert (record.lines[0].line_total, record.lines[0].total_tax()) == (667, 67)
    assert record.total == record.computed_total()


def test_a_free_item_that_is_refunded_changes_no_discount() -> None:
    """The goods come to the same without it, so the order's discount stays whole."""
    free = {
        "quantity_refunded": 3, "price_ex_tax": "0.0000", "price_inc_tax": "0.0000",
        "total_ex_tax": "0.0000", "total_inc_tax": "0.0000", "total_tax": "0.0000",
    }  # fmt: skip
    document = refunded(free, discount_amount="6.0000", total_tax="3.5000", total_inc_tax="32.5000")
    result = mapped_order(document)
    assert units(result) == {"502": 3}
    assert [discount.amount for discount in result.record.discounts] == [6]
    assert result.record.total == Decimal("32.50")


def event(number: int, amount: float, **changes: Any) -> Json:
    """Return a gateway's capture."""
    return {
        "id": number,
        "event": "capture",
        "amount": amount,
        "currency": "USD",
        "status": "ok",
        "gateway_transaction_id": f"ch_{number}",
    } | changes


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([None, event(1, 71.5)], [("1", "38.50")]),
        ([event(1, 30), event(2, 41.5)], [("1", "30"), ("2", "8.50")]),
        ([event(1, 38.5), event(2, 33)], [("1", "38.50")]),
        ([event(1, 50), event(2, 21.5)], [("1", "38.50")]),
        (
            [event(1, 71.5, event="authorization"), event(2, 71.5, status="error"), event(3, 71.5)],
            [("1", "38.50"), ("2", "71.50"), ("3", "38.50")],
        ),
    ],
)
def test_captures_together_come_to_what_is_left_of_the_payment(
    events: list[Json | None], expected: list[tuple[str, str]]
) -> None:
    """Each kind by itself; a failed one moved no money and stays as it was."""
    document = refunded({"quantity_refunded": 3})
    (payment,) = mapped_order({"order": document, "transactions": events}).record.payments
    assert payment.amount == Decimal("38.50")
    assert [(each.transaction_id, each.amount) for each in payment.transactions] == [
        (number, Decimal(amount)) for number, amount in expected
    ]


def made(line: int, quantity: Any, reason: str = "Return R-1 (lockstep " + "0" * 32 + ")") -> Json:
    """Return a refund as the store lists it, by default one that Lockstep has made."""
    item = {"item_type": "PRODUCT", "item_id": line, "quantity": quantity, "reason": reason}
    return {"id": 9, "total_amount": 11, "items": [item], "payments": []}


@pytest.mark.parametrize(
    ("line", "refunds", "left"),
    [
        ({"quantity_refunded": 1, "quantity_shipped": 2}, [made(501, 1)], 3),
        ({"quantity_refunded": 2, "quantity_shipped": 2}, [made(501, 1)], 2),
        ({"quantity_refunded": 2, "quantity_shipped": 1}, [made(501, 1), made(501, 1)], 3),
        ({"quantity_refunded": 1}, [made(501, 1)], 3),
        ({"quantity_refunded": 1, "quantity_shipped": 2}, [made(502, 1)], 2),
        ({"quantity_refunded": 1, "quantity_shipped": 2}, [made(501, 1, "by hand")], 2),
        ({"quantity_refunded": 1, "quantity_shipped": 2}, [made(501, "x"), None], 2),
        ({"quantity_refunded": 1, "quantity_shipped": 2}, [], 2),
    ],
)
def test_a_refund_for_a_return_takes_no_unit_off(
    line: Json, refunds: list[Json], left: int
) -> None:
    """Its units had shipped; the rest of the line still is to be shipped."""
    document = refunded(line)
    for captured in ({"data": refunds}, refunds):
        result = mapped_order({"order": document, "refunds": captured})
        assert units(result) == {"501": left, "502": 3}


def test_a_refund_for_a_return_is_no_refund_without_units() -> None:
    """The order is partially refunded, and nothing of it is left out."""
    document = refunded({"quantity_refunded": 1, "quantity_shipped": 2}, status_id=14)
    result = mapped_order({"order": document, "refunds": [made(501, 1)]}, exported=True)
    assert result.warnings == ()


def test_an_order_that_was_refunded_as_a_whole_keeps_what_was_returned() -> None:
    """Two of three came back, and the merchant has refunded all that was left."""
    document = refunded({"quantity_shipped": 2}, {"quantity_refunded": 3}, status_id=4)
    captured = {"order": document, "refunds": [made(501, 2)]}
    assert units(mapped_order(captured, exported=True)) == {"501": 2}


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {"item_type": "SHIPPING", "item_id": 501, "quantity": 1},
        {"item_type": "PRODUCT", "item_id": None, "quantity": 1},
    ],
)
def test_what_a_refund_gives_back_besides_products_is_no_unit(entry: Json | None) -> None:
    """Even with Lockstep's own reason; the products beside it count."""
    refund = made(501, 1)
    if entry is not None:
        entry |= {"reason": refund["items"][0]["reason"]}
    refund["items"].insert(0, entry)
    document = refunded({"quantity_refunded": 2, "quantity_shipped": 2})
    assert units(mapped_order({"order": document, "refunds": [refund]})) == {"501": 2, "502": 3}
