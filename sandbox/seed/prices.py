"""Prices of the OMS's items, in a seed's form: every simulated OMS that has prices takes it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def price_row(sku: str, amount: Decimal) -> dict[str, Any]:
    """Return a row of the control call ``POST prices``."""
    return {"ItemId": sku, "CurrencyCode": "USD", "BasePrice": str(amount)}
