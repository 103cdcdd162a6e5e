"""Completes a given order: ids, totals, taxes and states that a cart would have computed.

What is given is kept as it is, so that a test can place any document. Shorthand: ``sku``, ``price``
as an amount in the major unit, ``discounted`` (the price after discounts), ``taxRate`` as a number.
"""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from sandbox.platforms.commercetools.clock import normalised
from sandbox.platforms.commercetools.money import cents, money, precise, rounded
from sandbox.platforms.commercetools.ways import by_method

Json = dict[str, Any]
INITIAL = {"typeId": "state", "id": "7c2e2694-aefe-43d7-888e-6a99514caaca"}
TAX_CATEGORY = {"typeId": "tax-category", "id": "5e0b1e7c-1f4f-4b3e-9d6d-8a1f7d1d1e01"}
PRODUCT_TYPE = {"typeId": "product-type", "id": "a5c7e173-9754-4f02-9b18-a600896ae0e1"}
TIMES = ("createdAt", "lastModifiedAt", "completedAt")


def new_id() -> str:
    """Return a new id."""
    return str(uuid.uuid4())


def complete(given: Json, now: str) -> Json:
    """Return a whole order."""
    document = dict(given)
    currency = document.pop("currency", None) or _currency_of(document)
    included = bool(document.pop("taxIncluded", False))
    for name in TIMES:
        if document.get(name):
            document[name] = normalised(document[name])
    created = document.get("createdAt") or document.get("lastModifiedAt") or now
    items = [_line(line, currency, included=included) for line in document.get("lineItems", [])]
    custom = [_custom(x, currency, included=included) for x in document.get("customLineItems", [])]
    order: Json = {
        "type": "Order",
        "id": new_id(),
        "version": 1,
        "createdAt": created,
        "lastModifiedAt": document.get("lastModifiedAt") or created,
        "orderState": "Open",
        "shipmentState": "Pending",
        "paymentState": "Pending",
        "shippingMode": "Single",
        "shipping": [],
        "syncInfo": [],
        "returnInfo": [],
        "refusedGifts": [],
        "discountCodes": [],
        "taxMode": "External",
        "inventoryMode": "None",
        "taxRoundingMode": "HalfEven",
        "taxCalculationMode": "LineItemLevel",
        "origin": "Customer",
        "itemShippingAddresses": [],
    }
    order |= document | {"lineItems": items, "customLineItems": custom}
    if isinstance(order.get("shippingInfo"), dict):
        order["shippingInfo"] = _shipping_info(order["shippingInfo"], currency, included=included)
    order["shipping"] = [
        entry | {"shippingInfo": _shipping_info(entry["shippingInfo"], currency, included=included)}
        for entry in order["shipping"]
    ]
    return by_method(_totals(order, currency) | document_totals(document))


def document_totals(document: Json) -> Json:
    """Return the totals that were given, which win over computed ones."""
    names = ("totalPrice", "taxedPrice", "taxedShippingPrice", "discountOnTotalPrice")
    return {name: document[name] for name in names if name in document}


def _currency_of(document: Json) -> str:
    total = document.get("totalPrice")
    return str(total["currencyCode"]) if isinstance(total, dict) else "USD"


def _line(given: Json, currency: str, *, included: bool) -> Json:
    line = dict(given)
    sku = line.pop("sku", None)
    price, discounted = line.pop("price", 0), line.pop("discounted", None)
    if not isinstance(price, dict) or "value" not in price:
        price = {"id": new_id(), "value": money(price, currency)}
    variant = {"id": 1, "prices": [], "images": [], "attributes": [], "assets": []}
    quantity = int(line.get("quantity", 1))
    whole: Json = {
        "id": new_id(),
        "productId": new_id(),
        "name": {"en": str(sku or "Product")},
        "productType": dict(PRODUCT_TYPE),
        "variant": variant | ({"sku": sku} if sku is not None else {}),
        "price": price,
        "quantity": quantity,
        "discountedPricePerQuantity": [],
        "state": [{"quantity": quantity, "state": dict(INITIAL)}],
        "priceMode": "Platform",
        "lineItemMode": "Standard",
        "perMethodTaxRate": [],
        "taxedPricePortions": [],
    }
    if discounted is not None:
        whole["discountedPricePerQuantity"] = [_discounted(discounted, price, quantity, currency)]
    return _priced(whole | line, price["value"], currency, included=included)


def _discounted(value: Any, price: Json, quantity: int, currency: str) -> Json:
    after = money(value, currency)
    off = cents(price["value"]["centAmount"] - after["centAmount"], currency)
    discount = {"typeId": "cart-discount", "id": "3f5c1c57-8f4c-4b63-9d0a-4f6a3f0c1a11"}
    portion = {"discount": discount, "discountedAmount": off}
    return {
        "quantity": quantity,
        "discountedPrice": {"value": after, "includedDiscounts": [portion]},
    }


def _custom(given: Json, currency: str, *, included: bool) -> Json:
    item = dict(given)
    item["money"] = money(item.get("money", 0), currency)
    quantity = int(item.get("quantity", 1))
    whole: Json = {
        "id": new_id(),
        "name": {"en": "Fee"},
        "slug": f"fee-{new_id()}",
        "quantity": quantity,
        "state": [{"quantity": quantity, "state": dict(INITIAL)}],
        "discountedPricePerQuantity": [],
        "perMethodTaxRate": [],
        "taxedPricePortions": [],
        "priceMode": "Standard",
    }
    return _priced(whole | item, item["money"], currency, included=included)


def _priced(item: Json, price: Json, currency: str, *, included: bool) -> Json:
    """Add total, tax rate and taxed price if they were not given."""
    if "totalPrice" not in item:
        parts = item["discountedPricePerQuantity"]
        counted = sum(part["quantity"] for part in parts)
        exact = precise(price) * (item["quantity"] - counted)
        exact += sum(precise(p["discountedPrice"]["value"]) * p["quantity"] for p in parts)
        item["totalPrice"] = cents(rounded(exact), currency)
    return _taxed(item, item["totalPrice"]["centAmount"], currency, included=included)


def _taxed(item: Json, total: int, currency: str, *, included: bool) -> Json:
    rate = item.get("taxRate")
    if isinstance(rate, int | float | str):
        item["taxRate"] = rate = {
            "name": "Tax",
            "amount": float(rate),
            "includedInPrice": included,
            "country": "US",
            "subRates": [],
        }
    if isinstance(rate, dict) and "taxedPrice" not in item:
        share = Decimal(str(rate["amount"]))
        whole = Decimal(total)
        tax = rounded(whole * share / (1 + share) if rate.get("includedInPrice") else whole * share)
        net, gross = (total - tax, total) if rate.get("includedInPrice") else (total, total + tax)
        portion = {"rate": rate["amount"], "name": rate.get("name", "Tax")}
        item["taxedPrice"] = _taxed_price(net, gross, [portion], currency)
    return item


def _taxed_price(net: int, gross: int, portions: list[Json], currency: str) -> Json:
    tax = cents(gross - net, currency)
    return {
        "totalNet": cents(net, currency),
        "totalGross": cents(gross, currency),
        "taxPortions": [portion | {"amount": tax} for portion in portions[:1]],
        "totalTax": tax,
    }


def _shipping_info(given: Json, currency: str, *, included: bool) -> Json:
    info = dict(given)
    price = money(info.get("price", 0), currency)
    rate = {"price": price, "tiers": []}
    whole: Json = {
        "shippingMethodName": "Standard",
        "shippingRate": rate,
        "taxCategory": dict(TAX_CATEGORY),
        "deliveries": [],
        "shippingMethodState": "MatchesCart",
    }
    whole |= info | {"price": price}
    off = whole.get("discountedPrice")
    if off is not None and "value" not in off:
        raise ValueError("shippingInfo.discountedPrice needs a value")
    total = (off["value"] if off else price)["centAmount"]
    return _taxed(whole, total, currency, included=included)


def _totals(order: Json, currency: str) -> Json:
    parts = [(i["totalPrice"], i.get("taxedPrice")) for i in _items(order)]
    shipping = [(_charged(info), info.get("taxedPrice")) for info in shipping_infos(order)]
    total = sum(price["centAmount"] for price, _ in parts + shipping)
    off = order.get("discountOnTotalPrice")
    total -= off["discountedAmount"]["centAmount"] if off else 0
    order["totalPrice"] = cents(total, currency)
    taxed = [price for _, price in parts + shipping if price]
    if parts and len(taxed) == len(parts + shipping) and not off:
        order["taxedPrice"] = _sum(taxed, currency)
        if shipping:
            order["taxedShippingPrice"] = _sum(taxed[len(parts) :], currency)
    return order


def _sum(taxed: list[Json], currency: str) -> Json:
    net = sum(each["totalNet"]["centAmount"] for each in taxed)
    gross = sum(each["totalGross"]["centAmount"] for each in taxed)
    rates = [portion for each in taxed for portion in each["taxPortions"]]
    return _taxed_price(net, gross, rates, currency)


def _charged(info: Json) -> Json:
    off = info.get("discountedPrice")
    price: Json = off["value"] if off else info["price"]
    return price


def _items(order: Json) -> list[Json]:
    return [*order["lineItems"], *order["customLineItems"]]


def shipping_infos(order: Json) -> list[Json]:
    """Return the order's ``ShippingInfo`` of either mode."""
    single = order.get("shippingInfo")
    return ([single] if single else []) + [entry["shippingInfo"] for entry in order["shipping"]]
