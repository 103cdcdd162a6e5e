"""Batch rules of orders: headers and lines, each row alone, across rows, and across both frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pandera.pandas as pa

from domain.errors import Problem
from domain.exchange import MasterItem
from domain.records.orders import Order
from domain.schemas.batch import SCALE, Rule, failures, scaled, truncated

HALF_A_CENT = SCALE // 200
"""Stores state amounts with four decimals; what adds up to the cent may differ behind it."""

RULES: dict[str, Rule] = {
    "order_id_duplicate": Rule(
        "order_id",
        "Another order of the batch has this id.",
        "Find out why the store sent it twice.",
    ),
    "order_id_form": Rule(
        "order_id",
        "The id has characters that break OMS screens.",
        "Use plain letters in orders.order_id_prefix.",
    ),
    "currency_form": Rule(
        "currency",
        "The currency is not an ISO 4217 code.",
        "Correct the order's currency in the store.",
    ),
    "order_without_lines": Rule(
        "lines",
        "The order has no lines, so there is nothing to ship.",
        "Add lines in the store or discard it.",
    ),
    "total_negative": Rule(
        "total", "The total is below zero.", "A refund is not an order; check it in the store."
    ),
    "total_mismatch": Rule(
        "total",
        "Lines, charges, discounts and taxes do not add up to the total.",
        "Compare the order's amounts in the store.",
    ),
    "tax_mismatch": Rule(
        "total_tax",
        "The taxes of lines and charges are not the order's tax.",
        "Compare the taxes in the store.",
    ),
    "line_without_order": Rule(
        "lines",
        "The line belongs to no order of the batch.",
        "Report this: it is a fault of Lockstep.",
    ),
    "line_id_duplicate": Rule(
        "lines.line_id",
        "Two lines of the order have the same id.",
        "Find out why the store sent the line twice.",
    ),
    "quantity_not_positive": Rule(
        "lines.quantity", "The quantity is not above zero.", "Correct the line in the store."
    ),
    "line_total_mismatch": Rule(
        "lines.line_total",
        "The line's total is not its quantity times its unit price.",
        "Compare the line's prices in the store.",
    ),
    "discount_too_large": Rule(
        "lines.discounts",
        "The line's discounts are larger than its total.",
        "Correct the discount in the store.",
    ),
    "sku_unknown": Rule(
        "lines.sku",
        "The SKU is not in the OMS's item master.",
        "Create the item at the OMS or correct the SKU, then retry.",
    ),
    "uom_unknown": Rule(
        "lines.uom",
        "The OMS's item has no such unit.",
        "Correct orders.uom or orders.uom_rules, or add the unit to the item at the OMS.",
    ),
}


class OrderHeaders(pa.DataFrameModel):
    """One row an order."""

    order_id: str
    currency: str
    total: int
    total_tax: int
    line_count: int
    difference: int
    tax_difference: int

    @pa.check("order_id", name="order_id_duplicate")
    def _unique(cls, ids: pd.Series[str]) -> pd.Series[bool]:
        return ~ids.duplicated(keep=False)

    @pa.check("order_id", name="order_id_form")
    def _form(cls, ids: pd.Series[str]) -> pd.Series[bool]:
        return ids.str.fullmatch(r"[A-Za-z0-9_.:-]{1,50}")

    @pa.check("currency", name="currency_form")
    def _currency(cls, codes: pd.Series[str]) -> pd.Series[bool]:
        return codes.str.fullmatch(r"[A-Z]{3}")

    @pa.check("line_count", name="order_without_lines")
    def _lines(cls, counts: pd.Series[int]) -> pd.Series[bool]:
        return counts > 0

    @pa.check("total", name="total_negative")
    def _total(cls, totals: pd.Series[int]) -> pd.Series[bool]:
        return totals >= 0

    @pa.check("difference", name="total_mismatch")
    def _adds_up(cls, differences: pd.Series[int]) -> pd.Series[bool]:
        return differences.abs() <= HALF_A_CENT

    @pa.check("tax_difference", name="tax_mismatch")
    def _taxes_add_up(cls, differences: pd.Series[int]) -> pd.Series[bool]:
        return differences.abs() <= HALF_A_CENT


class OrderLines(pa.DataFrameModel):
    """One row a line; ``order_row`` is the row of its order's header."""

    order_row: int
    line_id: str
    sku: str
    quantity: int
    line_total: int
    difference: int
    """Of the line's total from its quantity times its unit price; computed in decimals, since such a product outgrows 64 bits."""
    discount: int
    in_item_master: bool
    has_uom: bool
    has_order: bool

    @pa.check("has_order", name="line_without_order")
    def _has_order(cls, known: pd.Series[bool]) -> pd.Series[bool]:
        return known

    @pa.check("quantity", name="quantity_not_positive")
    def _quantity(cls, quantities: pd.Series[int]) -> pd.Series[bool]:
        return quantities > 0

    @pa.check("in_item_master", name="sku_unknown")
    def _known(cls, known: pd.Series[bool]) -> pd.Series[bool]:
        return known

    @pa.check("has_uom", name="uom_unknown")
    def _unit(cls, known: pd.Series[bool]) -> pd.Series[bool]:
        return known

    @pa.dataframe_check(name="line_id_duplicate")
    def _line_ids(cls, lines: pd.DataFrame) -> pd.Series[bool]:
        return ~lines.duplicated(["order_row", "line_id"], keep=False)

    @pa.dataframe_check(name="line_total_mismatch")
    def _line_totals(cls, lines: pd.DataFrame) -> pd.Series[bool]:
        # Unit prices are rounded to the cent or to four decimals: each unit may contribute half a cent.
        allowance = (lines["quantity"] // SCALE + 1) * SCALE // 200
        return lines["difference"].abs() <= allowance

    @pa.dataframe_check(name="discount_too_large")
    def _discounts(cls, lines: pd.DataFrame) -> pd.Series[bool]:
        return lines["discount"] <= lines["line_total"].abs()


HEADER_COLUMNS = (
    "order_id",
    "currency",
    "total",
    "total_tax",
    "line_count",
    "difference",
    "tax_difference",
)
LINE_COLUMNS = (
    "order_row",
    "line_id",
    "sku",
    "quantity",
    "line_total",
    "difference",
    "discount",
    "in_item_master",
    "has_uom",
    "has_order",
)


def order_problems(
    orders: Sequence[Order], items: Mapping[str, MasterItem] | None
) -> dict[int, list[Problem]]:
    """Validate a batch of orders; return the problems of each failing one by its position.

    ``items`` are those of the batch's SKUs that the OMS's item master has; ``None`` leaves the rules of SKU and unit out.
    """
    headers: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    for row, order in enumerate(orders):
        tax = order.computed_tax()
        headers.append(
            (
                order.order_id,
                order.currency,
                scaled(order.total),
                scaled(order.total_tax),
                len(order.lines),
                scaled(order.computed_total() - order.total),
                scaled(tax - order.total_tax),
            )
        )
        for line in order.lines:
            item = items.get(line.sku) if items is not None else None
            has_uom = item is None or not item.uoms or line.uom in item.uoms
            lines.append(
                (
                    row,
                    line.line_id,
                    line.sku,
                    scaled(line.quantity),
                    scaled(line.line_total),
                    truncated(line.quantity * line.unit_price - line.line_total),
                    scaled(line.total_discount()),
                    items is None or item is not None,
                    has_uom,
                    True,
                )
            )
    header_frame = pd.DataFrame(headers, columns=list(HEADER_COLUMNS)).astype(_HEADER_TYPES)
    line_frame = pd.DataFrame(lines, columns=list(LINE_COLUMNS)).astype(_LINE_TYPES)
    line_frame["has_order"] = line_frame["order_row"].isin(header_frame.index)
    found = failures(OrderHeaders, header_frame, RULES)
    for index, problems in failures(OrderLines, line_frame, RULES).items():
        row = int(lines[index][0])
        line_id, sku = lines[index][1:3]
        for p in problems:
            field = f"lines[{line_id}]{p.field.removeprefix('lines')}"
            value, message = str(sku) if p.code == "sku_unknown" else p.value, p.message
            if p.code == "uom_unknown" and items is not None:
                value = next(line.uom for line in orders[row].lines if line.line_id == line_id)
                message = f"The item {sku} has no unit {value} at the OMS; it has {', '.join(items[str(sku)].uoms)}."
            found.setdefault(row, []).append(Problem(p.code, field, message, p.advice, value))
    return found


_HEADER_TYPES = {
    "order_id": "str", "currency": "str", "total": "int64", "total_tax": "int64",
    "line_count": "int64", "difference": "int64", "tax_difference": "int64",
}  # fmt: skip
_LINE_TYPES = {
    "order_row": "int64", "line_id": "str", "sku": "str", "quantity": "int64",
    "line_total": "int64", "difference": "int64", "discount": "int64", "in_item_master": "bool",
    "has_uom": "bool", "has_order": "bool",
}  # fmt: skip
