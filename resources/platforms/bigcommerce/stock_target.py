"""Stock in a store, as a target of deliveries: absolute levels in batches, and tracking."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Self

import msgspec

from domain.delivery import (
    Claimed,
    Held,
    LevelChange,
    Operation,
    Outcome,
    Question,
    outcome_of,
)
from domain.errors import LockstepError
from domain.exchange import ExchangeLog, Receipt
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.platforms.bigcommerce.levels import LevelReader
from resources.platforms.bigcommerce.settings import STOCK_BATCH, BigCommerceSettings
from resources.platforms.bigcommerce.shipments.writer import BigCommerceWriter

REASON = "Lockstep: availability of the order management system"


class BigCommerceStock:
    """``domain.ports.LevelTarget``: one bulk call and one location at a time."""

    def __init__(
        self, policy: ClientPolicy, settings: BigCommerceSettings, reader: LevelReader
    ) -> None:
        self._policy, self._settings, self._reader = policy, settings, reader
        self.acts_for = policy.acts_for
        self.operations: Mapping[str, Operation] = {
            "stock": Operation(batch=STOCK_BATCH),
            "untrack": Operation(),
            "track": Operation(),
        }

    def locations(self) -> Mapping[str, str]:
        """Return location code -> id."""
        return self._reader.locations()

    def levels(self, skus: Collection[str]) -> dict[tuple[str, str], int]:
        """Return (SKU, location id) -> quantity on hand."""
        return self._reader.stock(skus)

    def writer(self, log: ExchangeLog) -> StockLevelsWriter:
        """Open the store for writing stock."""
        push = AsyncApiClient(self._policy, concurrency=self._settings.write_concurrency, log=log)
        return StockLevelsWriter(push, self._settings)


class StockLevelsWriter:
    """``domain.ports.Writer`` of stock."""

    def __init__(self, push: AsyncApiClient, settings: BigCommerceSettings) -> None:
        self._push = push
        self.calls = BigCommerceWriter(push, settings)

    async def __aenter__(self) -> Self:
        await self._push.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._push.__aexit__(kind, error, trace)

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Set the levels of a batch, or change the tracking of items first.

        A refused row stops no other.
        """
        if claimed and claimed[0].content.target.infinite:
            return [await outcome_of(self.calls.stop_tracking(one.content.item)) for one in claimed]
        if claimed and claimed[0].content.target.track != "none":
            return [await self._track(one.content) for one in claimed]
        return await self._put([one.content for one in claimed])

    async def _track(self, change: LevelChange) -> Outcome:
        tracking = change.target.track
        outcome = await outcome_of(self.calls.start_tracking(change.item, tracking))
        if not outcome.succeeded:
            return outcome
        item = msgspec.structs.replace(change.item, tracking=tracking)
        [outcome] = await self._put([LevelChange(change.target, item)])
        return outcome

    async def _put(self, changes: Sequence[LevelChange]) -> list[Outcome]:
        items = {one.target.sku: one.item for one in changes}
        targets = [one.target for one in changes]
        try:
            answers = await self.calls.put_stock(targets, items, REASON)
        except LockstepError as error:
            return [await outcome_of(_failed(error)) for _ in changes]
        return [
            Outcome("done") if a.problem is None else Outcome("refused", problems=(a.problem,))
            for a in answers
        ]

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Find nothing: an absolute level is written again."""
        del owned
        return [None for _ in claimed]

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return nothing: a level that is uncertain is replaced, not looked at."""
        del asked
        return {}


async def _failed(error: LockstepError) -> Receipt:
    raise error
