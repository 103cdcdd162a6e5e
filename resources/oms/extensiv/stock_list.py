"""Reading an account's stock: single SKUs, or all of it (oms.md, section 2.6)."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from domain.errors import PermanentError
from domain.identity import fallback_id
from domain.parsing.vendor_documents import text_of
from domain.skus import sku_key
from domain.values import LONG_AGO
from resources.http.client import ApiClient
from resources.oms.extensiv.client import KIND, fetch, fetch_one, path_of, refused_read, rows_of
from resources.oms.extensiv.payload import (
    Id,
)
from resources.oms.extensiv.settings import ExtensivSettings

PAGE_SIZE = 100
MOST_PAGES = 1_000_000
NO_ROW = (b"null", b"[]", b"{}")


class _RowKey(msgspec.Struct):
    sku: Id = None


_ROW_KEY = msgspec.json.Decoder(_RowKey)


class StockList:
    """Reads the stock of an account: single SKUs, or all of it."""

    def __init__(self, client: ApiClient, settings: ExtensivSettings) -> None:
        self._client, self._settings = client, settings
        self._kept: dict[str, bytes] | None = None
        self._kept_until = 0.0
        self._kept_from = LONG_AGO

    def rows(
        self, skus: Collection[str], not_before: datetime | None = None
    ) -> Iterator[list[bytes]]:
        """Read the rows of SKUs; those that the account does not stock are absent.

        A row without a readable SKU is among them: it may be one that was asked for. A kept list
        serves only if it was read at ``not_before`` or later; without it, while it is kept.
        """
        asked = list(dict.fromkeys(skus))
        if len(asked) <= self._settings.single_reads:
            for sku in asked:
                row = self._single(sku)
                if row is not None:
                    yield [row]
            return
        wanted = {"", *(sku_key(sku) for sku in asked)}
        for page in self.everything(not_before):
            if found := [row for row in page if sku_key(sku_of(row)) in wanted]:
                yield found

    def everything(self, not_before: datetime | None = None) -> Iterator[list[bytes]]:
        """Read all rows, each SKU once; a list that was just read serves again, as in ``rows``."""
        is_kept = self._kept is not None and time.monotonic() < self._kept_until
        if is_kept and (not_before is None or self._kept_from >= not_before):
            yield list((self._kept or {}).values())
            return
        started = datetime.now(UTC)
        kept: dict[str, bytes] | None = {}
        seen: set[str] = set()
        for rows in self._pages():
            fresh = {sku_of(row) or fallback_id(row): row for row in rows}
            fresh = {sku: row for sku, row in fresh.items() if sku not in seen}
            seen |= fresh.keys()
            if kept is not None:
                kept |= fresh
                kept = kept if len(kept) <= self._settings.most_kept else None
            if fresh:
                yield list(fresh.values())
        self._kept, self._kept_from = kept, started
        self._kept_until = time.monotonic() + self._settings.snapshot_ttl.total_seconds()

    def _pages(self) -> Iterator[list[bytes]]:
        for number in range(1, MOST_PAGES):
            path = self._settings.paths.stock
            answer, reply = fetch(
                self._client, self._settings.codes, path, limit=PAGE_SIZE, page=number
            )
            if answer.is_refused:
                raise refused_read(reply, answer)
            rows = rows_of(answer, reply.where)
            if not rows:
                return
            yield rows
        raise PermanentError(f"{KIND}: the list of stock has no end; trying again won't help")

    def _single(self, sku: str) -> bytes | None:
        path = path_of(self._settings.paths.level, sku=sku)
        row = fetch_one(self._client, self._settings.codes, path)
        if row is None or row in NO_ROW:
            return None
        return row if sku_key(sku_of(row)) in ("", sku_key(sku)) else None


def sku_of(row: bytes) -> str:
    """Return the SKU of a row, empty if it has none that can be read."""
    with suppress(ValueError, RecursionError):
        return text_of(_ROW_KEY.decode(row).sku)
    return ""
