"""Batch rules of stock levels."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import force_setattr, replace

from domain.records.inventory import StockLevel
from domain.schemas.stock import stock_problems

GOOD = StockLevel(
    sku="MUG", node="DC1", available=Decimal(5), on_hand=Decimal(3), expected=Decimal(2)
)


def _level(**changes: Any) -> StockLevel:
    """Return a level, also with values that the record itself would refuse."""
    level = replace(GOOD)
    for name, value in changes.items():
        force_setattr(level, name, value)
    return level


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"sku": ""}, ["sku_empty"]),
        ({"available": Decimal(-1)}, ["available_negative"]),
        ({"available": Decimal(6)}, ["available_above_on_hand"]),
        ({"available": Decimal(4), "expected": None}, ["available_above_on_hand"]),
        ({"available": Decimal(99), "on_hand": None}, []),
    ],
)
def test_each_fault_has_its_code(changes: dict[str, Any], codes: list[str]) -> None:
    """Quantities that the OMS did not send are not compared."""
    found = stock_problems([replace(GOOD, node="DC2"), _level(**changes)])
    assert found.keys() == ({1} if codes else set())
    assert [problem.code for problem in found.get(1, ())] == codes


def test_two_levels_of_one_sku_and_node_are_both_a_problem() -> None:
    """It can't be known which of them is right; the same SKU at another node is fine."""
    found = stock_problems([GOOD, replace(GOOD, node="DC2"), GOOD])
    assert {row: [p.code for p in problems] for row, problems in found.items()} == {
        0: ["stock_duplicate"],
        2: ["stock_duplicate"],
    }


def test_an_empty_batch_has_no_problems() -> None:
    """Its frame still has its columns and types."""
    assert stock_problems([]) == {}
