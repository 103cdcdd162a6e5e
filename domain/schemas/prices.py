"""Batch rules of prices.

That several are about one item of the store is found when they are planned: what the OMS has of
them changes without a change of the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pandera.pandas as pa

from domain.currencies import minor_unit
from domain.errors import Problem
from domain.records.prices import Price
from domain.schemas.batch import Rule, failures, integers, scaled

_CORRECT = "correct the price at the OMS"
RULES: dict[str, Rule] = {
    "price_not_positive": Rule("regular", "the price is zero or negative", _CORRECT),
    "sale_not_positive": Rule("sale", "the sale price is zero or negative", _CORRECT),
    "sale_above_regular": Rule("sale", "the sale price is above the regular price", _CORRECT),
    "price_not_in_minor_units": Rule(
        "regular",
        "the price has more decimals than its currency; it is not rounded silently",
        _CORRECT,
    ),
    "sale_not_in_minor_units": Rule(
        "sale",
        "the sale price has more decimals than its currency; it is not rounded silently",
        _CORRECT,
    ),
    "price_period_empty": Rule("valid_until", "the price's period ends before it begins", _CORRECT),
}


class Prices(pa.DataFrameModel):
    """One row per price; amounts in ten-thousandths, a sale price of none as the regular one."""

    regular: int
    sale: int
    unit: int
    """The currency's minor unit."""
    has_period: bool

    @pa.check("regular", name="price_not_positive")
    def _regular(cls, amounts: pd.Series[int]) -> pd.Series[bool]:
        return amounts > 0

    @pa.check("sale", name="sale_not_positive")
    def _sale(cls, amounts: pd.Series[int]) -> pd.Series[bool]:
        return amounts > 0

    @pa.check("has_period", name="price_period_empty")
    def _period(cls, good: pd.Series[bool]) -> pd.Series[bool]:
        return good

    @pa.dataframe_check(name="sale_above_regular")
    def _below(cls, prices: pd.DataFrame) -> pd.Series[bool]:
        return prices["sale"] <= prices["regular"]

    @pa.dataframe_check(name="price_not_in_minor_units")
    def _whole(cls, prices: pd.DataFrame) -> pd.Series[bool]:
        return prices["regular"] % prices["unit"] == 0

    @pa.dataframe_check(name="sale_not_in_minor_units")
    def _whole_sale(cls, prices: pd.DataFrame) -> pd.Series[bool]:
        return prices["sale"] % prices["unit"] == 0


def price_problems(prices: Sequence[Price]) -> dict[int, list[Problem]]:
    """Validate a batch of prices; return the problems of each failing one by position."""
    frame = pd.DataFrame(
        {
            "regular": integers([scaled(price.regular) for price in prices]),
            # The regular price has its own checks, so that one fault is reported once.
            "sale": integers([_sale(price) for price in prices]),
            "unit": integers([scaled(minor_unit(price.currency)) for price in prices]),
            "has_period": [_has_period(price) for price in prices],
        }
    ).astype({"has_period": bool})
    problems = failures(Prices, frame, RULES)
    for position, found in problems.items():
        if prices[position].sale is None:
            problems[position] = [p for p in found if p.field != "sale"]
    return {position: found for position, found in problems.items() if found}


def _sale(price: Price) -> int:
    return scaled(price.regular if price.sale is None else price.sale)


def _has_period(price: Price) -> bool:
    begin, end = price.valid_from, price.valid_until
    return begin is None or end is None or begin < end
