"""The integration user's permission sets grant each field that is read or written, and no other.

Fields without a permission of their own come with their object: a permission set that names one
can't be deployed. UNVERIFIED: which of the standard fields those are; a deployment names them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from resources.platforms.salesforce.preflight import written
from sandbox.platforms.salesforce.schema import CHILDREN, OBJECTS
from sandbox.platforms.salesforce.soql import Comparison, Joined, Query, parse
from tests.contracts.test_salesforce_queries import queries_of
from tests.deploy.test_salesforce import REQUIRED, SOURCE, SPACE, parsed, texts
from tests.deploy.test_salesforce_access import SETS, fields_of, requests
from tests.resources.platforms.salesforce import orgs
from tests.resources.platforms.salesforce.conftest import Wire, wire
from tests.resources.platforms.salesforce.products.groups import PRODUCTS
from tests.resources.platforms.salesforce.test_requests import LOCATION

__all__ = ["wire"]

Json = dict[str, Any]
Fields = defaultdict[str, set[str]]
ALWAYS = frozenset(
    {"Id", "Name", "CreatedById", "CreatedDate", "LastModifiedDate", "SystemModstamp", "IsDeleted",
     "CurrencyIsoCode"}
)  # fmt: skip
"""Of any object: ids, names, audit fields, and the currency, which exists in some orgs only."""
FIXED = REQUIRED | {
    "Lockstep_Status__c.Order_Summary__c", "Lockstep_Status__c.Status__c",
    "Contact.FirstName", "Contact.LastName", "ContactPointAddress.ParentId",
    "OrderSummary.OrderLifeCycleType", "OrderSummary.Status",
    "OrderDeliveryGroupSummary.OrderSummaryId", "OrderItemSummary.OrderSummaryId",
    "OrderPaymentSummary.OrderSummaryId", "OrderItemAdjustmentLineSummary.OrderItemSummaryId",
    "OrderItemAdjustmentLineSummary.OrderSummaryId",
    "Payment.Amount", "Payment.Status", "Payment.Type",
    "PaymentAuthorization.Amount", "PaymentAuthorization.Status", "Refund.Type",
    "ProductMedia.ProductId", "ElectronicMediaGroup.UsageType",
    "ReturnOrderLineItem.QuantityExpected", "Pricebook2.IsStandard",
}  # fmt: skip
"""Required ones, of master-detail relationships, and parts of a person's name."""
NO_FIELDS = {"PricebookEntry", "User", "Profile"}
"""Objects whose fields come with others' rights."""
OWN_OBJECTS = {"Shelf__c"}
ADDRESSES = ("Billing", "DeliverTo", "FulfilledTo", "")
PARTS = ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude")


def permission_of(name: str, field: str) -> str | None:
    """Return the field whose permission counts: an address has one for all of its parts."""
    if field in ALWAYS or name in NO_FIELDS | OWN_OBJECTS:
        return None
    for prefix in ADDRESSES:
        if field in {prefix + part for part in PARTS}:
            return f"{name}.{prefix}Address"
    is_required = field in OBJECTS[name].required and not field.endswith("__c")
    if is_required or f"{name}.{field}" in FIXED:
        return None
    is_merchants = field.endswith("__c") and not field.startswith("Lockstep_")
    return None if is_merchants and not name.startswith("Lockstep_") else f"{name}.{field}"


def paths_of(where: Comparison | Joined | None) -> Iterator[str]:
    """Yield the paths that conditions compare."""
    if isinstance(where, Comparison):
        yield where.path
    elif where is not None:
        for part in where.parts:
            yield from paths_of(part)


def read_by(query: Query, found: Fields, name: str = "") -> None:
    """Note the fields that a query reads, compares or sorts by, with those that lead to parents."""
    name = name or query.source
    for path in (*query.paths, *paths_of(query.where), *(path for path, _ in query.order)):
        at = name
        *steps, field = path.split(".")
        for step in steps:
            reference, parent = next(
                (key, one) for key, one in OBJECTS[at].parents.items() if one.name == step
            )
            found[at].add(reference)
            at = parent.object
        found[at].add(field)
    for child in query.children:
        read_by(child, found, CHILDREN[name, child.source][0])


def permissions(fields: Fields) -> set[str]:
    """Return the permissions that fields need."""
    every = ((name, field) for name, some in fields.items() for field in some)
    return {found for name, field in every if (found := permission_of(name, field)) is not None}


def writes() -> Fields:
    """Return what all streams write: the requests of an order with everything, and the checks."""
    found: Fields = defaultdict(set)
    settings = orgs.settings(fulfilled_from=LOCATION, products=PRODUCTS, inventory={})
    connection = orgs.connection(
        streams=["orders", "shipments", "inventory", "returns", "catalog", "listings", "prices",
                 "actions"],
        catalog={"create_products": "visible"},
        returns={"refunds": "none"},
    )  # fmt: skip
    for name, fields in written(connection, settings):
        found[name] |= set(fields)
    for name, some in fields_of(requests(settings)).items():
        found[name] |= some
    return found


def granted(name: str) -> dict[str, bool]:
    """Return the fields that a permission set makes readable, and whether editable."""
    root = parsed(SOURCE / "permissionsets" / f"{name}.permissionset-meta.xml")
    rows = root.findall(f"{SPACE}fieldPermissions")
    assert all(texts(row, "readable") == ["true"] for row in rows)
    return {texts(row, "field")[0]: texts(row, "editable") == ["true"] for row in rows}


def test_every_field_that_is_read_or_written_is_granted_and_no_other(wire: Wire) -> None:
    """Readable where it is only read, editable where it is written, by all sets together."""
    read: Fields = defaultdict(set)
    for text in queries_of(wire):
        read_by(parse(text), read)
    needed, edited = permissions(read), permissions(writes())
    every = [granted(name) for name in SETS]
    readable = {field for one in every for field in one}
    editable = {field for one in every for field, is_editable in one.items() if is_editable}
    assert sorted((needed | edited) - readable) == []
    assert sorted(readable - needed - edited) == []
    assert sorted(editable ^ edited) == []
    assert len(needed) > 60


def test_only_the_set_of_listings_edits_products_and_each_may_use_the_api(wire: Wire) -> None:
    """A connection without them could change no product, whatever it is asked to do."""
    del wire
    for name in ("Lockstep", "Lockstep_Products"):
        edited = {field for field, is_editable in granted(name).items() if is_editable}
        assert not [field for field in edited if field.startswith(("Product", "Pricebook"))]
    root = parsed(SOURCE / "permissionsets" / "Lockstep.permissionset-meta.xml")
    assert texts(root, "userPermissions/name") == ["ApiEnabled"]
    assert texts(root, "userPermissions/enabled") == ["true"]
