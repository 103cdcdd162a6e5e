"""Stock in a project: what it holds, and a target of deliveries.

An entry's ``quantityOnStock`` is what is available plus what carts and orders have reserved. The
OMS's number is what is available, so the level of this target is ``availableQuantity``: it is
written as ``quantityOnStock = wanted + reserved``, with the reservation that the entry shows at the
moment of sending. Written as the quantity on stock, a reserved unit would be subtracted twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence

import orjson

from domain.delivery import Claimed, LevelChange, Operation, Outcome, failed, outcome_of
from domain.errors import LockstepError, PermanentError, TransientError
from domain.exchange import ExchangeLog, Receipt
from resources.http.async_client import AsyncApiClient
from resources.http.attempts import Reply
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import request_id
from resources.http.target_writer import TargetWriter
from resources.platforms.commercetools.answers_payload import CHANNELS, ENTRIES, Entry
from resources.platforms.commercetools.client import (
    CONFLICT,
    CONTRACT,
    MISSING,
    code_of,
    document_of,
    one_of,
    query_by_id,
    quoted,
    refuse,
    results_of,
)
from resources.platforms.commercetools.settings import (
    CHANNEL_PAGE,
    IDS_A_CALL,
    INVENTORY_PAGE,
    MOST_CONFLICTS,
    STOCK_BATCH,
    CommercetoolsSettings,
)

PATH, SCOPE = "/inventory", "view_products"
DEFAULT = "default"
"""Id and code of the location of entries without a supply channel."""
SUPPLY_ROLE = "InventorySupply"
DUPLICATE = "DuplicateField"
ADVICE = "look at the SKU's inventory in the store"
Level = tuple[str, str]
"""SKU and location id."""


class LevelReader:
    """Reads supply channels and inventory of one project."""

    def __init__(self, http: ApiClient) -> None:
        self._http = http

    def locations(self) -> dict[str, str]:
        """Return channel key -> id, and ``default`` for entries without a channel."""
        found = {DEFAULT: DEFAULT}
        for page in query_by_id(self._http, "/channels", (), CHANNEL_PAGE, "view_products"):
            for raw in page:
                channel = document_of("commercetools: GET /channels", raw, CHANNELS)
                if channel.id and channel.key and SUPPLY_ROLE in (channel.roles or ()):
                    found[channel.key] = channel.id
        return found

    def stock(self, skus: Collection[str]) -> dict[Level, int]:
        """Return (SKU, location id) -> quantity that is available."""
        wanted = sorted(set(skus))
        levels: dict[Level, int] = {}
        for start in range(0, len(wanted), IDS_A_CALL):
            where = [one_of("sku", wanted[start : start + IDS_A_CALL])]
            for page in query_by_id(self._http, PATH, where, INVENTORY_PAGE, SCOPE):
                for raw in page:
                    entry = document_of(f"commercetools: GET {PATH}", raw, ENTRIES)
                    levels[level_of(entry)] = _quantities(entry)[1]
        return levels


class CommercetoolsStock:
    """``domain.ports.LevelTarget``: a call for each entry, under its version."""

    def __init__(
        self, policy: ClientPolicy, settings: CommercetoolsSettings, reader: LevelReader
    ) -> None:
        self._policy, self._settings, self._reader = policy, settings, reader
        self.acts_for = policy.acts_for
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
            AsyncApiClient(self._policy, concurrency=self._settings.write_concurrency, log=log)
        )


class StockWriter(TargetWriter):
    """``domain.ports.Writer`` of stock: an absolute level that is uncertain is written again."""

    def __init__(self, client: AsyncApiClient) -> None:
        super().__init__(client)
        self._client = client

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Set the levels of a batch; a refused row stops no other."""
        changes: list[LevelChange] = [one.content for one in claimed]
        try:
            entries = await self._read({change.target.sku for change in changes})
        except LockstepError as error:
            return [failed(error) for _ in changes]
        return list(
            await asyncio.gather(*(outcome_of(self._put(c, entries, o)) for c, o in _ids(claimed)))
        )

    async def _read(self, skus: Collection[str]) -> dict[Level, Entry]:
        wanted = sorted(skus)
        found: dict[Level, Entry] = {}
        for start in range(0, len(wanted), IDS_A_CALL):
            where, last = one_of("sku", wanted[start : start + IDS_A_CALL]), ""
            while page := await self._page(where, last):
                found |= {level_of(entry): entry for entry in page}
                last = page[-1].id or ""
        return found

    async def _page(self, where: str, last: str) -> list[Entry]:
        predicate = f"{where} and id > {quoted(last)}" if last else where
        params = {
            "where": predicate,
            "sort": "id asc",
            "limit": str(INVENTORY_PAGE),
            "withTotal": "false",
        }
        reply = await self._client.request("GET", PATH, params=params, decode=results_of)
        if not reply.ok:
            _stop(reply)
        page = [document_of(reply.where, raw, ENTRIES) for raw in reply.value or ()]
        if page and not (page[-1].id or "") > last:
            raise PermanentError(f"{reply.where} gave entries that are not sorted: {CONTRACT}")
        return page

    async def _put(
        self, change: LevelChange, entries: Mapping[Level, Entry], correlation_id: str
    ) -> Receipt:
        """Set one level; a version that has changed meanwhile is read and planned again."""
        key = change.target.sku, change.target.location
        entry = entries.get(key)
        for _ in range(MOST_CONFLICTS):
            if entry is None:
                reply = await self._create(change, correlation_id)
            else:
                on_stock, available = _quantities(entry)
                if available == change.target.quantity:
                    return Receipt(str(entry.id))
                wanted = change.target.quantity + on_stock - available
                reply = await self._change(entry, wanted, correlation_id)
            if reply.ok:
                made = document_of(reply.where, reply.body, ENTRIES)
                return Receipt(str(made.id), trace_id=request_id(reply.headers))
            is_taken = entry is None and code_of(reply) == DUPLICATE
            if reply.status not in (CONFLICT, MISSING) and not is_taken:
                refuse(reply, "stock_refused", "quantityOnStock", ADVICE)
            entry = (await self._read([change.target.sku])).get(key)
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
        _quantities(entry)
    except LockstepError as error:
        raise ValueError(str(error)) from None
    return entry


def level_of(entry: Entry) -> Level:
    """Return what an entry is the level of."""
    channel = entry.supply_channel
    return entry.sku or "", (channel.id or "") if channel is not None else DEFAULT


def _quantities(entry: Entry) -> tuple[int, int]:
    """Return the quantity on stock and what of it is available."""
    on_stock, available = entry.quantity_on_stock, entry.available_quantity
    if not entry.id or not entry.sku or on_stock is None or available is None:
        raise PermanentError(
            f"commercetools: GET {PATH} gave an entry without id, SKU or quantities: {CONTRACT}"
        )
    return on_stock, available


def _ids(claimed: Sequence[Claimed]) -> Iterator[tuple[LevelChange, str]]:
    for one in claimed:
        yield one.content, one.correlation_id


def _stop(reply: Reply) -> None:
    if reply.status == MISSING:
        raise PermanentError(f"{reply.error_summary()}; trying again won't help")
    refuse(reply, "stock_refused", "sku", ADVICE)
