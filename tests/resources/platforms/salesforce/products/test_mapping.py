"""Captured products of Salesforce to canonical ones."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.catalog import Attribute, Dimensions
from resources.platforms.salesforce.product_settings import ProductSettings
from resources.platforms.salesforce.products.mapping import ProductMapper
from tests.resources.platforms.salesforce.products.groups import PRODUCTS

Json = dict[str, Any]
PRODUCT: Json = {
    "attributes": {"type": "Product2"},
    "Id": "01t000000000001AAA",
    "Name": "Mug ",
    "Description": "A\nmug",
    "Family": "Kitchen",
    "StockKeepingUnit": " MUG-1 ",
    "ProductCode": "M1",
    "ProductClass": "Simple",
    "QuantityUnitOfMeasure": "Each",
    "IsActive": True,
    "IsDeleted": False,
    "SystemModstamp": "2026-03-19T10:00:00.000+0000",
}


def mapped(**changes: Any) -> Any:
    """Return the product of a changed row."""
    found = ProductMapper().to_product(orjson.dumps(PRODUCT | changes))
    assert isinstance(found, Mapped)
    return found.record


def test_a_product_is_its_one_variant() -> None:
    """With its SKU, or else its code."""
    product = mapped()
    assert (product.product_id, product.name, product.description) == (
        "01t000000000001AAA",
        "Mug",
        "A\nmug",
    )
    assert product.categories == ("Kitchen",)
    assert product.attributes == (Attribute(name="unit", value="Each"),)
    assert [one.sku for one in product.variants] == ["MUG-1"]
    bare = mapped(StockKeepingUnit=None, Family=None, QuantityUnitOfMeasure=None)
    assert [one.sku for one in bare.variants] == ["M1"]
    assert (bare.categories, bare.attributes) == ((), ())


@pytest.mark.parametrize("changes", [{"IsDeleted": True}, {"IsActive": False}])
def test_a_product_that_is_deleted_or_not_active_is_gone(changes: Json) -> None:
    """It is not sold any more."""
    assert mapped(**changes).is_gone


def test_a_parent_of_variations_is_skipped() -> None:
    """Each variation is a product of its own."""
    found = ProductMapper().to_product(orjson.dumps(PRODUCT | {"ProductClass": "VariationParent"}))
    assert isinstance(found, Skipped)
    assert found.rule == "product_of_variations"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Id": None}, [("id_missing", "Id")]),
        ({"Id": [7]}, [("malformed_value", "Id")]),
        ({"StockKeepingUnit": "x" * 300}, [("product_invalid", "StockKeepingUnit")]),
        ({"IsDeleted": "maybe"}, [("malformed_value", "IsDeleted")]),
    ],
)
def test_what_can_not_be_used_is_named_with_its_field(
    changes: Json, expected: list[tuple[str, str]]
) -> None:
    """All at once."""
    with pytest.raises(RecordRejected) as caught:
        mapped(**changes)
    assert [(one.code, one.field) for one in caught.value.problems] == expected


EUROS = {"UnitPrice": 9, "CurrencyIsoCode": "EUR"}
DOLLARS = {"UnitPrice": 8, "CurrencyIsoCode": "USD"}


def entries(*rows: Json) -> Json:
    """Return entries of the standard price book, active if they say nothing else."""
    base = {"IsActive": True, "IsDeleted": False}
    return {"PricebookEntries": {"records": [base | row for row in rows]}}


@pytest.mark.parametrize(
    ("rows", "currency", "expected"),
    [
        ([{"UnitPrice": 12.5}], None, ("12.50", "")),
        ([{"UnitPrice": 12.5}], "USD", ("12.50", "USD")),
        ([EUROS], None, ("9.00", "EUR")),
        (
            [
                {"UnitPrice": 9, "CurrencyIsoCode": "EUR"},
                {"UnitPrice": 8, "CurrencyIsoCode": "USD"},
            ],
            "USD",
            ("8.00", "USD"),
        ),
        (
            [
                {"UnitPrice": 9, "CurrencyIsoCode": "EUR"},
                {"UnitPrice": 8, "CurrencyIsoCode": "USD"},
            ],
            None,
            (None, ""),
        ),
        ([EUROS], "USD", (None, "")),
        ([{"UnitPrice": 9, "IsActive": False}], None, (None, "")),
        ([{"UnitPrice": 9, "IsDeleted": True}], None, (None, "")),
        ([], None, (None, "")),
    ],
)
def test_the_price_is_never_one_of_another_currency(
    rows: list[Json], currency: str | None, expected: tuple[str | None, str]
) -> None:
    """Where several would be right, there is none."""
    found = ProductMapper(currency=currency).to_product(orjson.dumps(PRODUCT | entries(*rows)))
    assert isinstance(found, Mapped)
    price = found.record.price
    assert (None if price is None else str(price), found.record.currency) == expected


def test_a_price_that_is_no_amount_is_a_rejection() -> None:
    """With its field."""
    with pytest.raises(RecordRejected) as caught:
        ProductMapper().to_product(orjson.dumps(PRODUCT | entries({"UnitPrice": "much"})))
    assert [one.field for one in caught.value.problems] == ["PricebookEntries"]


OWN = ProductSettings.model_validate(PRODUCTS)
MEDIA: Json = {
    "ElectronicMediaId": "20Y000000000001AAA",
    "ElectronicMediaGroup": {"UsageType": "Standard"},
    "IsDeleted": False,
}
WHOLE: Json = PRODUCT | {
    "Warranty__c": "Two\nyears",
    "GTIN__c": 4006381333931.0,
    "Weight__c": 0.25,
    "Width__c": "8",
    "Material__c": True,
    "Lockstep": {
        "Attributes": [{"VariantParentId": "01t000000000002AAA", "Color__c": "Red"}],
        "Parent": {"Id": "01t000000000002AAA", "Name": "Mugs", "Brand__c": "Kiln"},
        "Media": [MEDIA],
        "ParentMedia": [MEDIA, MEDIA | {"IsDeleted": True}],
        "Addresses": {"20Y000000000001AAA": "https://cdn.example/1.jpg"},
    },
}


def test_values_are_read_as_a_person_reads_them() -> None:
    """A code that is a number has no decimals, and a text keeps its lines."""
    found = ProductMapper(OWN).to_product(orjson.dumps(WHOLE))
    assert isinstance(found, Mapped)
    product, [variant] = found.record, found.record.variants
    assert (product.warranty, product.brand) == ("Two\nyears", "Kiln")
    assert product.images == ("https://cdn.example/1.jpg",)
    assert variant.barcodes == (Attribute(name="gtin", value="4006381333931"),)
    assert Attribute(name="material", value="true") in product.attributes
    assert (str(variant.dimensions.weight), str(variant.dimensions.width)) == ("0.25", "8.00")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Weight__c": "heavy"}, ("malformed_value", "Weight__c")),
        ({"Weight__c": -1}, ("malformed_value", "Weight__c")),
        ({"Width__c": 10**12}, ("product_invalid", "Width__c")),
        ({"GTIN__c": ["1"]}, ("malformed_value", "GTIN__c")),
        (
            {"Lockstep": {"Parent": {"Brand__c": {}}}},
            ("malformed_value", "Lockstep.Parent.Brand__c"),
        ),
    ],
)
def test_a_field_of_the_orgs_own_is_named_where_it_can_not_be_used(
    changes: Json, expected: tuple[str, str]
) -> None:
    """And nothing of it is guessed; an empty one, or a size of 0, is none."""
    with pytest.raises(RecordRejected) as caught:
        ProductMapper(OWN).to_product(orjson.dumps(WHOLE | changes))
    assert [(one.code, one.field) for one in caught.value.problems] == [expected]
    found = ProductMapper(OWN).to_product(orjson.dumps(WHOLE | {"Weight__c": 0, "Width__c": ""}))
    assert isinstance(found, Mapped)
    assert found.record.variants[0].dimensions == Dimensions()
