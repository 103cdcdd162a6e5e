"""Stock in a custom object of an org: one record for each level, read and written by its key."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from pydantic import ValidationError

from domain.delivery import Claimed, Intent, LevelChange, Outcome
from domain.records.inventory import StockTarget, StoreItem
from domain.targets import NO_LEVEL
from resources.platforms.salesforce.stock_object import ObjectStock, _chunks
from tests.resources.platforms.salesforce.conftest import Shop, Wire
from tests.resources.platforms.salesforce.orgs import settings

Json = dict[str, Any]
STOCK = "Lockstep_Stock__c"
SHELF: Json = {
    "object": "Shelf__c", "sku": "Part__c", "available": "Units__c", "location": None, "key": None,
}  # fmt: skip


@pytest.fixture
def shop(open_shop: Any) -> Shop:
    """Return an org with a record for each location."""
    made: Shop = open_shop(inventory={})
    return made


def level(sku: str, quantity: int, location: str = "WAREHOUSE") -> Claimed:
    """Claim a level."""
    item = StoreItem(sku=sku, parent_id="p", item_id=None, tracking="product")
    target = StockTarget(sku=sku, location=location, quantity=quantity)
    return Claimed(Intent("stock", uuid4(), sku, LevelChange(target, item)), "stk-1")


def states(outcomes: list[Outcome]) -> list[str]:
    """Return how writes ended."""
    return [outcome.state for outcome in outcomes]


def test_a_level_is_one_record_however_often_it_is_written(shop: Shop) -> None:
    """The OMS's number as it is; another location has a record of its own."""
    first = [level("MUG", 5), level("CUP", 7), level("MUG", 2, "EAST")]
    assert states(shop.apply("inventory", *first)) == ["done"] * 3
    assert states(shop.apply("inventory", level("MUG", 6), level("CUP", 7))) == ["done"] * 2
    rows = {
        (row["SKU__c"], row["Location__c"]): (row["Available__c"], row["Lockstep_Key__c"])
        for row in shop.rows(STOCK)
    }
    assert rows == {
        ("MUG", "WAREHOUSE"): (6, "WAREHOUSE/MUG"),
        ("CUP", "WAREHOUSE"): (7, "WAREHOUSE/CUP"),
        ("MUG", "EAST"): (2, "EAST/MUG"),
    }
    assert len(shop.rows(STOCK)) == 3


def test_two_levels_never_have_one_key(shop: Shop) -> None:
    """Whatever characters SKUs and locations have."""
    levels = [level("B/C", 1, "A"), level("C", 2, "A/B"), level("C", 3, "A%2FB")]
    assert states(shop.apply("inventory", *levels)) == ["done"] * 3
    assert sorted(row["Available__c"] for row in shop.rows(STOCK)) == [1, 2, 3]


def test_what_the_org_has_is_read_and_what_it_lacks_differs_from_each_level(shop: Shop) -> None:
    """Deleted, emptied, a fraction: each is sent again. Other objects' records are not a level."""
    shop.apply("inventory", *(level(sku, 5) for sku in ("MUG", "CUP", "JUG", "POT")))
    rows = {row["SKU__c"]: row["Id"] for row in shop.rows(STOCK)}
    shop.control(f"put/{STOCK}", {"Id": rows["CUP"], "IsDeleted": True})
    shop.control(f"put/{STOCK}", {"Id": rows["JUG"], "Available__c": None})
    shop.control(f"put/{STOCK}", {"Id": rows["POT"], "Available__c": 2.5})
    shop.control(f"put/{STOCK}", {"SKU__c": "MUG", "Location__c": "MOON", "Available__c": 1})
    target = shop.connector.targets["inventory"]
    assert isinstance(target, ObjectStock)
    assert target.levels(["MUG", "CUP", "JUG", "POT", "NEW"]) == {
        ("MUG", "WAREHOUSE"): 5,
        ("CUP", "WAREHOUSE"): NO_LEVEL,
        ("JUG", "WAREHOUSE"): NO_LEVEL,
        ("POT", "WAREHOUSE"): NO_LEVEL,
        ("NEW", "WAREHOUSE"): NO_LEVEL,
    }
    assert target.levels(["mug"])["mug", "WAREHOUSE"] == 5, "the org finds a text in any case"


def test_an_object_of_the_merchants_own_has_a_record_for_each_sku(open_shop: Any) -> None:
    """By its own names, without a location."""
    shop = open_shop(inventory=SHELF)
    assert shop.connector.targets["inventory"].locations() == {"default": "default"}
    for quantity in (5, 6):
        found = shop.apply("inventory", level("MUG", quantity, "default"))
        assert states(found) == ["done"]
    [row] = shop.rows("Shelf__c")
    assert (row["Part__c"], row["Units__c"]) == ("MUG", 6)
    assert shop.connector.targets["inventory"].levels(["MUG"]) == {("MUG", "default"): 6}


def test_a_refused_row_stops_no_other_of_two_collections(shop: Shop) -> None:
    """With the org's code and words; 250 levels are two collections."""
    many = [level(f"S-{number}", number) for number in range(250)]
    many[7] = level("S" * 255, 9)
    outcomes = shop.apply("inventory", *many)
    assert [n for n, one in enumerate(outcomes) if one.state != "done"] == [7]
    [problem] = outcomes[7].problems
    assert problem.code == "stock_refused"
    assert "STRING_TOO_LONG" in problem.message
    assert len(shop.rows(STOCK)) == 249
    writes = [each for each in shop.log if "composite/sobjects" in each.endpoint]
    assert len(writes) == 2


def test_a_missing_permission_is_no_levels_fault(shop: Shop) -> None:
    """The levels stay due, and the target as a whole is failing."""
    shop.control("settings", {"denied": [STOCK]})
    [outcome] = shop.apply("inventory", level("MUG", 5))
    assert (outcome.state, outcome.problems) == ("retry", ())
    assert "platform.inventory" in outcome.error


def test_skus_of_any_length_fit_into_a_querys_address() -> None:
    """None is left out."""
    skus = [f"{number:03d}" + "Ü" * 250 for number in range(300)] + ["A"]
    chunks = list(_chunks(skus))
    assert [sku for chunk in chunks for sku in chunk] == skus
    assert all(len(quote(",".join(map(repr, chunk)))) < 16_000 for chunk in chunks)
    assert [len(chunk) for chunk in _chunks([str(n) for n in range(450)])] == [200, 200, 50]


def stock_checks(wire: Wire, **changes: Any) -> dict[str, str]:
    """Return the preflight's findings about stock that failed."""
    checks = wire.open(**changes).preflight()
    named = {"stock", "locations", "write Shelf__c", f"write {STOCK}"}
    return {each.name: each.detail for each in checks if each.name in named and not each.ok}


def test_the_preflight_looks_at_object_fields_and_external_id(wire: Wire) -> None:
    """Before anything is written; Omnichannel Inventory is not asked."""
    assert stock_checks(wire, inventory={}, inventory_location="default") == {}
    assert stock_checks(wire, inventory=SHELF) == {}
    assert not any("/oci/" in call for call in wire.calls)
    wrong = stock_checks(wire, inventory=SHELF | {"available": "Number__c"})
    assert "Number__c" in wrong["stock"]
    assert "Number__c" in wrong["write Shelf__c"]
    twice = stock_checks(wire, inventory={"key": "Name"})
    assert "not a unique external id" in twice["stock"]
    missing = stock_checks(wire, inventory=SHELF | {"object": "Nothing__c"})
    assert missing.keys() == {"stock"}


@pytest.mark.parametrize(
    "inventory",
    [{"location": None}, {"key": None}, {"available": "SKU__c"}, {"object": "a b"}, {"fields": []}],
)
def test_an_object_that_can_have_no_levels_is_refused_at_start(inventory: Json) -> None:
    """Nor does it go with uploads, which are Omnichannel Inventory's."""
    with pytest.raises(ValidationError):
        settings(inventory=inventory)
    with pytest.raises(ValidationError):
        settings(inventory={}, stock_upload_from=200)
