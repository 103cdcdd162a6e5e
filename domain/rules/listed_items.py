"""What the store should show of an item of the OMS: a new product, owned fields, or nothing. Pure.

The OMS owns the fields in ``catalog.oms_fields``; all others are the merchant's once a product
exists. A product is created once: one that the merchant removes stays removed, and nothing is
ever deleted or hidden.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.errors import RecordRejected
from domain.exchange import Skipped
from domain.listings import item_id, sku_taken
from domain.policies import CatalogPolicy
from domain.records.catalog import Product
from domain.records.listed_items import ListedItem
from domain.records.listings import Listing

TEXTS = ("name", "description", "warranty", "brand")
OWNED = {
    "title": "name",
    "description": "description",
    "warranty": "warranty",
    "images": "images",
    "brand": "brand",
    "categories": "categories",
}
"""The policy's name of a field -> the listing's."""
SORTED_BY = ("brand", "categories")
"""What a new product gets only where the OMS owns it: the store has to know its names."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the ledger knows of a SKU in the store."""

    product_ids: tuple[str, ...] = ()
    """The products that sell it."""
    product: Product | None = None
    """The one that does, as the catalog was read last, where it is needed."""
    spelled: str = ""
    """A SKU of the store that differs in case or spaces only."""
    listed_as: str = ""
    """The product that the item was listed as. One that shoppers don't see may be in no catalog."""

    waits_with: str = ""
    """The SKU of the product of which a sheet's request, which waits, makes it a variant."""

    @property
    def is_lacking(self) -> bool:
        """Return whether the store never had a product of the item."""
        return not self.product_ids and not self.listed_as


@dataclass(frozen=True, slots=True)
class Takes:
    """What the store's products take, and what one to create needs."""

    fields: Collection[str]
    needs: Collection[str]


def owned_fields(policy: CatalogPolicy, takes: Takes) -> tuple[str, ...]:
    """Return the listing's fields that the OMS owns and the store has."""
    return tuple(OWNED[name] for name in policy.oms_fields if OWNED[name] in takes.fields)


def listing_of(
    item: ListedItem, place: Place, policy: CatalogPolicy, takes: Takes, *, is_asked: bool = False
) -> Listing | Skipped:
    """Return what the store should show of an item, or the rule that leaves it alone.

    ``is_asked``: an operator asks for this very item. Raises ``RecordRejected`` where several
    products have its SKU.
    """
    if item.is_discontinued:
        return _discontinued(place)
    if len(place.product_ids) > 1:
        raise RecordRejected(sku_taken(place.product_ids, "there are several"))
    product_id = next(iter(place.product_ids), "" if is_asked else place.listed_as)
    if product_id:
        owned = owned_fields(policy, takes)
        return _update(item, product_id, place.product, owned, is_asked=is_asked)
    if (skipped := _not_created(item, place, policy, takes)) is not None:
        return skipped
    owned = owned_fields(policy, takes)
    stated = [name for name in OWNED.values() if name not in SORTED_BY or name in owned]
    given: dict[str, Any] = {
        name: value
        for name in (*stated, *takes.needs)
        if name in takes.fields and (value := getattr(item, name)) is not None
    }
    return Listing(product_id=item_id(item.sku), sku=item.sku, is_asked=is_asked, **given)


def weighed(item: ListedItem, policy: CatalogPolicy, units: Decimal) -> Decimal | None:
    """Return the weight of one unit of the store, which is ``units`` of the OMS's."""
    if item.weight is None:
        return None
    return (item.weight * units * policy.weight_factor).quantize(Decimal("0.0001"))


def _discontinued(place: Place) -> Skipped:
    if place.product_ids:
        where = ", ".join(place.product_ids[:5])
        return Skipped(
            "discontinued_but_sold",
            f"the OMS has discontinued the item, and the store's product {where} was not changed",
        )
    return Skipped("item_discontinued", "the OMS has discontinued the item, so it is not created")


def _update(
    item: ListedItem,
    product_id: str,
    product: Product | None,
    owned: Collection[str],
    *,
    is_asked: bool,
) -> Listing | Skipped:
    given: dict[str, Any] = {
        name: value for name in owned if (value := getattr(item, name)) is not None
    }
    if not given:
        return Skipped("item_sold", "the store sells the item, and the OMS owns no field of it")
    if product is not None and len({one.sku for one in product.variants if one.sku}) > 1:
        return Skipped(
            "item_is_variant",
            f"the item is one variant of the product {product_id}, whose texts are of all of them",
        )
    name = item_id(item.sku)
    return Listing(product_id=name, sku=item.sku, sold_as=product_id, is_asked=is_asked, **given)


def _not_created(
    item: ListedItem, place: Place, policy: CatalogPolicy, takes: Takes
) -> Skipped | None:
    """Return the rule by which an item that the store lacks is not created, if there is one."""
    if place.spelled:
        return Skipped(
            "item_spelled_differently",
            f"the store has {place.spelled}, which differs in case or spaces only",
        )
    if place.waits_with:
        return Skipped(
            "item_requested",
            f"a request that waits makes the item a variant of the product with {place.waits_with}",
        )
    if policy.create_products == "never":
        return Skipped("item_not_created", "the store lacks the item: catalog.create_products")
    if item.style and "variants" in takes.fields:
        return Skipped(
            "item_of_style",
            f"the item is one of the style {item.style}, whose items are variants of one product: "
            "list them by a sheet",
        )
    return None
