"""Rows of a sheet by product: a single one, or the variants of a group; and their faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from openpyxl import Workbook

from assets.streams.listings.group import Wanted
from assets.streams.listings.sheet import listings_of, resolve
from domain.records.listings import Listing
from resources.ledger.records.products import Products
from resources.sheets.reader import read

NEEDS = ("name", "price", "weight")
SIZE = {"group": "Tee", "title": "Tee", "price": "20", "weight": "1"}


class _Known:
    """Stands for the ledger's products."""

    def __init__(self, *, is_read: bool = True) -> None:
        self._is_read = is_read

    def products_of(self, skus: list[str]) -> dict[str, list[str]]:
        """Return a product, a group of two, and a SKU that two products share."""
        known = {"MUG": ["1"], "JAR-S": ["2"], "JAR-L": ["2"], "BOTH": ["3", "4"]}
        return {sku: known[sku] for sku in skus if sku in known}

    def spellings(self, skus: list[str]) -> dict[str, str]:
        """Return the only one that is spelled differently."""
        return {sku: "MUG" for sku in skus if sku == "mug"}

    def read_at(self) -> datetime | None:
        """Return when the catalog was read."""
        return datetime.now(UTC) if self._is_read else None


def resolved(*rows: Mapping[str, str], creates: bool = True, **known: Any) -> list[Wanted]:
    """Return what rows ask for."""
    wanted = [Wanted(number, row) for number, row in enumerate(rows, 2)]
    resolve(cast("Products", _Known(**known)), wanted, creates=creates, needs=NEEDS)
    return wanted


def one(*rows: Mapping[str, str]) -> Listing:
    """Return the one listing that rows ask for together."""
    wanted = resolved(*rows)
    assert [row.problems for row in wanted] == [()] * len(rows)
    [listing] = listings_of(wanted)
    return listing


def problems(*rows: Mapping[str, str], **more: Any) -> list[str]:
    """Return what is wrong with each of some rows, none of which is used."""
    wanted = resolved(*rows, **more)
    assert listings_of(wanted) == []
    return ["; ".join(row.problems) for row in wanted]


def test_a_single_product_is_known_by_its_sku() -> None:
    """It has the amounts of its row and no variants."""
    listing = one({"sku": "NEW", "title": "New", "price": "12.50", "weight": "0"})
    assert (listing.product_id, listing.name, listing.variants) == ("new:NEW", "New", None)
    assert (listing.price, listing.weight) == (Decimal("12.50"), Decimal(0))
    assert listing.skus == ("NEW",)


def test_rows_of_a_group_are_the_variants_of_one_product() -> None:
    """What the product has once may be in any row; a variant has only amounts of its own."""
    listing = one(
        {"sku": "TEE-S", "options": "Size: S; Colour: Red", **SIZE},
        {"sku": "TEE-L", "group": "Tee", "title": "Tee", "warranty": "1 year", "price": "21",
         "options": "colour: red; Size: L;"},
        {"sku": "TEE-M", "group": "Tee", "options": "Size: M; Colour: Red"},
    )  # fmt: skip
    assert (listing.product_id, listing.warranty, listing.price) == ("new:TEE-S", "1 year", 20)
    assert listing.skus == ("TEE-S", "TEE-L", "TEE-M")
    assert listing.variants is not None
    assert [variant.price for variant in listing.variants] == [None, 21, None]
    assert [[o.value for o in variant.options] for variant in listing.variants] == [
        ["S", "Red"], ["L", "red"], ["M", "Red"],
    ]  # fmt: skip


def test_rows_of_a_known_group_are_one_change_of_the_product() -> None:
    """What is for new products only is not used, and each row says so."""
    rows = resolved(
        {"sku": "JAR-S", "group": "Jar", "title": "Jar", "price": "3"},
        {"sku": "JAR-L", "group": "Jar", "options": "Size: L"},
    )
    [listing] = listings_of(rows)
    assert (listing.product_id, listing.name, listing.price) == ("2", "Jar", None)
    assert [row.note for row in rows] == [
        "price: used for new products only",
        "options: used for new products only",
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"title": "T", "price": "1"}, "lacks what the store needs"),
        ({"price": "1", "weight": "1"}, "lacks what the store needs"),
        ({"title": "T", "price": "1,5", "weight": "1"}, "price: is not a number such as 12.50"),
        ({"title": "T", "price": "0", "weight": "1"}, "price: must be above zero"),
        ({"title": "T", "price": "1", "weight": "-1"}, "weight: is not a number"),
        ({"title": "T", "price": "1", "weight": "1", "options": "Size: S"}, "options: belong to a"),
        ({**SIZE, "options": "Size"}, "options: are not of the form"),
        ({**SIZE, "options": "Size: "}, "options: are not of the form"),
        ({**SIZE}, "its own combination"),
        ({**SIZE, "options": "Size: S; size: L"}, "its own combination"),
    ],
)
def test_what_no_new_product_can_have_is_named(row: Mapping[str, str], reason: str) -> None:
    """Before anything is sent."""
    [found] = problems({"sku": "NEW", **row})
    assert reason in found


def test_a_group_is_used_as_a_whole_or_not_at_all() -> None:
    """A product without one of its variants would be another one."""
    size = [{"sku": f"T-{n}", "options": f"Size: {n}", **SIZE} for n in "SL"]
    [first, second] = problems(size[0], size[1] | {"title": "Other"})
    assert first == second == "title: differs in row 3; a group has one"
    assert problems(size[0], size[1] | {"options": "Colour: Red"})[0].startswith("the variants")
    assert problems(size[0], size[1] | {"options": "Size: s"})[0].startswith("the variants")
    twice = problems(size[0], size[1] | {"sku": "T-S"})
    assert twice == ["the SKU T-S occurs twice in the group"] * 2
    several = "the SKUs of the group are not those of one product of the store"
    found = problems({"sku": "JAR-S", **SIZE}, {"sku": "T-L", **SIZE}, creates=False)
    assert found[0] == several
    assert "no product with the SKU T-L" in found[1]
    assert problems({"sku": "JAR-S", **SIZE}, {"sku": "MUG", **SIZE}) == [several] * 2
    wanted = [Wanted(2, size[0]), Wanted(3, size[1], ("B3 is a date",))]
    resolve(cast("Products", _Known()), wanted, creates=True, needs=NEEDS)
    assert wanted[0].problems == ("row 3 of the same group can't be used",)


def test_what_the_store_may_have_is_not_created() -> None:
    """Another spelling, a catalog that was not read, or a connection that creates none."""
    row = {"title": "T", "price": "1", "weight": "1"}
    assert "the store has MUG, which differs from mug" in problems({"sku": "mug", **row})[0]
    assert "not been read completely" in problems({"sku": "NEW", **row}, is_read=False)[0]
    assert "no product with the SKU NEW" in problems({"sku": "NEW", **row}, creates=False)[0]
    assert "several products" in problems({"sku": "BOTH", **row})[0]


def test_a_sku_is_used_once_in_a_sheet() -> None:
    """Of two rows the first counts, also where the second spells it differently."""
    row = {"title": "T", "price": "1", "weight": "1"}
    rows = resolved({"sku": "NEW", **row}, {"sku": "new", **row}, {"sku": "MUG", "title": "M"})
    assert [row.problems for row in rows] == [(), ("row 2 names the same product",), ()]
    group = resolved({"sku": "NEW", **row}, {"sku": "NEW", "options": "Size: S", **SIZE})
    assert group[1].problems == ("row 2 names the same product",)


def sheet(tmp_path: Path, *rows: Sequence[Any]) -> list[Wanted]:
    """Return what a workbook with groups asks for."""
    book = Workbook()
    page = book.active
    for cells in (("sku", "title", "group", "options", "price", "weight"), *rows):
        page.append(cells)
    book.save(tmp_path / "groups.xlsx")
    wanted = [Wanted.of(row) for row in read(tmp_path / "groups.xlsx")]
    resolve(cast("Products", _Known()), wanted, creates=True, needs=NEEDS)
    return wanted


@pytest.mark.parametrize(
    ("group", "reason"),
    [
        ("=C2", "the group of row 3 can't be read, and may be this one"),
        (2024, "the group of row 3 can't be read, and may be this one"),
        (None, "row 3 has options and no group, and may belong to this one"),
    ],
)
def test_a_group_is_not_created_by_halves(tmp_path: Path, group: Any, reason: str) -> None:
    """Where a row's cell does not show its group; products by themselves go on."""
    rows = sheet(
        tmp_path,
        ("T-S", "Tee", "Tee", "Size: S", "20", "1"),
        ("T-M", None, group, "Size: M", None, None),
        ("CUP", "Cup", None, None, "5", "1"),
        ("JAR-S", "Jar", None, None, None, None),
    )
    assert rows[0].problems == (reason,)
    assert rows[1].problems
    assert [listing.product_id for listing in listings_of(rows)] == ["new:CUP", "2"]


def test_a_group_is_one_in_any_case() -> None:
    """And whatever the spaces in it."""
    one(
        {"sku": "T-S", "options": "Size: S", **SIZE, "group": "Big  tee"},
        {"sku": "T-M", "options": "Size: M", "group": "big tee"},
    )


def test_a_row_that_a_known_group_lacks_is_a_variant_to_add() -> None:
    """Its amounts are the first row's by default, and the product is named by a SKU that it has."""
    rows = resolved(
        {"sku": "JAR-M", "group": "Jar", "options": "Size: M", "price": "3", "weight": "1"},
        {"sku": "JAR-S", "group": "Jar", "options": "Size: S", "title": "Jar"},
        {"sku": "JAR-XL", "group": "Jar", "options": "size: XL", "price": "4"},
    )
    [listing] = listings_of(rows)
    assert (listing.product_id, listing.sku, listing.name) == ("2", "JAR-S", "Jar")
    assert [(v.sku, v.price, v.weight) for v in listing.variants or ()] == [
        ("JAR-M", 3, 1),
        ("JAR-XL", 4, 1),
    ]
    assert [row.note for row in rows] == ["", "options: used for new products only", ""]


def test_a_variant_is_added_where_it_is_known_to_be_missing_only() -> None:
    """Not without the policy, before the catalog was read, or beside one that is spelled so."""
    rows = ({"sku": "JAR-S", "group": "J"}, {"sku": "JAR-M", "group": "J", "options": "Size: M"})
    assert "the store has no product" in problems(*rows, creates=False)[1]
    assert "has not been read completely" in problems(*rows, is_read=False)[1]
    mixed = (rows[0], {"sku": "mug", "group": "J", "options": "Size: M"})
    assert "the store has MUG" in problems(*mixed)[1]
    strange = (*rows, {"sku": "MUG", "group": "J"})
    assert "not those of one product" in problems(*strange)[0]
    assert "its own combination" in problems(rows[0], rows[1] | {"options": ""})[0]
