"""Stock in a store, as a target of deliveries: absolute levels in batches, and tracking."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from domain.delivery import (
    Claimed,
    LevelChange,
    Operation,
    Outcome,
    failed,
    outcome_of,
)
from domain.errors import LockstepError
from domain.exchange import ExchangeLog
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.target_writer import TargetWriter
from resources.platforms.bigcommerce.inventory.levels import LevelReader
from resources.platforms.bigcommerce.inventory.writer import StockWriter
from resources.platforms.bigcommerce.settings import STOCK_BATCH, BigCommerceSettings

REASON = "Lockstep: availability of the order management system"


class BigCommerceStock:
    """``domain.targets.LevelTarget``: one bulk call and one location at a time."""

    basis = ""

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
        return StockLevelsWriter(push)


class StockLevelsWriter(TargetWriter):
    """``domain.targets.Writer`` of stock: an absolute level that is uncertain is written again."""

    def __init__(self, push: AsyncApiClient) -> None:
        super().__init__(push)
        self.calls = StockWriter(push)

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
            return [failed(error) for _ in changes]
        return [
            Outcome("done") if a.problem is None else Outcome("refused", problems=(a.problem,))
            for a in answers
        ]
