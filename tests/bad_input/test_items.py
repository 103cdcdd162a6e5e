"""Bad products and items as stock, orders and prices look them up by SKU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from domain.exchange import Mapped
from domain.identity import is_id
from domain.parsing.text import has_controls
from domain.records.catalog import Product
from domain.sources import Source
from resources.oms.anchanto.catalog import CatalogSource as AnchantoItems
from resources.oms.extensiv.catalog import CatalogSource as ExtensivItems
from resources.oms.manhattan.catalog import CatalogSource as ManhattanItems
from resources.platforms.bigcommerce import catalog as bigcommerce
from resources.platforms.commercetools import catalog as commercetools
from resources.platforms.salesforce import catalog as salesforce
from tests.bad_input.counts import ITEMS_EACH
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import is_showable, outcome_of, run
from tests.resources.oms.anchanto.samples import settings_of as of_anchanto
from tests.resources.oms.extensiv.samples import settings_of as of_extensiv
from tests.resources.oms.manhattan.samples import settings_of as of_manhattan
from tests.resources.platforms.salesforce.orgs import client_of
from tests.resources.platforms.salesforce.orgs import settings as of_org

pytestmark = pytest.mark.slow(seconds=25)

Json = dict[str, Any]
CLIENT: Any = client_of(lambda _: httpx.Response(500))
STORES: dict[str, tuple[Any, Any, Json]] = {
    "bigcommerce": (
        bigcommerce,
        bigcommerce.CatalogSource(CLIENT),
        {
            "id": 12, "name": "Mug", "type": "physical", "sku": "MUG", "inventory_level": 5,
            "inventory_tracking": "variant", "variants": [
                {"id": 121, "sku": "MUG-S", "inventory_level": 3},
                {"id": 122, "sku": "MUG-L", "inventory_level": 2},
            ],
        },
    ),
    "commercetools": (
        commercetools,
        commercetools.CatalogSource(CLIENT),
        {
            "id": "0a1b2c3d-0000-4000-8000-000000000001", "name": {"en": "Mug", "de": "Becher"},
            "masterVariant": {"id": 1, "sku": "MUG-S"}, "variants": [{"id": 2, "sku": "MUG-L"}],
        },
    ),
    "salesforce": (
        salesforce,
        salesforce.CatalogSource(CLIENT, of_org()),
        {
            "attributes": {"type": "Product2"}, "Id": "01tLk0000000001AAA", "Name": "Mug",
            "StockKeepingUnit": " MUG", "ProductCode": "M-1", "ProductClass": "Simple",
        },
    ),
}  # fmt: skip


def unsound(product: Product) -> str:
    """Return what is wrong with a product's items, or an empty text."""
    for item in (*product.items, *product.priced_items):
        if not item.sku or not item.parent_id or item.parent_id != product.product_id:
            return f"the item {item} can't be addressed"
    return "" if all(map(is_showable, product.without_sku)) else "what has no SKU can't be shown"


@pytest.mark.parametrize("kind", STORES)
def test_every_spoilt_product_has_its_items_or_is_rejected(kind: str) -> None:
    """It is captured under an id; no item is without an address, none is lost without a word."""
    module, source, document = STORES[kind]

    def mapped(payload: bytes) -> Any:
        if payload[:1] == b"{":
            assert is_id(module._name_of(payload) if is_json(payload) else "x")
        return source.to_canonical(payload)

    payloads = Mutator([orjson.dumps(document)]).payloads(ITEMS_EACH, 16_000_000)
    outcomes = run(mapped, payloads, (), unsound)
    assert outcomes.total() == ITEMS_EACH
    assert outcomes["mapped"] > ITEMS_EACH // 4
    assert "catalog_item_unusable" in outcomes


def is_json(payload: bytes) -> bool:
    """Return whether a page could contain a payload: only what is JSON gets that far."""
    try:
        orjson.loads(payload)
    except ValueError:
        return False
    return True


STOCK: Any = None
ITEMS: dict[str, tuple[Source[Any], Json]] = {
    "manhattan": (
        ManhattanItems(CLIENT, of_manhattan(names={"item_uoms": "ItemUoms"})),
        {
            "ItemId": "MUG", "BaseUOM": "EACH", "Description": "A mug",
            "ItemUoms": [{"UomId": "BOX"}, "PALLET"],
        },
    ),
    "extensiv": (
        ExtensivItems(CLIENT, STOCK, of_extensiv()),
        {"sku": "MUG", "name": "Mug", "description": "A mug", "qty_available": 5},
    ),
    "anchanto": (
        AnchantoItems(STOCK, of_anchanto()),
        {"id": "1", "sku": "MUG", "warehouse_code": "WEST", "available": 5, "on_hand": 6},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ITEMS)
def test_every_spoilt_item_is_one_with_a_sku_or_rejected(kind: str) -> None:
    """No crash, and no item of another name than the OMS's."""
    source, document = ITEMS[kind]
    outcomes: Counter[str] = Counter()
    to_item: Callable[[bytes], Any] = source.to_canonical
    for payload in Mutator([orjson.dumps(document)]).payloads(ITEMS_EACH, 17_000_000):
        found: list[Any] = []

        def mapped(body: bytes, found: list[Any] = found) -> Any:
            found.append(to_item(body))
            raise Taken

        outcome, fault = outcome_of(mapped, payload.body)
        if found:
            [item] = found
            assert isinstance(item, Mapped)
            assert item.record.sku.strip(), payload
            assert not has_controls(item.record.uom + item.record.description)
            outcome, fault = "mapped", ""
        assert fault == "", (payload, fault)
        outcomes[outcome] += 1
    assert outcomes["mapped"] > ITEMS_EACH // 4
    assert len(outcomes) > 1, "and reach the rules"


class Taken(Exception):
    """An item was found, which no ledger stores as it is."""
