"""An order at the account compared with what was sent: what is a difference, and what is none."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.reconciliation import MISSING_AT_SOURCE, MISSING_AT_TARGET
from resources.oms.extensiv.orders.diff import compare_order, order_change, units_of

WANTED: dict[str, Any] = {
    "cust_ref": "T-1",
    "cust_po_no": "1",
    "currency_code": "USD",
    "cust_first_name": "Ada",
    "ship_city": "Austin",
    "ship_zip": "78701",
    "ship_state": "TX",
    "ship_code": "Ground",
    "grand_total": 10.0,
    "items": [
        {"line_item_id": "11", "item": "SKU-1", "quantity": 2, "price": 4.0},
        {"line_item_id": "12", "item": "SKU-2", "quantity": 1, "price": 2.0},
    ],
}


def found_in(**changes: Any) -> list[tuple[str, str, str, str]]:
    """Return field, expected, found and line of each difference of an order with changes."""
    _, found = compare_order(orjson.dumps(WANTED | changes), WANTED)
    assert not any(one.can_repair for one in found)
    return [(one.field, one.expected, one.found, one.line_id) for one in found]


def test_lines_that_only_one_side_has_are_differences() -> None:
    """Each with its units and SKU, so that an operator knows what to correct."""
    other = {"line_item_id": "13", "item": "SKU-3", "quantity": "5"}
    payload = orjson.dumps(WANTED | {"items": [WANTED["items"][0], other]})
    state, found = compare_order(payload, WANTED)
    assert [(one.kind, one.line_id, one.expected, one.found) for one in found] == [
        (MISSING_AT_TARGET, "12", "1 x SKU-2", "no such line"),
        (MISSING_AT_SOURCE, "13", "no such line", "5 x SKU-3"),
    ]
    assert state["items"] == [WANTED["items"][0]]


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"grand_total": "10.02"}, ("total", "10.0", "10.02", "")),
        ({"grand_total": None}, ("total", "10.0", "none", "")),
        ({"grand_total": "n/a"}, ("total", "10.0", "n/a", "")),
        ({"grand_total": True}, ("total", "10.0", "True", "")),
        ({"grand_total": "NaN"}, ("total", "10.0", "NaN", "")),
        ({"ship_code": "Air"}, ("delivery", "Ground", "Air", "")),
        ({"ship_zip": "7870"}, ("address", "as in the store", "differs in ship_zip", "")),
        ({"ship_city": None}, ("address", "as in the store", "differs in ship_city", "")),
        (
            {"cust_first_name": "Bo"},
            ("customer", "as in the store", "differs in cust_first_name", ""),
        ),
    ],
)
def test_another_value_is_a_difference(
    changes: dict[str, Any], difference: tuple[str, ...]
) -> None:
    """A number that can't be read equals none; of personal values only the names are shown."""
    assert found_in(**changes) == [difference]


@pytest.mark.parametrize(
    "changes",
    [
        {"grand_total": "10.00"},
        {"grand_total": 10.004},
        {"cust_po_no": None, "currency_code": None, "ship_code": None},  # left out by the read
        {"ship_state": "Texas"},  # the account writes states in its own form
        {"ship_zip": "78701-1234"},
        {"cust_first_name": " ADA "},
    ],
)
def test_what_the_account_writes_in_another_form_is_no_difference(changes: dict[str, Any]) -> None:
    """Otherwise each order would be one."""
    assert found_in(**changes) == []


def test_a_quantity_is_compared_exactly_and_a_price_to_the_minor_unit() -> None:
    """A hundredth of a unit is one, as of goods by weight; a yen is none."""
    first = WANTED["items"][0]
    items = [first | {"quantity": "2.01", "price": "4.001"}, WANTED["items"][1]]
    assert found_in(items=items) == [("quantity", "2", "2.01", "11")]
    yen = WANTED | {"currency_code": "JPY", "grand_total": 100}
    assert compare_order(orjson.dumps(yen | {"grand_total": "100.4"}), yen)[1] == []
    assert compare_order(orjson.dumps(yen | {"grand_total": "101"}), yen)[1] != []


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"null", b'{"items": {"1": 2}}', b'{"items": ["x"]}', b"{"]
)
def test_an_order_of_another_shape_is_a_rejection(payload: bytes) -> None:
    """It is not compared as far as it goes, which could look like equality."""
    with pytest.raises(RecordRejected) as rejected:
        compare_order(payload, WANTED)
    assert rejected.value.problems[0].code == "oms_payload_unreadable"


def test_a_change_names_each_line_that_was_added_changed_or_removed() -> None:
    """And every field, one that is no longer wanted as nothing; an equal order has no change."""
    kept = WANTED["items"][0]
    added = {"line_item_id": "13", "item": "SKU-3", "quantity": 1}
    wanted = {name: value for name, value in WANTED.items() if name != "ship_code"}
    wanted |= {"ship_city": "Dallas", "items": [kept | {"quantity": 3}, added]}
    assert order_change(WANTED, wanted, whole=False) == {
        "cust_ref": "T-1",
        "ship_city": "Dallas",
        "ship_code": None,
        "items": [
            {"line_item_id": "11", "quantity": 3},
            added,
            {"line_item_id": "12", "quantity": 0},
        ],
    }
    assert order_change(WANTED, dict(WANTED), whole=False) is None
    assert order_change(WANTED, dict(WANTED), whole=True) == WANTED


def test_units_that_are_no_number_count_for_nothing() -> None:
    """Of one SKU in several lines all units count."""
    lines = [
        {"line_item_id": "1", "item": "A", "quantity": "2"},
        {"line_item_id": "2", "item": " A ", "quantity": 1},
        {"line_item_id": "3", "item": "B", "quantity": "many"},
    ]
    assert units_of({"items": lines}) == {"A": 3}
    assert units_of({}) == {}


@pytest.mark.parametrize("quantity", ["--2", "²", "2 pcs", None, [], True])
def test_a_quantity_that_is_no_number_is_a_difference(quantity: Any) -> None:
    """Letters and digits alone would make "--2" equal to 2."""
    items = [WANTED["items"][0] | {"quantity": quantity}, WANTED["items"][1]]
    assert [(field, line) for field, *_, line in found_in(items=items)] == [("quantity", "11")]


def test_a_line_that_is_there_twice_is_a_difference() -> None:
    """It would ship twice, whether the second one has the id of the first or none."""
    for again in (WANTED["items"][0], WANTED["items"][0] | {"line_item_id": None}):
        [(_, expected, found, _)] = found_in(items=[*WANTED["items"], again])
        assert (expected, found) == ("no such line", "2 x SKU-1")


def test_skus_are_compared_with_their_punctuation() -> None:
    """Case and spaces mean nothing in a SKU, all else does."""
    for sku, is_same in (("sku-1 ", True), ("SKU1", False), ("SKU-1.", False)):
        items = [WANTED["items"][0] | {"item": sku}, WANTED["items"][1]]
        assert (found_in(items=items) == []) is is_same, sku
