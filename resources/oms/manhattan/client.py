"""Reads of Manhattan's item master and availability, and the checks before a connection goes live."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from domain.connections import InventoryPolicy
from domain.errors import LockstepError
from domain.exchange import Check, MasterItem, RawRecord
from domain.identity import fallback_id, is_id
from domain.text import clean_text
from resources.http.client import ApiClient
from resources.oms.manhattan.envelope import open_envelope, read_answer
from resources.oms.manhattan.orders.search import rows_of
from resources.oms.manhattan.payload import Id, text_of
from resources.oms.manhattan.settings import ManhattanSettings


class _StockHead(msgspec.Struct, rename="pascal"):
    item_id: Id = None
    location_id: Id = None


LONGEST_TEXT = 500
"""Of an item's description or unit, which is kept for messages and comparisons only."""
MOMENT = "TransactionDateTime"
_STOCK_HEAD = msgspec.json.Decoder(_StockHead)


class ItemMaster:
    """The tenant's items."""

    def __init__(self, client: ApiClient, settings: ManhattanSettings) -> None:
        self._client, self._settings = client, settings

    def find(self, skus: Collection[str]) -> dict[str, MasterItem]:
        """Return the known ones of the SKUs."""
        found: dict[str, MasterItem] = {}
        for chunk in chunks(list(dict.fromkeys(skus)), self._settings.item_page_size):
            names = ", ".join(f"'{sku.replace(chr(39), chr(39) * 2)}'" for sku in chunk)
            found |= self._ask(f"{self._settings.names.item_id} in ({names})", len(chunk))
        return found

    def any_item(self) -> MasterItem | None:
        """Return one item, or ``None`` where the master is empty."""
        return next(iter(self._ask(None, 1).values()), None)

    def _ask(self, query: str | None, size: int) -> dict[str, MasterItem]:
        names = self._settings.names
        template = dict.fromkeys(
            filter(None, (names.item_id, names.item_uom, names.item_uoms, names.item_description))
        )
        body = {
            "Page": 0,
            "Size": size,
            "Template": template,
            **({"Query": query} if query else {}),
        }
        path = self._settings.paths.item_search
        answer = read_answer(
            self._client.request("POST", path, json=body, idempotent=True, decode=open_envelope)
        )
        rows = [row for row in map(_parsed, rows_of(answer)) if isinstance(row, dict)]
        # A row without a usable id was not asked for; its item counts as unknown, and the orders that want it say so.
        return {
            str(row[names.item_id]): self._item(row)
            for row in rows
            if is_id(str(row.get(names.item_id) or ""))
        }

    def _item(self, row: Mapping[str, Any]) -> MasterItem:
        names = self._settings.names
        uom, description = (
            clean_text(str(row.get(name) or ""), LONGEST_TEXT)
            for name in (names.item_uom, names.item_description)
        )
        further = units_of(row.get(names.item_uoms)) if names.item_uoms else ()
        # An empty list may only mean that the search does not answer it, so it tells nothing.
        return MasterItem(
            str(row[names.item_id]),
            uom,
            description,
            tuple(dict.fromkeys((uom, *further))) if further else (),
        )


def units_of(value: object) -> tuple[str, ...]:
    """Return the units that an attribute lists: texts, or objects whose first text that is named after a unit is one."""
    found = []
    for entry in value if isinstance(value, list) else ():
        texts = (
            [part for name, part in entry.items() if "uom" in str(name).lower()]
            if isinstance(entry, dict)
            else [entry]
        )
        found += [
            clean_text(text, LONGEST_TEXT) for text in texts if isinstance(text, str) and text
        ][:1]
    return tuple(found)


class Availability:
    """The tenant's availability, by the connection's policy: of the network view, or of each of its nodes."""

    def __init__(
        self,
        client: ApiClient,
        settings: ManhattanSettings,
        policy: InventoryPolicy,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client, self._settings, self._policy, self._now = client, settings, policy, now
        self._nodes = tuple(policy.nodes) if policy.mode == "by_node" else ()

    def rows(self, skus: Sequence[str]) -> Iterator[list[RawRecord]]:
        """Read the rows of all SKUs, a call's worth at a time; a few calls run ahead, never all."""
        parts = chunks(list(dict.fromkeys(skus)), self._settings.stock_page_size)
        ahead = self._settings.read_concurrency
        with ThreadPoolExecutor(ahead, thread_name_prefix="manhattan-stock") as pool:
            waiting: deque[Future[list[RawRecord]]] = deque()
            try:
                for part in parts:
                    waiting.append(pool.submit(self.ask, part))
                    if len(waiting) > ahead:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def ask(self, skus: Sequence[str]) -> list[RawRecord]:
        """Read one call's rows; no row comes back for an item that is not eligible at a node."""
        body: dict[str, object] = {"ViewName": self._policy.view, "Items": list(skus)}
        if self._policy.mode == "by_node":
            path = self._settings.paths.location_availability
            body[self._settings.names.locations] = list(self._nodes)
        else:
            path = self._settings.paths.network_availability
            body |= {
                "IncludeStoreExclusions": False,
                "AvailabilityRules": [],
                "OrderAttributes": None,
                "Preview": False,
            }
        answer = read_answer(
            self._client.request("POST", path, json=body, idempotent=True, decode=open_envelope)
        )
        moment = self._now()
        records = [self._record(bytes(row), moment) for row in rows_of(answer)]
        return [record for record in records if record is not None]

    def _record(self, payload: bytes, moment: datetime) -> RawRecord | None:
        """Return a row with its exact bytes; ``None`` for a node that was not asked for."""
        try:
            head = _STOCK_HEAD.decode(payload)
        except (ValueError, RecursionError):
            head = _StockHead()
        node = text_of(head.location_id)
        if self._nodes and node and node not in self._nodes:
            return None
        name = f"{text_of(head.item_id)}@{node or self._policy.view}"
        is_named = is_id(name) and bool(text_of(head.item_id))
        content = _content(payload)
        return RawRecord(
            name if is_named else fallback_id(content or payload), moment, payload, content
        )


def _parsed(row: msgspec.Raw) -> object:
    """Return a row's content; ``None`` where it can't be read."""
    try:
        return orjson.loads(bytes(row))
    except orjson.JSONDecodeError:
        return None


def _content(payload: bytes) -> bytes | None:
    """Return a row without its moment, which changes at every look, with its attributes in one order; ``None`` where it is no row."""
    try:
        row = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None  # it was skipped over, not read: the mapping says what is wrong with it
    if not isinstance(row, dict):
        return None
    row.pop(MOMENT, None)
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS)


def chunks(values: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    """Cut a sequence into parts of at most ``size``."""
    return (values[start : start + size] for start in range(0, len(values), size))


def run_checks(checks: Mapping[str, tuple[Callable[[], str], str]]) -> list[Check]:
    """Run named checks in order; each is a call that returns what it saw or raises, with the advice for that case."""
    results: list[Check] = []
    for name, (check, advice) in checks.items():
        try:
            results.append(Check(name, True, check()))
        except LockstepError as error:
            results.append(Check(name, False, str(error), advice))
    return results
