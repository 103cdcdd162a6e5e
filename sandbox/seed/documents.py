"""Order documents for the sandbox store: BigCommerce V2 orders with embedded sub-resources.

The amounts of every order built here agree:

- a line's ``total_*`` is before discounts and without gift wrap, its tax that of the discounted
  amount; ``wrapping_cost_*`` is for the whole line; ``subtotal_*`` is the sum of the lines'
  ``total_*``; the lines' ``applied_discounts`` sum to ``discount_amount + coupon_discount``;
- exclusive pricing: ``total_ex_tax = subtotal_ex_tax - discount_amount - coupon_discount + shipping
  + handling + wrapping + fees`` (all ``_ex_tax``), ``total_inc_tax = total_ex_tax + total_tax``;
- inclusive pricing: the same sum over the ``_inc_tax`` values is ``total_inc_tax``, and
  ``total_ex_tax = total_inc_tax - total_tax``;
- ``total_tax`` is the sum of the taxes of lines, shipping, handling, wrapping and fees. Store
  credit and gift certificates are payments and lower no total.

A draft with an id gets ids for its lines, addresses, pick-ups, taxes, fees and transactions (the
order's id times 100 plus a number). A draft without one, or with ``numbered=False``, leaves them to
the store, and lines refer to their address and pick-up by ``address_index`` and ``pickup_index``.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

from sandbox.platforms.bigcommerce.statuses import NAMES
from sandbox.seed.amounts import (
    ZERO,
    Rate,
    Taxed,
    minor_unit,
    rounded,
    spread,
    taxed,
    to_decimal,
    to_text,
)
from sandbox.seed.drafts import Discount, Draft, Line

# Unique up to 99 lines an order; a source with longer ones leaves ids to the store (``numbered``).
IDS_PER_ORDER = 100


def rfc2822(moment: datetime | str | None) -> str:
    """Format a UTC time as in V2 orders; unset is empty, a text that is not a time is kept."""
    return moment if isinstance(moment, str) else format_datetime(moment) if moment else ""


def order_document(draft: Draft) -> dict[str, Any]:
    """Return the order document of a draft, its amounts computed by the definition above."""
    unit = minor_unit(draft.currency)
    document: dict[str, Any] = {} if draft.id is None else {"id": draft.id}
    first = draft.id * IDS_PER_ORDER if draft.numbered and draft.id is not None else None
    shares = [_shares(draft, discount, unit) for discount in draft.discounts]
    products, line_taxes, subtotal, wrapping = _products(draft, shares, unit, first)
    addresses, address_taxes, shipping, handling = _addresses(draft, unit, first)
    fees, fee_sum = _fees(draft, unit, first)
    document |= _heading(draft) | _totals(draft, subtotal, shipping, handling, wrapping, fee_sum)
    document |= {
        "products": products,
        "shipping_addresses": addresses,
        "coupons": [
            _coupon(discount, n, first)
            for n, discount in enumerate(draft.discounts, 1)
            if discount.code
        ],
        "taxes": _numbered(line_taxes + address_taxes, first),
        "fees": fees,
        "pickups": _numbered(draft.pickups, first),
        "transactions": _numbered(
            [{"currency": draft.currency} | entry for entry in draft.transactions], first
        ),
    }
    return document | draft.extra


def _shares(draft: Draft, discount: Discount, unit: Decimal) -> list[Decimal]:
    weights = [rounded(to_decimal(line.price) * line.quantity, unit) for line in draft.lines]
    if discount.line is not None:
        weights = [
            weight if index == discount.line else ZERO for index, weight in enumerate(weights)
        ]
    return spread(discount.amount, weights, unit)


def _numbered(entries: list[dict[str, Any]], first: int | None) -> list[dict[str, Any]]:
    return (
        entries
        if first is None
        else [{"id": first + n} | entry for n, entry in enumerate(entries, 1)]
    )


def _sum(amounts: list[Taxed]) -> Taxed:
    return Taxed(
        sum((a.ex for a in amounts), ZERO),
        sum((a.inc for a in amounts), ZERO),
        sum((a.tax for a in amounts), ZERO),
    )


def _trio(name: str, amount: Taxed) -> dict[str, str]:
    return {
        f"{name}_ex_tax": to_text(amount.ex),
        f"{name}_inc_tax": to_text(amount.inc),
        f"{name}_tax": to_text(amount.tax),
    }


def _products(
    draft: Draft, shares: list[list[Decimal]], unit: Decimal, first: int | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Taxed, Taxed]:
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
        taxes += _taxes(total, line.rates, "item", line.address, first, owner)
        taxes += _taxes(wrap, line.rates, "gift-wrapping", line.address, first, {})
        totals.append(total)
        wrappings.append(wrap)
    return products, taxes, _sum(totals), _sum(wrappings)


def _product(
    line: Line, total: Taxed, wrap: Taxed, off: Decimal, inclusive: bool, unit: Decimal
) -> dict[str, Any]:
    raw = line.price if isinstance(line.price, str) else None
    price = taxed(to_decimal(line.price), line.rates, inclusive, unit)
    amounts = _trio("price", price) | _trio("total", total)
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
        **_trio("wrapping_cost", wrap),
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


def _coupon(discount: Discount, number: int, first: int | None) -> dict[str, Any]:
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


def _taxes(
    amount: Taxed,
    rates: tuple[Rate, ...],
    kind: str,
    address: int | None,
    first: int | None,
    owner: dict[str, str],
) -> list[dict[str, Any]]:
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


def _addresses(
    draft: Draft, unit: Decimal, first: int | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Taxed, Taxed]:
    documents: list[dict[str, Any]] = []
    taxes: list[dict[str, Any]] = []
    shippings: list[Taxed] = []
    handlings: list[Taxed] = []
    for index, address in enumerate(draft.addresses):
        shipping = taxed(to_decimal(address.shipping), address.rates, draft.inclusive, unit)
        handling = taxed(address.handling, address.rates, draft.inclusive, unit)
        given = {} if first is None else {"id": first + index + 1}
        documents.append(
            {
                **given,
                **address.fields,
                "items_total": sum(line.quantity for line in draft.lines if line.address == index),
                "items_shipped": 0,
                "shipping_method": address.method,
                "base_cost": to_text(address.shipping),
                **_trio("cost", shipping),
                "base_handling_cost": to_text(address.handling),
                **_trio("handling_cost", handling),
                "shipping_zone_id": 1,
                "shipping_zone_name": address.fields.get("country", ""),
                "form_fields": [],
            }
        )
        taxes += _taxes(shipping, address.rates, "shipping", index, first, {})
        taxes += _taxes(handling, address.rates, "handling", index, first, {})
        shippings.append(shipping)
        handlings.append(handling)
    return documents, taxes, _sum(shippings), _sum(handlings)


def _fees(draft: Draft, unit: Decimal, first: int | None) -> tuple[list[dict[str, Any]], Taxed]:
    documents: list[dict[str, Any]] = []
    amounts: list[Taxed] = []
    for n, (name, cost, rates) in enumerate(draft.fees, 1):
        amount = taxed(cost, rates, draft.inclusive, unit)
        given = {} if first is None else {"id": first + n}
        names = {
            "type": "custom_fee",
            "name": name,
            "display_name_customer": name,
            "display_name_merchant": name,
            "source": "store",
        }
        documents.append(
            {
                **given,
                **names,
                "base_cost": to_text(cost),
                **_trio("cost", amount),
                "tax_class_id": None,
            }
        )
        amounts.append(amount)
    return documents, _sum(amounts)


def _heading(draft: Draft) -> dict[str, Any]:
    return {
        "customer_id": draft.customer_id,
        "date_created": rfc2822(draft.created),
        "date_modified": rfc2822(draft.modified),
        "date_shipped": "",
        "status_id": draft.status,
        "status": NAMES[draft.status],
        "is_tax_inclusive_pricing": draft.inclusive,
        "items_total": sum(line.quantity for line in draft.lines),
        "items_shipped": 0,
        "payment_method": draft.payment_method,
        "payment_provider_id": "",
        "payment_status": draft.payment_status,
        "order_is_digital": bool(draft.lines)
        and all(line.kind != "physical" for line in draft.lines),
        "store_credit_amount": "0.0000",
        "gift_certificate_amount": "0.0000",
        "currency_code": draft.currency,
        "currency_exchange_rate": "1.0000000000",
        "default_currency_code": draft.currency,
        "staff_notes": "",
        "customer_message": "",
        "shipping_address_count": len(draft.addresses),
        "billing_address": draft.billing,
        "channel_id": 1,
        "order_source": "www",
        "external_order_id": "",
        "customer_locale": "en",
    }


def _totals(
    draft: Draft, subtotal: Taxed, shipping: Taxed, handling: Taxed, wrapping: Taxed, fees: Taxed
) -> dict[str, str]:
    coupons = sum((discount.amount for discount in draft.discounts if discount.code), ZERO)
    manual = sum((discount.amount for discount in draft.discounts if not discount.code), ZERO)
    charges = (subtotal, shipping, handling, wrapping, fees)
    tax = sum((charge.tax for charge in charges), ZERO)
    if draft.inclusive:
        inc = sum((charge.inc for charge in charges), ZERO) - coupons - manual
        total = Taxed(inc - tax, inc, tax)
    else:
        ex = sum((charge.ex for charge in charges), ZERO) - coupons - manual
        total = Taxed(ex, ex + tax, tax)
    named = {
        "subtotal": subtotal,
        "shipping_cost": shipping,
        "handling_cost": handling,
        "wrapping_cost": wrapping,
        "total": total,
    }
    result = {"discount_amount": to_text(manual), "coupon_discount": to_text(coupons)}
    for name, amount in named.items():
        result |= _trio(name, amount)
    for name in ("shipping_cost", "handling_cost", "wrapping_cost"):
        result[f"base_{name}"] = result[f"{name}_inc_tax" if draft.inclusive else f"{name}_ex_tax"]
    return result
