"""Canonical prices: what an OMS asks for a SKU, and what a store shows for it."""

from __future__ import annotations

import re
from decimal import Decimal

from domain.records.record import (
    Record,
    check_amounts,
    check_code,
    check_keys,
    check_moment,
    check_sku,
)
from domain.values import Key, Sku, UtcDatetime

CURRENCY = re.compile(r"([A-Z]{3})?")


class Price(Record, frozen=True, kw_only=True):
    """What the OMS asks for one unit of a SKU, in one of its price lists.

    Amounts are in whole units of the currency, exact. A period states when the price is in force,
    from ``valid_from`` until just before ``valid_until``.
    """

    sku: Sku
    price_list: Key = ""
    """The OMS's price list or market; empty if it has one price for all."""
    currency: str = ""
    """ISO 4217; empty if the OMS states none, until the connection's rule adds it."""
    regular: Decimal
    sale: Decimal | None = None
    """What is asked instead of ``regular`` now; ``None``: nothing else."""
    valid_from: UtcDatetime | None = None
    valid_until: UtcDatetime | None = None

    def __post_init__(self) -> None:
        check_sku(self, self.sku)
        check_keys(self, self.price_list)
        check_code(self, "currency", CURRENCY)
        check_amounts(self, self.regular)
        if self.sale is not None:
            check_amounts(self, self.sale)
        check_moment(self, "valid_from")
        check_moment(self, "valid_until")
