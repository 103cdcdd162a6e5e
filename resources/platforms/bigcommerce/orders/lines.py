"""Order products -> lines: SKU, quantity in the OMS's unit, prices by the order's tax basis, discounts, gift wrap. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.connections import OrdersPolicy, UomRule
from domain.records.orders import ChargeKind, LineKind
from domain.text import clean_text, has_controls
from resources.platforms.bigcommerce.orders.builders import ChargeDraft, DiscountDraft, LineDraft
from resources.platforms.bigcommerce.parsing import (
    CENT,
    ZERO,
    Findings,
    mapping,
    money,
    number_id,
    sequence,
    text,
)

KINDS = {
    "physical": LineKind.PHYSICAL,
    "digital": LineKind.DIGITAL,
    "giftcertificate": LineKind.GIFT_CERTIFICATE,
}
ONE = Decimal(1)
SMALLEST = Decimal("0.0001")
"""Of a price, which has four decimals at most."""
LOOK = "look at the order in the store"
MAX_SKU = 255


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands in the payload, and the group that it goes with."""

    where: str
    group_id: str


class LineMapper:
    """Maps lines by one connection's rules."""

    def __init__(self, policy: OrdersPolicy, gift_certificate_sku: str) -> None:
        self._uom, self._rules, self._gift_sku = policy.uom, policy.uom_rules, gift_certificate_sku

    def to_line(
        self, raw: Mapping[str, Any], place: Place, basis: str, findings: Findings
    ) -> LineDraft | None:
        """Map one order product; ``basis`` is ``inc`` or ``ex``. ``None`` where it can't be told what was sold."""
        where = place.where
        line_id = number_id(raw, "id", where, findings)
        if line_id is None:
            findings.reject("line_id_missing", f"{where}id", "the line has no id", LOOK)
            return None
        kind = KINDS.get(str(raw.get("type")))
        if kind is None:
            shown = raw.get("type") if isinstance(raw.get("type"), str) else "not a text"
            findings.reject(
                "line_type_unknown", f"{where}type", "this isn't a type of line", LOOK, shown
            )
            return None
        sku = self._sku(raw, kind, line_id, where, findings)
        quantity = self._quantity(raw.get("quantity"), where, findings)
        price, total = _prices(raw, quantity, basis, where, findings)
        variant, parent = (
            number_id(raw, "variant_id", where, findings),
            number_id(raw, "parent_order_product_id", where, findings),
        )
        draft = LineDraft(
            line_id=str(line_id),
            where=where,
            group_id=place.group_id,
            parent_line_id=str(parent) if parent else None,
            sku=sku,
            variant_id=str(variant) if variant else None,
            name=clean_text(text(raw, "name", where, findings)),
            kind=kind,
            quantity=quantity,
            uom=self._uom,
            unit_price=price,
            line_total=total,
            tax=money(raw, "total_tax", where, findings),
            options=_options(raw.get("product_options"), where, findings),
            gift_message=clean_text(text(raw, "wrapping_message", where, findings)),
        )
        if (rule := self._rules.get(sku)) is not None:
            _convert(draft, rule, findings)
        if raw.get("applied_discounts"):
            draft.discounts = _discounts(raw["applied_discounts"], where, findings)
        _add_wrapping(draft, raw, basis, findings)
        return draft

    def _sku(
        self, raw: Mapping[str, Any], kind: LineKind, line_id: int, where: str, findings: Findings
    ) -> str:
        sku = text(raw, "sku", where, findings).strip()
        if not sku and kind is LineKind.GIFT_CERTIFICATE:
            return self._gift_sku
        if not sku:
            custom = "a custom product" if not raw.get("product_id") else "a product"
            name = clean_text(str(raw.get("name") or ""), 60)
            message = f"line {line_id} is {custom} without SKU ({name})"
            findings.reject(
                "sku_missing",
                f"{where}sku",
                message,
                "give the line's product a SKU in the store, or handle the order by hand",
            )
        elif has_controls(sku):
            findings.reject(
                "sku_invalid",
                f"{where}sku",
                "the SKU holds a control character",
                "type the SKU anew in the store",
                sku,
            )
        elif len(sku) > MAX_SKU:
            findings.reject(
                "sku_too_long",
                f"{where}sku",
                f"the SKU has {len(sku)} characters",
                f"shorten it to {MAX_SKU}",
                sku,
            )
        return sku

    @staticmethod
    def _quantity(value: object, where: str, findings: Findings) -> Decimal:
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:12])
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**9:
            shown = value if isinstance(value, (int, float)) else "not a number"
            findings.reject(
                "quantity_invalid",
                f"{where}quantity",
                "the quantity must be a whole number above 0",
                "correct it in the store",
                shown,
            )
            return ZERO
        return Decimal(value)


def _prices(
    raw: Mapping[str, Any], quantity: Decimal, basis: str, where: str, findings: Findings
) -> tuple[Decimal, Decimal]:
    """Return unit price and line total, which must agree to the cent."""
    price = money(raw, f"price_{basis}_tax", where, findings, required=True)
    total = money(raw, f"total_{basis}_tax", where, findings, required=True)
    if quantity and abs(total - price * quantity) > CENT:
        computed = price * quantity
        message = f"{quantity} times {price} is {computed}, and the line says {total}, a difference of {total - computed}"
        findings.reject(
            "line_total_mismatch",
            f"{where}total_{basis}_tax",
            message,
            "correct the line's price or total in the store",
            total,
        )
    return price, total


def _convert(draft: LineDraft, rule: UomRule, findings: Findings) -> None:
    """Turn store units into OMS units; a price that would have to be rounded is a rejection, since totals must stay exact."""
    draft.uom = rule.uom
    if rule.factor == ONE:
        return
    unit = draft.unit_price / rule.factor
    if unit != unit.quantize(SMALLEST) or unit * rule.factor != draft.unit_price:
        message = f"the price {draft.unit_price} can't be divided by {rule.factor} exactly"
        advice = "correct orders.uom_rules, or set a price that divides"
        findings.reject("uom_conversion_inexact", f"{draft.where}price", message, advice, draft.sku)
        return
    draft.quantity, draft.unit_price = draft.quantity * rule.factor, unit


def _options(value: object, where: str, findings: Findings) -> tuple[str, ...]:
    if not value:
        return ()
    options = []
    for i, entry in enumerate(sequence(value, f"{where}product_options", findings)):
        name, chosen = (
            (entry.get("display_name"), entry.get("display_value"))
            if type(entry) is dict
            else (None, None)
        )
        if type(name) is not str or type(chosen) is not str:
            path = f"{where}product_options[{i}]."
            option = mapping(entry, path[:-1], findings)
            name, chosen = (
                text(option, "display_name", path, findings),
                text(option, "display_value", path, findings),
            )
        if name or chosen:
            options.append(clean_text(f"{name}: {chosen}"))
    return tuple(options)


def _discounts(value: object, where: str, findings: Findings) -> list[DiscountDraft]:
    discounts = []
    for i, entry in enumerate(sequence(value, f"{where}applied_discounts", findings)):
        path = f"{where}applied_discounts[{i}]."
        raw = mapping(entry, path[:-1], findings)
        amount = money(raw, "amount", path, findings)
        if amount < 0:
            findings.reject(
                "discount_negative", f"{path}amount", "a discount can't be negative", LOOK, amount
            )
        if amount:
            code = text(raw, "code", path, findings).strip() or None
            name = clean_text(text(raw, "name", path, findings))
            discounts.append(
                DiscountDraft(
                    text(raw, "id", path, findings) or f"discount-{i}", name, amount, code
                )
            )
    return discounts


def _add_wrapping(draft: LineDraft, raw: Mapping[str, Any], basis: str, findings: Findings) -> None:
    amount = money(raw, f"wrapping_cost_{basis}_tax", draft.where, findings)
    tax = money(raw, "wrapping_cost_tax", draft.where, findings)
    if amount or tax:
        name = clean_text(text(raw, "wrapping_name", draft.where, findings)) or "Gift wrap"
        draft.charges.append(
            ChargeDraft(f"wrap-{draft.line_id}", ChargeKind.GIFT_WRAP, name, amount, tax)
        )
