"""Bad answers about products that are to be listed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import orjson
import pytest

from domain.delivery import ListingSave, NewListing
from domain.errors import LockstepError
from domain.parsing.answers import document_of
from domain.records.catalog import Attribute
from domain.records.listings import Listing, NewVariant
from resources.platforms.bigcommerce.listings import target as bigcommerce
from resources.platforms.bigcommerce.listings.payload import FOUND_BY_SKU
from resources.platforms.bigcommerce.listings.payload import (
    LISTED_PRODUCTS as LISTED_PRODUCTS_OF_STORE,
)
from resources.platforms.commercetools.listings.actions import actions_of
from resources.platforms.commercetools.listings.creation import draft_of
from resources.platforms.commercetools.listings.payload import LISTED_PRODUCTS, PRODUCT_TYPES
from resources.platforms.commercetools.listings.product import shown
from resources.platforms.salesforce.listings import target as salesforce
from resources.platforms.salesforce.products.payload import CAPTURED_PRODUCTS
from tests.bad_input.counts import LISTING_ANSWERS_EACH
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import assert_is_bounded
from tests.resources.platforms.commercetools.projects import settings

pytestmark = pytest.mark.slow(seconds=20)

Json = dict[str, Any]
DATA: Json = {
    "name": {"en": "Mug", "de": "Becher"},
    "description": {"en": "old"},
    "masterVariant": {
        "id": 1,
        "sku": "MUG-S",
        "images": [{"url": "https://img.example.com/1.jpg"}],
        "attributes": [{"name": "warranty", "value": {"en": "2 years"}}],
    },
    "variants": [{"id": 2, "sku": "MUG-L"}],
}
PRODUCT: Json = {
    "id": "p",
    "version": 4,
    "productType": {"id": "t"},
    "masterData": {"published": True, "current": DATA, "staged": DATA},
}
TYPE: Json = {
    "id": "t",
    "attributes": [{"name": "warranty", "type": {"name": "ltext"}, "level": "Variant"}],
}
SAVE = ListingSave(
    "p",
    {"name": "Cup", "description": "", "warranty": "1 year"},
    ("https://img.example.com/2.jpg",),
    ("MUG-L",),
)


def of_project(body: bytes) -> int:
    """Read a product, and return how many actions would list it."""
    chosen = settings(locales=("en",))
    product = document_of("GET", body, LISTED_PRODUCTS)
    seen = shown(product, chosen)
    assert isinstance(seen["name"], str)
    kind = document_of("GET", orjson.dumps(TYPE), PRODUCT_TYPES)
    found = actions_of(product, SAVE, chosen, kind)
    assert orjson.dumps(found)
    return len(found)


LISTED: Json = {
    "id": 12, "name": "Mug", "description": "<p>A mug</p>", "warranty": "", "sku": "MUG",
    "product_id": 12, "images": [{"id": 1}],
    "variants": [{"id": 121, "sku": "MUG-S"}, {"id": 122, "sku": "MUG-L"}],
}  # fmt: skip


def of_store(body: bytes) -> int:
    """Read a product, and one that was found by its SKU; return how many SKUs it has."""
    [product] = bigcommerce.entries_of("GET", [msgspec.Raw(body)], LISTED_PRODUCTS_OF_STORE)
    [found] = bigcommerce.entries_of("GET", [msgspec.Raw(body)], FOUND_BY_SKU)
    assert found.id is None or found.id >= 0
    skus = bigcommerce._skus(product)
    assert all(isinstance(sku, str) for sku in skus)
    return len(skus)


ROW: Json = {
    "attributes": {"type": "Product2"},
    "Id": "01tLk0000000001AAA",
    "Name": "Mug",
    "Description": "<p>A mug</p>",
    "StockKeepingUnit": "MUG",
    "IsActive": True,
    "ProductCode": None,
}


def of_org(body: bytes) -> int:
    """Read a row, and return how many texts it shows."""
    seen = salesforce._shown(salesforce.document_of("query", body, CAPTURED_PRODUCTS))
    assert all(isinstance(seen[name], str) for name in salesforce.FIELDS)
    return sum(bool(seen[name]) for name in salesforce.FIELDS)


KIND: Json = {
    "id": "t",
    "attributes": [
        {"name": "warranty", "type": {"name": "ltext"}, "level": "Product"},
        {
            "name": "size",
            "level": "Variant",
            "type": {"name": "lenum", "values": [{"key": "s", "label": {"en": "Small"}}]},
        },
    ],
}
SMALL = NewVariant(sku="MUG-S", options=(Attribute(name="Size", value="Small"),))
NEW = NewListing(
    Listing(product_id="new:MUG-S", sku="MUG-S", name="Mug", warranty="1", variants=(SMALL,)),
    "USD",
    is_visible=True,
    counts_stock=True,
)


def of_type(body: bytes) -> int:
    """Read a product type, and return how many attributes a draft of it has."""
    kind = document_of("GET", body, PRODUCT_TYPES)
    draft = draft_of(NEW, settings(locales=("en",)), kind, "en")
    assert orjson.dumps(draft)
    return len(draft["attributes"]) + len(draft["masterVariant"]["attributes"])


READERS = {
    "commercetools types": (of_type, KIND),
    "bigcommerce": (of_store, LISTED),
    "commercetools": (of_project, PRODUCT),
    "salesforce": (of_org, ROW),
}


@pytest.mark.parametrize("kind", READERS)
def test_every_spoilt_product_is_listed_refused_or_an_error(kind: str) -> None:
    """Never a crash, and nothing that can't be sent."""
    reader, document = READERS[kind]
    outcomes: Counter[str] = Counter()
    for payload in Mutator([orjson.dumps(document)]).payloads(LISTING_ANSWERS_EACH, 9_800_000):
        try:
            outcomes["listed" if reader(payload.body) else "unchanged"] += 1
        except LockstepError as error:
            assert_is_bounded(str(error))
            outcomes[type(error).__name__] += 1
    assert outcomes.total() == LISTING_ANSWERS_EACH
    assert outcomes["listed"] > LISTING_ANSWERS_EACH // 10
    assert outcomes["PermanentError"] > LISTING_ANSWERS_EACH // 10
