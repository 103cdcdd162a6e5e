"""Which fields are asked for, object by object: those of ``payload.py``, and the times of change.

UNVERIFIED: the names of the child relationships; a query with a wrong one fails as a whole, and
names it. All are here.
"""

from __future__ import annotations

from typing import NamedTuple

from resources.platforms.salesforce.settings import (
    KEY_FIELD,
    LINE_FIELD,
    PICKUP_FIELD,
    SalesforceSettings,
)
from resources.platforms.salesforce.soql import select

STAMP = "SystemModstamp"


class Child(NamedTuple):
    """An object whose changes are changes of the records that it belongs to."""

    object: str
    reference: str
    """The field that names the record."""
    where: tuple[str, ...] = ()
    """Conditions of those whose changes count."""


def _children(fields: str, source: str, order: str = "Id", where: str = "") -> str:
    """Return a sub-query; its rows have an order, so that the same record has the same bytes."""
    return f"({select(fields, source, f'{where} ORDER BY {order}')})"


_ADJUSTMENTS = _children(
    f"Id, Name, Description, Amount, TotalAmtWithTax, {STAMP}", "OrderItemAdjustmentLineSummaries"
)
_ITEM = (
    "Id, Type, Name, Product2.StockKeepingUnit, ProductCode, Quantity, QuantityReturned, "
    "UnitPrice, GrossUnitPrice, TotalLineAmount, TotalLineAmountWithTax, TotalPrice, "
    f"TotalAmtWithTax, TotalTaxAmount, OrderDeliveryGroupSummaryId, {STAMP}, {_ADJUSTMENTS}"
)
_GROUP = (
    "Id, OrderDeliveryMethod.Name, OrderDeliveryMethodId, DeliverToName, DeliverToStreet, "
    "DeliverToCity, DeliverToState, DeliverToPostalCode, DeliverToCountry, EmailAddress, "
    f"PhoneNumber, DeliveryInstructions, {STAMP}"
)
_EVENT = "Id, GatewayRefNumber, Amount, Status, EffectiveDate"
_PAYMENTS = _children(
    f"Id, Method, AuthorizationAmount, CapturedAmount, {STAMP}, "
    f"{_children(_EVENT, 'PaymentAuthorizations')}, {_children(f'{_EVENT}, Type', 'Payments')}",
    "OrderPaymentSummaries",
)
_SHIPMENTS = _children(
    f"Id, {KEY_FIELD}, Status, TrackingNumber, {STAMP}, "
    + _children(f"{LINE_FIELD}, Quantity", "ShipmentItems"),
    "Shipments",
)
_ORDER = (
    "Id, OrderNumber, Status, OrderLifeCycleType, OrderedDate, TaxLocaleType, SalesStoreId, "
    "AccountId, Account.Name, OriginalOrderId, BillToContactId, BillToContact.FirstName, "
    "BillToContact.LastName, BillToContact.Email, BillingStreet, BillingCity, BillingState, "
    "BillingPostalCode, BillingCountry, BillingEmailAddress, BillingPhoneNumber, Description, "
    f"GrandTotalAmount, TotalTaxAmount, {STAMP}"
)
ORDER_CHILDREN = (
    Child("OrderItemSummary", "OrderSummaryId"),
    Child("OrderDeliveryGroupSummary", "OrderSummaryId"),
    Child("OrderPaymentSummary", "OrderSummaryId"),
    Child("Shipment", "OrderSummaryId"),
)
"""Objects whose change changes an order, too: none touches the order summary."""
_PRESENT = " WHERE IsDeleted = false"
"""Deleted accounts are read, too, and would bring deleted children."""
CUSTOMER_CHILDREN = (Child("Contact", "AccountId"), Child("ContactPointAddress", "ParentId"))


def order_fields(settings: SalesforceSettings) -> str:
    """Return what is selected of an order summary, for its mapping as well as before a write."""
    currency = "" if settings.currency else ", CurrencyIsoCode"
    pickup = f", {PICKUP_FIELD}" if settings.reads_pickup_location else ""
    number = ", OriginalOrder.PoNumber" if settings.reads_po_number else ""
    item, place = "", ""
    if settings.fulfilled_from is not None:  # a fulfilment order repeats these
        item, place = ", OriginalOrderItemId, Product2Id", ", DeliverToLatitude, DeliverToLongitude"
    items = _children(_ITEM + item, "OrderItemSummaries", "LineNumber, Id")
    groups = _children(_GROUP + pickup + place, "OrderDeliveryGroupSummaries")
    return ", ".join((_ORDER + currency + number, items, groups, _PAYMENTS, _SHIPMENTS))


PRODUCT_FIELDS = (
    "Id, Name, Description, Family, StockKeepingUnit, ProductCode, ProductClass, "
    f"QuantityUnitOfMeasure, IsActive, IsDeleted, {STAMP}"
)
"""What is selected of a product as it is sold."""
STANDARD_PRICES = "Pricebook2.IsStandard = true"
MEDIA, ATTRIBUTE = "ProductMedia", "ProductAttribute"
"""Which content is a picture of a product, and of which parent a product is a variation."""
PARENT_ID = "VariantParentId"
"""Of a product attribute: the parent of variations."""


def product_children(settings: SalesforceSettings) -> tuple[Child, ...]:
    """Return the objects whose change changes a product, too, as far as they are read."""
    products = settings.products
    prices = Child("PricebookEntry", "Product2Id", (STANDARD_PRICES,))
    found = [prices] if settings.reads_prices else []
    found += [Child(MEDIA, "ProductId")] if products.media_channel is not None else []
    found += [Child(ATTRIBUTE, "ProductId")] if products.has_variations else []
    return tuple(found)


def product_fields(settings: SalesforceSettings) -> str:
    """Return what is selected of a product of the catalog, with its prices where they are read."""
    known = set(PRODUCT_FIELDS.split(", "))
    own = ", ".join((PRODUCT_FIELDS, *(f for f in settings.products.fields if f not in known)))
    if not settings.reads_prices:
        return own
    currency = "" if settings.currency else ", CurrencyIsoCode"
    fields = f"Id, UnitPrice, IsActive, IsDeleted, {STAMP}{currency}"
    prices = _children(fields, "PricebookEntries", where=f" WHERE {STANDARD_PRICES}")
    return f"{own}, {prices}"


def media_fields() -> str:
    """Return what is selected of a picture of a product."""
    group = "ElectronicMediaGroup.UsageType"
    return f"Id, ProductId, ElectronicMediaId, {group}, SortOrder, IsDeleted, {STAMP}"


def attribute_fields(settings: SalesforceSettings) -> str:
    """Return what is selected of a variation: its parent, and what distinguishes it."""
    options = dict.fromkeys(settings.products.options.values())
    return ", ".join(("Id", "ProductId", PARENT_ID, "IsDeleted", STAMP, *options))


def customer_fields(settings: SalesforceSettings) -> str:
    """Return what is selected of an account."""
    person = ", IsPersonAccount, FirstName, LastName, PersonEmail" * settings.person_accounts
    contacts = _children(
        f"Id, FirstName, LastName, Email, Phone, {STAMP}", "Contacts", "CreatedDate, Id", _PRESENT
    )
    addresses = _children(
        f"Id, Name, AddressType, IsDefault, Street, City, State, PostalCode, Country, {STAMP}",
        "ContactPointAddresses",
        where=_PRESENT,
    )
    return f"Id, Name, Phone, IsDeleted, {STAMP}{person}, {contacts}, {addresses}"
