"""Bad items of an OMS with what a store shows of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest

from domain.policies import CatalogPolicy
from domain.records.listed_items import ListedItem
from domain.rules.listed_items import Place, Takes, listing_of, weighed
from domain.schemas.listings import ALL_FIELDS
from domain.sources import ListedItemSource
from resources.oms.extensiv.items import ItemsSource as Products
from resources.oms.manhattan.items import ItemsSource as Items
from tests.bad_input.counts import LISTED_ITEMS_EACH
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import run
from tests.resources.oms.extensiv.samples import settings_of as of_extensiv
from tests.resources.oms.manhattan.samples import settings_of as of_manhattan
from tests.resources.platforms.salesforce.orgs import client_of

pytestmark = pytest.mark.slow(seconds=15)

Json = dict[str, Any]
CLIENT: Any = client_of(lambda _: httpx.Response(500))
STOCK: Any = None
NAMES = {"item_text": "Text", "item_weight": "Weight", "item_warranty": "Warranty"}
SOURCES: dict[str, tuple[ListedItemSource, Json]] = {
    "manhattan": (
        Items(CLIENT, of_manhattan(names=NAMES)),
        {
            "ItemId": "MUG", "Description": "Mug", "Text": "<p>Clay</p>", "Warranty": "2 years",
            "Weight": 0.4, "SmallImageURI": "https://img.example.com/1.jpg",
            "Style": {"StyleId": "CUPS"}, "IsDiscontinued": False,
        },
    ),
    "extensiv": (
        Products(CLIENT, STOCK, of_extensiv()),
        {
            "sku": "MUG", "name": "Mug", "description": "<p>Clay</p>", "retail_price": "12.50",
            "wholesale_price": 9, "weight_lbs": "0.40",
        },
    ),
}  # fmt: skip
POLICY = CatalogPolicy.model_validate({"create_products": "hidden"})


def unsound(item: ListedItem) -> str:
    """Return what is wrong with an item, or an empty text."""
    if not item.sku.strip():
        return "an item without a SKU"
    weighed(item, POLICY, Decimal(1))
    listing_of(item, Place(), POLICY, Takes(ALL_FIELDS, ("name", "price", "weight")))
    return ""


@pytest.mark.parametrize("kind", SOURCES)
def test_every_spoilt_item_is_one_with_a_sku_or_rejected(kind: str) -> None:
    """No crash, also of the rule that decides what the store should show of it."""
    source, document = SOURCES[kind]
    payloads = Mutator([orjson.dumps(document)]).payloads(LISTED_ITEMS_EACH, 19_000_000)
    outcomes = run(source.to_canonical, payloads, (), unsound)
    assert outcomes.total() == LISTED_ITEMS_EACH
    assert outcomes["mapped"] > LISTED_ITEMS_EACH // 4
    assert "oms_payload_unreadable" in outcomes
