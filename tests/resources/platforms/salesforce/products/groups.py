"""A group of variations in a simulated org, with pictures and fields of the merchant's own."""

from __future__ import annotations

from typing import Any

from tests.resources.platforms.salesforce.conftest import Wire

Json = dict[str, Any]
CHANNEL = "0ap000000000001AAA"
PRODUCTS: Json = {
    "warranty": "Warranty__c",
    "brand": "Brand__c",
    "barcodes": {"gtin": "GTIN__c", "upc": "UPC__c"},
    "weight": "Weight__c",
    "width": "Width__c",
    "height": "Height__c",
    "depth": "Depth__c",
    "attributes": {"material": "Material__c"},
    "images": ["Picture__c"],
    "media_channel": CHANNEL,
    "has_variations": True,
    "options": {"Color": "Color__c", "Size": "Size__c"},
}
FIRST, CHANGED = "2026-03-04T10:00:00.000+0000", "2026-03-05T10:00:00.000+0000"


def put(wire: Wire, name: str, at: str = FIRST, **values: Any) -> str:
    """Store a record with the time of its change, and return its id."""
    book = wire.org.org.book
    return str(book.put(name, values, at=at)["Id"])


def picture(wire: Wire, product: str, name: str, usage: str, order: int, at: str = FIRST) -> str:
    """Show a published picture with a product; return the id of its row of ``ProductMedia``."""
    address = f"https://cdn.example/{name}.jpg"
    content = put(wire, "ManagedContent", at, Name=name, Address=address)
    group = put(wire, "ElectronicMediaGroup", at, Name=usage, UsageType=usage)
    return put(
        wire, "ProductMedia", at, ProductId=product, ElectronicMediaId=content,
        ElectronicMediaGroupId=group, SortOrder=order,
    )  # fmt: skip


def group_of_variations(wire: Wire) -> Json:
    """Sell a mug in two colours; return the ids of what it is made of."""
    parent = put(
        wire, "Product2", Name="Mug", Description="A mug", IsActive=True, Brand__c="Kiln",
        ProductClass="VariationParent", Warranty__c="Two years",
    )  # fmt: skip
    made: Json = {"parent": parent}
    for color, sku in (("Red", "MUG-R"), ("Blue", "MUG-B")):
        made[color] = put(
            wire, "Product2", Name=f"Mug {color}", IsActive=True, ProductClass="Variation",
            StockKeepingUnit=sku, GTIN__c="4006381333931", Weight__c=0.25, Width__c=8.0,
            Height__c=9.5, Depth__c=8.0, Material__c="Stoneware",
        )  # fmt: skip
        made[f"{color} attributes"] = put(
            wire, "ProductAttribute", ProductId=made[color], VariantParentId=parent,
            Color__c=color, Size__c="M",
        )  # fmt: skip
    made["page"] = picture(wire, parent, "page", "Standard", 2)
    made["list"] = picture(wire, parent, "list", "Listing", 1)
    made["leaflet"] = picture(wire, parent, "leaflet", "Attachment", 0)
    made["red"] = picture(wire, made["Red"], "red", "Standard", 1)
    return made
