"""Batch rules of stock levels."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pandas as pd
import pandera.pandas as pa

from domain.errors import Problem
from domain.records.inventory import StockLevel
from domain.schemas.batch import Rule, failures, integers, scaled, texts

RULES: dict[str, Rule] = {
    "stock_duplicate": Rule(
        "sku",
        "the OMS sent two levels for the same SKU and node",
        "check the availability view at the OMS",
    ),
    "available_negative": Rule(
        "available", "the available quantity is negative", "check the item's supply at the OMS"
    ),
    "available_above_on_hand": Rule(
        "available",
        "the available quantity exceeds the units on hand and expected",
        "check the item's supply and protection at the OMS",
    ),
    "sku_empty": Rule("sku", "the stock level has no SKU", "check the item at the OMS"),
}


class StockLevels(pa.DataFrameModel):
    """One row per SKU and node; quantities in ten-thousandths, -1 if the OMS sent none."""

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
    """Validate a batch of stock levels; return the problems of each failing one by position."""
    frame = pd.DataFrame(
        {
            "sku": texts([level.sku for level in levels]),
            "node": texts([level.node for level in levels]),
            "available": integers([scaled(level.available) for level in levels]),
            "on_hand": integers([_optional(level.on_hand) for level in levels]),
            "expected": integers([_optional(level.expected) for level in levels]),
        }
    )
    return failures(StockLevels, frame, RULES)


def _optional(quantity: Decimal | None) -> int:
    return -1 if quantity is None else scaled(quantity)
