"""Orders and customers of Salesforce to canonical ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.personal import subjects, without_personal_data
from domain.records.customers import Customer
from domain.records.orders import ChargeKind, DeliveryMethod, LineKind
from domain.rules.export import OrderHeader
from resources.platforms.salesforce.customers.mapping import CustomerMapper
from resources.platforms.salesforce.orders.delivered import to_store_snapshot
from resources.platforms.salesforce.personal import FACTS
from resources.platforms.salesforce.settings import SalesforceSettings
from tests.resources.platforms.salesforce.orgs import (
    account,
    connection,
    mapped,
    order,
    rejected,
    result_of,
    settings,
)
from tests.sandbox.simulated_org import an_item, an_order

Json = dict[str, Any]


def test_an_order_has_items_charges_taxes_and_payments() -> None:
    """Net: prices are without tax, adjustments below zero are discounts."""
    found = mapped(order())
    mug, shirt = found.lines
    assert (mug.sku, mug.quantity, mug.unit_price, mug.line_total) == ("MUG", 3, 10, 30)
    assert [(d.name, d.amount) for d in mug.discounts] == [("SPRING", Decimal(3))]
    assert (mug.total_tax(), shirt.total_tax()) == (Decimal("2.48"), Decimal("1.24"))
    [shipping] = found.charges
    assert (shipping.kind, shipping.amount, shipping.tax) == (
        ChargeKind.SHIPPING,
        5,
        Decimal("0.41"),
    )
    assert (found.total, found.total_tax, found.tax_included) == (
        Decimal("54.13"),
        Decimal("4.13"),
        False,
    )
    [payment] = found.payments
    assert (payment.source_method, payment.amount) == ("Visa", Decimal("54.13"))
    assert payment.transactions[0].reference == "auth-1"


def test_the_group_has_address_and_method() -> None:
    """A street of two lines is split, a name too; a country may be a name."""
    [group] = an_order("1")["groups"]
    changes = {"DeliverToStreet": "Main St 1\r\nFloor 2", "DeliverToCountry": "United States"}
    [found] = mapped(order(groups=[group | changes])).groups
    address = found.address
    assert address is not None
    assert (found.method, found.source_shipping_method) == (DeliveryMethod.SHIP, "Ground")
    assert (address.first_name, address.last_name) == ("Jane", "Doe")
    assert (address.line_1, address.line_2, address.country) == ("Main St 1", "Floor 2", "US")


def test_a_part_of_an_address_that_is_too_long_is_its_only_problem() -> None:
    """The address has its city and country all the same."""
    [group] = an_order("1")["groups"]
    street = "\r\n".join(["Main St 1", "x" * 600, "y" * 600])
    problems = rejected(order(groups=[group | {"DeliverToStreet": street}]))
    assert set(problems) == {"malformed_value"}


def test_gross_orders_are_read_from_the_fields_with_tax() -> None:
    """What the taxes are is information then."""
    items = an_order("1")["items"]
    values = {"TotalLineAmountWithTax": 33.0, "GrossUnitPrice": 11.0, "TotalAmtWithTax": 33.0}
    items = [items[0] | values | {"adjustments": []}, items[2] | {"TotalAmtWithTax": 5.41}]
    changes: Json = {"TaxLocaleType": "Gross", "GrandTotalAmount": 38.41, "TotalTaxAmount": 2.89}
    found = mapped(order(items=items, **changes))
    assert found.tax_included
    assert (found.lines[0].unit_price, found.lines[0].line_total) == (11, 33)
    assert (found.total, found.charges[0].amount) == (Decimal("38.41"), Decimal("5.41"))


def test_pick_ups_and_e_mails_are_known_by_the_delivery_method() -> None:
    """By the settings' names, whatever their case; a fee may be gift wrap."""
    [group] = an_order("1")["groups"]
    more = {"Lockstep_Pickup_Location__c": "EAST"}
    [found] = mapped(order(groups=[group | {"method": "COLLECT"} | more])).groups
    assert (found.method, found.location) == (DeliveryMethod.PICKUP, "EAST")
    emailed = mapped(order(groups=[group | {"method": "email"}]))
    assert emailed.groups[0].recipient_email == "jane.doe@example.com"
    assert {line.kind for line in emailed.lines} == {LineKind.DIGITAL}
    items = [*an_order("1")["items"], an_item("WRAP", 1, 2.0, 0.0, Type="Fee", Name="Gift wrap")]
    wrapped = mapped(order(items=items, GrandTotalAmount=56.13))
    assert [charge.kind for charge in wrapped.charges] == [
        ChargeKind.SHIPPING,
        ChargeKind.GIFT_WRAP,
    ]


def test_canceled_units_are_left_out_and_returned_orders_skipped() -> None:
    """``Quantity`` is what is left; an item of which nothing is left is not a line."""
    document = order()
    document["OrderItemSummaries"]["records"][1] |= {"Quantity": 0.0, "TotalTaxAmount": 0.0}
    document |= {"GrandTotalAmount": 34.89, "TotalTaxAmount": 2.89}
    assert [line.sku for line in mapped(document).lines] == ["MUG"]
    document["OrderItemSummaries"]["records"][0] |= {"QuantityReturned": 1.0}
    skipped = result_of(document)
    assert isinstance(skipped, Skipped)
    assert skipped.rule == "returned_in_store"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"GrandTotalAmount": 54.14}, "total_mismatch"),
        ({"TotalTaxAmount": 5.0}, "tax_mismatch"),
        ({"CurrencyIsoCode": None}, "currency_invalid"),
        ({"OrderedDate": None}, "date_missing"),
        ({"OrderItemSummaries": None}, "order_without_lines"),
        ({"GrandTotalAmount": None}, "amount_missing"),
    ],
)
def test_what_does_not_hold_rejects_the_order(change: Json, code: str) -> None:
    """With the field and advice."""
    assert code in rejected(order() | change)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Quantity": 1.5}, "quantity_invalid"),
        ({"Quantity": -1.0}, "quantity_invalid"),
        ({"Product2": None, "ProductCode": None}, "sku_missing"),
        ({"UnitPrice": 11.0}, "line_total_mismatch"),
        ({"OrderDeliveryGroupSummaryId": "0agLk0000000099AAA"}, "consignment_unknown"),
        ({"Id": None}, "line_id_missing"),
    ],
)
def test_what_does_not_hold_of_an_item_names_it(change: Json, code: str) -> None:
    """By its place in the document."""
    document = order()
    document["OrderItemSummaries"]["records"][0] |= change
    assert rejected(document)[code].field.startswith("OrderItemSummaries.records[0].")


def test_a_guest_has_no_customer_and_a_contact_has() -> None:
    """Each order has an account; only a contact has registered."""
    assert mapped(order()).customer.customer_id is None
    document = order()
    contact = {"BillToContactId": "003Lk0000000001AAC", "BillToContact": {"FirstName": "Ann"}}
    found = mapped(document | contact)
    assert (found.customer.customer_id, found.customer.first_name) == (document["AccountId"], "Ann")


def headers(document: Json, **changes: Any) -> OrderHeader:
    """Return what the rules are asked about an order."""
    seen: list[OrderHeader] = []

    def decide(header: OrderHeader) -> Skipped:
        seen.append(header)
        return Skipped("seen", "it was seen")

    result_of(document, decide, **changes)
    return seen[0]


REGIONS: list[Json] = [
    {"countries": ["Germany"], "statuses": {"Approved": "Freigegeben"}},
    {"sales_store_ids": ["0ZE000000000001AAA"], "statuses": {"Approved": "Released"}},
]


def test_statuses_are_those_of_the_org_and_of_the_orders_region() -> None:
    """In both directions; one in no table is not a status to act on."""
    written = {"statuses": {"Approved": "Go"}, "regions": REGIONS}
    for changes, text in (
        ({}, "Go"),
        ({"BillingCountry": "Germany"}, "Freigegeben"),
        ({"BillingCountry": "DE"}, "Freigegeben"),
        ({"BillingCountry": "Deutschland"}, "Freigegeben"),
        ({"BillingCountry": "Nowhere"}, "Go"),
        ({"SalesStoreId": "0ZE000000000001AAA"}, "Released"),
    ):
        document = order() | changes | {"Status": text}
        assert headers(document, **written).status == "Approved"
        assert headers(document | {"Status": "Approved"}, **written).status == "Other"
        names = settings(**written).names
        store, country = document["SalesStoreId"] or "", document["BillingCountry"]
        assert names.written("Approved", store, country) == text
        assert names.written("Canceled", store, country) == "Canceled"
        assert to_store_snapshot(orjson.dumps(document), names).status == "Approved"


@pytest.mark.parametrize(
    "change",
    [
        {"statuses": {"Sent": "x"}},
        {"statuses": {"Approved": "x", "Created": "x"}},
        {"regions": [{"countries": ["DE"], "statuses": {"Sent": "x"}}]},
        {"regions": [{"countries": ["DE"], "statuses": {}}]},
        {"api_version": "v57.0"},
        {"sales_store_id": "1'; x"},
        {"my_domain": "acme"},
    ],
)
def test_settings_that_mean_nothing_are_refused(change: Json) -> None:
    """At start, not at the first order."""
    with pytest.raises(ValueError, match="validation error"):
        settings(**change)


def test_another_stores_order_is_skipped() -> None:
    """The connection has one store, with an id of 15 or 18 characters."""
    ours = {"sales_store_id": "0ZE000000000001"}
    skipped = result_of(order(), **ours)
    assert isinstance(skipped, Skipped)
    assert skipped.rule == "other_channel"
    assert mapped(order() | {"SalesStoreId": "0ZE000000000001AAA"}, **ours).channel


def customer(document: Json, **changes: Any) -> Mapped[Customer] | Skipped:
    """Map an account."""
    mapper = CustomerMapper(settings(**changes), connection().addresses)
    return mapper.to_customer(orjson.dumps(document))


def test_an_account_with_a_contact_is_a_customer() -> None:
    """With its addresses; one without is a guest's, and a deleted one is gone."""
    document = account()
    found = customer(document)
    assert isinstance(found, Mapped)
    record = found.record
    assert (record.customer_id, record.email) == (document["Id"], "jane.doe@example.com")
    assert (record.first_name, record.last_name, record.company) == ("Jane", "Doe", "")
    [address] = record.addresses
    assert (address.address.city, address.is_default_shipping) == ("Austin", True)
    guest = customer(document | {"Contacts": None})
    assert isinstance(guest, Skipped)
    assert guest.rule == "account_without_contact"
    gone = customer(document | {"IsDeleted": True})
    assert isinstance(gone, Mapped)
    assert gone.record.is_gone
    person = {
        "IsPersonAccount": True,
        "FirstName": "Al",
        "LastName": "Roe",
        "PersonEmail": "a@b.co",
    }
    alone = customer(document | {"Contacts": None} | person, person_accounts=True)
    assert isinstance(alone, Mapped)
    assert (alone.record.first_name, alone.record.email) == ("Al", "a@b.co")


def test_an_address_that_can_t_be_used_rejects_its_customer() -> None:
    """By its place; without an id a later change of it could not be recognised."""
    for entry, code, field in (
        ({"City": "Austin"}, "customer_address_id_missing", "[0].id"),
        ("Main Street", "malformed_value", "[0]"),
    ):
        with pytest.raises(RecordRejected) as raised:
            customer(account() | {"ContactPointAddresses": {"records": [entry]}})
        fields = {problem.code: problem.field for problem in raised.value.problems}
        assert fields[code] == f"ContactPointAddresses.records{field}"


def test_a_deleted_account_needs_an_id() -> None:
    """Otherwise it is not known who is gone."""
    with pytest.raises(RecordRejected):
        customer(account() | {"IsDeleted": True, "Id": "x" * 300})


def test_a_forgotten_shoppers_documents_keep_the_facts_only() -> None:
    """Ids, states, amounts and units; no name, street, phone or e-mail address."""
    for document in (order(Description="Call Jane Doe"), account()):
        cleaned = orjson.dumps(without_personal_data(document, FACTS)).decode()
        for text in ("Jane", "Doe", "Main Street", "512-555", "example.com", "78701", "Austin"):
            assert text not in cleaned, text
        assert document["Id"] in cleaned
        assert {kind for kind, _ in subjects(document)} == {"email"}
    cleaned = orjson.dumps(without_personal_data(order(), FACTS)).decode()
    for text in ("54.13", "1001", "Approved", "MUG", "auth-1", "Ground"):
        assert text in cleaned, text


def test_two_spellings_of_an_org_are_one() -> None:
    """Connections that would overwrite each other are refused."""

    def identity(**changes: Any) -> Any:
        made: SalesforceSettings = settings(**changes)
        return made.identity

    same = identity(my_domain="https://ACME.my.salesforce.com:443/")
    assert identity() == same
    assert identity(sales_store_id="0ZE000000000001AAA").overlaps(same)


AMOUNTS = ("Amount", "Price", "WithTax")
"""How the names of an order's amounts end."""


def scaled(value: Any, scale: Decimal, name: str = "") -> Any:
    """Return a document with its amounts times a factor."""
    if isinstance(value, dict):
        return {key: scaled(part, scale, key) for key, part in value.items()}
    if isinstance(value, list):
        return [scaled(part, scale, name) for part in value]
    is_amount = isinstance(value, int | float) and name.endswith(AMOUNTS)
    return float(Decimal(str(value)) * scale) if is_amount else value


@pytest.mark.parametrize(("currency", "scale"), [("JPY", "100"), ("KWD", "0.1")])
def test_amounts_are_exact_in_a_currency_without_cents_or_with_thousandths(
    currency: str, scale: str
) -> None:
    """Each as it is of a currency with cents, and all of them add up."""
    factor, document = Decimal(scale), order()
    cents = mapped(document)
    found = mapped(scaled(document, factor) | {"CurrencyIsoCode": currency})
    assert (found.currency, found.total) == (currency, cents.total * factor)
    assert found.total_tax == cents.total_tax * factor
    for line, other in zip(found.lines, cents.lines, strict=True):
        assert line.line_total == other.line_total * factor
        assert line.unit_price == other.unit_price * factor
        assert line.total_discount() == other.total_discount() * factor
        assert line.total_tax() == other.total_tax() * factor
    assert [p.amount for p in found.payments] == [p.amount * factor for p in cents.payments]
