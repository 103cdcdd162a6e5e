"""Pictures, variations and the org's own fields, read in full and by their changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from assets.streams.listings.sheet import row_of
from domain.errors import PermanentError
from domain.exchange import Mapped, RawRecord
from domain.records.catalog import Attribute, Product
from domain.values import Window
from resources.sheets.reader import COLUMNS
from tests.resources.platforms.salesforce.conftest import Wire
from tests.resources.platforms.salesforce.orgs import settings
from tests.resources.platforms.salesforce.products.groups import (
    CHANGED,
    PRODUCTS,
    group_of_variations,
    picture,
    put,
)

Json = dict[str, Any]
BEFORE = Window(datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC))
LATER = Window(datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 3, 6, tzinfo=UTC))
CDN = "https://cdn.example"


def captured(wire: Wire, window: Window, products: Json = PRODUCTS) -> dict[str, RawRecord]:
    """Return the products of a window by id; none comes twice."""
    source = wire.open(products=products, page_size=2).sources["products"]
    found = [record for page in source.fetch(window) for record in page.records]
    assert len({record.source_id for record in found}) == len(found)
    return {record.source_id: record for record in found}


def mapped(wire: Wire, record: RawRecord) -> Product:
    """Return a captured product's record."""
    found = wire.open(products=PRODUCTS).sources["products"].to_canonical(record.payload)
    assert isinstance(found, Mapped)
    return found.record


def test_a_variation_has_its_own_fields_and_what_its_parent_shows(wire: Wire) -> None:
    """Its own pictures first, then the parent's, the one of lists at the front; no attachments."""
    made = group_of_variations(wire)
    found = captured(wire, BEFORE)
    assert found.keys() == {made["parent"], made["Red"], made["Blue"]}
    red, blue = mapped(wire, found[made["Red"]]), mapped(wire, found[made["Blue"]])
    assert red.images == (f"{CDN}/red.jpg", f"{CDN}/list.jpg", f"{CDN}/page.jpg")
    assert blue.images == (f"{CDN}/list.jpg", f"{CDN}/page.jpg")
    assert (red.description, red.warranty, red.brand) == ("A mug", "Two years", "Kiln")
    assert red.inherited == ("description", "warranty", "brand")
    assert red.attributes == (
        Attribute(name="variation_of", value="Mug"),
        Attribute(name="material", value="Stoneware"),
    )
    [variant] = red.variants
    assert (variant.sku, variant.image) == ("MUG-R", f"{CDN}/red.jpg")
    assert variant.barcodes == (Attribute(name="gtin", value="4006381333931"),)
    assert variant.options == (
        Attribute(name="Color", value="Red"),
        Attribute(name="Size", value="M"),
    )
    sizes = variant.dimensions
    assert list(map(str, (sizes.weight, sizes.width, sizes.height, sizes.depth))) == [
        "0.25", "8.00", "9.50", "8.00",
    ]  # fmt: skip


def test_an_exported_row_has_only_what_a_variation_has_itself(wire: Wire) -> None:
    """Imported again, its parent's texts would be stored there, and hide the parent's next ones."""
    made = group_of_variations(wire)
    put(wire, "Product2", Id=made["Blue"], Description="A blue mug")
    found = captured(wire, BEFORE)
    rows = [row_of(mapped(wire, found[made[name]])) for name in ("Red", "Blue")]
    shown = [{name: text for name, text in zip(COLUMNS, row, strict=False) if text} for row in rows]
    assert shown == [
        {"sku": "MUG-R", "title": "Mug Red"},
        {"sku": "MUG-B", "title": "Mug Blue", "description": "A blue mug"},
    ]


def test_a_single_product_has_its_own_pictures(wire: Wire) -> None:
    """A field with an address comes first, and the same address is shown once."""
    address = f"{CDN}/one.jpg"
    mug = put(wire, "Product2", Name="Mug", IsActive=True, ProductClass="Simple",
              StockKeepingUnit="MUG", Picture__c=address)  # fmt: skip
    picture(wire, mug, "two", "Standard", 2)
    picture(wire, mug, "one", "Standard", 1)
    [record] = captured(wire, BEFORE).values()
    product = mapped(wire, record)
    assert product.images == (address, f"{CDN}/two.jpg")
    assert product.variants[0].options == ()


CHANGES = {
    "parent": ("Product2", {"Description": "Another mug"}, {"Red", "Blue"}),
    "page": ("ProductMedia", {"SortOrder": 0}, set()),
    "list": ("ProductMedia", {"IsDeleted": True}, {"Red", "Blue"}),
    "red": ("ProductMedia", {"IsDeleted": True}, {"Red"}),
    "Red attributes": ("ProductAttribute", {"Color__c": "Crimson"}, {"Red"}),
    "Blue": ("Product2", {"GTIN__c": "4006381333948"}, {"Blue"}),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_a_change_of_what_is_shown_is_a_change_of_the_product(wire: Wire, changed: str) -> None:
    """Also one of its parent, of the parent's pictures, and a picture that is gone."""
    made = group_of_variations(wire)
    first = {name: mapped(wire, one) for name, one in captured(wire, BEFORE).items()
             if name != made["parent"]}  # fmt: skip
    kind, values, expected = CHANGES[changed]
    put(wire, kind, CHANGED, Id=made[changed], **values)
    probed = wire.open(products=PRODUCTS).sources["products"].probe(LATER.since)
    assert probed == datetime(2026, 3, 5, 10, tzinfo=UTC)
    later = captured(wire, LATER)
    seen = {name for name in ("Red", "Blue") if made[name] in later}
    assert seen >= expected
    differs = {name for name in seen if mapped(wire, later[made[name]]) != first[made[name]]}
    assert differs == expected
    before = captured(wire, BEFORE)
    assert not before.keys() & later.keys(), "each in the one window of its latest change"


def test_a_stamp_that_moves_alone_is_no_new_version(wire: Wire) -> None:
    """Neither of the parent nor of a picture, nor one that was deleted long ago."""
    made = group_of_variations(wire)
    first = captured(wire, BEFORE)[made["Red"]]
    put(wire, "Product2", CHANGED, Id=made["parent"])
    put(wire, "ProductMedia", CHANGED, Id=made["page"])
    gone = picture(wire, made["Red"], "gone", "Standard", 9, CHANGED)
    put(wire, "ProductMedia", CHANGED, Id=gone, IsDeleted=True)
    later = captured(wire, LATER)[made["Red"]]
    assert later.updated_at > first.updated_at
    assert later.content == first.content
    assert later.payload != first.payload


def test_a_picture_that_is_not_published_is_not_shown(wire: Wire) -> None:
    """It has no address that a shopper could see."""
    made = group_of_variations(wire)
    [content] = [row for row in wire.org.org.book.rows("ManagedContent") if row["Name"] == "red"]
    put(wire, "ManagedContent", Id=content["Id"], Address=None)
    red = mapped(wire, captured(wire, BEFORE)[made["Red"]])
    assert red.images == (f"{CDN}/list.jpg", f"{CDN}/page.jpg")


@pytest.mark.parametrize("is_object", [False, True])
def test_stock_is_what_is_available_at_all_locations(wire: Wire, *, is_object: bool) -> None:
    """As it was at the product's last change: another level is no other version."""
    made = group_of_variations(wire)
    chosen: Json = {"products": PRODUCTS | {"has_stock": True}}
    if is_object:
        chosen["inventory"] = {}
    else:
        wire.org.control("locations", [{"ExternalReference": "EAST"}])

    def read(units: int) -> RawRecord:
        if is_object:
            wire.org.control(
                "put/Lockstep_Stock__c",
                {"SKU__c": "MUG-R", "Available__c": units, "Location__c": "WAREHOUSE"},
            )
        else:
            rows = [{"sku": "MUG-R", "location": name, "quantity": n}
                    for name, n in (("WAREHOUSE", units - 2), ("EAST", 2))]  # fmt: skip
            wire.org.control("stock", rows)
        source = wire.open(**chosen).sources["products"]
        found = [one for page in source.fetch(BEFORE) for one in page.records]
        for record in found:
            mapped = source.to_canonical(record.payload)
            if isinstance(mapped, Mapped) and record.source_id == made["Blue"]:
                assert mapped.record.variants[0].stock is None
            if isinstance(mapped, Mapped) and record.source_id == made["Red"]:
                assert mapped.record.variants[0].stock == units
        return next(one for one in found if one.source_id == made["Red"])

    first = read(7)
    assert [check.name for check in wire.open(**chosen).preflight() if not check.ok] == []
    if not is_object:
        assert read(9).content == first.content


def test_without_settings_nothing_more_is_read(wire: Wire) -> None:
    """Other objects may not even exist in the org; a capture has the bytes of its row."""
    made = group_of_variations(wire)
    wire.org.control("settings", {"denied": ["ProductMedia", "ProductAttribute"]})
    [*found] = captured(wire, BEFORE, {}).values()
    assert {record.source_id for record in found} == {made["parent"], made["Red"], made["Blue"]}
    assert not [call for call in wire.calls if "ProductMedia" in call or "/connect/" in call]
    assert all(b"Lockstep" not in record.payload for record in found)


@pytest.mark.parametrize(
    ("denied", "changes", "named"),
    [
        (["ProductMedia"], {}, "query of pictures"),
        (["ProductAttribute"], {}, "query of variations"),
        ([], {"warranty": "Guarantee__c"}, "query of products as they are sold"),
        ([], {"options": {"Fit": "Fit__c"}}, "query of variations"),
        ([], {"media_channel": "0bp000000000001AAA"}, "pictures"),
    ],
)
def test_the_preflight_names_what_the_org_lacks(
    wire: Wire, denied: list[str], changes: Json, named: str
) -> None:
    """Before the first read would fail."""
    group_of_variations(wire)
    assert [check for check in wire.open(products=PRODUCTS).preflight() if not check.ok] == []
    wire.org.control("settings", {"denied": denied})
    checks = wire.open(products=PRODUCTS | changes).preflight()
    assert [check.name for check in checks if not check.ok] == [named]


def test_a_channel_that_can_not_be_read_is_a_fault_of_the_system(wire: Wire) -> None:
    """Products without pictures would look as if the merchant had removed them."""
    group_of_variations(wire)
    with pytest.raises(PermanentError, match="media_channel"):
        captured(wire, BEFORE, PRODUCTS | {"media_channel": "0bp000000000001AAA"})


@pytest.mark.parametrize(
    ("products", "said"),
    [
        ({"options": {"Color": "Color__c"}}, "has_variations"),
        ({"media": ["Listing", "Listing"]}, "once"),
        ({"media": []}, "once"),
        ({"warranty": "Warranty c"}, "pattern"),
    ],
)
def test_settings_that_can_not_work_are_refused(products: Json, said: str) -> None:
    """With the reason."""
    with pytest.raises(ValueError, match=said):
        settings(products=products)
