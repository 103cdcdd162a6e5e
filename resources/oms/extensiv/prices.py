"""Prices: one of a product's two prices, read product by product (oms.md, section 2.3).

The account has no list of products with their prices and no query for what has changed, so each
read is a call of the leaky bucket that all other reads share: a run reads some SKUs, those that
were read longest ago.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from domain.errors import LockstepError, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import fallback_id
from domain.parsing.vendor_documents import text_of
from domain.records.prices import Price
from domain.sources import EVERYTHING, Page, Scope, Shape, read_named
from domain.values import Window
from resources.http.client import ApiClient
from resources.oms.extensiv.parsing import Findings
from resources.oms.extensiv.payload import PricedRow, decode_priced, unreadable
from resources.oms.extensiv.personal import FACTS
from resources.oms.extensiv.products import name_of, rows_of, unread_row
from resources.oms.extensiv.settings import ExtensivSettings

NOT_SET = "price_not_set"
"""The rule that leaves a product alone whose price is 0 or absent."""


class PricesSource:
    """The prices of one account, of the SKUs that are asked for."""

    shape: ClassVar[Shape] = "snapshot"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(self, client: ApiClient, settings: ExtensivSettings) -> None:
        self._client, self._settings = client, settings

    @property
    def skus_a_read(self) -> int:
        """Return how many SKUs a run reads at most."""
        return self._settings.prices_a_read

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: prices are read in turn, whenever they are asked for."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the prices of the SKUs in scope."""
        del window
        refusal = "extensiv: prices can only be read for named SKUs, and none were named"
        return read_named(self.read, scope, refusal)

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read the prices of SKUs, a call each.

        A product that can't be read while others can becomes a rejection. Raises the account's
        fault if none can be read, or too many can't.
        """
        for sku, row in rows_of(self._client, self._settings, ids):
            yield Page([_unread(sku, row) if isinstance(row, LockstepError) else self._record(row)])

    def to_canonical(self, payload: bytes) -> Mapped[Price] | Skipped:
        """Map a captured product. Raises ``RecordRejected`` ``oms_payload_unreadable``."""
        decoded = decode_priced(payload)
        row, name = decoded.document, self._settings.price_field
        found = Findings(decoded.problems)
        with found.collecting():
            sku = text_of(row.sku)
            if row.lockstep_unread is not None:
                raise unreadable("sku", f"The product could not be read: {row.lockstep_unread}")
            if not sku:
                raise unreadable("sku", "The product has no SKU.")
            written = _price(row, name)
            amount = found.number(written, name) if written is not None else None
            price = Price(sku=sku, regular=amount) if amount else None
        if price is None:
            return Skipped(NOT_SET, f"the product's {name} is not set")
        return Mapped(price)

    async def acknowledge(self, done: Collection[str]) -> None:
        """Do nothing: the account shows its products whenever it is asked."""

    def _record(self, payload: bytes) -> RawRecord:
        """Return a product; its content leaves out the time, which changes at every look."""
        now = datetime.now(UTC)
        try:
            row = decode_priced(payload).document
        except RecordRejected:
            return RawRecord(fallback_id(payload), now, payload)
        sku = text_of(row.sku)
        content = orjson.dumps([sku, _price(row, self._settings.price_field)], default=_form)
        return RawRecord(name_of(sku, content, "@"), now, payload, content)


def _unread(sku: str, error: LockstepError) -> RawRecord:
    payload, content = unread_row(sku, error)
    return RawRecord(name_of(sku, sku.encode(), "@"), datetime.now(UTC), payload, content)


def _price(row: PricedRow, name: str) -> Decimal | None:
    return row.retail_price if name == "retail_price" else row.wholesale_price


def _form(amount: Any) -> str:
    """Return an amount in one form: 12.50 and 12.5 are the same price."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
