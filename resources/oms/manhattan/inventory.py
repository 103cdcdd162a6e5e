"""Availability: reading its rows, and the stock level of each (oms.md, section 1.8).

The network view returns a zero row for an item that it does not know, and nothing in that row need
distinguish it from an item without stock: then only the item master can, which the caller asks.
Where a tenant marks such rows (``codes.unknown_item_statuses``) they are skipped by the rule
``item_unknown``, so that missing never looks like zero. The location view returns no row at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar, Literal

import msgspec
import orjson

from domain.errors import Problem
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import fallback_id, is_composed_id
from domain.parsing.vendor_documents import text_of
from domain.policies import InventoryPolicy
from domain.records.inventory import StockLevel
from domain.sources import EVERYTHING, Page, Scope, Shape, read_named, to_pages
from domain.values import Window
from resources.http.client import ApiClient
from resources.oms.manhattan.client import chunks, fetch_answer, rows_of
from resources.oms.manhattan.parsing import Findings, Id, Number, folded
from resources.oms.manhattan.payload import AvailabilityRow, decode_availability
from resources.oms.manhattan.personal import FACTS
from resources.oms.manhattan.settings import ManhattanSettings

Status = Literal["in_stock", "limited", "out_of_stock", "unknown"]
OBSERVED_AT = "TransactionDateTime"


class _RowKey(msgspec.Struct, rename="pascal"):
    item_id: Id = None
    location_id: Id = None


_ROW_KEY = msgspec.json.Decoder(_RowKey)


class Availability:
    """Reads availability by the connection's policy: the network view, or each of its nodes."""

    def __init__(
        self,
        client: ApiClient,
        settings: ManhattanSettings,
        policy: InventoryPolicy,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client, self._settings, self._policy, self._now = client, settings, policy, now
        self._nodes = tuple(policy.nodes) if policy.mode == "by_node" else ()
        self.view = settings.view(policy)

    def rows(self, skus: Sequence[str]) -> Iterator[list[RawRecord]]:
        """Read the rows of all SKUs, one call's worth at a time; a few calls are prefetched."""
        parts = chunks(list(dict.fromkeys(skus)), self._settings.stock_page_size)
        prefetch = self._settings.read_concurrency
        with ThreadPoolExecutor(prefetch, thread_name_prefix="manhattan-stock") as pool:
            pending: deque[Future[list[RawRecord]]] = deque()
            try:
                for part in parts:
                    pending.append(pool.submit(copy_context().run, self.fetch, part))
                    if len(pending) > prefetch:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                for future in pending:
                    future.cancel()

    def fetch(self, skus: Sequence[str]) -> list[RawRecord]:
        """Make one call; an item that is not eligible at a node has no row there."""
        paths = self._settings.paths
        body: dict[str, object] = {"ViewName": self.view, "Items": list(skus)}
        if self._policy.mode == "by_node":
            path = paths.location_availability
            body[self._settings.names.locations] = list(self._nodes)
        else:
            path = paths.network_availability
            body |= {
                "IncludeStoreExclusions": False,
                "AvailabilityRules": [],
                "OrderAttributes": None,
                "Preview": False,
            }
        rows = rows_of(fetch_answer(self._client, path, body))
        observed_at = self._now()
        records = [self._record(bytes(row), observed_at) for row in rows]
        return [record for record in records if record is not None]

    def _record(self, payload: bytes, observed_at: datetime) -> RawRecord | None:
        """Return a row with its exact bytes; ``None`` for a node that was not asked for."""
        try:
            key = _ROW_KEY.decode(payload)
        except (ValueError, RecursionError):
            key = _RowKey()
        node = text_of(key.location_id)
        if self._nodes and node and node not in self._nodes:
            return None
        sku = text_of(key.item_id)
        source_id = f"{sku}@{node or self.view}"
        content = _content(payload)
        if not sku or not is_composed_id(source_id):
            source_id = fallback_id(content or payload)
        return RawRecord(source_id, observed_at, payload, content)


def _content(payload: bytes) -> bytes | None:
    """Return a row without its time, which changes at every read, and with sorted attributes.

    ``None`` if it can't be read: the mapping reports what is wrong with it.
    """
    try:
        row = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(row, dict):
        return None
    row.pop(OBSERVED_AT, None)
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS)


class InventorySource:
    """The availability at one tenant, of the SKUs that are asked for."""

    shape: ClassVar[Shape] = "snapshot"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self, availability: Availability, settings: ManhattanSettings, policy: InventoryPolicy
    ) -> None:
        self._availability = availability
        self._mapper = StockMapper(settings, policy)

    @property
    def view(self) -> str:
        """Return the view of availability that is read."""
        return self._availability.view

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: the tenant has no query for what has changed."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the availability of the SKUs in scope; the tenant can't list them all."""
        del window
        refusal = "manhattan: availability can only be read for named SKUs, and none were named"
        return read_named(self.read, scope, refusal)

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read the availability of SKUs."""
        return to_pages(self._availability.rows(list(ids)))

    def to_canonical(self, payload: bytes) -> Mapped[StockLevel] | Skipped:
        """Map a captured availability row."""
        return self._mapper.level(payload)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the tenant reports its current state whenever it is asked."""


class StockMapper:
    """Maps availability rows by one connection's settings. Pure."""

    def __init__(self, settings: ManhattanSettings, policy: InventoryPolicy) -> None:
        self._zone = settings.zone
        self._view = settings.view(policy)
        self._statuses = settings.codes.stock_statuses
        self._unknown = frozenset(map(folded, settings.codes.unknown_item_statuses))

    def level(self, payload: bytes) -> Mapped[StockLevel] | Skipped:
        """Return a row's stock level; raises ``RecordRejected`` ``oms_payload_unreadable``."""
        decoded = decode_availability(payload)
        row, problems = decoded.document, Findings(self._zone, decoded.problems)
        sku = text_of(row.item_id)
        if not decoded.problems and row.status is not None and folded(row.status) in self._unknown:
            return Skipped(
                "item_unknown", f"the OMS does not know the item {sku}: status {row.status}"
            )
        infinite = bool(row.is_infinite_availability)
        with problems.collecting():
            available = _available(row, problems, infinite=infinite)
            level = StockLevel(
                sku=sku,
                node=text_of(row.location_id) or text_of(row.view_name) or self._view,
                available=max(available, Decimal(0)),
                infinite=infinite,
                status=self._status(row),
                expected_at=problems.moment(row.next_availability_date, "NextAvailabilityDate"),
                observed_at=problems.moment(row.transaction_date_time, OBSERVED_AT),
            )
        return Mapped(level, (_negative(sku, available),) if available < 0 else ())

    def _status(self, row: AvailabilityRow) -> Status:
        code = row.status_code
        if isinstance(code, float) and code.is_integer():
            code = int(code)
        return self._statuses.get(text_of(code), "unknown")


def _available(row: AvailabilityRow, problems: Findings, *, infinite: bool) -> Decimal:
    """Return the available units: the total, else the sum over location types.

    Of an infinite item the number has no meaning, and may be missing.
    """
    if row.total_quantity is not None:
        return _units(row.total_quantity, problems)
    if isinstance(row.quantity, dict):
        return sum((_units(part, problems) for part in row.quantity.values()), Decimal(0))
    if row.quantity is not None:
        return _units(row.quantity, problems)
    if not infinite:
        text = "The row has no quantity, which is not the same as none in stock."
        problems.unreadable("Quantity", text, text_of(row.item_id))
    return Decimal(0)


def _units(value: Number, problems: Findings) -> Decimal:
    if value is not None and value.is_finite() and value < 0:
        return -problems.number(-value, "Quantity")
    return problems.number(value, "Quantity")


def _negative(sku: str, available: Decimal) -> Problem:
    text = "The availability is negative, so more was sold than there is; it shows as 0."
    advice = "Availability is never negative at the OMS; check the item's supply there."
    return Problem("quantity_negative", "Quantity", text, advice, f"{sku}: {available}")
