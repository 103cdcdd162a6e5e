"""Alignment: whether what a store sells and what the OMS stocks are the same items. Pure.

Both sides come sorted by the key of their SKUs (``domain.skus``) and are compared as a merge, so a
catalog of any size needs the memory of one key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Literal, NamedTuple, TypeAlias

from domain.exchange import MasterItem
from domain.policies import OrdersPolicy, UomRule
from domain.records.catalog import Attribute, Dimensions, Product, Variant
from domain.skus import BySku, sku_key

FindingKind: TypeAlias = Literal[
    "missing_in_oms",
    "missing_in_store",
    "no_sku",
    "duplicate_sku",
    "spelled_differently",
    "uom_mismatch",
    "attribute_missing",
]
MATCHED = "matched"
MEANINGS: Mapping[str, tuple[str, str]] = {
    "missing_in_oms": (
        "the OMS has no item with this SKU: its orders are rejected, and it gets no stock",
        "create the item at the OMS, or correct the SKU in the store",
    ),
    "missing_in_store": (
        "the store sells nothing with this SKU",
        "list the product in the store, or leave it if another channel sells it",
    ),
    "no_sku": (
        "it has no SKU: its orders can't be sent, and it gets no stock",
        "give it the SKU that it has at the OMS",
    ),
    "duplicate_sku": (
        "another product or variant of the store has the same SKU, and that one gets the stock",
        "give each of them a SKU of its own",
    ),
    "spelled_differently": (
        "the OMS's SKU differs in case or spaces: stock is found, orders are not",
        "spell it the same in both systems",
    ),
    "uom_mismatch": (
        "the OMS's item and the orders have different units",
        "correct orders.uom or orders.uom_rules, or the units of the item at the OMS",
    ),
    "attribute_missing": (
        "it lacks a value that the OMS needs for sourcing and allocation",
        "enter the value in the store, or correct catalog.attributes",
    ),
}
"""Kind of a finding -> what it means, and what to do."""


class StoreEntry(NamedTuple):
    """What is bought of a store's product."""

    key: str
    """Of its SKU; empty if it has none."""
    sku: str
    product_id: str
    variant_id: str
    name: str
    lacking: tuple[str, ...] = ()
    """Which of the attributes that the connection maps it has no value for."""

    @property
    def place(self) -> tuple[int, str, int, str]:
        """Return its place in the store's list, by product and then by variant.

        Ids of one length, and numbers, are in the order in which the store lists them.
        """
        return len(self.product_id), self.product_id, len(self.variant_id), self.variant_id


class Finding(NamedTuple):
    """Something that an operator should know of one SKU; ``detail`` says what differs."""

    kind: FindingKind
    sku: str
    product_id: str = ""
    variant_id: str = ""
    name: str = ""
    detail: str = ""


class Matched(NamedTuple):
    """A SKU that both systems have."""

    sku: str


def align(
    store: Iterable[StoreEntry], oms: Iterable[MasterItem], orders: OrdersPolicy, *, is_listed: bool
) -> Iterator[Finding | Matched]:
    """Yield what is found of each SKU: that it matches, and what is wrong with it.

    ``store`` is sorted by ``key``, ``oms`` by ``sku_key`` of its SKUs, both as code points. Where
    several entries of the store have one SKU, the last in the store's list syncs: it is the one
    whose stock is written, too. ``is_listed``: ``oms`` is all that the OMS has, so that what the
    store lacks is known.
    """
    rules = BySku(orders.uom_rules)
    entries = groupby(store, key=attrgetter("key"))
    items = groupby(oms, key=lambda item: sku_key(item.sku))
    left, right = next(entries, None), next(items, None)
    while left is not None or right is not None:
        if left is None or (right is not None and right[0] < left[0]):
            if right is not None and is_listed:
                yield from (Finding("missing_in_store", item.sku) for item in right[1])
            right = next(items, None)
            continue
        key, same = left
        if not key:
            yield from (_found("no_sku", entry) for entry in same)
        elif right is not None and right[0] == key:
            yield from _compared(same, right[1], orders, rules)
            right = next(items, None)
        else:
            yield from _compared(same, (), orders, rules)
        left = next(entries, None)


def attribute_values(product: Product, variant: Variant) -> dict[str, str]:
    """Return a variant's attributes by their names in lower case, with those of its product."""
    found = {
        "name": product.name,
        "brand": product.brand,
        "category": " / ".join(product.categories),
        "warranty": product.warranty,
        "barcode": variant.barcodes[0].value if variant.barcodes else "",
        **_sizes(product.dimensions),
        **_sizes(variant.dimensions),
        **_named(product.attributes),
        **_named(variant.options),
    }
    return {name: value for name, value in found.items() if value}


def _named(attributes: Iterable[Attribute]) -> dict[str, str]:
    return {attribute.name.casefold(): attribute.value for attribute in attributes}


def _sizes(sizes: Dimensions) -> dict[str, str]:
    """Return the sizes that are given; 0 is how stores write none."""
    named = {
        "weight": sizes.weight,
        "width": sizes.width,
        "height": sizes.height,
        "depth": sizes.depth,
    }
    return {name: f"{size:f}" for name, size in named.items() if size}


def _compared(
    entries: Iterable[StoreEntry],
    items: Iterable[MasterItem],
    orders: OrdersPolicy,
    rules: BySku[UomRule],
) -> Iterator[Finding | Matched]:
    """Compare what both systems have under one key."""
    known = BySku({item.sku: item for item in items})
    by_sku: dict[str, list[StoreEntry]] = {}
    for entry in entries:
        by_sku.setdefault(entry.sku, []).append(entry)
    for sku, same in by_sku.items():
        *others, synced = sorted(same, key=lambda entry: entry.place)
        for other in others:
            where = f"product {synced.product_id} {synced.variant_id}".rstrip()
            yield _found("duplicate_sku", other, f"{where} syncs")
        item = known.get(sku)
        if item is None:
            yield _found("missing_in_oms", synced)
            continue
        yield Matched(sku)
        if item.sku != sku:
            yield _found("spelled_differently", synced, f"at the OMS: {item.sku}")
        if detail := unit_difference(item, orders, rules.get(sku)):
            yield _found("uom_mismatch", synced, detail)
        for name in synced.lacking:
            yield _found("attribute_missing", synced, name)


def unit_difference(item: MasterItem, orders: OrdersPolicy, rule: UomRule | None) -> str:
    """Return how an item's units differ from those of its orders; empty if they agree.

    The same rules as for orders, which name a unit of the item, and for stock, which has to be
    converted where the item's base unit is another.
    """
    unit = orders.uom if rule is None else rule.uom
    if not item.uom or unit == item.uom:
        return ""
    stated = f"the item is counted in {item.uom}, and its orders are sent in {unit}"
    if item.uoms and unit not in item.uoms:
        return f"{stated}, which it does not have (it has {', '.join(item.uoms)})"
    if rule is None or rule.stock_factor is None:
        return f"{stated}: how many {item.uom} make one unit of the store is not stated"
    return ""


def _found(kind: FindingKind, entry: StoreEntry, detail: str = "") -> Finding:
    return Finding(kind, entry.sku, entry.product_id, entry.variant_id, entry.name, detail)
