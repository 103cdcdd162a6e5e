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
    Taxed,
    minor_unit,
    tax_fields,
    taxed,
    to_decimal,
    to_text,
    total_of,
)
from sandbox.seed.drafts import Draft
from sandbox.seed.order_lines import coupon_use, discount_shares, order_products, tax_entries

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
    shares = [discount_shares(draft, discount, unit) for discount in draft.discounts]
    products, line_taxes, subtotal, wrapping = order_products(draft, shares, unit, first)
    addresses, address_taxes, shipping, handling = _addresses(draft, unit, first)
    fees, fee_sum = _fees(draft, unit, first)
    document |= _heading(draft) | _totals(draft, subtotal, shipping, handling, wrapping, fee_sum)
    document |= {
        "products": products,
        "shipping_addresses": addresses,
        "coupons": [
            coupon_use(discount, n, first)
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


def _numbered(entries: list[dict[str, Any]], first: int | None) -> list[dict[str, Any]]:
    return (
        entries
        if first is None
        else [{"id": first + n} | entry for n, entry in enumerate(entries, 1)]
    )


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
                **tax_fields("cost", shipping),
                "base_handling_cost": to_text(address.handling),
                **tax_fields("handling_cost", handling),
                "shipping_zone_id": 1,
                "shipping_zone_name": address.fields.get("country", ""),
                "form_fields": [],
            }
        )
        taxes += tax_entries(shipping, address.rates, "shipping", index, first, {})
        taxes += tax_entries(handling, address.rates, "handling", index, first, {})
        shippings.append(shipping)
        handlings.append(handling)
    return documents, taxes, total_of(shippings), total_of(handlings)


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
                **tax_fields("cost", amount),
                "tax_class_id": None,
            }
        )
        amounts.append(amount)
    return documents, total_of(amounts)


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
        result |= tax_fields(name, amount)
    for name in ("shipping_cost", "handling_cost", "wrapping_cost"):
        result[f"base_{name}"] = result[f"{name}_inc_tax" if draft.inclusive else f"{name}_ex_tax"]
    return result
