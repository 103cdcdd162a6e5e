"""Reading stock levels: the rows of the OMS, and a note for each row that is missing.

An OMS may leave out the row of an item that it does not have, or no longer. What is missing is in
no answer, so Lockstep writes a note in its place, which follows ``inventory.missing_item``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import orjson

from assets.streams.catalog.store_items import known_items
from assets.streams.inventory.plan import MISSING
from domain.errors import RecordRejected, TransientError
from domain.exchange import Mapped, RawRecord, Skipped
from domain.records.inventory import StockLevel
from domain.skus import sku_key
from domain.sources import Page, Scope
from domain.values import Window
from resources.ledger.session import Session
from resources.sync import Sync

UNKNOWN_ITEM = "item_unknown"
"""The rule of an OMS's adapter for a row that states that the item is unknown."""
NOTE = b'{"missing_row":'
SMALLEST_READ = 20
"""Below this many known levels a read that lacks most of them says nothing about the OMS."""


class _Missing(msgspec.Struct):
    sku: str
    node: str


class _Note(msgspec.Struct):
    missing_row: _Missing


_note = msgspec.json.Decoder(_Note)


def read_rows(
    sync: Sync, session: Session, skus: Sequence[str], not_before: datetime
) -> Iterator[Page]:
    """Yield the rows of some SKUs in pages, and at last the notes for those that are missing.

    ``not_before`` is when the reading started of which these are a part. Raises ``TransientError``
    where so many levels are missing that the answer is at fault.
    """
    returned: set[str] = set()
    is_readable, is_complete = True, False
    now = datetime.now(UTC)
    for page in sync.stock.fetch(Window(now, now), Scope(skus, not_before)):
        is_complete = is_complete or page.complete
        for row in page.records:
            sku, separator, node = row.source_id.rpartition("@")
            is_readable = is_readable and bool(separator)
            returned.add(f"{sku_key(sku)}@{node}")
        yield page
    # A row whose SKU can't be read may be the one that seems to be missing.
    if is_readable and is_complete:
        yield Page(_missing(sync, session, skus, returned))


def _missing(
    sync: Sync, session: Session, skus: Sequence[str], returned: set[str]
) -> list[RawRecord]:
    policy = sync.connection.inventory
    asked = [(sku, node) for sku in skus for node in nodes_of(sync)]
    missing = [(sku, node) for sku, node in asked if f"{sku_key(sku)}@{node}" not in returned]
    if not missing:
        return []
    known = session.levels.known([f"{sku}@{node}" for sku, node in asked])
    lost = known & {f"{sku}@{node}" for sku, node in missing}
    if len(known) >= SMALLEST_READ and len(lost) > policy.most_missing * len(known):
        raise TransientError(
            f"{sync.name}: the OMS returned no stock for {len(lost)} of {len(known)} levels that "
            f"it had before, more than inventory.most_missing ({policy.most_missing:.0%}) allows. "
            "Nothing was changed; the next read tries again. Raise the limit for one read if they "
            "really are gone."
        )
    if policy.missing_item == "skip":
        return []
    now = datetime.now(UTC)
    return [_missing_row(sku, node, now) for sku, node in missing]


def nodes_of(sync: Sync) -> tuple[str, ...]:
    """Return the nodes of which the OMS is asked for each SKU."""
    policy = sync.connection.inventory
    return tuple(policy.nodes) if policy.mode == "by_node" else (sync.stock.view,)


def _missing_row(sku: str, node: str, now: datetime) -> RawRecord:
    payload = orjson.dumps({"missing_row": {"sku": sku, "node": node}})
    return RawRecord(f"{sku}@{node}", now, payload, payload)


class LevelMapper:
    """Maps rows and notes by the policy for missing items; look-ups are done once for a batch."""

    def __init__(self, sync: Sync, session: Session, rows: Iterable[tuple[str, bytes]]) -> None:
        self._sync, self._policy = sync, sync.connection.inventory
        rows = list(rows)
        self._ids = {payload: source_id for source_id, payload in reversed(rows)}
        """Row or note -> its id; of equal ones the first."""
        self._absent = (
            self._look_up(session, rows) if self._policy.missing_item == "skip" else set()
        )

    def _look_up(self, session: Session, rows: Sequence[tuple[str, bytes]]) -> set[str]:
        """Return the SKUs without stock that the item master lacks.

        A zero row of such an item means a missing item, not zero stock.
        """
        empty = {
            source_id.rsplit("@", 1)[0]
            for source_id, payload in rows
            if not payload.startswith(NOTE) and self._is_empty(payload)
        }
        return empty - known_items(self._sync, session, empty).keys()

    def _is_empty(self, payload: bytes) -> bool:
        try:
            mapped = self._sync.stock.to_canonical(payload)
        except RecordRejected:
            return False
        return isinstance(mapped, Mapped) and mapped.record.available == 0

    def to_level(self, payload: bytes) -> Mapped[StockLevel] | Skipped:
        """Map one row. Raises ``RecordRejected``."""
        if payload.startswith(NOTE):
            row = _note.decode(payload).missing_row
            return self._missing(row.sku, row.node)
        mapped = self._sync.stock.to_canonical(payload)
        if isinstance(mapped, Skipped):
            if mapped.rule != UNKNOWN_ITEM or self._policy.missing_item == "skip":
                return mapped
            sku, _, node = self._ids[payload].rpartition("@")
            return self._missing(sku, node)
        if mapped.record.sku in self._absent:
            return self._missing(mapped.record.sku, mapped.record.node)
        return mapped

    def _missing(self, sku: str, node: str) -> Mapped[StockLevel] | Skipped:
        if self._policy.missing_item == "zero":
            level = StockLevel(sku=sku, node=node, available=Decimal(0), status="out_of_stock")
            return Mapped(level)
        return Skipped(MISSING, "the OMS does not know the item; inventory.missing_item is skip")
