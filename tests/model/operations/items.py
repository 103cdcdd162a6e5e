"""What becomes of items: another product gets a SKU, the OMS's item master loses or changes one."""

from __future__ import annotations

from typing import Any

from tests.assets import documents
from tests.model.life import Life, NotPossibleError
from tests.model.operations.operators import configure
from tests.model.operations.products import allow, brought
from tests.model.operations.registry import among, at, perform
from tests.model.operations.shoppers import SKU

Json = dict[str, Any]
manhattan = at("manhattan")
SHARED = among(*documents.SKUS[:2])
ITEM = among(*documents.SKUS, documents.NOT_AT_OMS, documents.NOT_AT_OMS)
"""One of the OMS's own items, or the one that it has only if it was created or learned."""
SECOND_ID = 911
"""Of a product that is spelled nearly as another one."""
OTHER_SPELLING = "lamp"


@at("salesforce")("merchant", 1, sku=SHARED)
def share_sku(life: Life, sku: str) -> None:
    """Make a second product of one SKU, which the store allows; the newer one is synced."""
    if sku in life.facts.shared:
        raise NotPossibleError
    book: Any = life.world.store.book
    row = {"StockKeepingUnit": sku, "ProductCode": sku, "Name": f"Second {sku}"}
    life.facts.shared[sku] = book.put("Product2", row | {"IsActive": True})["Id"]
    life.facts.approved.add(sku)  # shoppers find either of them, each with its own price


@at("salesforce")("merchant", 1, sku=SHARED)
def unshare_sku(life: Life, sku: str) -> None:
    """Take the second product of a SKU off sale again."""
    if sku not in life.facts.shared:
        raise NotPossibleError
    row = {"Id": life.facts.shared.pop(sku), "IsDeleted": True}
    life.world.store.book.put("Product2", row)
    life.facts.dropped.add(sku)


def sell_other_spelling(life: Life) -> None:
    """Sell a second product whose SKU differs from another one's in case only."""
    if OTHER_SPELLING in life.facts.spelled:
        raise NotPossibleError
    document = {"id": SECOND_ID, "sku": OTHER_SPELLING, "name": "Small lamp", "price": "10.00"}
    life.world.to_store("seed/catalog", [document | {"inventory_tracking": "product"}])
    life.facts.spelled.add(OTHER_SPELLING)


for _place in ("bigcommerce", "commercetools", "salesforce"):
    at(_place)("merchant", 0.5)(sell_other_spelling)


@manhattan("oms", 1, sku=ITEM)
def discontinue_item(life: Life, sku: str) -> None:
    """Take an item out of the item master; what is in orders and on stock stays."""
    if sku not in _items(life):
        raise NotPossibleError
    life.world.to_oms("items/remove", [sku])
    life.facts.discontinued.add(sku)
    if brought(life, sku):
        life.facts.titles.pop(sku, None)  # nor does it show whether it was read before


@manhattan("oms", 2, sku=SKU)
def list_item(life: Life, sku: str) -> None:
    """Take an item into the item master (again)."""
    if sku in _items(life):
        raise NotPossibleError
    life.world.to_oms("items", [_row(life, sku)])
    life.facts.units_changed.discard(sku)


@manhattan("oms", 1, sku=SKU, keeps=among(True, False))
def change_unit(life: Life, sku: str, keeps: bool) -> None:
    """State an item in cases from now on, of which an EA may be a part; or in EA again."""
    items = _items(life)
    if sku not in items:
        raise NotPossibleError
    is_changed = items[sku]["UOM"] != "EA"
    row = items[sku] | {"BaseUOM": "EA", "UOM": "EA", "AlternateUOM": []}
    if not is_changed:
        row |= {"BaseUOM": "CS", "UOM": "CS", "AlternateUOM": ["EA"] if keeps else []}
    life.world.to_oms("items", [row])
    life.facts.units_changed.add(sku)


@manhattan("operator", 1, creates=among(True, True, False))
def create_items(life: Life, creates: bool) -> None:
    """Let the SKUs that the item master lacks be created there, or no longer."""
    allow(life)
    if life.world.sections["catalog"].get("list_from_oms"):
        raise NotPossibleError  # each system would write the other's texts
    configure(life, catalog={"create_items": creates})


@manhattan("oms", 0.5)
def lose_created_item(life: Life) -> None:
    """Take an item out of the item master that was created for a SKU of the store."""
    perform(life, "create_items", creates=True)
    for _ in range(2):
        perform(life, "sync")
        perform(life, "wait", minutes=60)
    perform(life, "discontinue_item", sku=documents.NOT_AT_OMS)


def _row(life: Life, sku: str) -> Json:
    return {"ItemId": sku, "Description": life.facts.owned.get(sku, sku), "BaseUOM": "EA"}


def _items(life: Life) -> dict[str, Json]:
    return {row["ItemId"]: row for row in life.world.ask_oms("items")["items"]}
