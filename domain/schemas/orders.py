"""Batch rules of orders, for a frame of headers and a frame of lines."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import pandas as pd
import pandera.pandas as pa

from domain.currencies import minor_unit, rounding_of, rounding_of_sum
from domain.errors import Problem
from domain.exchange import MasterItem
from domain.records.orders import Order, OrderLine
from domain.schemas.batch import (
    Rule,
    booleans,
    failures,
    integers,
    matches,
    scaled,
    texts,
    truncated,
)

ORDER_ID = re.compile(r"[A-Za-z0-9_.:-]{1,50}")
CURRENCY = re.compile(r"[A-Z]{3}")
RULES: dict[str, Rule] = {
    "order_id_duplicate": Rule(
        "order_id",
        "another order of the batch has this id",
        "find out why the store sent it twice",
    ),
    "order_id_form": Rule(
        "order_id",
        "the id has characters that break OMS screens",
        "use plain letters in orders.order_id_prefix",
    ),
    "currency_form": Rule(
        "currency",
        "the currency is not an ISO 4217 code",
        "correct the order's currency in the store",
    ),
    "order_without_lines": Rule(
        "lines",
        "the order has no lines, so there is nothing to ship",
        "add lines in the store, or discard the rejection",
    ),
    "total_negative": Rule(
        "total",
        "the total is negative",
        "check the order in the store: refunds are not sent as orders",
    ),
    "total_mismatch": Rule(
        "total",
        "lines, charges, discounts and taxes do not add up to the total",
        "compare the order's amounts in the store",
    ),
    "tax_mismatch": Rule(
        "total_tax",
        "the taxes of lines and charges do not add up to the order's tax",
        "compare the taxes in the store",
    ),
    "line_id_duplicate": Rule(
        "lines.line_id",
        "two lines of the order have the same id",
        "find out why the store sent the line twice",
    ),
    "quantity_not_positive": Rule(
        "lines.quantity",
        "the quantity is not above zero",
        "correct the line in the store",
    ),
    "line_total_mismatch": Rule(
        "lines.line_total",
        "the line's total is not its quantity times its unit price",
        "compare the line's prices in the store",
    ),
    "discount_too_large": Rule(
        "lines.discounts",
        "the line's discounts exceed its total",
        "correct the discount in the store",
    ),
    "sku_unknown": Rule(
        "lines.sku",
        "the SKU is not in the OMS's item master",
        "create the item at the OMS or correct the SKU, then retry",
    ),
    "uom_unknown": Rule(
        "lines.uom",
        "the OMS's item does not have this unit",
        "correct orders.uom or orders.uom_rules, or add the unit to the item at the OMS",
    ),
}


class OrderHeaders(pa.DataFrameModel):
    """One row per order; amounts in ten-thousandths."""

    order_id: str
    currency: str
    total: int
    line_count: int
    difference: int
    """Of the total from its parts; 0 if it is rounding (stores state amounts with four
    decimals but round sums)."""
    tax_difference: int

    @pa.check("order_id", name="order_id_duplicate")
    def _unique(cls, ids: pd.Series[str]) -> pd.Series[bool]:
        return ~ids.duplicated(keep=False)

    @pa.check("order_id", name="order_id_form")
    def _form(cls, ids: pd.Series[str]) -> pd.Series[bool]:
        return matches(ids, ORDER_ID)

    @pa.check("currency", name="currency_form")
    def _currency(cls, codes: pd.Series[str]) -> pd.Series[bool]:
        return matches(codes, CURRENCY)

    @pa.check("line_count", name="order_without_lines")
    def _lines(cls, counts: pd.Series[int]) -> pd.Series[bool]:
        return counts > 0

    @pa.check("total", name="total_negative")
    def _total(cls, totals: pd.Series[int]) -> pd.Series[bool]:
        return totals >= 0

    @pa.check("difference", name="total_mismatch")
    def _adds_up(cls, differences: pd.Series[int]) -> pd.Series[bool]:
        return differences == 0

    @pa.check("tax_difference", name="tax_mismatch")
    def _taxes_add_up(cls, differences: pd.Series[int]) -> pd.Series[bool]:
        return differences == 0


class OrderLines(pa.DataFrameModel):
    """One row per line; ``order_row`` is the row of its order's header."""

    order_row: int
    line_id: str
    quantity: int
    line_total: int
    difference: int
    """Quantity times unit price minus total, 0 if it is rounding; from decimals: the product
    may exceed 64 bits."""
    discount: int
    in_item_master: bool
    has_uom: bool

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
        return lines["difference"] == 0

    @pa.dataframe_check(name="discount_too_large")
    def _discounts(cls, lines: pd.DataFrame) -> pd.Series[bool]:
        return lines["discount"] <= lines["line_total"].abs()


def order_problems(
    orders: Sequence[Order],
    items: Mapping[str, MasterItem] | None,
    held: Collection[tuple[int, str]] = (),
    sku_path: str = "sku",
) -> dict[int, list[Problem]]:
    """Validate a batch of orders; return the problems of each failing one by its position.

    ``items`` are the items of the batch's SKUs in the OMS's item master; ``None`` skips the rules
    about SKU and unit. ``held`` are positions and SKUs of orders that the OMS has with them: it may
    have discontinued the item since. ``sku_path`` is where the store's document has a line's SKU:
    the field of the problem leads an operator there. A cancellation is sent without the order's
    content, so only its header's keys are checked: a SKU that the OMS lacks must not keep the order
    from it.
    """
    lines = [
        (row, line)
        for row, order in enumerate(orders)
        if not order.canceled
        for line in order.lines
    ]
    found = failures(OrderHeaders, _header_frame(orders), RULES)
    frame = _line_frame(orders, lines, items, held)
    for index, problems in failures(OrderLines, frame, RULES).items():
        row, line = lines[index]
        item = items.get(line.sku) if items is not None else None
        found.setdefault(row, []).extend(
            _of_line(problem, line, item, sku_path) for problem in problems
        )
    return found


def _header_frame(orders: Sequence[Order]) -> pd.DataFrame:
    differences = [_of_sums(order) for order in orders]
    return pd.DataFrame(
        {
            "order_id": texts([order.order_id for order in orders]),
            "currency": texts([order.currency for order in orders]),
            "total": integers([0 if o.canceled else scaled(o.total) for o in orders]),
            "line_count": integers([max(len(o.lines), o.canceled) for o in orders]),
            "difference": integers([total for total, _ in differences]),
            "tax_difference": integers([tax for _, tax in differences]),
        }
    )


def _of_sums(order: Order) -> tuple[int, int]:
    """Return the differences of an order's total and tax from their parts; none if canceled."""
    if order.canceled:
        return 0, 0
    total, tax = order.computed_sums()
    return _of_sum(total - order.total, order), _of_sum(tax - order.total_tax, order)


def _of_sum(difference: Decimal, order: Order) -> int:
    """Return a sum's difference in ten-thousandths, 0 if rounding explains it."""
    if not difference or abs(difference) <= rounding_of_sum(minor_unit(order.currency)):
        return 0
    return scaled(difference)


def _of_line_total(order: Order, line: OrderLine) -> int:
    """Return the difference of a line's total from its price, 0 if rounding explains it."""
    difference = line.quantity * line.unit_price - line.line_total
    if not difference:
        return 0
    rounding = rounding_of(minor_unit(order.currency), line.quantity / line.factor)
    return 0 if abs(difference) <= rounding else truncated(difference)


def _line_frame(
    orders: Sequence[Order],
    lines: Sequence[tuple[int, OrderLine]],
    items: Mapping[str, MasterItem] | None,
    held: Collection[tuple[int, str]],
) -> pd.DataFrame:
    if items is None:
        known = has_uom = [True] * len(lines)
    else:
        found = [(items.get(line.sku), line.uom) for _, line in lines]
        known = [
            item is not None or (row, line.sku) in held
            for (item, _), (row, line) in zip(found, lines, strict=True)
        ]
        has_uom = [item is None or not item.uoms or uom in item.uoms for item, uom in found]
    return pd.DataFrame(
        {
            "order_row": integers([row for row, _ in lines]),
            "line_id": texts([line.line_id for _, line in lines]),
            "quantity": integers([scaled(line.quantity) for _, line in lines]),
            "line_total": integers([scaled(line.line_total) for _, line in lines]),
            "difference": integers([_of_line_total(orders[row], line) for row, line in lines]),
            "discount": integers([scaled(line.total_discount()) for _, line in lines]),
            "in_item_master": booleans(known),
            "has_uom": booleans(has_uom),
        }
    )


def _of_line(problem: Problem, line: OrderLine, item: MasterItem | None, sku_path: str) -> Problem:
    field = f"lines[{line.line_id}]{problem.field.removeprefix('lines')}"
    value, message = problem.value, problem.message
    if problem.code == "sku_unknown":
        field, value = f"lines[{line.line_id}].{sku_path}", line.sku
    elif problem.code == "uom_unknown" and item is not None:
        value = line.uom
        message = f"the item {line.sku} has no unit {value} at the OMS; it has "
        message += ", ".join(item.uoms)
    return Problem(problem.code, field, message, problem.advice, value)
