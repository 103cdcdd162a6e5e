"""Captured orders -> canonical orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.exchange import Mapped, Skipped
from domain.parsing.cards import card_number
from domain.parsing.scalars import to_amount, to_moment
from domain.records.orders import ChargeKind, DeliveryMethod, LineKind
from tests.resources.platforms.bigcommerce.stores import LINE, mapped, mapper, order, rejected

Json = dict[str, Any]


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


def test_a_missing_line_among_products_costs_no_other() -> None:
    """What is missing shows in the order's total."""
    document = order()
    document["consignments"]["shipping"][0]["line_items"] = []
    found = mapped({"order": document, "products": [None, LINE]})
    assert [line.line_id for line in found.lines] == ["501"]
    assert "order_without_lines" in rejected({"order": document, "products": [None]})


def test_units_convert_exactly_or_not_at_all() -> None:
    """A case of four is four each at a quarter of the price; an indivisible price is rejected."""
    line = mapped(order(), {"uom_rules": {"TOWEL-1": {"uom": "EACH", "factor": 4}}}).lines[0]
    assert (line.quantity, line.unit_price, line.line_total) == (8, Decimal("2.5"), 20)
    assert "uom_conversion_inexact" in rejected(order(), {"uom_rules": {"TOWEL-1": {"factor": 3}}})


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
    ("changes", "canceled"),
    [
        ({"status_id": 5}, True),
        ({"status_id": 6}, True),
        ({"is_deleted": True}, True),
        ({"status_id": 9}, False),
    ],
)
def test_an_order_that_the_oms_has_is_changed_or_canceled(changes: Json, canceled: bool) -> None:
    """Cancelled, declined and archived orders become cancellations; updates still go out."""
    result = mapper({"start_date": "2027-01-01T00:00:00Z"}).to_order(
        orjson.dumps(order(**changes)), lambda source_id: source_id == "1001"
    )
    assert isinstance(result, Mapped)
    assert result.record.canceled is canceled
    assert bool(result.record.cancel_reason) is canceled


def test_dates_and_amounts_are_read_strictly() -> None:
    """Both date forms; no exponent, no space inside, no zone left out."""
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
