"""The lines of an order document, with their discounts, coupons and taxes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.seed.amounts import (
    ZERO,
    Rate,
    Taxed,
    rounded,
    spread,
    tax_fields,
    taxed,
    to_decimal,
    to_text,
    total_of,
)
from sandbox.seed.drafts import Discount, Draft, Line


def discount_shares(draft: Draft, discount: Discount, unit: Decimal) -> list[Decimal]:
    """Split a discount over the lines that it covers, in proportion to their totals."""
    weights = [rounded(to_decimal(line.price) * line.quantity, unit) for line in draft.lines]
    if discount.line is not None:
        weights = [
            weight if index == discount.line else ZERO for index, weight in enumerate(weights)
        ]
    return spread(discount.amount, weights, unit)


def order_products(
    draft: Draft, shares: list[list[Decimal]], unit: Decimal, first: int | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Taxed, Taxed]:
    """Return the lines, their taxes, the subtotal and the sum of gift wrap."""
    products: list[dict[str, Any]] = []
    taxes: list[dict[str, Any]] = []
    totals: list[Taxed] = []
    wrappings: list[Taxed] = []
    for index, line in enumerate(draft.lines):
        applied = [
            _applied(discount, share[index])
            for discount, share in zip(draft.discounts, shares, strict=True)
            if share[index]
        ]
        off = sum((share[index] for share in shares), ZERO)
        total = taxed(
            rounded(to_decimal(line.price) * line.quantity, unit),
            line.rates,
            draft.inclusive,
            unit,
            off,
        )
        wrap = taxed(line.wrapping, line.rates, draft.inclusive, unit)
        product = _product(line, total, wrap, off, draft.inclusive, unit) | {
            "applied_discounts": applied
        }
        if first is not None:
            product |= {
                "id": first + index + 1,
                "order_address_id": 0 if line.address is None else first + line.address + 1,
            }
            product |= (
                {} if line.pickup is None else {"order_pickup_method_id": first + line.pickup + 1}
            )
        products.append(product)
        owner = {} if first is None else {"order_product_id": str(first + index + 1)}
        taxes += tax_entries(total, line.rates, "item", line.address, first, owner)
        taxes += tax_entries(wrap, line.rates, "gift-wrapping", line.address, first, {})
        totals.append(total)
        wrappings.append(wrap)
    return products, taxes, total_of(totals), total_of(wrappings)


def _product(
    line: Line, total: Taxed, wrap: Taxed, off: Decimal, inclusive: bool, unit: Decimal
) -> dict[str, Any]:
    raw = line.price if isinstance(line.price, str) else None
    price = taxed(to_decimal(line.price), line.rates, inclusive, unit)
    amounts = tax_fields("price", price) | tax_fields("total", total)
    if raw is not None:  # not an amount: the same text wherever it would have been used
        amounts |= dict.fromkeys(
            ("price_ex_tax", "price_inc_tax", "total_ex_tax", "total_inc_tax"), raw
        )
    return {
        "product_id": line.product_id,
        "variant_id": line.variant_id,
        "address_index": line.address,
        "pickup_index": line.pickup,
        "name": line.name,
        "sku": line.sku,
        "type": line.kind,
        "base_price": to_text(line.price),
        **amounts,
        "base_total": raw if raw is not None else to_text(total.inc if inclusive else total.ex),
        "discounted_total_inc_tax": raw if raw is not None else to_text(total.inc - off),
        "quantity": line.quantity,
        "quantity_shipped": 0,
        "quantity_refunded": 0,
        "weight": line.weight,
        "wrapping_id": 1 if line.wrapping else 0,
        "wrapping_name": "Gift wrap" if line.wrapping else "",
        "wrapping_message": line.wrapping_message,
        "base_wrapping_cost": to_text(line.wrapping),
        **tax_fields("wrapping_cost", wrap),
        "brand": line.brand,
        "product_options": [
            _option(n, name, chosen) for n, (name, chosen) in enumerate(line.options, 1)
        ],
    }


def _option(number: int, name: str, chosen: str) -> dict[str, Any]:
    return {
        "option_id": number,
        "product_option_id": number,
        "display_name": name,
        "display_value": chosen,
        "value": chosen,
        "type": "Multiple choice",
        "name": name,
        "display_style": "Rectangle",
    }


def _applied(discount: Discount, share: Decimal) -> dict[str, Any]:
    return {
        "id": "coupon"
        if discount.code
        else "manual-discount"
        if discount.line is None
        else "automatic-discount",
        "amount": to_text(share),
        "name": discount.name,
        "code": discount.code,
        "target": "order" if discount.line is None else "product",
    }


def coupon_use(discount: Discount, number: int, first: int | None) -> dict[str, Any]:
    """Return a coupon of the order."""
    given = {} if first is None else {"id": first + number}
    # The specification has JSON numbers here, unlike the order's strings.
    amount = float(discount.amount)
    return {
        **given,
        "coupon_id": number,
        "code": discount.code,
        "amount": amount,
        "type": discount.kind,
        "discount": amount,
    }


def tax_entries(
    amount: Taxed,
    rates: tuple[Rate, ...],
    kind: str,
    address: int | None,
    first: int | None,
    owner: dict[str, str],
) -> list[dict[str, Any]]:
    """Return a tax entry for each rate of an amount."""
    place = (
        {} if first is None else {"order_address_id": 0 if address is None else first + address + 1}
    )
    return [
        {
            **place,
            **owner,
            "line_item_type": kind,
            "tax_rate_id": n,
            "tax_class_id": 0,
            "name": name,
            "class": "Default Tax Class",
            "rate": to_text(rate),
            "priority": 0,
            "priority_amount": to_text(part),
            "line_amount": to_text(part),
        }
        for n, ((name, rate), part) in enumerate(zip(rates, amount.parts, strict=False), 1)
        if part
    ]
