"""Products of an account, read one by one: each is a call of the leaky bucket of all reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import orjson

from domain.errors import AccessRefused, LockstepError, RateLimited
from domain.exchange import RawRecord
from domain.identity import fallback_id, is_composed_id
from domain.parsing.vendor_documents import text_of
from domain.sources import EVERYTHING, Page, Scope, Shape, read_named
from domain.values import Window
from resources.http.client import ApiClient
from resources.oms.extensiv.client import fetch_one, path_of
from resources.oms.extensiv.payload import ListedRow, PricedRow, unreadable
from resources.oms.extensiv.personal import FACTS
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.extensiv.stock_list import NO_ROW

UNREAD = "lockstep_unread"
"""The field of Lockstep's own that says why a product could not be read."""
MOST_UNREAD = 3
"""Products of a read that can't be read before the account counts as failing."""


class ProductReads(ABC):
    """What sources of one account's products share: they read them in turn, by SKU."""

    shape: ClassVar[Shape] = "snapshot"
    facts: ClassVar[frozenset[str]] = FACTS
    suffix: ClassVar[str] = ""
    """Follows the SKU in a record's id."""
    refusal: ClassVar[str]
    """Why nothing is read where no SKUs are named."""

    def __init__(self, client: ApiClient, settings: ExtensivSettings) -> None:
        self._client, self._settings = client, settings

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: products are read in turn, whenever they are asked for."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the products in scope."""
        del window
        return read_named(self.read, scope, self.refusal)

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read products, a call each; those that the account lacks are absent.

        A product that can't be read while others can becomes a rejection. Raises the account's
        fault if none can be read, or too many can't.
        """
        unread: dict[str, LockstepError] = {}
        answered = 0
        for sku in dict.fromkeys(ids):
            path = path_of(self._settings.paths.product, sku=sku)
            try:
                row = fetch_one(self._client, self._settings.codes, path)
            except (AccessRefused, RateLimited):
                raise
            except LockstepError as error:
                unread[sku] = error
                if len(unread) > MOST_UNREAD:
                    raise
                continue
            answered += 1
            if row is not None and row not in NO_ROW:
                yield Page([self._record(row)])
        if unread and not answered:
            raise next(iter(unread.values()))
        for sku, fault in unread.items():
            yield Page([self._unread(sku, fault)])

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the account shows its products whenever it is asked."""
        del done

    @abstractmethod
    def _record(self, row: bytes) -> RawRecord:
        """Return a product as it is captured."""

    def _unread(self, sku: str, error: LockstepError) -> RawRecord:
        """Return what is captured instead of a product; its content is the same each time."""
        payload = orjson.dumps({"sku": sku, UNREAD: str(error)})
        content = orjson.dumps([sku, UNREAD])
        return RawRecord(self._name(sku, sku.encode()), datetime.now(UTC), payload, content)

    def _name(self, sku: str, row: bytes) -> str:
        """Return the record's id of a product: its SKU, unless that can't be an id."""
        name = f"{sku}{self.suffix}"
        return name if sku and is_composed_id(name) else fallback_id(row)

    def _price(self, row: PricedRow | ListedRow) -> Decimal | None:
        """Return the price that the settings choose."""
        is_retail = self._settings.price_field == "retail_price"
        return row.retail_price if is_retail else row.wholesale_price


def sku_read(row: PricedRow | ListedRow) -> str:
    """Return a captured product's SKU. Raises the problem of one that was not read or has none."""
    if row.lockstep_unread is not None:
        raise unreadable("sku", f"The product could not be read: {row.lockstep_unread}")
    if not (sku := text_of(row.sku)):
        raise unreadable("sku", "The product has no SKU.")
    return sku
