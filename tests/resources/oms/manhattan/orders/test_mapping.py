"""Orders in Manhattan's form."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.errors import RecordRejected
from domain.parsing.json_numbers import to_number
from domain.records.orders import Charge, ChargeKind, Customer, Discount, LineKind, Note, Order, Tax
from domain.records.record import decode_record, encode_record
from resources.oms.manhattan.orders.mapping import OrderMapper
from tests.resources.oms.manhattan.samples import (
    ADDRESS,
    EMAIL,
    PICKUP,
    SHIP,
    line_of,
    order_of,
    settings_of,
)

MAPPER = OrderMapper(settings_of())
AMOUNTS = st.decimals(min_value=0, max_value=99999, places=2)


def added_up(payload: dict[str, Any]) -> Decimal:
    """Add a payload up as the OMS does: from the JSON text, leaving out what is informational."""

    def charges(details: Any) -> Decimal:
        return sum((Decimal(str(detail["ChargeTotal"])) for detail in details or ()), Decimal(0))

    def taxes(details: Any) -> Decimal:
        return sum(
            (
                Decimal(str(detail["TaxAmount"]))
                for detail in details or ()
                if not detail["IsInformational"]
            ),
            Decimal(0),
        )

    body = orjson.loads(orjson.dumps(payload))
    total = charges(body.get("OrderChargeDetail")) + taxes(body.get("OrderTaxDetail"))
    for line in body["OrderLine"]:
        total += Decimal(str(line["Quantity"])) * Decimal(str(line["UnitPrice"]))
        total += charges(line.get("OrderLineChargeDetail")) + taxes(line.get("OrderLineTaxDetail"))
    return total


def test_the_header_names_the_order_by_both_ids_and_in_object_form() -> None:
    """The shopper's number is OrderId, the store's id AlternateOrderId; codes are objects."""
    payload = MAPPER.payload(order_of())
    assert (payload["OrderId"], payload["AlternateOrderId"], payload["OrgId"]) == (
        "T-1001",
        "1001",
        "SANDBOX",
    )
    assert payload["SellingChannel"] == {"SellingChannelId": "Web"}
    assert payload["DocType"] == {"DocTypeId": "CustomerOrder"}
    assert payload["CapturedDate"] == "2026-03-04T05:06:07+00:00"
    assert payload["OrderActions"] == {
        "IsAlreadyPriced": True,
        "IsAlreadyCharged": True,
        "IsAlreadyTaxed": True,
        "IsImport": True,
    }


def test_discounts_are_negative_charges_that_name_the_coupon() -> None:
    """A discount sent as a positive amount would raise the total."""
    order = order_of(discounts=(Discount(discount_id="9", name="Loyalty", amount=Decimal("1.50")),))
    payload = MAPPER.payload(order)
    coupon = payload["OrderLine"][0]["OrderLineChargeDetail"][0]
    assert (coupon["ChargeTotal"], coupon["ChargeReferenceId"], coupon["ChargeDetailId"]) == (
        -2.0,
        "SPRING",
        "D5",
    )
    loyalty = payload["OrderChargeDetail"][1]
    assert (loyalty["ChargeTotal"], loyalty["ChargeType"]) == (-1.5, {"ChargeTypeId": "promotion"})


def test_a_payload_adds_up_to_the_order_total() -> None:
    """The OMS charges what the shopper owes, to the cent."""
    order = order_of()
    assert order.computed_total() == order.total
    assert added_up(MAPPER.payload(order)) == order.total


@given(
    prices=st.lists(
        st.tuples(
            AMOUNTS, st.integers(1, 99), AMOUNTS, AMOUNTS, st.sampled_from(["0", "0.01", "-0.02"])
        ),
        min_size=1,
        max_size=4,
    ),
    charges=st.lists(st.tuples(AMOUNTS, AMOUNTS), max_size=3),
    discount=AMOUNTS,
    included=st.booleans(),
)
def test_every_payload_adds_up_to_the_computed_total(
    prices: list[tuple[Decimal, int, Decimal, Decimal, str]],
    charges: list[tuple[Decimal, Decimal]],
    discount: Decimal,
    included: bool,
) -> None:
    """For all charges, discounts, taxes and rounding, with and without tax in the prices."""
    lines = tuple(
        replace(
            line_of(str(place), quantity=str(quantity), price=str(price)),
            line_total=price * quantity + Decimal(rounding),
            discounts=(
                Discount(discount_id="same", amount=less),
                Discount(discount_id="same", amount=Decimal("0.01")),
            ),
            taxes=(Tax(tax_id="t", amount=tax),),
            charges=(Charge(charge_id="w", kind=ChargeKind.GIFT_WRAP, amount=tax, tax=less),),
        )
        for place, (price, quantity, less, tax, rounding) in enumerate(prices)
    )
    order = order_of(
        lines=lines,
        tax_included=included,
        charges=tuple(
            Charge(charge_id=str(i), kind=ChargeKind.HANDLING, amount=a, tax=t)
            for i, (a, t) in enumerate(charges)
        ),
        discounts=(Discount(discount_id="d", amount=discount),),
    )
    assert added_up(MAPPER.payload(order)) == order.computed_total()


def test_ids_that_the_store_repeats_are_numbered() -> None:
    """The OMS merges entries of one id, so two discounts of one id would become one."""
    twice = (
        Discount(discount_id="5", amount=Decimal("1.00")),
        Discount(discount_id="5", amount=Decimal("2.00")),
    )
    details = MAPPER.payload(order_of(lines=(line_of(discounts=twice),)))["OrderLine"][0][
        "OrderLineChargeDetail"
    ]
    assert [detail["ChargeDetailId"] for detail in details] == ["D5", "D5.2"]


def test_lines_have_the_delivery_of_their_group() -> None:
    """Shipped, picked-up and e-mailed lines of one order each have their method and destination."""
    groups = (SHIP, PICKUP, EMAIL)
    lines = tuple(
        line_of(str(place), group_id=group.group_id) for place, group in enumerate(groups)
    )
    shipped, picked_up, mailed = MAPPER.payload(order_of(groups=groups, lines=lines))["OrderLine"]
    assert shipped["DeliveryMethod"] == {"DeliveryMethodId": "ShipToAddress"}
    assert (shipped["ShippingMethodId"], shipped["ShipToAddress"]["Address"]["State"]) == (
        "Ground",
        "TX",
    )
    assert (picked_up["DeliveryMethod"]["DeliveryMethodId"], picked_up["ShipToLocationId"]) == (
        "PickUpAtStore",
        "STORE1",
    )
    assert "ShipToAddress" not in picked_up
    assert "ShippingMethodId" not in mailed
    assert (
        mailed["DeliveryMethod"]["DeliveryMethodId"],
        mailed["ShipToAddress"]["Address"]["Email"],
    ) == ("Email", "gift@example.com")


def test_a_line_names_the_node_that_it_ships_from_unless_an_agent_has_chosen_one() -> None:
    """The store's choice is of a line, an agent's of its group."""
    lines = line_of("1", node="DC-1"), line_of("2")
    first, second = MAPPER.payload(order_of(lines=lines))["OrderLine"]
    assert first["OrderLinePromisingInfo"] == {"ShipFromLocationId": "DC-1"}
    assert "OrderLinePromisingInfo" not in second
    rerouted = (replace(SHIP, node="DC-9"),)
    first, _ = MAPPER.payload(order_of(lines=lines, groups=rerouted))["OrderLine"]
    assert first["OrderLinePromisingInfo"] == {"ShipFromLocationId": "DC-9"}


def test_the_business_of_an_order_is_an_attribute_where_one_is_named() -> None:
    """So are what placed it by itself, and its quote; without a name nothing changes."""
    whole = {"business": "acme-fr", "subscription": "r-1", "quote": "q-1"}
    assert MAPPER.payload(order_of(**whole)) == MAPPER.payload(order_of())
    names = {"extended": {"Unit": "business", "Plan": "subscription", "Quote": "quote"}}
    mapper = OrderMapper(settings_of(names=names))
    assert mapper.payload(order_of(**whole))["Extended"] == {
        "Unit": "acme-fr",
        "Plan": "r-1",
        "Quote": "q-1",
    }
    assert mapper.payload(order_of())["Extended"] == {}


def test_a_purchase_order_number_is_a_note_or_an_attribute_of_the_tenants_own() -> None:
    """Where the settings name one; an order without the number has neither."""
    [note] = MAPPER.payload(order_of(purchase_order="PO 4711"))["OrderNote"]
    assert (note["NoteId"], note["NoteText"]) == ("purchase-order", "Purchase order: PO 4711")
    names = {"extended": {"BuyersNumber": "purchase_order", "Store": "store"}}
    mapper = OrderMapper(settings_of(names=names))
    found = mapper.payload(order_of(purchase_order="PO 4711"))
    assert found["Extended"]["BuyersNumber"] == "PO 4711"
    assert "OrderNote" not in found
    assert "BuyersNumber" not in mapper.payload(order_of())["Extended"]


def test_gifts_certificates_and_notes_are_sent() -> None:
    """Gift wrap is a charge, a message is a note, and either makes the line a gift."""
    wrap = (Charge(charge_id="w1", kind=ChargeKind.GIFT_WRAP, amount=Decimal("3.00")),)
    line = line_of(charges=wrap, gift_message="For you", kind=LineKind.GIFT_CERTIFICATE)
    payload = MAPPER.payload(
        order_of(lines=(line,), notes=(Note(kind="staff", text="Call first"),))
    )
    sent = payload["OrderLine"][0]
    assert (sent["IsGift"], sent["IsGiftCard"]) == (True, True)
    assert sent["OrderLineChargeDetail"][0]["ChargeType"] == {"ChargeTypeId": "GiftWrap"}
    assert [note["NoteText"] for note in payload["OrderNote"]] == ["Call first", "For you"]


def test_payments_have_references_only() -> None:
    """The authorisation is found by its reference; a failed one has processed nothing."""
    payment = MAPPER.payload(order_of())["Payment"][0]["PaymentMethod"][0]
    transaction = payment["PaymentTransaction"][0]
    assert (payment["PaymentType"], payment["Amount"]) == ({"PaymentTypeId": "Credit Card"}, 54.04)
    assert (transaction["RequestId"], transaction["TransactionType"]) == (
        "auth-9",
        {"PaymentTransactionTypeId": "Authorization"},
    )


def test_a_payment_without_events_has_none() -> None:
    """An empty list might clear what the OMS's own gateway has recorded."""
    (payment,) = order_of().payments
    paid = order_of(payments=(replace(payment, transactions=(), gateway="stripe"),))
    (method,) = MAPPER.payload(paid)["Payment"][0]["PaymentMethod"]
    assert "PaymentTransaction" not in method
    assert (method["PaymentMethodId"], method["Amount"], method["GatewayId"]) == (
        "p1",
        54.04,
        "stripe",
    )


def test_names_that_differ_by_tenant_are_settings() -> None:
    """The import flag and custom attributes need no code change."""
    settings = settings_of(
        names={"import_flag": "IsImported", "extended": {"StoreOrder": "number"}}
    )
    payload = OrderMapper(settings).payload(order_of())
    assert payload["OrderActions"]["IsImported"] is True
    assert payload["Extended"] == {"StoreOrder": "1001"}


def test_optional_settings_and_values_are_left_out_or_sent() -> None:
    """A flag that is off, a company without an attribute, a guest; a gateway's name and time."""
    settings = settings_of(
        names={"import_flag": None, "company": None},
        codes={"processing_mode": "ExternalProcessing", "discount_on": None},
    )
    [payment] = order_of().payments
    [transaction] = payment.transactions
    failed = replace(
        transaction,
        succeeded=False,
        at=datetime(2026, 3, 4, 5, 6, 8, tzinfo=UTC),
        kind="settlement",
    )
    order = order_of(
        payments=(replace(payment, gateway="acme-pay", transactions=(failed,)),),
        customer=Customer(customer_id=None, email="", first_name="", last_name="Guest"),
    )
    payload = OrderMapper(settings).payload(order)
    assert "IsImport" not in payload["OrderActions"]
    assert "CustomerId" not in payload
    assert "CustomerPhone" not in payload
    line = payload["OrderLine"][0]
    assert "Address3" not in line["ShipToAddress"]["Address"]
    assert "DiscountOn" not in line["OrderLineChargeDetail"][0]
    assert payload["Payment"][0]["ProcessingMode"] == {"ProcessingModeId": "ExternalProcessing"}
    method = payload["Payment"][0]["PaymentMethod"][0]
    sent = method["PaymentTransaction"][0]
    assert (method["GatewayId"], sent["TransactionDate"]) == (
        "acme-pay",
        "2026-03-04T05:06:08+00:00",
    )
    assert (sent["ProcessedAmount"], sent["PaymentResponseStatus"]) == (
        0.0,
        {"PaymentResponseStatusId": "Failure"},
    )


@pytest.mark.parametrize(
    ("e164", "extension", "raw", "sent"),
    [
        ("+15125550100", "", "512-555-0100", "+15125550100"),
        ("+15125550100", "77", "512-555-0100 ext 77", "+15125550100 x77"),
        (None, "", "call first", "call first"),
    ],
)
def test_a_phone_is_sent_in_its_canonical_form(
    e164: str | None, extension: str, raw: str, sent: str
) -> None:
    """With its extension; a text that is not a phone number is sent unchanged."""
    address = replace(ADDRESS, phone_e164=e164, phone_extension=extension, phone_raw=raw)
    group = replace(SHIP, address=address)
    line = MAPPER.payload(order_of(groups=(group,)))["OrderLine"][0]
    assert line["ShipToAddress"]["Address"]["Phone"] == sent


@pytest.mark.parametrize("order_id", ["T-1#2", "T-1+2", "T-1/2", "T-1?2", "T 1", ""])
def test_an_id_with_url_special_characters_is_refused_before_it_is_sent(order_id: str) -> None:
    """The OMS imports such an order, but later screens fail on it."""
    with pytest.raises(RecordRejected) as caught:
        MAPPER.payload(order_of(order_id))
    assert caught.value.problems[0].code == "order_id_unsafe"


@given(st.decimals(min_value=-(10**10), max_value=10**10, places=4))
def test_amounts_are_written_exactly(amount: Decimal) -> None:
    """Money has no binary rounding errors."""
    assert Decimal(orjson.dumps(to_number(amount, "Amount")).decode()) == amount


def test_an_amount_that_json_would_round_is_refused() -> None:
    """An amount with more digits than a double has is rejected, never rounded silently."""
    with pytest.raises(RecordRejected, match="more digits"):
        to_number(Decimal("1234567890123456.78"), "Amount")


def test_the_same_order_always_has_the_same_payload() -> None:
    """So a replay changes nothing at the OMS."""
    first, second = (
        orjson.dumps(MAPPER.payload(decode_record(Order, encode_record(order_of()))))
        for _ in range(2)
    )
    assert first == second
