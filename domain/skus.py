"""Identity of SKUs: systems may spell one SKU with other case or spaces. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Generic, TypeVar

T = TypeVar("T")


def sku_key(sku: str) -> str:
    """Return a SKU without differences of case and spaces."""
    return " ".join(sku.split()).casefold()


def by_key(units: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Return the sums of units by SKU key."""
    found: dict[str, Decimal] = {}
    for sku, quantity in units:
        key = sku_key(sku)
        found[key] = found.get(key, Decimal(0)) + quantity
    return found


class BySku(Generic[T]):
    """Values by SKU. The exact spelling wins; else the only one that differs in case or spaces."""

    def __init__(self, values: Mapping[str, T]) -> None:
        self._exact = values
        self._spellings: dict[str, str | None] = {}
        for sku in values:
            key = sku_key(sku)
            # Two SKUs that differ in case only: neither of them is meant by a third spelling.
            self._spellings[key] = None if key in self._spellings else sku

    def get(self, sku: str) -> T | None:
        """Return the value of a SKU, ``None`` if there is none, or no unique one."""
        if sku in self._exact:
            return self._exact[sku]
        spelled = self._spellings.get(sku_key(sku))
        return None if spelled is None else self._exact[spelled]
