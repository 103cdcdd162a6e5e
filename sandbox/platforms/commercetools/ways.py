"""The taxes of items in the shipping mode Multiple: by shipping method, as each has an address.

There an item has no ``taxRate`` and no ``taxedPrice``, but ``perMethodTaxRate`` and
``taxedPricePortions`` (raml/types/cart/LineItem.raml).
"""

from __future__ import annotations

from typing import Any

from sandbox.platforms.commercetools.money import cents

Json = dict[str, Any]
PARTS = ("totalNet", "totalGross", "totalTax")


def by_method(order: Json) -> Json:
    """Return an order of the mode Multiple with its items' taxes by shipping method."""
    if order["shippingMode"] != "Multiple":
        return order
    keys = [entry["shippingKey"] for entry in order["shipping"]]
    items = {
        name: [_divided(item, keys) for item in order[name]]
        for name in ("lineItems", "customLineItems")
    }
    return order | items


def taxed_prices(item: Json) -> list[Json]:
    """Return the taxed prices of an item: one, or one for each of its shipping methods."""
    if item.get("taxedPrice"):
        return [item["taxedPrice"]]
    portions = item.get("taxedPricePortions") or ()
    return [each["taxedPrice"] for each in portions if each.get("taxedPrice")]


def rates(item: Json) -> list[Json]:
    """Return the tax rates of an item."""
    methods = [each.get("taxRate") for each in item.get("perMethodTaxRate") or ()]
    return [rate for rate in (item.get("taxRate"), *methods) if isinstance(rate, dict)]


def _divided(item: Json, keys: list[str]) -> Json:
    """Return an item whose taxes are divided by the units that its targets name."""
    targets = (item.get("shippingDetails") or {}).get("targets") or ()
    units: dict[str, int] = {}
    for target in targets:
        if (key := target.get("shippingMethodKey")) in keys:
            units[key] = units.get(key, 0) + int(target["quantity"])
    units = units or dict.fromkeys(keys[:1], 1)
    changed = {name: value for name, value in item.items() if name not in ("taxRate", "taxedPrice")}
    if rate := item.get("taxRate"):
        changed["perMethodTaxRate"] = [{"shippingMethodKey": key, "taxRate": rate} for key in units]
    if whole := item.get("taxedPrice"):
        changed["taxedPricePortions"] = [
            {"shippingMethodKey": key, "taxedPrice": part}
            for key, part in zip(units, _portions(whole, list(units.values())), strict=True)
        ]
    return changed


def _portions(whole: Json, units: list[int]) -> list[Json]:
    """Return the parts of a taxed price; the last one has what rounding leaves."""
    currency = whole["totalNet"]["currencyCode"]
    left = {name: whole[name]["centAmount"] for name in PARTS}
    found: list[Json] = []
    for place, count in enumerate(units):
        of = sum(units[place:])
        net, tax = (left[name] * count // of for name in ("totalNet", "totalTax"))
        amounts = dict(zip(PARTS, (net, net + tax, tax), strict=True))
        left = {name: left[name] - amounts[name] for name in PARTS}
        part: Json = {name: cents(amount, currency) for name, amount in amounts.items()}
        part["taxPortions"] = [
            each | {"amount": part["totalTax"]} for each in whole.get("taxPortions", [])[:1]
        ]
        found.append(part)
    return found
