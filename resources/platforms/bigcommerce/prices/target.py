"""Prices in a store, as a target of deliveries: the catalog's in batches, and price lists.

A batch with a row that the store refuses is halved until the failing rows are alone: all rows are
absolute, so that one may be set twice. A store takes one batch of price records at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from domain.delivery import Claimed, Operation, Outcome, failed
from domain.errors import (
    AccessRefused,
    LockstepError,
    PermanentError,
    Problem,
    RecordRejected,
    TransientError,
)
from domain.exchange import ExchangeLog
from domain.parsing.payload import PayloadDecoder
from domain.prices import PriceChange, PricePlace, StorePrice, exact_number
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import request_id, vendor_text
from resources.http.reply import Reply
from resources.http.target_writer import TargetWriter
from resources.platforms.bigcommerce.answers_payload import ERRORS
from resources.platforms.bigcommerce.client import BUSY, LOCKED
from resources.platforms.bigcommerce.prices.payload import (
    WRITTEN_RECORDS,
    WRITTEN_ROWS,
    WrittenRows,
)
from resources.platforms.bigcommerce.prices.reader import (
    PRODUCT,
    RECORD,
    REGULAR,
    VARIANT,
    PriceReader,
)
from resources.platforms.bigcommerce.settings import (
    NO_SALE,
    PRICE_LIST_BATCH,
    PRODUCT_BATCH,
    VARIANT_BATCH,
    BigCommerceSettings,
)

MAX_CALLS = 200
"""Calls for one batch: enough to single out some 20 failing rows of 1,000; beyond that the batch's
message is reported for the rest."""
PARTIAL = 207


class _Way(NamedTuple):
    """How an operation's rows are written."""

    path: str
    key: str
    """The field that addresses a row."""


WAYS: dict[str, _Way] = {
    PRODUCT: _Way("/v3/catalog/products", "id"),
    VARIANT: _Way("/v3/catalog/variants", "id"),
    RECORD: _Way("/v3/pricelists/{list}/records", "variant_id"),
}


class BigCommercePrices:
    """``domain.targets.PriceTarget``."""

    def __init__(
        self, policy: ClientPolicy, settings: BigCommerceSettings, reader: PriceReader
    ) -> None:
        self._policy, self._settings, self._reader = policy, settings, reader
        self.acts_for = policy.acts_for
        self.operations: Mapping[str, Operation] = {
            PRODUCT: Operation(batch=PRODUCT_BATCH),
            VARIANT: Operation(batch=VARIANT_BATCH),
            RECORD: Operation(batch=PRICE_LIST_BATCH),
        }

    def prices(self, places: Collection[PricePlace]) -> dict[str, StorePrice]:
        """Return what the store shows now, by the key of each place."""
        return self._reader.prices(places)

    def writer(self, log: ExchangeLog) -> PricesWriter:
        """Open the store for writing prices."""
        return PricesWriter(AsyncApiClient(self._policy, concurrency=1, log=log))


class PricesWriter(TargetWriter):
    """``domain.targets.Writer`` of prices: a price that is uncertain is written again."""

    def __init__(self, push: AsyncApiClient) -> None:
        super().__init__(push)
        self._push = push
        self._one_at_a_time = asyncio.Lock()

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Set the prices of a batch; a refused row stops no other."""
        changes: list[PriceChange] = [one.content for one in claimed]
        batch = _Batch(self._push, changes[0])
        try:
            rows = [(i, _row(change)) for i, change in enumerate(changes)]
            async with self._one_at_a_time:
                await batch.write(rows)
        except LockstepError as error:
            return [batch.outcomes.get(i) or failed(error) for i in range(len(changes))]
        return [batch.outcomes[i] for i in range(len(changes))]


Row = tuple[int, dict[str, Any]]


class _Batch:
    """The calls for one batch of an operation."""

    def __init__(self, push: AsyncApiClient, first: PriceChange) -> None:
        self._push, self._operation = push, first.held.operation
        way = WAYS[self._operation]
        self._path, self._key = way.path.format(list=first.place.price_list), way.key
        self._calls = 0
        self.outcomes: dict[int, Outcome] = {}

    async def write(self, rows: list[Row]) -> None:
        """Write rows, or answer each that can't be written."""
        reply = await self._send(rows)
        if reply.ok and reply.status != PARTIAL:
            done = Outcome("done", trace_id=request_id(reply.headers))
            self.outcomes |= {index: done for index, _ in rows}
            return
        _stop_where_the_system_is_at_fault(reply, LOCKED if self._operation == PRODUCT else BUSY)
        if len(rows) == 1 or self._calls >= MAX_CALLS:
            self.outcomes |= {i: Outcome("refused", problems=(_refused(reply),)) for i, _ in rows}
            return
        middle = len(rows) // 2
        await self.write(rows[:middle])
        await self.write(rows[middle:])

    async def _send(self, rows: list[Row]) -> Reply:
        self._calls += 1
        body = orjson.dumps([row for _, row in rows])
        decode = _records if self._operation == RECORD else _naming({r["id"] for _, r in rows})
        return await self._push.request("PUT", self._path, body=body, decode=decode)


def _row(change: PriceChange) -> dict[str, Any]:
    """Return a row of a batch. Raises ``RecordRejected`` for an amount that JSON can't carry."""
    operation, tag = change.held.operation, change.tag
    regular = exact_number(tag.regular)
    none = regular if change.held.address.endswith(REGULAR) else NO_SALE[operation]
    row: dict[str, Any] = {
        WAYS[operation].key: int(change.held.address.removesuffix(REGULAR)),
        "price": regular,
        "sale_price": none if tag.sale is None else exact_number(tag.sale),
    }
    return row | {"currency": change.place.currency.lower()} if operation == RECORD else row


def _naming(ids: set[int]) -> Callable[[bytes], object]:
    """Return a decoder that raises ``ValueError`` if not all rows are in the answer."""

    def decode(body: bytes) -> object:
        answer: WrittenRows = _answer(body, WRITTEN_ROWS)
        if not ids <= {row.id for row in answer.data or () if row is not None}:
            raise ValueError("the answer does not name all rows")
        return answer

    return decode


def _records(body: bytes) -> object:
    return _answer(body, WRITTEN_RECORDS)


def _answer(body: bytes, decoder: PayloadDecoder[Any]) -> Any:
    try:
        return decoder.decode(body).document
    except RecordRejected as rejected:
        raise ValueError(rejected.problems[0].message) from None


def _stop_where_the_system_is_at_fault(reply: Reply, busy: Collection[int]) -> None:
    """Raise what is no row's fault; by contract, 409 to products is a conflict of one of them."""
    if reply.status in (401, 403):
        raise AccessRefused(f"{reply.error_summary()}; give the token the scope store_v2_products")
    if reply.status in busy:
        raise TransientError(
            f"{reply.error_summary()}; the store is busy, trying again later may help"
        )
    if reply.status >= 500:
        raise PermanentError(f"{reply.error_summary()}; trying again won't help")


def _refused(reply: Reply) -> Problem:
    try:
        title = vendor_text(str(ERRORS.decode(reply.body).document.title or ""), 300)
    except RecordRejected:
        title = ""
    message = f"the store answers {reply.status}: {title or 'no reason given'}"
    return Problem("price_refused", "regular", message, "check the product in the store")
