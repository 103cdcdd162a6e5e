"""Completes the header of an order document: dates, status, counters and totals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.platforms.bigcommerce import dates, lines, money
from sandbox.platforms.bigcommerce.statuses import NAMES

Json = dict[str, Any]

PARTS = ("subtotal", "shipping_cost", "handling_cost", "wrapping_cost", "total")
HEADER_MONEY = (
    *(f"{part}_{basis}" for part in PARTS for basis in ("ex_tax", "inc_tax", "tax")),
    *(f"base_{part}" for part in PARTS[1:4]),
    *(
        "refunded_amount",
        "store_credit_amount",
        "gift_certificate_amount",
        "discount_amount",
        "coupon_discount",
    ),
)
HEADER: Json = {
    "id": 0,
    "customer_id": 0,
    "date_created": "",
    "date_modified": "",
    "date_shipped": "",
    "status_id": 11,
    "status": "",
    "cart_id": "",
    **dict.fromkeys(HEADER_MONEY, money.ZERO),
    "shipping_cost_tax_class_id": 2,
    "handling_cost_tax_class_id": 2,
    "wrapping_cost_tax_class_id": 3,
    "is_tax_inclusive_pricing": False,
    "items_total": 0,
    "items_shipped": 0,
    "payment_method": "Manual",
    "payment_provider_id": "",
    "payment_status": "",
    "order_is_digital": False,
    "ip_address": "",
    "ip_address_v6": "",
    "geoip_country": "",
    "geoip_country_iso2": "",
    "currency_id": 1,
    "currency_code": "USD",
    "currency_exchange_rate": "1.0000000000",
    "default_currency_id": 1,
    "default_currency_code": "USD",
    "store_default_currency_code": "USD",
    "store_default_to_transactional_exchange_rate": "1.0000000000",
    "staff_notes": "",
    "customer_message": "",
    "shipping_address_count": 0,
    "is_deleted": False,
    "ebay_order_id": "0",
    "billing_address": {},
    "is_email_opt_in": False,
    "credit_card_type": None,
    "order_source": "www",
    "channel_id": 1,
    "external_source": "",
    "external_id": None,
    "external_merchant_id": None,
    "tax_provider_id": "BasicTaxProvider",
    "customer_locale": "en",
    "external_order_id": "",
    "custom_status": "",
}


def complete_header(given: Json, document: Json, now: int) -> Json:
    """Fill in the header; totals that were not given follow from the document's parts."""
    header = HEADER | given
    for key, fallback in (
        ("date_created", now),
        ("date_modified", given.get("date_created") or now),
    ):
        header[key] = _date(given.get(key) or fallback)
    if given.get("date_shipped"):
        header["date_shipped"] = _date(given["date_shipped"])
    header["status"] = NAMES[header["status_id"]]
    header["custom_status"] = given.get("custom_status") or header["status"]
    header["billing_address"] = (
        dict.fromkeys(lines.PERSON, "") | {"form_fields": []} | (given.get("billing_address") or {})
    )
    header["shipping_address_count"] = len(document["shipping_addresses"])
    physical = any(line["type"] == "physical" for line in document["products"])
    header["order_is_digital"] = given.get(
        "order_is_digital", bool(document["products"]) and not physical
    )
    _totals(header, given, document)
    for key in HEADER_MONEY:
        header[key] = money.format_or_keep(header[key])
    return header


def _date(given: Any) -> str:
    """Format a date as V2 does; a text that is not a date is kept."""
    epoch = dates.parse_or_none(str(given))
    return str(given) if epoch is None else dates.to_rfc2822(epoch)


def _totals(header: Json, given: Json, document: Json) -> None:
    """Compute the totals that were not given from lines, addresses and fees."""
    products, addresses, fees = (
        document["products"],
        document["shipping_addresses"],
        document["fees"],
    )

    def amount(key: str, entries: list[Json], source: str) -> Decimal:
        if given.get(key) is None:
            header[key] = sum((money.amount(entry[source]) for entry in entries), Decimal(0))
        return money.amount(header[key])

    off = money.amount(header["discount_amount"]) + money.amount(header["coupon_discount"])
    for basis in ("ex", "inc"):
        total = amount(f"subtotal_{basis}_tax", products, f"total_{basis}_tax")
        total += amount(f"shipping_cost_{basis}_tax", addresses, f"cost_{basis}_tax")
        total += amount(f"handling_cost_{basis}_tax", addresses, f"handling_cost_{basis}_tax")
        total += amount(f"wrapping_cost_{basis}_tax", products, f"wrapping_cost_{basis}_tax")
        total += sum((money.amount(fee[f"cost_{basis}_tax"]) for fee in fees), Decimal(0)) - off
        if given.get(f"total_{basis}_tax") is None:
            header[f"total_{basis}_tax"] = total
    base = "inc" if header["is_tax_inclusive_pricing"] else "ex"
    for part in PARTS[1:4]:
        if given.get(f"base_{part}") is None:
            header[f"base_{part}"] = header[f"{part}_{base}_tax"]
    for part in PARTS:
        if given.get(f"{part}_tax") is None:
            header[f"{part}_tax"] = money.amount(header[f"{part}_inc_tax"]) - money.amount(
                header[f"{part}_ex_tax"]
            )
