"""Lines of an order in the OMS's units, by a connection's rules for units of measure. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from domain.errors import Problem
from domain.policies import UomRule
from domain.records.orders import ONE, OrderLine
from domain.records.record import SMALLEST, amend
from domain.skus import BySku


def in_oms_units(
    lines: Sequence[OrderLine],
    paths: Sequence[str],
    rules: BySku[UomRule] | None,
    uom: str,
    problems: list[Problem],
) -> Sequence[OrderLine]:
    """Return lines in the OMS's units; ``paths`` are theirs in the store's document.

    ``uom`` is the unit of SKUs without a rule, which all are where ``rules`` is ``None``. What
    can't be converted is added to ``problems``.
    """
    if rules is not None:
        return tuple(
            [
                _converted(line, rules.get(line.sku), uom, path, problems)
                for line, path in zip(lines, paths, strict=True)
            ]
        )
    for line in lines:
        amend(line, "uom", uom)
    return lines


def _converted(
    line: OrderLine, rule: UomRule | None, uom: str, path: str, problems: list[Problem]
) -> OrderLine:
    """Turn store units into OMS units; totals stay exact, so a price is never rounded."""
    if rule is None or rule.factor == ONE:
        amend(line, "uom", uom if rule is None else rule.uom)
        return line
    unit = line.unit_price / rule.factor
    if unit != unit.quantize(SMALLEST) or unit * rule.factor != line.unit_price:
        message = f"the price {line.unit_price} can't be divided by {rule.factor} exactly"
        advice = "correct orders.uom_rules, or set a price that divides"
        problems.append(Problem("uom_conversion_inexact", path, message, advice, line.sku[:80]))
        return line
    return replace(
        line,
        uom=rule.uom,
        factor=rule.factor,
        quantity=line.quantity * rule.factor,
        unit_price=unit,
    )
