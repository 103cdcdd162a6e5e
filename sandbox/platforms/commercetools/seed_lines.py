"""Lines of a seed's order as line items, and charges as custom line items."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sandbox.platforms.commercetools.documents import PRODUCT_TYPE
from sandbox.platforms.commercetools.money import cents, digits_of
from sandbox.platforms.commercetools.seed_money import Pricing, discount_of

Json = dict[str, Any]
DIGITAL_TYPE = {"typeId": "product-type", "id": "f2a4c6e8-0b1d-4c3e-8f5a-7b9d1c3e5a70"}
"""The product type of downloads."""


def line_item(line: Json, pricing: Pricing, identifier: str, places: list[Any]) -> Json:
    """Return a line item; its units go to one of the places."""
    quantity = int(line["quantity"])
    price = pricing.price(pricing.amount(line, "base_price"))
    total = cents(
        pricing.minor(pricing.stated(line, "total") - discount_of(line)), pricing.currency
    )
    item: Json = {
        "id": identifier,
        "sku": line["sku"],
        "name": {"en": line["name"]},
        "quantity": quantity,
        "price": {"id": str(uuid5(NAMESPACE_URL, f"price/{identifier}")), "value": price},
        "totalPrice": total,
        "discountedPricePerQuantity": _discounts(line, pricing, quantity),
        "productType": dict(DIGITAL_TYPE if line["type"] == "digital" else PRODUCT_TYPE),
    }
    taxed = pricing.line(line)
    item |= {name: taxed[name] for name in ("taxRate", "taxedPrice") if name in taxed}
    index = line.get("address_index")
    if len(places) > 1 and index is not None:
        key = places[index].key
        target = {"addressKey": key, "quantity": quantity, "shippingMethodKey": key}
        item["shippingDetails"] = {"targets": [target], "valid": True}
    return item


def custom_item(name: str, slug: str, charge: Json) -> Json:
    """Return a custom line item of an amount with its tax."""
    price = charge["price"]
    item: Json = {"name": {"en": name}, "slug": slug, "money": price, "totalPrice": price}
    return item | {key: charge[key] for key in ("taxRate", "taxedPrice") if key in charge}


def _discounts(line: Json, pricing: Pricing, quantity: int) -> list[Json]:
    """Return the discounted price of each unit: a discount's odd minor units lower some by one."""
    parts = line.get("applied_discounts") or []
    off = pricing.minor(discount_of(line))
    if not off or quantity < 1:
        return []
    least, odd = divmod(off, quantity)
    found = []
    for units, each in ((quantity - odd, least), (odd, least + 1)):
        if units:
            price = pricing.amount(line, "base_price").scaleb(digits_of(pricing.currency)) - each
            found.append(
                {
                    "quantity": units,
                    "discountedPrice": {
                        "value": pricing.price(price.scaleb(-digits_of(pricing.currency))),
                        "includedDiscounts": _portions(parts, pricing, quantity, each),
                    },
                }
            )
    return found


def _portions(parts: list[Json], pricing: Pricing, quantity: int, off: int) -> list[Json]:
    """Divide what is off a unit between the discounts; the first has what the others leave."""
    shares = [pricing.minor(pricing.amount(part, "amount")) // quantity for part in parts]
    shares[0] = off - sum(shares[1:])
    return [
        {
            "discount": {
                "typeId": "cart-discount",
                "id": str(uuid5(NAMESPACE_URL, f"discount/{part['name']}")),
            },
            "discountedAmount": cents(share, pricing.currency),
        }
        for part, share in zip(parts, shares, strict=True)
        if share
    ]
