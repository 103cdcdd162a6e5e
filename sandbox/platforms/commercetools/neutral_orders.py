"""Neutral orders, as the control call ``place`` takes them, as a project's documents."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def neutral(given: Json) -> Json:
    """Return a neutral order as an order document."""
    shipping, address = given.get("shipping"), given.get("address", {})
    address = {"key": "home", "country": "US"} | address
    document: Json = {
        "orderNumber": str(given["number"]),
        "createdAt": given["at"],
        "currency": given.get("currency", "USD"),
        "customerEmail": given["email"],
        "shippingAddress": address,
        "billingAddress": address,
        "lineItems": given["lines"],
    }
    if shipping is not None:
        info = {"shippingMethodName": shipping["method"], "price": shipping["price"]}
        document["shippingInfo"] = info
    return document
