"""Fills in the lines and addresses of an order document, all fields of orders.v2.oas2.yml."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.platforms.bigcommerce import money

Json = dict[str, Any]

BASES = ("ex_tax", "inc_tax", "tax")
LINE_MONEY = (
    *("base_price", "base_total", "base_cost_price", "base_wrapping_cost"),
    *(
        f"{part}_{basis}"
        for part in ("price", "total", "cost_price", "wrapping_cost")
        for basis in BASES
    ),
    *("refund_amount", "fixed_shipping_cost", "discounted_total_inc_tax"),
)
LINE: Json = {
    "id": 0,
    "order_id": 0,
    "product_id": 0,
    "variant_id": 0,
    "order_pickup_method_id": 0,
    "order_address_id": 0,
    "name": "",
    "name_customer": "",
    "name_merchant": "",
    "sku": "",
    "upc": "",
    "type": "physical",
    **dict.fromkeys(LINE_MONEY, money.ZERO),
    "quantity": 1,
    "weight": "0.0000",
    "width": "0.0000",
    "height": "0.0000",
    "depth": "0.0000",
    "is_refunded": False,
    "quantity_refunded": 0,
    "return_id": 0,
    "wrapping_id": 0,
    "wrapping_name": "",
    "wrapping_message": "",
    "quantity_shipped": 0,
    "event_name": None,
    "event_date": None,
    "ebay_item_id": "",
    "ebay_transaction_id": "",
    "option_set_id": None,
    "parent_order_product_id": None,
    "is_bundled_product": False,
    "bin_picking_number": "",
    "external_id": None,
    "brand": "",
    "applied_discounts": [],
    "product_options": [],
    "configurable_fields": [],
    "gift_certificate_id": None,
}
PERSON = (
    "first_name",
    "last_name",
    "company",
    "street_1",
    "street_2",
    "city",
    "state",
    "zip",
    "country",
    "country_iso2",
    "phone",
    "email",
)
COSTS = (
    "base_cost",
    "base_handling_cost",
    *(f"{part}_{basis}" for part in ("cost", "handling_cost") for basis in BASES),
)
ADDRESS: Json = {
    "id": 0,
    "order_id": 0,
    **dict.fromkeys(PERSON, ""),
    "items_total": 0,
    "items_shipped": 0,
    "shipping_method": "None",
    **dict.fromkeys(COSTS, money.ZERO),
    "cost_tax_class_id": 0,
    "handling_cost_tax_class_id": 0,
    "shipping_zone_id": 1,
    "shipping_zone_name": "",
    "form_fields": [],
}


def complete_line(given: Json, tax_inclusive: bool) -> Json:
    """Fill in a line; missing amounts follow from unit price and quantity."""
    line = LINE | given
    name = line["name"] or line["sku"] or "Item"
    line |= {
        "name": name,
        "name_customer": line["name_customer"] or name,
        "name_merchant": line["name_merchant"] or name,
    }
    if line["quantity"] != int(line["quantity"]):
        raise ValueError(f"the quantity {line['quantity']!r} is not an integer")
    ex = money.amount(
        given.get("price_ex_tax", given.get("price_inc_tax", given.get("base_price")))
    )
    inc = money.amount(given.get("price_inc_tax", ex))
    computed = _amounts(ex, inc, line["quantity"], tax_inclusive)
    line |= {key: value for key, value in computed.items() if given.get(key) is None}
    for key in LINE_MONEY:
        line[key] = money.format_or_keep(line[key])
    line["applied_discounts"] = [complete_discount(item) for item in line["applied_discounts"]]
    if given.get("discounted_total_inc_tax") is None:
        line["discounted_total_inc_tax"] = discounted_total(line)
    return line


def _amounts(ex: Decimal, inc: Decimal, quantity: int, tax_inclusive: bool) -> dict[str, Decimal]:
    base = inc if tax_inclusive else ex
    return {
        "base_price": base,
        "price_ex_tax": ex,
        "price_inc_tax": inc,
        "price_tax": inc - ex,
        "base_total": base * quantity,
        "total_ex_tax": ex * quantity,
        "total_inc_tax": inc * quantity,
        "total_tax": (inc - ex) * quantity,
    }


def requantify(line: Json, quantity: int, tax_inclusive: bool) -> None:
    """Set a line's quantity as a merchant does: totals follow from the unit prices."""
    line["quantity"] = quantity
    amounts = _amounts(
        money.to_decimal(line["price_ex_tax"]),
        money.to_decimal(line["price_inc_tax"]),
        quantity,
        tax_inclusive,
    )
    line |= {key: money.to_money(value) for key, value in amounts.items()}
    line["discounted_total_inc_tax"] = discounted_total(line)


def complete_discount(given: Json) -> Json:
    """Fill in one entry of ``applied_discounts``; a code makes it a coupon."""
    code = given.get("code")
    default = "coupon" if code else "manual-discount"
    name = given.get("name") or code or "Manual Discount"
    return {
        "id": str(given.get("id", default)),
        "amount": money.format_or_keep(given.get("amount")),
        "name": name,
        "code": code,
        "target": given.get("target", "order"),
    }


def discounted_total(line: Json) -> str:
    """Compute what the shopper paid for a line: its total with tax less its discounts."""
    discounts = sum(
        (money.amount(item["amount"]) for item in line["applied_discounts"]), Decimal(0)
    )
    return money.format_or_keep(money.amount(line["total_inc_tax"]) - discounts)


def complete_address(given: Json) -> Json:
    """Fill in a shipping address with its costs."""
    address = ADDRESS | given
    ex = given.get("cost_ex_tax", given.get("cost_inc_tax", given.get("base_cost")))
    inc = given.get("cost_inc_tax", ex)
    address |= {"cost_ex_tax": ex, "cost_inc_tax": inc, "base_cost": given.get("base_cost", ex)}
    if given.get("cost_tax") is None:
        address["cost_tax"] = money.amount(inc) - money.amount(ex)
    for key in COSTS:
        address[key] = money.format_or_keep(address[key])
    return address
