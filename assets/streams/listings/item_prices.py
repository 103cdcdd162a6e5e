"""The OMS's prices of items that are created in the store, where a product needs one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from domain.errors import RecordRejected
from domain.exchange import Mapped
from domain.policies import PricesPolicy
from domain.prices import OWN_PRICES
from domain.records.prices import Price
from domain.rules.pricing import list_of, not_in_force
from resources.sync import Sync


def prices_of(sync: Sync, skus: Sequence[str]) -> dict[str, str]:
    """Return by SKU the regular price of an OMS's unit, as text; a SKU without one is absent.

    A price that can't be read, or of which there are two, is none: the item is then rejected as
    incomplete.
    """
    source = sync.oms.sources.get("prices")
    if source is None or not skus:
        return {}
    policy, now = sync.connection.prices, datetime.now(UTC)
    found: dict[str, set[Decimal]] = {}
    for page in source.read(skus):
        for record in page.records:
            try:
                mapped = source.to_canonical(record.payload)
            except RecordRejected:
                continue
            if isinstance(mapped, Mapped) and _is_the_stores_own(mapped.record, policy, now):
                found.setdefault(mapped.record.sku, set()).add(mapped.record.regular)
    return {sku: f"{min(amounts):f}" for sku, amounts in found.items() if len(amounts) == 1}


def _is_the_stores_own(price: Price, policy: PricesPolicy, now: datetime) -> bool:
    return (
        price.regular > 0
        and price.currency in ("", policy.currency)
        and list_of(price, policy) == OWN_PRICES
        and not_in_force(price, now) is None
    )
