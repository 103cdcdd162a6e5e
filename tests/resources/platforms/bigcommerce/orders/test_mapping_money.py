"""Prices, discounts, taxes, charges and payments of a mapped order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.exchange import Mapped
from domain.records.orders import ChargeKind
from tests.resources.platforms.bigcommerce.stores import line_of, mapped, mapper, order, rejected


def test_tax_inclusive_prices_are_taken_with_their_tax() -> None:
    """The flag chooses the values that the store guarantees."""
    result = mapped(order(is_tax_inclusive_pricing=True))
    assert result.tax_included
    assert (result.lines[0].unit_price, result.lines[0].line_total, result.charges[0].amount) == (
        11,
        22,
        Decimal("5.50"),
    )


@pytest.mark.parametrize(
    "prices", [("10.0000", "20.0000"), (10, 20), (10.0, 20.0), ("10", "20.00")]
)
def test_money_is_read_in_every_form(prices: tuple[Any, Any]) -> None:
    """Float, float as string and integer give the same order."""
    document = order()
    line_of(document).update(price_ex_tax=prices[0], total_ex_tax=prices[1])
    assert mapped(document) == mapped(order())


def test_line_and_order_discounts_and_coupons() -> None:
    """What lines carry stays on them with the coupon's code; the rest is the order's."""
    document = order(
        discount_amount="3.0000",
        coupon_discount="2.0000",
        total_ex_tax="20.0000",
        total_inc_tax="22.5000",
    )
    line_of(document)["applied_discounts"] = [
        {"id": "coupon", "amount": "2.0000", "name": "Ten", "code": "TEN", "target": "order"}
    ]
    result = mapped(document)
    assert [(d.amount, d.code) for d in result.lines[0].discounts] == [(2, "TEN")]
    assert [(d.amount, d.code) for d in result.discounts] == [(3, None)]


def discounted(total: str, *discounts: str, **changes: Any) -> dict[str, Any]:
    """Return an order whose line has these discounts, and which states ``total`` of them."""
    left = Decimal("27.5000") - Decimal(total)
    document = order(coupon_discount=total, total_inc_tax=f"{left:.4f}", **changes)
    line_of(document)["applied_discounts"] = [
        {"id": f"d{i}", "amount": amount, "code": f"C{i}", "name": ""}
        for i, amount in enumerate(discounts)
    ]
    return document


@pytest.mark.parametrize(
    ("total", "shares", "expected"),
    [
        ("5.0000", ("2.0000", "3.0100"), ("2", "3")),
        ("5.0000", ("3.0050", "2.0000"), ("3", "2")),
        ("4.9900", ("5.0000",), ("4.99",)),
        ("5.0000", ("2.5000", "2.5000"), ("2.5", "2.5")),
    ],
)
def test_a_share_that_the_store_rounded_up_is_reduced(
    total: str, shares: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """The largest one, by at most a cent a line, so that the order adds up."""
    result = mapped(discounted(total, *shares))
    assert [d.amount for d in result.lines[0].discounts] == [Decimal(text) for text in expected]
    assert result.discounts == ()
    assert result.computed_total() == result.total


@pytest.mark.parametrize(
    ("total", "shares", "difference"),
    [("5.0000", ("5.0200",), "0.02"), ("1.0000", ("2.0000", "3.0000"), "4.00")],
)
def test_shares_beyond_the_orders_discount_are_a_mismatch(
    total: str, shares: tuple[str, ...], difference: str
) -> None:
    """It is not known which of the two numbers the shopper paid by."""
    problem = rejected(discounted(total, *shares))["discount_mismatch"]
    assert problem.field == "discount_amount"
    assert f"a difference of {difference}" in problem.message


def test_a_discount_of_a_line_is_never_negative_and_nothing_where_it_is_zero() -> None:
    """A surcharge under that name is a mistake; the problem names its place."""
    problem = rejected(discounted("0.0000", "0.0000", "-1.0000"))["discount_negative"]
    assert problem.field == "consignments.shipping[0].line_items[0].applied_discounts[1].amount"
    assert problem.value == "-1.00"
    document = discounted("2.0000", "0.0000", "", "2.0000")
    line_of(document)["applied_discounts"].insert(0, None)
    assert [d.code for d in mapped(document).lines[0].discounts] == ["C2"]


def test_a_coupon_that_no_line_names_comes_from_the_coupons_document() -> None:
    """The compound payload's coupons give code and amount of an order-level discount."""
    document = order(coupon_discount="5.0000", total_inc_tax="22.5000")
    result = mapped(
        {"order": document, "coupons": [{"id": 3, "code": "FIVE", "discount": "5.0000"}]}
    )
    assert [(d.discount_id, d.code, d.amount) for d in result.discounts] == [
        ("coupon-3", "FIVE", 5)
    ]


def test_taxes_follow_the_order_where_a_line_states_them_before_its_discount() -> None:
    """A discounted line's tax is taken in proportion when only that agrees with the order's tax."""
    document = order(coupon_discount="10.0000", total_tax="1.5000", total_inc_tax="16.5000")
    line_of(document)["applied_discounts"] = [
        {"id": "c", "amount": "10.0000", "code": "HALF", "name": ""}
    ]
    assert [tax.amount for tax in mapped(document).lines[0].taxes] == [1]


def test_a_rounding_difference_in_tax_is_shown_as_one() -> None:
    """A cent a line is rounding; a dollar is a rejection with both numbers."""
    result = mapped(order(total_tax="2.5100", total_inc_tax="27.5100"))
    assert [(tax.tax_id, tax.amount) for tax in result.lines[0].taxes] == [
        ("tax", 2),
        ("rounding", Decimal("0.01")),
    ]
    problem = rejected(order(total_tax="3.5000", total_inc_tax="28.5000"))["tax_mismatch"]
    assert "2.50" in problem.message
    assert "difference of 1.00" in problem.message


def test_an_order_that_does_not_add_up_is_rejected_with_the_difference() -> None:
    """Both numbers and the difference are named."""
    problem = rejected(order(total_inc_tax="27.6000"))["total_mismatch"]
    assert problem.message.endswith(
        "add up to 27.50, but the order's total is 27.60, a difference of 0.10"
    )
    document = order()
    line_of(document)["total_ex_tax"] = "21.0000"
    assert "line_total_mismatch" in rejected(document)


def test_gift_wrap_handling_and_fees_are_charges() -> None:
    """Each has its kind; gift wrap stays on its line."""
    document = order(
        wrapping_cost_ex_tax="2.0000",
        wrapping_cost_inc_tax="2.2000",
        wrapping_cost_tax="0.2000",
        handling_cost_ex_tax="1.0000",
        handling_cost_inc_tax="1.1000",
        handling_cost_tax="0.1000",
        fees=[
            {
                "id": 4,
                "display_name_customer": "Insurance",
                "cost_ex_tax": 8.5,
                "cost_inc_tax": 10,
                "cost_tax": 1.5,
            }
        ],
        total_tax="4.3000",
        total_inc_tax="40.8000",
    )
    line_of(document).update(
        wrapping_name="Red",
        wrapping_cost_ex_tax="2.0000",
        wrapping_cost_inc_tax="2.2000",
        wrapping_cost_tax="0.2000",
    )
    result = mapped(document)
    assert [(c.kind, c.name, c.amount) for c in result.lines[0].charges] == [
        (ChargeKind.GIFT_WRAP, "Red", 2)
    ]
    assert [(c.charge_id, c.group_id) for c in result.charges] == [
        ("shipping-99", "99"),
        ("handling", None),
        ("fee-4", None),
    ]


def test_a_fee_that_is_missing_or_costs_nothing_is_none() -> None:
    """One without a name is a fee; one without an id has its place in the list."""
    document = order(
        fees=[
            None,
            {"id": 4, "cost_ex_tax": 0, "cost_tax": 0},
            {"display_name_merchant": "Bag", "cost_ex_tax": 1, "cost_tax": 0.1},
            {"id": 6, "cost_ex_tax": "2.0000", "cost_inc_tax": "2.0000", "cost_tax": ""},
        ],
        total_tax="2.6000",
        total_inc_tax="30.6000",
    )
    assert [(c.charge_id, c.name, c.amount, c.tax) for c in mapped(document).charges[1:]] == [
        ("fee-2", "Bag", 1, Decimal("0.10")),
        ("fee-6", "Fee", 2, 0),
    ]


def test_an_order_below_zero_is_rejected() -> None:
    """No payment has a negative amount: it is a refund, which the OMS gets in another way."""
    problem = rejected(order(total_inc_tax="-1.0000"))["total_negative"]
    assert (problem.field, problem.value) == ("total_inc_tax", "-1.00")


@pytest.mark.parametrize("quantity", ["2", 2.0, "02"])
def test_a_quantity_is_read_in_every_form(quantity: object) -> None:
    """V2 also writes numbers as text."""
    document = order()
    line_of(document)["quantity"] = quantity
    assert mapped(document) == mapped(order())


def test_a_coupon_that_gives_nothing_is_left_out() -> None:
    """As is one that is missing; no coupon takes more than the order's discount."""
    document = order(coupon_discount="5.0000", total_inc_tax="22.5000")
    coupons = [
        None,
        {"id": 1, "code": "NIL", "discount": "0.0000"},
        {"id": 2, "code": "ODD", "discount": "-3.0000"},
        {"code": "", "discount": "2.0000"},
        {"id": 5, "code": "BIG", "discount": "9.0000"},
        {"id": 6, "code": "LATE", "discount": "1.0000"},
    ]
    result = mapped({"order": document, "coupons": coupons})
    assert [(d.discount_id, d.code, d.amount) for d in result.discounts] == [
        ("coupon-3", None, 2),
        ("coupon-5", "BIG", 3),
    ]


def test_gift_certificates_and_store_credit_are_payments_of_their_own() -> None:
    """The payments sum to the total, and what the gateway paid is the rest."""
    result = mapped(order(gift_certificate_amount="10.0000", store_credit_amount="5.0000"))
    assert [(p.payment_id, p.method, p.amount) for p in result.payments] == [
        ("gift_certificate", "GiftCard", 10),
        ("store_credit", "Other", 5),
        ("payment", "CreditCard", Decimal("12.50")),
    ]
    assert "payment_mismatch" in rejected(order(gift_certificate_amount="-1.0000"))


@pytest.mark.parametrize(
    ("certificate", "credit", "expected"),
    [
        ("99.0000", "0.0000", [("gift_certificate", Decimal("27.50"))]),
        ("0.0000", "40.0000", [("store_credit", Decimal("27.50"))]),
        ("20.0000", "10.0000", [("gift_certificate", 20), ("store_credit", Decimal("7.50"))]),
    ],
)
def test_an_order_that_costs_less_than_was_paid_goes_out_with_a_warning(
    certificate: str, credit: str, expected: list[tuple[str, Decimal]]
) -> None:
    """The merchant has taken something off: the warehouse must not ship it."""
    document = order(gift_certificate_amount=certificate, store_credit_amount=credit)
    result = mapper().to_order(orjson.dumps(document), lambda _: False)
    assert isinstance(result, Mapped)
    assert [(p.payment_id, p.amount) for p in result.record.payments] == expected
    assert [warning.code for warning in result.warnings] == ["paid_above_total"]


def test_transactions_give_the_authorisation() -> None:
    """Authorisations and captures are kept with their references; refunds and credits are not."""
    base = {
        "method": "credit_card",
        "amount": 27.5,
        "currency": "USD",
        "gateway": "stripe",
        "status": "ok",
    }
    events = [
        base
        | {
            "id": 1,
            "event": "authorization",
            "gateway_transaction_id": "auth_1",
            "date_created": "2026-03-19T10:00:00+00:00",
        },
        base | {"id": 2, "event": "refund", "gateway_transaction_id": "re_1"},
        base | {"id": 3, "event": "purchase", "method": "gift_certificate"},
    ]
    payment = mapped({"order": order(), "transactions": {"data": events, "meta": {}}}).payments[0]
    assert payment.gateway == "stripe"
    assert [(t.transaction_id, t.kind, t.reference, t.succeeded) for t in payment.transactions] == [
        ("1", "authorization", "auth_1", True)
    ]
    assert "currency_mixed" in rejected(
        {"order": order(), "transactions": [events[0] | {"currency": "EUR"}]}
    )


def test_an_amount_beyond_all_measure_is_a_rejection() -> None:
    """What the canonical model refuses is the record's fault, too."""
    document = order(
        total_tax="2.500000000001",
        total_inc_tax="9999999999999.500000000001",
        store_credit_amount="9999999999972.000000000001",
    )
    assert rejected(document)
    long = "1234567890123.123456789012"
    document = order(
        shipping_cost_ex_tax=long,
        shipping_cost_tax="0",
        total_tax="2",
        total_inc_tax="1234567890145.123456789012",
    )
    assert "invalid_value" in rejected(document)
