"""Captured orders -> canonical orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.cards import card_number
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.orders import ChargeKind, DeliveryMethod, LineKind
from domain.scalars import to_amount, to_moment
from tests.resources.platforms.bigcommerce.stores import (
    ADDRESS,
    LINE,
    line_of,
    mapped,
    mapper,
    order,
)

Json = dict[str, Any]


def rejected(
    document: object, orders: Json | None = None, *, exported: bool = False
) -> dict[str, Problem]:
    """Map an order that is rejected; return its problems by code."""
    with pytest.raises(RecordRejected) as raised:
        mapper(orders).to_order(orjson.dumps(document), lambda _: exported)
    assert all(problem.message and problem.advice for problem in raised.value.problems)
    return {problem.code: problem for problem in raised.value.problems}


def test_an_order_keeps_what_the_store_says() -> None:
    """Ids, currency of payment, prices before tax, taxes, shipping and the payment's reference."""
    result = mapped(order(customer_message="Ring  twice"), {"order_id_prefix": "BC-"})
    assert (result.order_id, result.source_id, result.currency, result.tax_included) == (
        "BC-1001",
        "1001",
        "USD",
        False,
    )
    assert result.customer.customer_id is None
    line = result.lines[0]
    assert (line.line_id, line.sku, line.variant_id, line.options) == (
        "501",
        "TOWEL-1",
        "7",
        ("Size: S",),
    )
    assert (line.quantity, line.unit_price, line.line_total, line.taxes[0].amount) == (2, 10, 20, 2)
    assert [(c.kind, c.amount, c.tax, c.group_id) for c in result.charges] == [
        (ChargeKind.SHIPPING, 5, Decimal("0.50"), "99")
    ]
    assert (result.groups[0].group_id, result.groups[0].shipping_method) == ("99", "STD")
    assert result.notes[0].text == "Ring twice"
    assert (result.payments[0].method, result.payments[0].transactions[0].reference) == (
        "CreditCard",
        "ch_1",
    )


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
    assert problem.message.endswith("come to 27.50, and the order says 27.60, a difference of 0.10")
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


def test_several_consignments_pick_up_and_digital_lines() -> None:
    """Each way to the customer is a group; ``line_items`` of downloads may be a single object."""
    document = order(items_total=4, total_tax="5.5000", total_inc_tax="60.5000")
    shared = {
        "price_ex_tax": "10.0000",
        "quantity": 1,
        "total_ex_tax": "10.0000",
        "total_tax": "1.0000",
    }
    digital = LINE | shared | {"id": 502, "sku": "EBOOK", "type": "digital", "order_address_id": 0}
    picked = LINE | shared | {"id": 503, "order_address_id": 0, "order_pickup_method_id": 7}
    certificate = (
        LINE | shared | {"id": 504, "sku": "", "type": "giftcertificate", "order_address_id": 0}
    )
    document["items_total"] = 5
    document["consignments"].update(
        downloads=[{"recipient_email": "a@example.com", "line_items": digital}],
        pickups=[
            {"id": 7, "pickup_method_id": 1, "location": {"code": "AUS"}, "line_items": [picked]}
        ],
        email={
            "gift_certificates": [{"recipient_email": "b@example.com", "line_items": [certificate]}]
        },
    )
    document["consignments"]["shipping"][0]["line_items"].append(
        LINE | shared | {"id": 505, "sku": "OTHER", "parent_order_product_id": 501}
    )
    document.update(items_total=6, total_tax="6.5000", total_inc_tax="71.5000")
    result = mapped(document, {"pickup_locations": {"AUS": "STORE-7"}})
    assert [(g.group_id, g.method, g.location, g.recipient_email) for g in result.groups] == [
        ("99", DeliveryMethod.SHIP, None, ""),
        ("pickup-7", DeliveryMethod.PICKUP, "STORE-7", ""),
        ("digital", DeliveryMethod.EMAIL, None, "a@example.com"),
        ("gift-certificates", DeliveryMethod.EMAIL, None, "b@example.com"),
    ]
    kinds = {line.line_id: (line.kind, line.sku, line.parent_line_id) for line in result.lines}
    assert kinds["504"] == (LineKind.GIFT_CERTIFICATE, "GIFT-CERTIFICATE", None)
    assert kinds["505"][2] == "501"
    assert "pickup_location_unknown" in rejected(document)


def test_products_read_apart_find_their_group_by_address() -> None:
    """A compound payload's products replace links; a line without a consignment is a rejection."""
    document = order()
    document["consignments"]["shipping"][0]["line_items"] = [
        {"url": "https://x/orders/1001/products/501", "resource": "/o"}
    ]
    assert "lines_incomplete" in rejected(document)
    result = mapped({"order": document, "products": [LINE]})
    assert (result.lines[0].group_id, result.lines[0].line_id) == ("99", "501")
    assert "consignment_unknown" in rejected(
        {"order": document, "products": [LINE | {"order_address_id": 5}]}
    )


def test_units_convert_exactly_or_not_at_all() -> None:
    """A case of four is four each at a quarter of the price; an indivisible price is rejected."""
    line = mapped(order(), {"uom_rules": {"TOWEL-1": {"uom": "EACH", "factor": 4}}}).lines[0]
    assert (line.quantity, line.unit_price, line.line_total) == (8, Decimal("2.5"), 20)
    assert "uom_conversion_inexact" in rejected(order(), {"uom_rules": {"TOWEL-1": {"factor": 3}}})


def test_gift_certificates_and_store_credit_are_payments_of_their_own() -> None:
    """The payments sum to the total, and what the gateway paid is the rest."""
    result = mapped(order(gift_certificate_amount="10.0000", store_credit_amount="5.0000"))
    assert [(p.payment_id, p.method, p.amount) for p in result.payments] == [
        ("gift_certificate", "GiftCard", 10),
        ("store_credit", "Other", 5),
        ("payment", "CreditCard", Decimal("12.50")),
    ]
    assert "payment_mismatch" in rejected(order(gift_certificate_amount="99.0000"))


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


def test_a_card_number_goes_nowhere() -> None:
    """In a payment field it rejects the order without being shown; in a note it is masked."""
    problem = rejected(order(payment_provider_id="4111 1111 1111 1111"))["card_number_present"]
    assert problem.value == "****"
    result = mapper().to_order(
        orjson.dumps(order(staff_notes="card 4111111111111111 ok")), lambda _: False
    )
    assert isinstance(result, Mapped)
    assert result.record.notes[0].text == "card **** ok"
    assert [warning.code for warning in result.warnings] == ["card_number_masked"]
    assert card_number("4111111111111112") is None
    assert card_number("9111111111111111") is None


@pytest.mark.parametrize(
    ("changes", "exported", "rule"),
    [
        ({"status_id": 1}, False, "status_not_exported"),
        ({"status_id": 2}, True, "status_not_exported"),
        ({"status_id": 5}, False, "cancelled_before_export"),
        ({"is_deleted": True}, False, "deleted_in_store"),
        ({"date_created": "Thu, 01 Jan 2015 10:00:00 +0000"}, False, "before_start_date"),
        ({"channel_id": 2}, False, "other_channel"),
    ],
)
def test_orders_are_skipped_by_named_rules(changes: Json, exported: bool, rule: str) -> None:
    """Skipping is not a fault, and the rule says why."""
    rules = {"start_date": "2026-01-01T00:00:00Z"}
    result = mapper(rules, channel_id=1).to_order(
        orjson.dumps(order(**changes)), lambda _: exported
    )
    assert isinstance(result, Skipped)
    assert result.rule == rule


@pytest.mark.parametrize(
    ("changes", "cancelled"),
    [
        ({"status_id": 5}, True),
        ({"status_id": 6}, True),
        ({"is_deleted": True}, True),
        ({"status_id": 9}, False),
    ],
)
def test_an_order_that_the_oms_has_is_changed_or_cancelled(changes: Json, cancelled: bool) -> None:
    """Cancelled, declined and archived orders become cancellations; updates still go out."""
    result = mapper({"start_date": "2027-01-01T00:00:00Z"}).to_order(
        orjson.dumps(order(**changes)), lambda source_id: source_id == "1001"
    )
    assert isinstance(result, Mapped)
    assert result.record.cancelled is cancelled
    assert bool(result.record.cancel_reason) is cancelled


def test_all_problems_of_an_order_are_named_at_once() -> None:
    """Each with its path in the store's names."""
    document = order(
        default_currency_code="", customer_id="x", billing_address=ADDRESS | {"email": ""}
    )
    line_of(document).update(sku=" ", quantity=-1)
    document["consignments"]["shipping"][0].update(
        shipping_method="Dragon", country_iso2="", country="Narnia"
    )
    problems = rejected(document)
    shipping = "consignments.shipping[0]"
    assert problems["sku_missing"].field == f"{shipping}.line_items[0].sku"
    assert problems["quantity_invalid"].value == "-1"
    assert problems["shipping_method_unknown"].field == f"{shipping}.shipping_method"
    assert problems["country_unknown"].field == f"{shipping}.country_iso2"
    assert {"currency_invalid", "malformed_value", "email_missing"} <= problems.keys()


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("date_created", "yesterday", "date_invalid"),
        ("date_created", "", "date_missing"),
        ("total_inc_tax", "1,5", "malformed_value"),
        ("total_inc_tax", None, "amount_missing"),
        ("status_id", 99, "status_unknown"),
        ("is_tax_inclusive_pricing", "no", "malformed_value"),
        ("consignments", {"url": "x", "resource": "y"}, "consignments_missing"),
        ("items_total", 5, "lines_incomplete"),
        ("discount_amount", "-1", "discount_negative"),
    ],
)
def test_a_header_value_that_cannot_be_used_is_named(path: str, value: Any, code: str) -> None:
    """No header value is guessed."""
    assert code in rejected(order(**{path: value}))


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("quantity", 1.5, "quantity_invalid"),
        ("quantity", 0, "quantity_invalid"),
        ("quantity", True, "quantity_invalid"),
        ("type", "robot", "line_type_unknown"),
        ("price_ex_tax", "ten", "malformed_value"),
        ("sku", "x" * 300, "sku_too_long"),
        ("id", None, "line_id_missing"),
    ],
)
def test_a_line_value_that_cannot_be_used_is_named(path: str, value: Any, code: str) -> None:
    """No line value is guessed."""
    document = order()
    line_of(document)[path] = value
    assert code in rejected(document)


def test_lines_must_be_there_once_each() -> None:
    """No lines, and two with one id, are rejections."""
    document = order(items_total=0)
    document["consignments"]["shipping"][0]["line_items"] = []
    assert "order_without_lines" in rejected(document)
    document["consignments"]["shipping"][0]["line_items"] = [LINE, LINE]
    assert "line_id_duplicate" in rejected(document)


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"7", b"{}", b'{"order": 1}', b'{"id": -1}', b'{"id": "x"}']
)
def test_a_payload_that_is_no_order_is_rejected(payload: bytes) -> None:
    """Never another kind of error."""
    with pytest.raises(RecordRejected):
        mapper().to_order(payload, lambda _: True)


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


def test_dates_and_amounts_are_read_strictly() -> None:
    """Both date forms; no exponent, no blank inside, no zone left out."""
    assert (
        to_moment("Thu, 19 Mar 2026 10:00:00 +0000")
        == to_moment("2026-03-19T10:00:00Z")
        == to_moment("Thu, 19 Mar 2026 12:00:00 +0200")
    )
    assert to_moment("Thu, 99 Mar 2026 10:00:00 +0000") is None
    assert to_moment("2026-03-19T10:00:00") is None
    assert str(to_amount("10.0000")) == "10.00"
    assert str(to_amount("0.1234")) == "0.1234"
    assert [to_amount(text) for text in ("1e5", "NaN", "1 000", "", "--1")] == [None] * 5


def test_many_card_numbers_in_a_note_are_masked_in_one_pass_with_one_warning() -> None:
    """One by one it took the square of the note's length."""
    written = "call; " + "4111 1111 1111 1111, " * 500 + "1234567890123456"
    result = mapper().to_order(orjson.dumps(order(staff_notes=written)), lambda _: False)
    assert isinstance(result, Mapped)
    assert [warning.code for warning in result.warnings].count("card_number_masked") == 1
    assert "4111" not in result.record.notes[0].text
    assert result.record.notes[0].text.endswith("1234567890123456")


def test_a_sku_with_a_control_character_is_rejected_as_such() -> None:
    """A zero byte would stop the load of the whole chunk; it is shown as its escape."""
    document = order()
    line_of(document)["sku"] = "MUG\x00"
    problem = rejected(document)["sku_invalid"]
    assert (problem.field, problem.value) == (
        "consignments.shipping[0].line_items[0].sku",
        r"MUG\x00",
    )


def test_a_date_of_another_century_is_no_date() -> None:
    """Nor is a text of a thousand digits an amount."""
    assert to_moment("Thu, 19 Mar 0026 10:00:00 +0000") is None
    assert to_moment("9999-12-31T23:59:59Z") is None
    assert set(rejected(order(total_tax="0." + "1" * 1000))) == {"malformed_value"}


def test_an_address_part_of_thousands_of_characters_is_rejected() -> None:
    """No label holds it, and addresses are remembered."""
    problem = rejected(order(billing_address=ADDRESS | {"city": "x" * 5_000}))["malformed_value"]
    assert problem.field == "billing_address.city"
