"""Items with what a store shows of them, as each OMS states them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from domain.errors import RecordRejected
from domain.exchange import Mapped
from domain.records.listed_items import ListedItem
from domain.sources import ListedItemSource
from resources.oms.extensiv.items import ItemsSource as Products
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.manhattan.items import ItemsSource as Items
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.wire import ManhattanNames

Json = dict[str, Any]


def items() -> ListedItemSource:
    """Return a tenant's source, which makes no call here."""
    names = ManhattanNames(
        item_text="LongText",
        item_weight="Weight",
        item_warranty="Warranty",
        item_categories="Shelf",
    )
    settings = SimpleNamespace(
        names=names,
        zone=UTC,
        item_page_size=100,
        paths=SimpleNamespace(item_search="/search"),
    )
    return Items(cast(Any, None), cast(ManhattanSettings, settings))


def products() -> ListedItemSource:
    """Return an account's source, which makes no call here."""
    settings = ExtensivSettings.model_validate(
        {
            "base_url": "https://api.example.com/v1",
            "merchant": "m",
            "cart_user": "u",
            "cart_key": {"env": "K"},
            "merchant_user": "u",
            "merchant_key": {"env": "K"},
        }
    )
    return Products(cast(Any, None), cast(Any, None), settings)


def mapped(source: ListedItemSource, row: Json) -> ListedItem:
    """Map a row."""
    found = source.to_canonical(orjson.dumps(row))
    assert isinstance(found, Mapped)
    return found.record


def fields(source: ListedItemSource, payload: bytes) -> list[str]:
    """Return which fields keep a row out."""
    with pytest.raises(RecordRejected) as caught:
        source.to_canonical(payload)
    assert {problem.code for problem in caught.value.problems} == {"oms_payload_unreadable"}
    return [problem.field for problem in caught.value.problems]


def test_an_items_texts_pictures_and_marks_are_read() -> None:
    """Blank texts and a weight of 0 are none; an id may be wrapped in an object."""
    row = {
        "ItemId": " MUG ",
        "Description": "Mug",
        "LongText": "<p>Clay</p>",
        "Warranty": " ",
        "SmallImageURI": "https://a.example/1 https://a.example/2",
        "Brand": "Kiln",
        "Shelf": "Kitchen > Mugs; Sale",
        "Weight": 0.4,
        "Style": {"StyleId": "CUPS"},
        "IsDiscontinued": "true",
        "UpdatedTimestamp": "any",
    }
    found = mapped(items(), row)
    assert (found.sku, found.name, found.description) == ("MUG", "Mug", "<p>Clay</p>")
    assert (found.warranty, found.weight, found.style) == (None, Decimal("0.4"), "CUPS")
    assert found.images == ("https://a.example/1", "https://a.example/2")
    assert (found.brand, found.categories) == ("Kiln", ("Kitchen > Mugs", "Sale"))
    assert found.is_discontinued
    bare = mapped(items(), {"ItemId": "MUG", "Weight": 0})
    assert bare == ListedItem(sku="MUG")


def test_values_of_a_wrong_type_keep_an_item_out_with_their_fields() -> None:
    """Each is named; a mark that can't be read may say that nothing is sold."""
    row = {
        "ItemId": "MUG",
        "Description": ["a"],
        "Weight": "heavy",
        "IsDiscontinued": "maybe",
        "Style": True,
    }
    assert fields(items(), orjson.dumps(row)) == [
        "Description",
        "Weight",
        "Style",
        "IsDiscontinued",
    ]
    assert fields(items(), orjson.dumps({"ItemId": "MUG", "Weight": -1})) == ["Weight"]
    assert fields(items(), orjson.dumps({"Description": "no id"}))
    for payload in (b"[]", b"x", b'{"ItemId": "A", "Weight": 1e999999999}'):
        assert fields(items(), payload)


def test_a_products_texts_price_and_weight_are_read() -> None:
    """0 is how the account writes that none is set."""
    row = {"sku": "MUG", "name": "Mug", "retail_price": "12.50", "weight_lbs": "0.50"}
    found = mapped(products(), row | {"description": " ", "last_updated_datetime": "any"})
    assert (found.name, found.description, found.price) == ("Mug", None, Decimal("12.50"))
    assert found.weight == Decimal("0.50")
    assert mapped(products(), {"sku": "MUG", "retail_price": 0, "weight_lbs": "0"}) == ListedItem(
        sku="MUG"
    )
    assert fields(products(), orjson.dumps(row | {"weight_lbs": "heavy"})) == ["weight_lbs"]
    assert fields(products(), orjson.dumps(row | {"weight_lbs": -1})) == ["weight_lbs"]
    assert fields(products(), orjson.dumps({"name": "no SKU"})) == ["sku"]
    assert products().items_a_read == 50


def test_sources_are_asked_whenever_items_are_due() -> None:
    """They report their current state only."""
    now = datetime.now(UTC)
    assert (items().probe(now), products().probe(now)) == (now, now)
