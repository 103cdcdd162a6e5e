"""Writes stock: absolute levels in batches, and whether an item is tracked.

Each row is addressed by the level that its item is tracked at. One bulk call at a time, grouped by
location, as BigCommerce asks. On 422 nothing is taken to be applied (UNVERIFIED; an absolute level
may be set twice in any case): a row that the answer names is addressed again, else the batch is
halved until the failing rows are alone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

import orjson

from domain.errors import (
    AccessRefused,
    PermanentError,
    Problem,
    RecordRejected,
    TransientError,
)
from domain.exchange import Receipt, StockAnswer
from domain.records.inventory import StockTarget, StoreItem, Tracking
from resources.http.async_client import AsyncApiClient
from resources.http.redaction import request_id, vendor_text
from resources.http.reply import Reply
from resources.platforms.bigcommerce.answers_payload import ERRORS
from resources.platforms.bigcommerce.client import (
    LOCKED,
    accept,
    adjustment_id,
    id_checked,
    written_data_id,
)
from resources.platforms.bigcommerce.settings import STOCK_BATCH

_TRACKED = re.compile(r"(variant_id|product_id|sku) (\S+?) is tracked by (product|variant)")
"""inventory.v3.yml: "[Item with variant_id 106 is tracked by product, please update stock by
product id]"."""
MAX_CALLS = 200
"""Calls for one batch: enough to single out 18 failing rows of 2,000; beyond that the batch's
message is reported for the rest."""
PATH = "/v3/inventory/adjustments/absolute"


@dataclass(frozen=True, slots=True)
class _Row:
    index: int
    target: StockTarget
    item: StoreItem
    by: Literal["product", "variant"]

    def body(self) -> dict[str, int]:
        address = (
            {"product_id": int(self.item.parent_id)}
            if self.by == "product"
            else {"variant_id": int(self.item.item_id or 0)}
        )
        return {
            "location_id": int(self.target.location),
            **address,
            "quantity": self.target.quantity,
        }

    def other(self) -> _Row | None:
        """Return the row addressed at the other level, where the item has it."""
        if self.by == "variant":
            return replace(self, by="product")
        return replace(self, by="variant") if self.item.item_id else None


class StockWriter:
    """Writes stock of one store."""

    def __init__(self, push: AsyncApiClient) -> None:
        self._push = push
        self._one_at_a_time = asyncio.Lock()

    async def put_stock(
        self, batch: Sequence[StockTarget], items: Mapping[str, StoreItem], reason: str
    ) -> list[StockAnswer]:
        """Set absolute levels; returns one answer a target, in the batch's order."""
        if len(batch) > STOCK_BATCH:
            raise ValueError(f"a stock batch has at most {STOCK_BATCH} targets, not {len(batch)}")
        answers: dict[int, Problem | None] = {}
        rows = []
        for index, target in enumerate(batch):
            row = _addressed(index, target, items.get(target.sku))
            if isinstance(row, Problem):
                answers[index] = row
            else:
                rows.append(row)
        rows.sort(key=lambda row: row.target.location)
        async with self._one_at_a_time:
            for _, group in groupby(rows, key=lambda row: row.target.location):
                await _Batch(self._push, reason, answers).write(list(group))
        return [StockAnswer(target, answers[index]) for index, target in enumerate(batch)]

    async def stop_tracking(self, item: StoreItem) -> Receipt:
        """Set the product's ``inventory_tracking`` to none: it has one with all of its variants."""
        return await self._track(item, "none")

    async def start_tracking(self, item: StoreItem, tracking: Tracking) -> Receipt:
        """Set the product's ``inventory_tracking`` to what it was."""
        return await self._track(item, tracking)

    async def _track(self, item: StoreItem, tracking: Tracking) -> Receipt:
        reply = await self._push.request(
            "PUT",
            f"/v3/catalog/products/{item.parent_id}",
            body=orjson.dumps({"inventory_tracking": tracking}),
            decode=id_checked(written_data_id, item.parent_id),
        )
        advice = f"check the product of SKU {item.sku} in the store"
        accept(reply, "tracking_not_changed", "sku", advice, busy=LOCKED)
        return Receipt(item.parent_id, trace_id=request_id(reply.headers))


class _Batch:
    """The calls for one location's rows."""

    def __init__(
        self, push: AsyncApiClient, reason: str, answers: dict[int, Problem | None]
    ) -> None:
        self._push, self._reason, self._answers, self._calls = push, reason, answers, 0
        self._turned: set[int] = set()

    async def write(self, rows: list[_Row]) -> None:
        """Write the rows, or answer each that can't be written."""
        while True:
            reply = await self._send(rows)
            if reply.ok:
                self._answers.update(dict.fromkeys((row.index for row in rows), None))
                return
            _stop_where_the_system_is_at_fault(reply)
            turned = self._readdressed(rows, reply)
            if turned is None:
                break
            rows = turned
        if len(rows) == 1 or self._calls >= MAX_CALLS:
            self._answers.update({row.index: _refused(row, reply) for row in rows})
            return
        middle = len(rows) // 2
        await self.write(rows[:middle])
        await self.write(rows[middle:])

    async def _send(self, rows: list[_Row]) -> Reply:
        self._calls += 1
        body = {"reason": self._reason, "items": [row.body() for row in rows]}
        return await self._push.request("PUT", PATH, body=orjson.dumps(body), decode=adjustment_id)

    def _readdressed(self, rows: list[_Row], reply: Reply) -> list[_Row] | None:
        """Return the rows, those that the answer names at their other level, each at most once.

        ``None`` if it names none.
        """
        named = {(kind, number): by for kind, number, by in _TRACKED.findall(_title_of(reply))}
        if not named:
            return None
        changed, turned = False, []
        for row in rows:
            by = named.get(
                (
                    f"{row.by}_id",
                    row.item.parent_id if row.by == "product" else str(row.item.item_id),
                )
            )
            other = row.other() if by and by != row.by and row.index not in self._turned else None
            if other is not None:
                self._turned.add(row.index)
                changed = True
            turned.append(other or row)
        return turned if changed else None


def _addressed(index: int, target: StockTarget, item: StoreItem | None) -> _Row | Problem:
    if item is None:
        return Problem(
            "sku_unknown_in_store",
            "sku",
            "the store has no product with this SKU",
            "add it to the store's catalog",
            target.sku,
        )
    if item.tracking == "none":
        message = (
            "inventory tracking is off for this SKU's product, so the store accepts no level and "
            "can't confirm its shipments"
        )
        return Problem(
            "tracking_off",
            "inventory_tracking",
            message,
            "set the product's tracking to product or variant",
            target.sku,
        )
    if not target.location.isdigit():
        return Problem(
            "location_unknown",
            "location_id",
            "this isn't an id of a location",
            "correct inventory.nodes",
            target.location,
        )
    if item.tracking == "variant" and item.item_id is None:
        return Problem(
            "variant_unknown",
            "variant_id",
            "the SKU's variant is not known",
            "read the catalog again",
            target.sku,
        )
    return _Row(index, target, item, item.tracking)


def _stop_where_the_system_is_at_fault(reply: Reply) -> None:
    if reply.status in (401, 403):
        raise AccessRefused(f"{reply.error_summary()}; give the token the scope store_inventory")
    if reply.status in (409, 423):
        raise TransientError(
            f"{reply.error_summary()}; another bulk call may be under way, trying again later may "
            "help"
        )
    if reply.status == 404 or reply.status >= 500:
        raise PermanentError(f"{reply.error_summary()}; trying again won't help")


def _refused(row: _Row, reply: Reply) -> Problem:
    title = vendor_text(_title_of(reply), 300)
    message = f"the store answers {reply.status}: {title or 'no reason given'}"
    return Problem(
        "stock_refused",
        "items",
        message,
        "check the product's inventory settings in the store",
        row.target.sku,
    )


def _title_of(reply: Reply) -> str:
    """Return the reason that an answer states, if any; ``PermanentError`` where it isn't JSON."""
    if not reply.body:
        return ""
    try:
        return str(ERRORS.decode(reply.body).document.title or "")
    except RecordRejected:
        reply.json()
        return ""
