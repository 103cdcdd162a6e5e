"""The store's orders: compressed documents, and sorted indices by id, creation and modification.

60,000 orders must fit in memory and a page must not cost a scan, so a record keeps only the
filterable fields as objects. Documents are zstd frames with one shared dictionary (a sample order):
most of an order is field names and defaults.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import orjson
import zstandard

from sandbox.platforms.bigcommerce import dates, money
from sandbox.platforms.bigcommerce.rendering import Links, consignments, render_head

Json = dict[str, Any]

ID_BITS = 32
ID_MASK = (1 << ID_BITS) - 1
LEVEL = 1
BULK = 64


def index_key(epoch: int, order_id: int) -> int:
    """Combine a time and an id into one integer that sorts as the pair does."""
    return epoch << ID_BITS | order_id


@dataclass(slots=True)
class Record:
    """One order: the fields for filters and sorting, and its compressed document."""

    id: int
    created: int
    modified: int
    status_id: int
    customer_id: int
    channel_id: int
    email: str
    external_order_id: str
    external_id: str
    payment_method: str
    cart_id: str
    total: int
    """Total with tax in ten-thousandths."""
    is_deleted: bool
    document: bytes
    head: bytes | None = None
    lines: bytes | None = None
    """Rendered header and expanded consignments, built on demand and dropped at every change."""


class OrderBook:
    """All orders of a store."""

    def __init__(self, links: Links, dictionary: bytes) -> None:
        self.links = links
        self.dictionary = dictionary
        shared = zstandard.ZstdCompressionDict(dictionary, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        shared.precompute_compress(level=LEVEL)
        self._compress = zstandard.ZstdCompressor(level=LEVEL, dict_data=shared).compress
        self._unpack = zstandard.ZstdDecompressor(dict_data=shared).decompress
        self.records: dict[int, Record] = {}
        self.by_id: list[int] = []
        self.by_created: list[int] = []
        self.by_modified: list[int] = []
        self.version = 0

    def add(self, documents: Iterable[Json], now: int) -> None:
        """Add orders with new ids; one without a readable date is listed as of ``now``."""
        fresh = [self._record(document, now) for document in documents]
        self._insert(fresh)
        if len(fresh) >= BULK:
            # Rendered now, so that a load test does not time it in its first listing.
            for record in fresh:
                self.rendered(record)

    def _insert(self, fresh: list[Record]) -> None:
        indices = (self.by_id, self.by_created, self.by_modified)
        for record in fresh:
            self.records[record.id] = record
            keys = (
                record.id,
                index_key(record.created, record.id),
                index_key(record.modified, record.id),
            )
            for index, key in zip(indices, keys, strict=True):
                insort(index, key) if len(fresh) < BULK else index.append(key)
        if len(fresh) >= BULK:
            for index in indices:
                index.sort()
        self.version += 1

    def load(self, order_id: int) -> Json | None:
        """Return a copy of one document; change it and ``save`` it."""
        record = self.records.get(order_id)
        document: Json | None = orjson.loads(self._unpack(record.document)) if record else None
        return document

    def save(self, document: Json, now: int) -> None:
        """Store a changed order and set its ``date_modified``."""
        document["order"]["date_modified"] = dates.to_rfc2822(now)
        old = self.records[document["order"]["id"]]
        new = self._record(document, old.created)
        _move(self.by_modified, index_key(old.modified, old.id), index_key(new.modified, new.id))
        _move(self.by_created, index_key(old.created, old.id), index_key(new.created, new.id))
        self.records[new.id] = new
        self.version += 1

    def _pack(self, text: bytes) -> bytes:
        """Compress and copy: the compressor's own result keeps a block of 13 kB an order."""
        return bytes(memoryview(self._compress(text)))

    def rendered(self, record: Record) -> tuple[bytes, bytes]:
        """Return an order's header (without closing brace) and expanded consignments as JSON."""
        if record.head is None or record.lines is None:
            document = orjson.loads(self._unpack(record.document))
            head = render_head(document, self.links)
            lines = orjson.dumps(consignments(document, self.links, expanded=True))
            record.head, record.lines = self._pack(head), self._pack(lines)
            return head, lines
        return self._unpack(record.head), self._unpack(record.lines)

    def _record(self, document: Json, fallback: int) -> Record:
        order = document["order"]
        created, modified = (
            dates.parse_or_none(order["date_created"]),
            dates.parse_or_none(order["date_modified"]),
        )
        created = fallback if created is None else created
        return Record(
            id=order["id"],
            created=created,
            modified=created if modified is None else modified,
            status_id=order["status_id"],
            customer_id=int(order["customer_id"]),
            channel_id=order["channel_id"],
            email=order["billing_address"]["email"],
            external_order_id=order["external_order_id"] or "",
            external_id=order["external_id"] or "",
            payment_method=order["payment_method"],
            cart_id=order["cart_id"],
            total=int(money.amount(order["total_inc_tax"]) * 10_000),
            is_deleted=order["is_deleted"],
            document=self._pack(orjson.dumps(document)),
        )

    def state(self) -> list[Record]:
        """Return all records ordered by id, without their rendered parts."""
        return [replace(self.records[number], head=None, lines=None) for number in self.by_id]

    def restore(self, state: list[Record]) -> None:
        """Restore what ``state`` returned; the dictionary must be the same."""
        self._insert(state)


def _move(index: list[int], old: int, new: int) -> None:
    if old != new:
        del index[bisect_left(index, old)]
        insort(index, new)
