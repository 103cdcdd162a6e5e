"""What the connector reads and writes in an org is what its metadata and its preflight name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from domain.delivery import NewListing
from domain.exchange import ShipmentRequest
from domain.records.listings import Listing
from resources.platforms.salesforce.listings.creation import parts_of
from resources.platforms.salesforce.preflight import written
from resources.platforms.salesforce.returns.parts import show_return
from resources.platforms.salesforce.settings import SalesforceSettings
from resources.platforms.salesforce.shipments.parts import Parts
from sandbox.platforms.salesforce.schema import CHILDREN, OBJECTS
from sandbox.platforms.salesforce.soql import Query, parse
from tests.contracts.test_salesforce_queries import queries_of
from tests.deploy.test_salesforce import SOURCE, parsed, texts
from tests.resources.platforms.salesforce import orgs
from tests.resources.platforms.salesforce.conftest import Wire, wire
from tests.resources.platforms.salesforce.returns import test_parts as returns
from tests.resources.platforms.salesforce.test_requests import LOCATION, NOW, held, lines_of, parcel

__all__ = ["wire"]

Json = dict[str, Any]
NOT_GRANTED = {
    "PricebookEntry": "the rights to its price book, and to its product, count",
    "User": "the name of whose profile is read of a request",
    "Profile": "likewise",
}
SETS = ("Lockstep", "Lockstep_Catalog", "Lockstep_Products", "Lockstep_Stock")
"""Permission sets of the integration user."""
OF_THE_VENDOR = {"attributes", "is_new"}
"""What a row has beside the fields of its record, or loses before it is sent."""


def objects_of(query: Query, name: str = "") -> Iterator[str]:
    """Yield the objects that a query reads: its own, children, and parents by their fields."""
    name = name or query.source
    yield name
    for path in query.paths:
        *steps, _ = path.split(".")
        at = name
        for step in steps:
            parents = OBJECTS[at].parents.values()
            at = next(parent.object for parent in parents if parent.name == step)
            yield at
    for child in query.children:
        yield from objects_of(child, CHILDREN[name, child.source][0])


def test_a_permission_set_grants_every_object_that_is_read(wire: Wire) -> None:
    """Of all streams together, and none that the connector does not use."""
    read = {name for text in queries_of(wire) for name in objects_of(parse(text))}
    granted: set[str] = set()
    for each in SETS:
        root = parsed(SOURCE / "permissionsets" / f"{each}.permissionset-meta.xml")
        granted |= set(texts(root, "objectPermissions/object"))
        assert set(texts(root, "objectPermissions/allowRead")) <= {"true"}
    assert read - granted <= NOT_GRANTED.keys()
    assert {"OrderSummary", "ContactPointAddress", "Product2", "ReturnOrder"} <= read


def fields_of(parts: Iterable[Json]) -> dict[str, set[str]]:
    """Return object -> fields that requests write."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for part in parts:
        steps = urlsplit(part["url"]).path.split("/sobjects/")[-1].split("/")
        if "records" in part["body"]:
            for row in part["body"]["records"]:
                found[row["attributes"]["type"]] |= row.keys() - OF_THE_VENDOR
            continue
        found[steps[0]] |= part["body"].keys()
        if len(steps) == 3:
            found[steps[0]].add(steps[1])  # an upsert: the key is in the address
    return dict(found)


def requests(settings: SalesforceSettings) -> Iterator[Json]:
    """Yield the requests of an order with everything: parcel, status, return, new product."""
    document = orgs.order()
    [group] = document["OrderDeliveryGroupSummaries"]["records"]
    group |= {"DeliverToLatitude": 1.0, "DeliverToLongitude": 1.0, "OrderDeliveryMethodId": "1"}
    group |= {"PhoneNumber": "1", "EmailAddress": "a@b.example"}
    for item in document["OrderItemSummaries"]["records"]:
        item |= {"OriginalOrderItemId": "1", "Product2Id": "1", "GrossUnitPrice": 1}
    document["OriginalOrderId"] = "1"
    order, parts = held(document), Parts(settings)
    request: ShipmentRequest = parcel(document, (lines_of(document)[0], 1))
    yield from parts.shipment(order, request, "k")
    yield from parts.change("0OB", request)
    yield from parts.status(order, "Fulfilled", "k", NOW)
    yield from show_return(returns.order(), returns.record(returns.units(1)), settings)
    listing = Listing(
        product_id="new:CUP", sku="CUP", name="Cup", description="x", price=Decimal(5)
    )
    new = NewListing(listing, currency="USD", is_visible=True, counts_stock=False)
    yield from parts_of(new, settings, "01s")


def test_the_preflight_names_every_field_that_is_written() -> None:
    """Else the first parcel would fail, and not the check before the start."""
    settings = orgs.settings(fulfilled_from=LOCATION)
    connection = orgs.connection(
        streams=["orders", "shipments", "returns", "catalog", "listings"],
        catalog={"create_products": "visible"},
        returns={"refunds": "none"},
    )
    checked: defaultdict[str, set[str]] = defaultdict(set)
    for name, fields in written(connection, settings):
        checked[name] |= set(fields)
    used = fields_of(requests(settings))
    assert {"FulfillmentOrderLineItem", "ReturnOrder", "PricebookEntry"} <= used.keys()
    for name, fields in used.items():
        assert fields <= checked[name], (name, sorted(fields - checked[name]))
        assert fields <= OBJECTS[name].fields
