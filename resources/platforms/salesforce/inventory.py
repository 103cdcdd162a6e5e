"""Stock in an org, in Omnichannel Inventory: what it holds, and a target of deliveries.

A record's ``onHand`` contains what orders have reserved; the OMS's number is what is available. So
the level of this target is ``availableToFulfill``, and ``onHand`` is written as what is wanted plus
the reservations and the safety stock that the record shows at the moment of sending.

The documents don't say which row an error of a batch is of, so a batch with errors is sent again in
halves until the refused rows are alone: each row has its own ``actionRequestId``, with which it is
applied once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import uuid4

import orjson

from domain.delivery import Claimed, LevelChange, Operation, Outcome, failed, succeeded
from domain.errors import LockstepError, PermanentError, Problem, RecordRejected
from domain.exchange import ExchangeLog, OutcomeUnknown, Receipt
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import vendor_text
from resources.http.target_writer import TargetWriter
from resources.platforms.salesforce.answers_payload import (
    AVAILABILITIES,
    STOCK_ANSWERS,
    StockAnswer,
)
from resources.platforms.salesforce.client import refuse_access
from resources.platforms.salesforce.levels import (
    AVAILABLE,
    NOTHING,
    Held,
    Level,
    LevelReader,
    asked,
    held_of,
)
from resources.platforms.salesforce.settings import STOCK_BATCH, SalesforceSettings
from resources.platforms.salesforce.uploads import ACTS_FOR, MOST_LEVELS, upload

UPDATE = "/commerce/oci/availability-records/actions/batch-update"
ADVICE = "check the SKU's inventory in the store"


class SalesforceStock:
    """``domain.targets.LevelTarget``: a call for a hundred SKUs of one location, or a file."""

    basis = ""

    def __init__(
        self, policy: ClientPolicy, settings: SalesforceSettings, reader: LevelReader
    ) -> None:
        self._policy, self._settings, self._reader = policy, settings, reader
        uploads = settings.stock_upload_from is not None
        self.acts_for = max(policy.acts_for, ACTS_FOR) if uploads else policy.acts_for
        batch = MOST_LEVELS if uploads else STOCK_BATCH
        self.operations: Mapping[str, Operation] = {"stock": Operation(batch=batch)}

    def locations(self) -> Mapping[str, str]:
        """Return location code -> id."""
        return self._reader.locations()

    def levels(self, skus: Collection[str]) -> dict[Level, int]:
        """Return (SKU, location id) -> quantity that is available."""
        return self._reader.stock(skus)

    def writer(self, log: ExchangeLog) -> StockWriter:
        """Open the org for writing stock."""
        return StockWriter(
            AsyncApiClient(self._policy, concurrency=self._settings.write_concurrency, log=log),
            self._settings.stock_upload_from,
        )


class StockWriter(TargetWriter):
    """``domain.targets.Writer`` of stock: an absolute level that is uncertain is written again."""

    def __init__(self, client: AsyncApiClient, upload_from: int | None) -> None:
        super().__init__(client)
        self._client, self._upload_from = client, upload_from

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Set the levels of a location; a refused row stops no other."""
        if self._upload_from is not None and len(claimed) >= self._upload_from:
            return await self._upload(claimed)
        slices = range(0, len(claimed), STOCK_BATCH)
        return [o for n in slices for o in await self._batch(claimed[n : n + STOCK_BATCH])]

    async def _upload(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Upload levels; those that don't show afterwards go by batches, which name the refused."""
        changes: list[LevelChange] = [one.content for one in claimed]
        places = {change.target.location for change in changes}
        if len(places) != 1:
            raise PermanentError("levels of several locations came as one group")
        try:
            held = await self._levels(changes)
            rows = [self._record(one, held) for one in claimed]
            levels = {row["stockKeepingUnit"]: row["onHand"] for row in rows}
            ended = await upload(self._client, places.pop(), levels)
            left = list(range(len(claimed)))
            if ended == "whole":
                return [succeeded(Receipt(change.target.sku)) for change in changes]
            if ended != "refused":
                held = await self._levels(changes)
                left = [n for n, change in enumerate(changes) if not _shows(held, change)]
        except LockstepError as error:
            return [failed(error) for _ in changes]
        outcomes = [succeeded(Receipt(change.target.sku)) for change in changes]
        if ended == "not yet":
            late = OutcomeUnknown("salesforce: the import of the levels has not ended in time")
            return [failed(late) if n in set(left) else o for n, o in enumerate(outcomes)]
        for start in range(0, len(left), STOCK_BATCH):
            part = left[start : start + STOCK_BATCH]
            found = await self._batch([claimed[n] for n in part])
            for n, outcome in zip(part, found, strict=True):
                outcomes[n] = outcome
        return outcomes

    async def _levels(self, changes: Sequence[LevelChange]) -> Held:
        found: Held = {}
        for start in range(0, len(changes), STOCK_BATCH):
            found |= await self._held(changes[start : start + STOCK_BATCH])
        return found

    async def _batch(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        changes: list[LevelChange] = [one.content for one in claimed]
        if not changes:
            return []
        try:
            held = await self._held(changes)
            wanted = [self._record(one, held) for one in claimed]
            refused = await self._put(list(enumerate(wanted)))
        except LockstepError as error:
            return [failed(error) for _ in changes]
        return [
            failed(refused[n]) if n in refused else succeeded(Receipt(one.content.target.sku))
            for n, one in enumerate(claimed)
        ]

    async def _held(self, changes: Sequence[LevelChange]) -> Held:
        skus = sorted({change.target.sku for change in changes})
        places = sorted({change.target.location for change in changes})
        reply = await self._client.request(
            "POST",
            AVAILABLE,
            body=orjson.dumps(asked(skus, places)),
            idempotent=True,
            has_effect=False,
            decode=AVAILABILITIES.decode,
        )
        return held_of(reply)

    @staticmethod
    def _record(claimed: Claimed, held: Held) -> dict[str, Any]:
        target = claimed.content.target
        available, on_hand, _ = held.get((target.sku, target.location), NOTHING)
        return {
            # Not the intent's key: a level that returns to an earlier number would have it again.
            "actionRequestId": str(uuid4()),
            "stockKeepingUnit": target.sku,
            "locationIdentifier": target.location,
            "onHand": int(target.quantity + on_hand - available),
        }

    async def _put(self, rows: list[tuple[int, dict[str, Any]]]) -> dict[int, RecordRejected]:
        """Send rows; return place -> refusal of those that the org does not take."""
        reply = await self._client.request(
            "POST",
            UPDATE,
            body=orjson.dumps({"records": [row for _, row in rows]}),
            idempotent=True,
            decode=STOCK_ANSWERS.decode,
        )
        if not reply.ok:
            refuse_access(reply)
            message = f"the store answers {reply.error_summary()}"
        else:
            answer: StockAnswer = reply.value
            if answer.success:
                return {}
            found = "; ".join(f"{each.errorCode}: {each.message}" for each in answer.errors)
            message = f"the store refuses the level: {vendor_text(found or 'no reason', 300)}"
        if len(rows) > 1:
            middle = len(rows) // 2
            return await self._put(rows[:middle]) | await self._put(rows[middle:])
        [(place, row)] = rows
        sku = str(row["stockKeepingUnit"])
        problem = Problem("stock_refused", "onHand", message, ADVICE, sku)
        return {place: RecordRejected(problem)}


def _shows(held: Held, change: LevelChange) -> bool:
    """Return whether a level is available as it is wanted."""
    target = change.target
    found = held.get((target.sku, target.location))
    return found is not None and found.available == target.quantity
