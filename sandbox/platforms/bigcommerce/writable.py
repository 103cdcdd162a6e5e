"""Which fields of an order its API takes (orders.v2.oas2.yml)."""

from __future__ import annotations

from typing import Any

from sandbox.platforms.bigcommerce.lines import PERSON
from sandbox.platforms.bigcommerce.replies import (
    refuse_v2,
)

Json = dict[str, Any]
WRITABLE = frozenset(
    {
        "base_handling_cost",
        "base_shipping_cost",
        "base_wrapping_cost",
        "billing_address",
        "channel_id",
        "customer_id",
        "customer_message",
        "date_created",
        "discount_amount",
        "order_source",
        "ebay_order_id",
        "external_merchant_id",
        "external_source",
        "geoip_country",
        "geoip_country_iso2",
        "handling_cost_ex_tax",
        "handling_cost_inc_tax",
        "ip_address",
        "ip_address_v6",
        "items_shipped",
        "items_total",
        "order_is_digital",
        "payment_method",
        "payment_provider_id",
        "products",
        "refunded_amount",
        "shipping_cost_ex_tax",
        "shipping_cost_inc_tax",
        "staff_notes",
        "shipping_addresses",
        "status_id",
        "subtotal_ex_tax",
        "subtotal_inc_tax",
        "tax_provider_id",
        "customer_locale",
        "external_order_id",
        "total_ex_tax",
        "total_inc_tax",
        "wrapping_cost_ex_tax",
        "wrapping_cost_inc_tax",
        "fees",
        "is_deleted",
        "default_currency_code",
    }
)
"""orders.v2.oas2.yml, order_Put without ``consignments``, plus ``is_deleted``, which archives."""
ADDRESS_WRITABLE = frozenset({*PERSON, "shipping_method", "form_fields"})


def check_fields(body: Json, writable: frozenset[str]) -> None:
    """Refuse a body with another field."""
    for name in sorted(set(body) - writable):
        raise refuse_v2(
            400,
            f"The field '{name}' cannot be written to. "
            "Please remove it from your request before trying again.",
        )
