"""Stock in a project: what it holds, and a target of deliveries.

An entry's ``quantityOnStock`` is what is available plus what carts and orders have reserved. The
OMS's number is what is available, so the level of this target is ``availableQuantity``: it is
written as ``quantityOnStock = wanted + reserved``, with the reservation that the entry shows at the
moment of sending. Written as the quantity on stock, a reserved unit would be subtracted twice.

Where carts reserve stock, too (``cart_reservations``), the level is what is available or in carts:
the OMS does not know of these, so the reservation that is added is that of orders alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import orjson

from domain.delivery import Claimed, LevelChange, Operation, Outcome, failed, outcome_of
from domain.errors import LockstepError, PermanentError, TransientError
from domain.exchange import ExchangeLog, Receipt
from domain.parsing.answers import CONTRACT, document_of
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import request_id
from resources.http.reply import Reply
from resources.http.target_writer import TargetWriter
from resources.platforms.commercetools import carts
from resources.platforms.commercetools.answers_payload import ENTRIES, Entry
from resources.platforms.commercetools.carts import CART_PAGE, DEFAULT, Level, Reserved
from resources.platforms.commercetools.client import (
    CONFLICT,
    MISSING,
    code_of,
    id_of,
    one_of,
    quoted,
    refuse,
    results_of,
)
from resources.platforms.commercetools.levels import (
    PATH,
    LevelReader,
    free,
    level_of,
    quantities,
)
from resources.platforms.commercetools.settings import (
    IDS_A_CALL,
    INVENTORY_PAGE,
    MOST_CONFLICTS,
    STOCK_BATCH,
    CommercetoolsSettings,
)

DUPLICATE = "DuplicateField"
ADVICE = "check the SKU's inventory in the store"


class CommercetoolsStock:
    """``domain.targets.LevelTarget``: a call for each entry, under its version."""

    def __init__(
        self, policy: ClientPolicy, settings: CommercetoolsSettings, reader: LevelReader
    ) -> None:
        self._policy, self._settings, self._reader = policy, settings, reader
        self.acts_for = policy.acts_for
        self.basis = "with carts" if settings.cart_reservations else ""
        self.operations: Mapping[str, Operation] = {"stock": Operation(batch=STOCK_BATCH)}

    def locations(self) -> Mapping[str, str]:
        """Return location code -> id."""
        return self._reader.locations()

    def levels(self, skus: Collection[str]) -> dict[Level, int]:
        """Return (SKU, location id) -> quantity that is available."""
        return self._reader.stock(skus)

    def writer(self, log: ExchangeLog) -> StockWriter:
        """Open the project for writing stock."""
        return StockWriter(
            AsyncApiClient(self._policy, concurrency=self._settings.write_concurrency, log=log),
            self._settings,
        )


class Shown(NamedTuple):
    """What a project shows of some SKUs: their entries, and the units that carts have of each."""

    entries: Mapping[Level, Entry]
    in_carts: Mapping[Level, int]


class StockWriter(TargetWriter):
    """``domain.targets.Writer`` of stock: an absolute level that is uncertain is written again."""

    def __init__(self, client: AsyncApiClient, settings: CommercetoolsSettings) -> None:
        super().__init__(client)
        self._client, self._has_carts = client, settings.cart_reservations

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Set the levels of a batch; a refused row stops no other."""
        changes: list[LevelChange] = [one.content for one in claimed]
        try:
            shown = await self._read({change.target.sku for change in changes})
        except LockstepError as error:
            return [failed(error) for _ in changes]
        return list(
            await asyncio.gather(*(outcome_of(self._put(c, shown, o)) for c, o in _ids(claimed)))
        )

    async def _read(self, skus: Collection[str]) -> Shown:
        """Return the entries of SKUs, and what carts have of them before or after that."""
        wanted = sorted(skus)
        entries, in_carts = dict[Level, Entry](), dict[Level, int]()
        for start in range(0, len(wanted), IDS_A_CALL):
            chunk = wanted[start : start + IDS_A_CALL]
            before = await self._in_carts(chunk)
            async for where, page in self._pages(PATH, one_of("sku", chunk), INVENTORY_PAGE):
                found = [document_of(where, raw, ENTRIES) for raw in page]
                entries |= {level_of(entry): entry for entry in found}
            # Chunks have no SKU in common, and so no level.
            in_carts |= carts.in_any([before, await self._in_carts(chunk)])
        return Shown(entries, in_carts)

    async def _in_carts(self, skus: Sequence[str]) -> Reserved:
        found: Reserved = {}
        if self._has_carts:
            async for where, page in self._pages(carts.PATH, carts.with_any_of(skus), CART_PAGE):
                found |= carts.reserved_in(where, page, skus)
        return found

    async def _pages(
        self, path: str, where: str, limit: int
    ) -> AsyncIterator[tuple[str, Sequence[msgspec.Raw]]]:
        """Yield the pages of a query by ascending id, each with the name of its call."""
        last = ""
        while True:
            params = {
                "where": f"{where} and id > {quoted(last)}" if last else where,
                "sort": "id asc",
                "limit": str(limit),
                "withTotal": "false",
            }
            reply = await self._client.request("GET", path, params=params, decode=results_of)
            if not reply.ok:
                _stop(reply)
            page: Sequence[msgspec.Raw] = reply.value or ()
            if not page:
                return
            yield reply.where, page
            following = id_of(page[-1]) or ""
            if not following > last:
                raise PermanentError(f"{reply.where} gave entries that are not sorted: {CONTRACT}")
            last = following

    async def _put(self, change: LevelChange, shown: Shown, correlation_id: str) -> Receipt:
        """Set one level; a version that has changed meanwhile is read and planned again."""
        key = change.target.sku, change.target.location
        for _ in range(MOST_CONFLICTS):
            entry = shown.entries.get(key)
            if entry is None:
                reply = await self._create(change, correlation_id)
            else:
                unreserved = free(entry, shown.in_carts.get(key, 0))
                if unreserved == change.target.quantity:
                    return Receipt(str(entry.id))
                wanted = change.target.quantity + quantities(entry)[0] - unreserved
                reply = await self._change(entry, wanted, correlation_id)
            if reply.ok:
                made = document_of(reply.where, reply.body, ENTRIES)
                return Receipt(str(made.id), trace_id=request_id(reply.headers))
            is_taken = entry is None and code_of(reply) == DUPLICATE
            if reply.status not in (CONFLICT, MISSING) and not is_taken:
                refuse(reply, "stock_refused", "quantityOnStock", ADVICE)
            shown = await self._read([change.target.sku])
        raise TransientError(
            f"commercetools: the inventory of {change.target.sku} has changed {MOST_CONFLICTS} "
            "times while it was written; trying again later may help"
        )

    async def _create(self, change: LevelChange, correlation_id: str) -> Reply:
        draft: dict[str, object] = {
            "sku": change.target.sku,
            "quantityOnStock": change.target.quantity,
        }
        if change.target.location != DEFAULT:
            draft["supplyChannel"] = {"typeId": "channel", "id": change.target.location}
        return await self._client.request(
            "POST",
            PATH,
            body=orjson.dumps(draft),
            correlation_id=correlation_id,
            idempotent=True,  # a second entry of a SKU and channel is refused
            decode=entry_of,
        )

    async def _change(self, entry: Entry, quantity: int, correlation_id: str) -> Reply:
        action = {"action": "changeQuantity", "quantity": quantity}
        return await self._client.request(
            "POST",
            f"{PATH}/{entry.id}",
            body=orjson.dumps({"version": entry.version, "actions": [action]}),
            correlation_id=correlation_id,
            idempotent=True,  # a version is changed once
            decode=entry_of,
        )


def entry_of(body: bytes) -> Entry:
    """Return a written entry; raises ``ValueError`` if the answer is none."""
    try:
        entry = ENTRIES.decode(body).document
        quantities(entry)
    except LockstepError as error:
        raise ValueError(str(error)) from None
    return entry


def _ids(claimed: Sequence[Claimed]) -> Iterator[tuple[LevelChange, str]]:
    for one in claimed:
        yield one.content, one.correlation_id


def _stop(reply: Reply) -> None:
    if reply.status == MISSING:
        raise PermanentError(f"{reply.error_summary()}; trying again won't help")
    refuse(reply, "stock_refused", "sku", ADVICE)
