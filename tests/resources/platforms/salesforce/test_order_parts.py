"""Parts of an order in rarer forms: adjustments, charges, payments, notes, unusable values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.orders import ChargeKind
from resources.platforms.salesforce.fields import order_fields
from resources.platforms.salesforce.orders.delivered import ordered_units, to_store_snapshot
from tests.resources.platforms.salesforce.orgs import mapped, order, rejected, result_of, settings
from tests.sandbox.simulated_org import AT, an_item, an_order

Json = dict[str, Any]
ITEM, GROUP = "OrderItemSummaries.records[0]", "OrderDeliveryGroupSummaries.records[0]"
PAYMENT = "OrderPaymentSummaries.records[0]"


def records(document: Json, name: str) -> list[Any]:
    """Return the list of a document's children, to change it."""
    found: list[Any] = document[name]["records"]
    return found


def warnings(document: object, **changes: Any) -> dict[str, str]:
    """Map an order that is sent; return the fields of its warnings by code."""
    result = result_of(document, **changes)
    assert isinstance(result, Mapped)
    return {warning.code: warning.field for warning in result.warnings}


def test_an_adjustment_above_zero_is_a_fee_of_its_group() -> None:
    """One below zero is a discount, and one of zero is neither."""
    adjustments = [
        {"Name": "ENGRAVING", "Amount": 2.0, "TotalAmtWithTax": 2.0},
        {"Name": "NOTHING", "Amount": 0.0, "TotalAmtWithTax": 0.0},
        {"Name": "SPRING", "Amount": -3.0, "TotalAmtWithTax": -3.0},
    ]
    items = [an_item("MUG", 3, 10.0, 2.48, adjustments=adjustments), *an_order("1")["items"][1:]]
    found = mapped(order(items=items, GrandTotalAmount=56.13))
    assert [(each.name, each.amount) for each in found.lines[0].discounts] == [("SPRING", 3)]
    assert found.lines[0].charges == ()
    fee, shipping = found.charges
    assert (fee.kind, fee.name, fee.amount) == (ChargeKind.FEE, "ENGRAVING", 2)
    assert fee.group_id == found.groups[0].group_id
    assert shipping.kind is ChargeKind.SHIPPING


def test_a_free_delivery_is_no_charge_and_a_charge_has_an_id() -> None:
    """A charge without id can't be recognised after a change."""
    items = [*an_order("1")["items"], an_item("Express", 1, 0.0, 0.0, Type="Delivery Charge")]
    found = mapped(order(items=items))
    assert [(charge.kind, charge.amount) for charge in found.charges] == [(ChargeKind.SHIPPING, 5)]
    document = order()
    records(document, "OrderItemSummaries")[2]["Id"] = None
    problem = rejected(document)["line_id_missing"]
    assert problem.field == "OrderItemSummaries.records[2].Id"


def test_an_item_that_is_there_twice_is_named() -> None:
    """Its units would ship twice."""
    document = order()
    first, second, _ = records(document, "OrderItemSummaries")
    second["Id"] = first["Id"]
    problem = rejected(document)["line_id_duplicate"]
    assert problem.field == "OrderItemSummaries.records[1].Id"
    assert problem.value == first["Id"]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"Product2": {"StockKeepingUnit": "MU\x01G"}}, "sku_invalid", "Product2.StockKeepingUnit"),
        ({"Product2": {"StockKeepingUnit": "M" * 256}}, "sku_too_long",
         "Product2.StockKeepingUnit"),
        ({"UnitPrice": None}, "amount_missing", "UnitPrice"),
        ({"TotalLineAmount": ""}, "amount_missing", "TotalLineAmount"),
        ({"Quantity": True}, "quantity_invalid", "Quantity"),
        ({"Quantity": None}, "quantity_invalid", "Quantity"),
        ({"Quantity": "three"}, "quantity_invalid", "Quantity"),
        ({"OrderItemAdjustmentLineSummaries": {"records": ["SPRING"]}}, "malformed_value",
         "OrderItemAdjustmentLineSummaries.records[0]"),
        ({"OrderItemAdjustmentLineSummaries": {"records": [{"Amount": "much"}]}},
         "malformed_value", "OrderItemAdjustmentLineSummaries.records[0].Amount"),
    ],
)  # fmt: skip
def test_a_value_of_an_item_that_can_t_be_used_names_its_field(
    change: Json, code: str, field: str
) -> None:
    """In the vendor's name, below the item's place."""
    document = order()
    records(document, "OrderItemSummaries")[0] |= change
    assert rejected(document)[code].field == f"{ITEM}.{field}"


@pytest.mark.parametrize("name", ["OrderItemSummaries", "OrderPaymentSummaries"])
def test_an_entry_of_a_list_that_can_t_be_read_is_a_loss(name: str) -> None:
    """The order is kept out, and the others keep their places."""
    document = order()
    records(document, name)[0] = "gone"
    problem = rejected(document)["malformed_value"]
    assert problem.field == f"{name}.records[0]"
    assert "gone" not in problem.value


def test_an_order_needs_its_own_id() -> None:
    """Nothing else of it could be linked."""
    for change in ({"Id": None}, {"Id": ""}):
        with pytest.raises(RecordRejected) as raised:
            result_of(order() | change)
        assert [(p.code, p.field) for p in raised.value.problems] == [("id_missing", "Id")]


@pytest.mark.parametrize("field", ["Status", "SalesStoreId", "BillingCountry"])
def test_an_order_is_not_skipped_by_a_field_that_can_t_be_read(field: str) -> None:
    """A rule might have decided otherwise: it is rejected, whatever the rule says."""
    document = order() | {field: ["?"]}
    with pytest.raises(RecordRejected) as raised:
        result_of(document, lambda _: Skipped("status", "not exported"), sales_store_id="0" * 15)
    assert {"malformed_value": field}.items() <= {
        problem.code: problem.field for problem in raised.value.problems
    }.items()


def test_a_rounding_of_the_orders_tax_is_on_its_largest_line() -> None:
    """As a tax of its own; more than rounding is a mismatch."""
    found = mapped(order() | {"TotalTaxAmount": 4.14, "GrandTotalAmount": 54.14})
    mug, shirt = found.lines
    assert [(tax.tax_id, tax.amount) for tax in mug.taxes] == [
        ("tax", Decimal("2.48")),
        ("rounding", Decimal("0.01")),
    ]
    assert [tax.tax_id for tax in shirt.taxes] == ["tax"]
    assert "tax_mismatch" in rejected(order() | {"TotalTaxAmount": 4.33, "GrandTotalAmount": 54.33})


def payment(method: str, amount: float, *states: str) -> Json:
    """Return a means of payment with authorisations in these states."""
    return {
        "Method": method,
        "AuthorizationAmount": amount,
        "authorizations": [
            {
                "GatewayRefNumber": f"{method}-{state}",
                "Amount": amount,
                "Status": state,
                "EffectiveDate": AT,
            }
            for state in states
        ],
    }


@pytest.mark.parametrize(
    ("payments", "expected"),
    [
        ([("Visa", 50.0), ("Gift card", 4.13)], {"Visa": "50.00", "Gift card": "4.13"}),
        ([("Visa", 54.13), ("Gift card", 4.13)], {"Visa": "50.00", "Gift card": "4.13"}),
        ([("Visa", 10.0), ("Gift card", 60.0)], {"Gift card": "54.13"}),
        ([("Visa", 1.0)], {"Visa": "54.13"}),
    ],
)
def test_payments_come_to_the_orders_total(
    payments: list[tuple[str, float]], expected: dict[str, str]
) -> None:
    """The first has what the others leave; one that nothing is left for is none."""
    found = mapped(order(payments=[payment(*each, "Processed") for each in payments]))
    assert {each.source_method: each.amount for each in found.payments} == {
        method: Decimal(amount) for method, amount in expected.items()
    }


def test_a_payment_that_failed_is_none_and_one_under_way_has_no_transaction_yet() -> None:
    """Without any other the whole total is one payment of an unknown method."""
    failed = payment("Visa", 54.13, "Failed", "Canceled")
    [unknown] = mapped(order(payments=[failed])).payments
    assert (unknown.payment_id, unknown.source_method) == ("payment", "")
    assert unknown.amount == Decimal("54.13")
    [amex] = mapped(order(payments=[failed, payment("Amex", 54.13, "Pending")])).payments
    assert (amex.source_method, amex.transactions) == ("Amex", ())
    [visa] = mapped(order(payments=[payment("Visa", 54.13, "Failed", "Processed")])).payments
    assert [(each.reference, each.succeeded) for each in visa.transactions] == [
        ("Visa-Failed", False),
        ("Visa-Processed", True),
    ]


def test_a_refund_is_no_order() -> None:
    """Its total is below zero."""
    problem = rejected(order() | {"GrandTotalAmount": -54.13})["total_negative"]
    assert (problem.field, problem.value) == ("GrandTotalAmount", "-54.13")


def test_a_description_is_the_note_of_whom_the_settings_name() -> None:
    """Of no one by default; a payment card's number in it is masked, with a warning."""
    document = order(Description="Ring twice")
    for kind in ("customer", "staff"):
        [note] = mapped(document, description_note=kind).notes
        assert (note.kind, note.text) == (kind, "Ring twice")
    assert mapped(document, description_note=None).notes == ()
    assert mapped(order(Description=" ")).notes == ()
    card = order(Description="Charge 4111 1111 1111 1111 please")
    [note] = mapped(card).notes
    assert "4111" not in note.text
    assert note.text.startswith("Charge ")
    assert warnings(card)["card_number_masked"] == "Description"
    assert "card_number_masked" not in warnings(document)


def test_the_original_orders_po_number_is_the_buyers_own_number() -> None:
    """It is read where the settings say so; a card's number is masked."""
    assert mapped(order()).purchase_order == ""
    assert mapped(order() | {"OriginalOrder": {"PoNumber": " PO 4711"}}).purchase_order == "PO 4711"
    card = order() | {"OriginalOrder": {"PoNumber": "4111 1111 1111 1111"}}
    assert mapped(card).purchase_order == "****"
    assert warnings(card)["card_number_masked"] == "OriginalOrder.PoNumber"
    assert "OriginalOrder.PoNumber" not in order_fields(settings())
    assert "OriginalOrder.PoNumber" in order_fields(settings(reads_po_number=True))


def test_an_order_without_e_mail_address_goes_out_with_a_warning() -> None:
    """The shopper's, and that of what is sent by e-mail."""
    [group] = an_order("1")["groups"]
    changes: Json = {"BillingEmailAddress": None}
    assert warnings(order(**changes))["email_missing"] == "BillingEmailAddress"
    emailed = order(groups=[group | {"method": "Email", "EmailAddress": " "}], **changes)
    result = result_of(emailed)
    assert isinstance(result, Mapped)
    assert result.record.groups[0].recipient_email == ""
    fields = [each.field for each in result.warnings if each.code == "email_missing"]
    assert f"{GROUP}.EmailAddress" in fields
    assert "email_missing" not in warnings(order())


@pytest.mark.parametrize(("name", "code"), [("Street", "street_missing"), ("City", "city_missing")])
def test_only_the_address_that_is_shipped_to_has_to_be_whole(name: str, code: str) -> None:
    """A faulty billing address is a warning."""
    assert warnings(order(**{f"Billing{name}": ""}))[code] == f"Billing{name}"
    [group] = an_order("1")["groups"]
    problems = rejected(order(groups=[group | {f"DeliverTo{name}": ""}]))
    assert problems[code].field == f"{GROUP}.DeliverTo{name}"


@pytest.mark.parametrize("name", ["City", "Street", "PostalCode"])
def test_a_part_of_an_address_that_is_too_long_is_named(name: str) -> None:
    """Once for each address, and its text is not shown."""
    document = order()
    records(document, "OrderDeliveryGroupSummaries")[0][f"DeliverTo{name}"] = "x" * 1001
    problem = rejected(document)["malformed_value"]
    assert problem.field == f"{GROUP}.DeliverTo{name}"
    assert "1000 characters" in problem.message
    assert problem.value == ""
    billed = order() | {f"Billing{name}": "x" * 1001}
    assert warnings(billed)["billing_part_cut"] == f"Billing{name}"
    assert "x" * 256 not in str(mapped(billed).billing)


def shipment(status: str, *items: tuple[str | None, object]) -> Json:
    """Return a shipment of units of lines."""
    rows = [{"Lockstep_Line__c": line, "Quantity": quantity} for line, quantity in items]
    return {"Id": "0obLk0000000001AAA", "Status": status, "ShipmentItems": {"records": rows}}


def test_shipped_units_are_those_of_the_orders_lines_in_shipments_that_hold() -> None:
    """One that was voided ships nothing, and units of no line are none of the order's."""
    document = order()
    mug, shirt, _ = (item["Id"] for item in records(document, "OrderItemSummaries"))
    shipped = shipment("Shipped", (mug, 2.0), (shirt, 1), (None, 4), (mug, -1), (shirt, "x"))
    document["Shipments"] = {"records": [shipped, shipment("Voided", (mug, 1.0))]}
    names = settings().names
    assert to_store_snapshot(orjson.dumps(document), names).shipped_units == 3
    document["Shipments"]["records"] = [shipment("Voided", (mug, 1.0))]
    assert to_store_snapshot(orjson.dumps(document), names).shipped_units == 0


def test_ordered_units_are_added_up_by_sku() -> None:
    """Of goods with a SKU and a whole number of units; what can't be read takes none."""
    items = [
        an_item("MUG", 3, 10.0, 0.0), an_item("MUG", 2, 10.0, 0.0), an_item("CAP", 1, 1.0, 0.0),
        an_item("Shipping", 1, 5.0, 0.0, Type="Delivery Charge"),
    ]  # fmt: skip
    document = order(items=items)
    assert ordered_units(orjson.dumps(document)) == {"MUG": 5, "CAP": 1}
    found = records(document, "OrderItemSummaries")
    found[1]["Quantity"] = 1.5
    found[2] |= {"Product2": None, "ProductCode": None}
    assert ordered_units(orjson.dumps(document)) == {"MUG": 3}
    assert ordered_units(b"<html>") == {}
