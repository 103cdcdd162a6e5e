"""Orders of commercetools to canonical ones: identity, groups, addresses, payments, states."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.exchange import Mapped, Skipped
from domain.records.orders import ChargeKind, DeliveryMethod, LineKind
from domain.rules.export import Decision, OrderHeader
from resources.platforms.commercetools.orders.delivered import to_store_snapshot
from resources.platforms.commercetools.orders.units import ordered_units
from tests.resources.platforms.commercetools.projects import (
    mapped,
    order,
    rejected,
    result_of,
    warnings,
)
from tests.shared import shared_path

Json = dict[str, Any]
D = Decimal


def test_an_order_is_mapped_with_its_numbers_customer_and_address() -> None:
    """The number is the shopper's, the id the store's; the house number stands first in the US."""
    document = order()
    found = mapped(document)
    assert (found.source_id, found.number, found.order_id) == (document["id"], "1001", "1001")
    assert (found.store, found.currency, found.locale) == ("acme", "USD", "en-US")
    assert (found.customer.customer_id, found.customer.email) == (None, "jane.doe@example.com")
    [group] = found.groups
    assert (group.group_id, group.source_shipping_method) == ("shipping", "Ground")
    assert group.address is not None
    assert (group.address.line_1, group.address.subdivision) == ("123 Main Street", "US-TX")
    german = document["shippingAddress"] | {"country": "DE", "postalCode": "10115", "state": None}
    [group] = mapped(document | {"shippingAddress": german}).groups
    assert group.address is not None
    assert group.address.line_1 == "Main Street 123"


def test_an_order_names_its_business_its_subscription_and_its_quote() -> None:
    """A business by its key; the others are references by id."""
    references = {
        "businessUnit": {"typeId": "business-unit", "key": "acme-fr"},
        "recurringOrder": {"typeId": "recurring-order", "id": "r-1"},
        "quote": {"typeId": "quote", "id": "q-1"},
    }
    found, plain = mapped(order() | references), mapped(order())
    assert (found.business, found.subscription, found.quote) == ("acme-fr", "r-1", "q-1")
    assert (plain.business, plain.subscription, plain.quote) == ("", "", "")


def test_an_order_without_a_number_has_its_id_as_number() -> None:
    """The number is optional; it is the same in the snapshot that a reconciliation takes."""
    document = order(orderNumber=None)
    found = mapped(document)
    assert found.number == found.source_id == document["id"]
    assert to_store_snapshot(orjson.dumps(document)).number == found.number


def test_payments_are_references_with_their_transactions() -> None:
    """Authorisations and charges by interaction; a payment that only failed is none."""
    document = order()
    [payment] = mapped(document).payments
    assert (payment.source_method, payment.gateway, payment.amount) == (
        "CREDIT_CARD",
        "STRIPE",
        D("46.80"),
    )
    [event] = payment.transactions
    assert (event.kind, event.reference, event.succeeded) == ("authorization", "auth-1", True)

    held = document["paymentInfo"]["payments"][0]["obj"]
    held["transactions"][0] |= {"interactionId": None, "interfaceId": "psp-event-1"}
    assert mapped(document).payments[0].transactions[0].reference == "psp-event-1"
    held["transactions"][0] |= {"interfaceId": None}
    assert mapped(document).payments[0].transactions[0].reference == "psp-1"

    failed = document["paymentInfo"]["payments"][0]["obj"] | {"id": "p9"}
    failed = failed | {"transactions": [failed["transactions"][0] | {"state": "Failure"}]}
    references = [*document["paymentInfo"]["payments"], {"id": "p9", "obj": failed}]
    two = mapped(document | {"paymentInfo": {"payments": references}})
    assert [p.payment_id for p in two.payments] == [payment.payment_id]


def test_the_amounts_of_payments_sum_to_the_total() -> None:
    """The first payment has what the others leave; without any there is one of no method."""
    document = order()
    [first] = document["paymentInfo"]["payments"]
    card = {"id": "p2", "obj": first["obj"] | {"amountPlanned": _usd(1000)}}
    found = mapped(document | {"paymentInfo": {"payments": [first, card]}})
    assert [payment.amount for payment in found.payments] == [D("36.80"), D("10.00")]
    [only] = mapped(document | {"paymentInfo": None}).payments
    assert (only.source_method, only.amount) == ("", D("46.80"))
    reference = {"typeId": "payment", "id": "not-expanded"}
    [only] = mapped(document | {"paymentInfo": {"payments": [reference]}}).payments
    assert (only.payment_id, only.amount) == ("not-expanded", D("46.80"))


def test_a_card_number_in_a_payment_rejects_the_order_without_showing_it() -> None:
    """Nowhere in the problems."""
    document = order()
    transaction = document["paymentInfo"]["payments"][0]["obj"]["transactions"][0]
    transaction["interactionId"] = "4111111111111111"
    problems = rejected(document)
    assert "card_number_present" in problems
    assert "4111" not in repr(problems)


def _shipping(key: str, street: str, price: int) -> Json:
    address = {
        "key": f"a-{key}",
        "country": "US",
        "streetName": street,
        "city": "Austin",
        "state": "TX",
        "postalCode": "78701",
    }
    info = {"shippingMethodName": key, "price": price / 100, "taxRate": 0.2}
    return {"shippingKey": key, "shippingAddress": address, "shippingInfo": info}


def test_several_ways_of_shipping_are_groups_with_their_own_charges() -> None:
    """Mode Multiple: lines go where their targets say, split where they name several."""
    document = order(
        shippingMode="Multiple",
        shippingInfo=None,
        shipping=[_shipping("express", "A", 900), _shipping("post", "B", 400)],
    )
    first, second = document["lineItems"]
    first["shippingDetails"] = {
        "targets": [
            {"addressKey": "a-express", "quantity": 1, "shippingMethodKey": "express"},
            {"addressKey": "a-post", "quantity": 2, "shippingMethodKey": "post"},
        ]
    }
    second["shippingDetails"] = {"targets": [{"addressKey": "a-post", "quantity": 1}]}
    found = mapped(document)
    assert [(line.line_id, line.group_id, line.quantity) for line in found.lines] == [
        (f"{first['id']}~express", "express", 1),
        (f"{first['id']}~post", "post", 2),
        (second["id"], "post", 1),
    ]
    assert [(c.group_id, c.amount, c.tax) for c in found.charges] == [
        ("express", D("9.00"), D("1.80")),
        ("post", D("4.00"), D("0.80")),
    ]
    split = found.lines[:2]
    assert sum(line.line_total for line in split) == D("30.00")
    assert sum(line.total_discount() for line in split) == D("6.00")
    assert sum(line.total_tax() for line in split) == D("4.80")


def test_each_way_of_shipping_has_its_own_tax() -> None:
    """Mode Multiple: items state rates and taxes by method, and none of their own."""
    document = order(
        shippingMode="Multiple",
        shippingInfo=None,
        shipping=[_shipping("express", "A", 900), _shipping("post", "B", 400)],
        lineItems=[{"sku": "MUG", "quantity": 3, "price": "10.00", "taxRate": 0.2,
                    "shippingDetails": {"targets": [
                        {"addressKey": "a-express", "quantity": 1, "shippingMethodKey": "express"},
                        {"addressKey": "a-post", "quantity": 2, "shippingMethodKey": "post"},
                    ]}}],
        customLineItems=[{"slug": "wrap", "money": "2.00", "taxRate": 0.2}],
    )  # fmt: skip
    [line] = document["lineItems"]
    assert not {"taxRate", "taxedPrice"} & line.keys()
    first, second = line["taxedPricePortions"]
    assert _tax_of(first) == 200
    first["taxedPrice"]["totalTax"] = _usd(150)  # another state's rate
    second["taxedPrice"]["totalTax"] = _usd(450)
    found = mapped(document)
    assert [each.total_tax() for each in found.lines] == [D("1.50"), D("4.50")]
    assert {charge.name: charge.tax for charge in found.charges}["Fee"] == D("0.40")

    second["shippingMethodKey"] = "unknown"  # divided by units where the methods are not the ways
    assert [each.total_tax() for each in mapped(document).lines] == [D("2.00"), D("4.00")]
    line["taxedPricePortions"] = [None, first, second | {"taxedPrice": None}]
    assert "tax_mismatch" in rejected(document)


def test_rates_by_method_say_whether_prices_contain_their_tax() -> None:
    """Where shipping costs nothing, and has no rate of its own, they alone do."""
    ways = [_shipping("express", "A", 0)]
    del ways[0]["shippingInfo"]["taxRate"]
    document = order(taxIncluded=True, shippingMode="Multiple", shippingInfo=None, shipping=ways)
    found = mapped(document | {"lineItems": [_to("express", each) for each in _lines(document)]})
    assert found.tax_included
    assert found.total == D("34.00")


def _to(key: str, line: Json) -> Json:
    target = {"addressKey": f"a-{key}", "quantity": line["quantity"], "shippingMethodKey": key}
    return line | {"shippingDetails": {"targets": [target]}}


def _lines(document: Json) -> list[Json]:
    lines: list[Json] = document["lineItems"]
    return lines


def _tax_of(portion: Json) -> Any:
    return portion["taxedPrice"]["totalTax"]["centAmount"]


def test_lines_may_go_to_addresses_of_their_own() -> None:
    """Mode Single: one way of shipping, several addresses; the rest goes to the order's."""
    office = {"key": "office", "country": "US", "streetName": "Oak", "city": "Austin",
              "state": "TX", "postalCode": "78701"}  # fmt: skip
    document = order(itemShippingAddresses=[office])
    targets = [{"addressKey": "office", "quantity": 2}]
    document["lineItems"][0]["shippingDetails"] = {"targets": targets}
    found = mapped(document)
    assert [(line.group_id, line.quantity) for line in found.lines] == [
        ("address-office", 2), ("shipping", 1), ("shipping", 1),
    ]  # fmt: skip
    assert [charge.amount for charge in found.charges] == [D("5.00")]
    assert {group.group_id for group in found.groups} == {"shipping", "address-office"}


@pytest.mark.parametrize("quantity", [5, -1, 0])
def test_targets_that_do_not_fit_the_line_are_a_problem(quantity: int) -> None:
    """More units than the line has, or none."""
    document = order(itemShippingAddresses=[{"key": "office", "country": "US"}])
    targets = [{"addressKey": "office", "quantity": quantity}]
    document["lineItems"][0]["shippingDetails"] = {"targets": targets}
    assert "consignment_unknown" in rejected(document)


def test_what_is_not_shipped_goes_by_email() -> None:
    """An order without shipping info and address, and lines of digital product types."""
    document = order(shippingInfo=None, shippingAddress=None)
    [group] = mapped(document).groups
    assert (group.method, group.recipient_email) == (DeliveryMethod.EMAIL, "jane.doe@example.com")
    both = order()
    both["lineItems"][1]["productType"] = {"typeId": "product-type", "id": "ebooks"}
    found = mapped(both, digital_product_types=["ebooks"])
    assert [line.kind for line in found.lines] == [LineKind.PHYSICAL, LineKind.DIGITAL]
    assert "email_missing" in warnings(document | {"customerEmail": None})


def test_an_order_that_is_picked_up_names_its_location() -> None:
    """By the configured shipping method; the location by a custom field, else the store."""
    fields = {"type": {"id": "t"}, "fields": {"pickup-at": "SHOP-7"}}
    document = order(store={"typeId": "store", "key": "us"}, custom=fields)
    [group] = mapped(document, pickup_methods=["ground"]).groups
    assert (group.method, group.location) == (DeliveryMethod.PICKUP, "us")
    [group] = mapped(document, pickup_methods=["Ground"], pickup_location_field="pickup-at").groups
    assert group.location == "SHOP-7"


def test_custom_fields_are_mapped_by_their_configured_names() -> None:
    """Texts, gift messages, notes and parts of bundles; what is not named is not sent."""
    fields: Json = {
        "engraving": "For 4111 1111 1111 1111",
        "message": "Hi",
        "part-of": "L1",
        "secret": "x",
        "size": {"key": "l", "label": "Large"},
    }
    document = order(custom={"type": {"id": "t"}, "fields": {"remark": {"en": "Ring twice"}}})
    document["lineItems"][0]["custom"] = {"type": {"id": "t"}, "fields": fields}
    found = mapped(
        document,
        text_fields=["engraving", "size"],
        gift_message_field="message",
        parent_field="part-of",
        note_fields={"remark": "customer"},
        locales=["en"],
    )
    line = found.lines[0]
    assert line.texts == ("engraving: For ****", "size: Large")
    assert (line.gift_message, line.parent_line_id) == ("Hi", "L1")
    assert [(note.kind, note.text) for note in found.notes] == [("customer", "Ring twice")]


def test_names_are_in_the_configured_language_else_in_any() -> None:
    """Names are maps by language."""
    document = order()
    document["lineItems"][0]["name"] = {"de": "Becher", "en-GB": "Cup"}
    assert mapped(document, locales=["de"]).lines[0].name == "Becher"
    assert mapped(document, locales=["en-GB"]).lines[0].name == "Cup"
    assert mapped(document, locales=["fr"]).lines[0].name == "Becher"


@pytest.mark.parametrize(
    ("state", "payment", "status"),
    [("Open", "Paid", "Open"), ("Open", "Pending", "Unpaid"), ("Confirmed", "Failed", "Unpaid"),
     ("Cancelled", "Pending", "Cancelled"), ("Complete", "Pending", "Complete")],
)  # fmt: skip
def test_the_order_state_decides_and_the_payment_state_where_configured(
    state: str, payment: str, status: str
) -> None:
    """An open order in another payment state is Unpaid; a canceled one is canceled anyway."""
    seen: list[OrderHeader] = []

    def decide(header: OrderHeader) -> Decision:
        seen.append(header)
        return "export"

    document = order(orderState=state, paymentState=payment)
    assert isinstance(result_of(document, decide, payment_states=["Paid"]), Mapped)
    result_of(document, decide)
    assert [header.status for header in seen] == [status, state]
    assert seen[0].source_id == document["id"]


def test_an_order_of_another_store_is_skipped() -> None:
    """Also one of no store."""
    found = result_of(order(store={"typeId": "store", "key": "de"}), store_key="us")
    assert isinstance(found, Skipped)
    assert found.rule == "other_channel"
    assert isinstance(result_of(order(), store_key="us"), Skipped)
    assert isinstance(
        result_of(order(store={"typeId": "store", "key": "us"}), store_key="us"), Mapped
    )


def test_delivered_units_count_as_shipped_in_the_store() -> None:
    """By deliveries; a shipment state that says shipped means all of them."""
    document = order()
    line = document["lineItems"][0]["id"]
    delivery = {"id": "d", "items": [{"id": line, "quantity": 2}], "parcels": []}
    document["shippingInfo"]["deliveries"] = [delivery]
    headers: list[OrderHeader] = []

    def decide(header: OrderHeader) -> Skipped:
        headers.append(header)
        return Skipped("seen", "")

    result_of(document, decide)
    result_of(document | {"shipmentState": "Shipped"}, decide)
    assert [(h.units, h.shipped_units) for h in headers] == [(4, 2), (4, 4)]
    snapshot = to_store_snapshot(orjson.dumps(document | {"shipmentState": "Partial"}))
    assert (snapshot.status, snapshot.shipped_units) == ("Partial", 2)
    assert ordered_units(orjson.dumps(document)) == {"MUG": 3, "LAMP": 1}


def test_all_problems_are_reported_with_their_paths() -> None:
    """In the vendor's names."""
    document = order(orderState="Odd")
    document["createdAt"] = "2026-02-30"
    document["lineItems"][0]["variant"]["sku"] = ""
    document["lineItems"][1]["quantity"] = 0
    document["shippingAddress"] = {"country": "XX"}
    problems = rejected(document)
    assert {code: problem.field for code, problem in problems.items()} == {
        "status_unknown": "orderState",
        "sku_missing": "lineItems[0].variant.sku",
        "quantity_invalid": "lineItems[1].quantity",
        "street_missing": "shippingAddress.streetName",
        "city_missing": "shippingAddress.city",
        "country_unknown": "shippingAddress.country",
        "date_invalid": "createdAt",
    }


def _usd(amount: int) -> Json:
    return {
        "type": "centPrecision",
        "currencyCode": "USD",
        "centAmount": amount,
        "fractionDigits": 2,
    }


def _official() -> Iterator[Json]:
    folder = shared_path("contracts/commercetools/examples")
    yield orjson.loads((folder / "order.example.json").read_bytes())
    yield from orjson.loads((folder / "orders.example.json").read_bytes())["results"]


def test_the_official_examples_are_mapped() -> None:
    """Without an error: they have no shipping info, no address and no e-mail address."""
    examples = list(_official())
    assert examples
    for example in examples:
        found = result_of(example)
        assert isinstance(found, Mapped)
        assert found.record.lines
        assert found.record.source_id == example["id"]


def test_custom_line_items_are_fees_or_gift_wrap() -> None:
    """By slug; an item below zero is a discount."""
    items = [
        {"name": {"en": "Fee"}, "slug": "fee", "money": "2.00", "taxRate": 0.2},
        {"name": {"en": "Wrap"}, "slug": "wrap", "money": "3.00", "taxRate": 0.2},
        {"name": {"en": "Voucher"}, "slug": "voucher", "money": "-5.00", "taxRate": 0.2},
    ]
    found = mapped(order(customLineItems=items), gift_wrap_slugs=["wrap"])
    assert [(c.kind, c.amount) for c in found.charges] == [
        (ChargeKind.SHIPPING, D("5.00")), (ChargeKind.FEE, D("2.00")),
        (ChargeKind.GIFT_WRAP, D("3.00")),
    ]  # fmt: skip
    assert [(d.name, d.amount) for d in found.discounts] == [("Voucher", D("5.00"))]


def _channel(identifier: str, key: str | None = None) -> Json:
    return {"typeId": "channel", "id": identifier} | ({"obj": {"key": key}} if key else {})


def test_a_line_names_its_supply_channel_by_key_or_id_also_when_it_is_divided() -> None:
    """A reference that was not expanded has only its id."""
    document = order()
    document["lineItems"][0]["supplyChannel"] = _channel("c1", "EAST")
    document["lineItems"][1]["supplyChannel"] = _channel("c2")
    assert [line.node for line in mapped(document).lines] == ["EAST", "c2"]
    office = {"addressKey": "office", "quantity": 1}
    address = document["shippingAddress"] | {"key": "office"}
    document = document | {"itemShippingAddresses": [address]}
    document["lineItems"][0]["shippingDetails"] = {"targets": [office]}
    assert [line.node for line in mapped(document).lines] == ["EAST", "EAST", "c2"]


def test_an_order_without_a_store_is_of_the_distribution_channel_of_all_its_lines() -> None:
    """Of several or none it is of no channel; a store comes first."""
    headers: list[OrderHeader] = []

    def decide(header: OrderHeader) -> Decision:
        headers.append(header)
        return "export"

    def channel(document: Json) -> str:
        result_of(document, decide)
        return headers[-1].channel

    document = order()
    assert channel(document) == ""
    for line in document["lineItems"]:
        line["distributionChannel"] = _channel("c1", "APP")
    assert channel(document) == "APP"
    assert channel(document | {"store": {"typeId": "store", "key": "de"}}) == "de"
    document["lineItems"][0].pop("distributionChannel")
    assert channel(document) == ""
