"""What is found where a store's catalog is compared with an item master."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.exchange import MasterItem
from domain.policies import OrdersPolicy, UomRule
from domain.records.catalog import Attribute, Dimensions, Product, Variant
from domain.rules.alignment import Finding, Matched, StoreEntry, align, attribute_values
from domain.skus import sku_key

EACH = OrdersPolicy(uom="EA")


def entry(
    sku: str, product: str = "1", variant: str = "", lacking: tuple[str, ...] = ()
) -> StoreEntry:
    """Return what the store sells under a SKU."""
    return StoreEntry(sku_key(sku), sku, product, variant, "Mug", lacking)


def aligned(
    store: Iterable[StoreEntry],
    oms: Iterable[MasterItem],
    orders: OrdersPolicy = EACH,
    *,
    is_listed: bool = True,
) -> list[Finding | Matched]:
    """Align both sides, sorted as the ledger sorts them."""
    left = sorted(store, key=lambda one: (one.key, one.sku))
    right = sorted(oms, key=lambda one: (sku_key(one.sku), one.sku))
    return list(align(left, right, orders, is_listed=is_listed))


def kinds(found: Iterable[Finding | Matched]) -> list[tuple[str, str]]:
    """Return kind and SKU."""
    return [(one.kind if isinstance(one, Finding) else "matched", one.sku) for one in found]


def item(sku: str, uom: str = "EA", *uoms: str) -> MasterItem:
    """Return an item of the OMS."""
    return MasterItem(sku, uom, uoms=uoms)


def test_what_both_have_matches_and_the_rest_is_missing_on_one_side() -> None:
    """In the order of the SKUs, whichever side ends first."""
    found = aligned([entry("A"), entry("C")], [item("B"), item("C"), item("D")])
    assert kinds(found) == [
        ("missing_in_oms", "A"),
        ("missing_in_store", "B"),
        ("matched", "C"),
        ("missing_in_store", "D"),
    ]


def test_what_the_store_lacks_is_unknown_where_items_are_not_listed() -> None:
    """Items that were looked up for orders are not findings."""
    assert kinds(aligned([entry("B")], [item("A"), item("B")], is_listed=False)) == [
        ("matched", "B")
    ]


def test_of_duplicates_the_last_of_the_store_syncs_and_the_others_are_named() -> None:
    """By ids as numbers, if they are some: stock is written to the same one."""
    found = aligned([entry("A", "10"), entry("A", "9"), entry("A", "10", "2")], [item("A")])
    assert kinds(found) == [("duplicate_sku", "A")] * 2 + [("matched", "A")]
    duplicates = [one for one in found if isinstance(one, Finding)]
    assert [(one.product_id, one.detail) for one in duplicates] == [
        ("9", "product 10 2 syncs"),
        ("10", "product 10 2 syncs"),
    ]


def test_entries_without_a_sku_are_named_one_by_one() -> None:
    """They match nothing, not even an item without one."""
    found = aligned([entry("", "1"), entry("", "2")], [item("A")])
    assert kinds(found) == [("no_sku", ""), ("no_sku", ""), ("missing_in_store", "A")]


def test_another_spelling_matches_where_it_is_the_only_one() -> None:
    """The exact one wins; between two others nothing decides."""
    assert kinds(aligned([entry("mug 1")], [item("MUG  1")])) == [
        ("matched", "mug 1"),
        ("spelled_differently", "mug 1"),
    ]
    assert kinds(aligned([entry("mug")], [item("Mug"), item("MUG")])) == [("missing_in_oms", "mug")]
    assert kinds(aligned([entry("mug")], [item("mug"), item("MUG")])) == [("matched", "mug")]


@pytest.mark.parametrize(
    ("known", "rule", "differs"),
    [
        (item("A", "EA"), None, ""),
        (item("A", ""), None, ""),
        (item("A", "CS"), None, "not stated"),
        (item("A", "CS", "CS", "PL"), None, "does not have"),
        (item("A", "EA", "EA", "CS"), UomRule(uom="CS"), "not stated"),
        (item("A", "EA", "EA", "CS"), UomRule(uom="CS", stock_factor=Decimal(12)), ""),
        (item("A", "EA", "EA"), UomRule(uom="CS", stock_factor=Decimal(12)), "does not have"),
    ],
)
def test_units_differ_where_orders_or_stock_could_not_be_converted(
    known: MasterItem, rule: UomRule | None, differs: str
) -> None:
    """The rules of orders (the unit is one of the item's) and of stock (its factor is known)."""
    orders = OrdersPolicy(uom="EA", uom_rules={} if rule is None else {"A": rule})
    found = [one for one in aligned([entry("A")], [known], orders) if isinstance(one, Finding)]
    assert [one.kind for one in found] == (["uom_mismatch"] if differs else [])
    assert all(differs in one.detail for one in found)


def test_a_match_without_a_mapped_attribute_is_named_with_it() -> None:
    """Once for each attribute."""
    found = aligned([entry("A", lacking=("Hazmat", "weight"))], [item("A")])
    assert [one.detail for one in found if isinstance(one, Finding)] == ["Hazmat", "weight"]


def test_a_variants_own_attributes_win_over_its_products() -> None:
    """Names are compared without case; sizes of 0 are none."""
    product = Product(
        product_id="1",
        name="Mug",
        brand="Kiln",
        categories=("Kitchen", "Mugs"),
        attributes=(Attribute(name="Glaze", value="blue"),),
        dimensions=Dimensions(weight=Decimal(2), width=Decimal(0)),
    )
    variant = Variant(
        variant_id="2",
        options=(Attribute(name="GLAZE", value="red"),),
        barcodes=(Attribute(name="upc", value="123"),),
        dimensions=Dimensions(weight=Decimal("2.5")),
    )
    assert attribute_values(product, variant) == {
        "name": "Mug",
        "brand": "Kiln",
        "category": "Kitchen / Mugs",
        "barcode": "123",
        "weight": "2.5",
        "glaze": "red",
    }


SKUS = st.lists(st.sampled_from(["A", "a", "B", " b", "C", "É", "é", ""]), max_size=8)


@given(SKUS, st.lists(st.sampled_from(["A", "a", "B", "C", "é"]), max_size=5, unique=True))
def test_every_entry_and_every_item_is_accounted_for_once(store: list[str], oms: list[str]) -> None:
    """Each entry matches or not, once, and each item that matched nothing of its key is missing."""
    entries = [entry(sku.strip(), str(n)) for n, sku in enumerate(store)]
    found = aligned(entries, [item(sku) for sku in oms])
    outcomes = [
        one
        for one in found
        if isinstance(one, Matched) or one.kind in ("missing_in_oms", "no_sku", "duplicate_sku")
    ]
    assert len(outcomes) == len(entries)
    absent = {one.sku for one in found if isinstance(one, Finding) and one.kind.endswith("_store")}
    keys = {one.key for one in entries}
    assert absent == {sku for sku in oms if sku_key(sku) not in keys}


def test_a_large_catalog_is_compared_in_the_memory_of_one_key() -> None:
    """Both sides are read once, as they come."""
    count = 4_000

    def store() -> Iterator[StoreEntry]:
        yield from (entry("", str(n)) for n in range(count))
        yield from (entry(f"s-{n:06}", str(n)) for n in range(count))

    oms = (item(f"s-{n:06}") for n in range(0, count, 2))
    tracemalloc.start()
    try:
        found = Counter(
            one.kind if isinstance(one, Finding) else "matched"
            for one in align(store(), oms, EACH, is_listed=True)
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == {"no_sku": count, "matched": count // 2, "missing_in_oms": count // 2}
    assert peak < 500_000
