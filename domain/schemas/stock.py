"""Batch rules of stock levels."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pandera.pandas as pa

from domain.errors import Problem
from domain.records.inventory import StockLevel
from domain.schemas.batch import Rule, failures, scaled

RULES: dict[str, Rule] = {
    "stock_duplicate": Rule(
        "sku",
        "The OMS gave two levels for the same SKU and node.",
        "Check the availability view at the OMS.",
    ),
    "available_negative": Rule(
        "available", "The available quantity is below zero.", "Check the item's supply at the OMS."
    ),
    "available_above_on_hand": Rule(
        "available",
        "More is available than is on hand and expected together.",
        "Check the item's supply and protection at the OMS.",
    ),
    "sku_empty": Rule("sku", "The level names no SKU.", "Check the item at the OMS."),
}


class StockLevels(pa.DataFrameModel):
    """One row a SKU and node; quantities in ten-thousandths, -1 where the OMS did not give one."""

    sku: str
    node: str
    available: int
    on_hand: int
    expected: int

    @pa.check("sku", name="sku_empty")
    def _sku(cls, skus: pd.Series[str]) -> pd.Series[bool]:
        return skus.str.len() > 0

    @pa.check("available", name="available_negative")
    def _available(cls, quantities: pd.Series[int]) -> pd.Series[bool]:
        return quantities >= 0

    @pa.dataframe_check(name="stock_duplicate")
    def _once(cls, levels: pd.DataFrame) -> pd.Series[bool]:
        return ~levels.duplicated(["sku", "node"], keep=False)

    @pa.dataframe_check(name="available_above_on_hand")
    def _plausible(cls, levels: pd.DataFrame) -> pd.Series[bool]:
        known = levels["on_hand"] >= 0
        return ~known | (
            levels["available"] <= levels["on_hand"] + levels["expected"].clip(lower=0)
        )


def stock_problems(levels: Sequence[StockLevel]) -> dict[int, list[Problem]]:
    """Validate a batch of stock levels; return the problems of each failing one by its position."""
    rows = [
        (
            level.sku,
            level.node,
            scaled(level.available),
            -1 if level.on_hand is None else scaled(level.on_hand),
            -1 if level.expected is None else scaled(level.expected),
        )
        for level in levels
    ]
    frame = pd.DataFrame(rows, columns=["sku", "node", "available", "on_hand", "expected"])
    frame = frame.astype(
        {"sku": "str", "node": "str", "available": "int64", "on_hand": "int64", "expected": "int64"}
    )
    return failures(StockLevels, frame, RULES)
