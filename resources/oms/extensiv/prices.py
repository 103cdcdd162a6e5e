"""Prices: one of a product's two prices, read product by product (oms.md, section 2.3).

The account has no list of products with their prices and no query for what has changed, so each
read is a call of the leaky bucket that all other reads share: a run reads some SKUs, those that
were read longest ago.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from domain.errors import RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import fallback_id
from domain.parsing.vendor_documents import text_of
from domain.records.prices import Price
from resources.oms.extensiv.parsing import Findings
from resources.oms.extensiv.payload import decode_priced
from resources.oms.extensiv.products import ProductReads, sku_read

NOT_SET = "price_not_set"
"""The rule that leaves a product alone whose price is 0 or absent."""


class PricesSource(ProductReads):
    """The prices of one account, of the SKUs that are asked for."""

    suffix = "@"
    refusal = "extensiv: prices can only be read for named SKUs, and none were named"

    @property
    def skus_a_read(self) -> int:
        """Return how many SKUs a run reads at most."""
        return self._settings.prices_a_read

    def to_canonical(self, payload: bytes) -> Mapped[Price] | Skipped:
        """Map a captured product. Raises ``RecordRejected`` ``oms_payload_unreadable``."""
        decoded = decode_priced(payload)
        row, name = decoded.document, self._settings.price_field
        found = Findings(decoded.problems)
        with found.collecting():
            sku, written = sku_read(row), self._price(row)
            amount = found.number(written, name) if written is not None else None
            price = Price(sku=sku, regular=amount) if amount else None
        if price is None:
            return Skipped(NOT_SET, f"the product's {name} is not set")
        return Mapped(price)

    def _record(self, row: bytes) -> RawRecord:
        """Return a product; its content leaves out the time, which changes at every look."""
        now = datetime.now(UTC)
        try:
            product = decode_priced(row).document
        except RecordRejected:
            return RawRecord(fallback_id(row), now, row)
        sku = text_of(product.sku)
        content = orjson.dumps([sku, self._price(product)], default=_form)
        return RawRecord(self._name(sku, content), now, row, content)


def _form(amount: Any) -> str:
    """Return an amount in one form: 12.50 and 12.5 are the same price."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
