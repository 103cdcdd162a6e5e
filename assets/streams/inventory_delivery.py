"""Delivery of stock levels to the store: those that differ from what it is known to hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import orjson

from assets.chain.stream import DeliveryCounts, DeliveryRequest
from assets.delivery.engine import Engine
from assets.delivery.plan import Intent, Outcome
from assets.delivery.system import store_target
from domain.connections import INVENTORY
from domain.errors import Problem
from domain.exchange import Receipt, Skipped
from domain.identity import content_digest, delivery_key
from domain.ports import StoreWriter
from domain.records.inventory import StockLevel, StockTarget, StoreItem
from domain.records.record import decode_record
from domain.rules.availability import target_of
from resources.ledger.rows import (
    AcceptedRecord,
    ClaimRow,
    RejectionRow,
    SettleRow,
    TargetRow,
    UnsettledDelivery,
    acting_until,
)
from resources.ledger.session import Session
from resources.lockstep import Sync

REASON = "Lockstep: availability of the order management system"


@dataclass(frozen=True)
class _Change:
    accepted: AcceptedRecord
    target: StockTarget
    claim: ClaimRow
    holds: TargetRow


class InventoryDelivery:
    """The delivery of one chunk to the store."""

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        self._sync = sync
        self._session = session
        self._request = request
        self._counts = DeliveryCounts()
        self._outcomes: list[tuple[UUID, str]] = []
        self._rejections: list[RejectionRow] = []
        self._provisional: set[str] = set()
        """SKUs whose level depends on orders under way to the OMS."""
        self._uncertain: Mapping[str, Sequence[UnsettledDelivery]] = {}

    def run(self, chunk: Sequence[AcceptedRecord]) -> DeliveryCounts:
        """Deliver the chunk and return its counts."""
        levels = {a: decode_record(StockLevel, a.canonical) for a in chunk if not a.superseded}
        self._outcomes += [(a.capture_id, "superseded") for a in chunk if a.superseded]
        self._counts.superseded = len(self._outcomes)
        items = self._session.catalog.store_items({level.sku for level in levels.values()})
        changes = self._changes(levels, items)
        try:
            if changes:
                asyncio.run(self._write(changes, items))
        finally:
            self._record(chunk)
        return self._counts

    def _record(self, chunk: Sequence[AcceptedRecord]) -> None:
        """Store the outcomes, and open and close rejections."""
        with self._session.transaction():
            self._session.records.settle(self._request.day, self._outcomes)
            self._counts.newly_rejected += self._session.rejections.open(
                self._request.day, self._rejections, self._sync.run_id
            )
            if self._session.rejections.any_open():
                through = {
                    capture_id
                    for capture_id, outcome in self._outcomes
                    if outcome in ("delivered", "unchanged")
                }
                ids = [a.source_id for a in chunk if a.capture_id in through]
                self._session.rejections.close(
                    "delivered", ids, "the store accepted the level", self._sync.run_id
                )

    def _changes(
        self, levels: Mapping[AcceptedRecord, StockLevel], items: Mapping[str, StoreItem]
    ) -> list[_Change]:
        wanted = self._targets(levels, items)
        known = self._known([target for _, target in wanted])
        self._uncertain = self._session.deliveries.unsettled(
            [accepted.source_id for accepted, _ in wanted], self._sync.platform.acts_for
        )
        now = self._session.now()
        changes: list[_Change] = []
        for accepted, target in wanted:
            change = self._change(accepted, target, known.get(_key(target)))
            if change is not None and (until := acting_until(self._others(change), now)):
                # An older level that takes effect late would replace this one.
                self._counts.wait(until)
            elif change is None:
                self._conclude(accepted, target.sku, "unchanged")
                self._counts.unchanged += 1
            else:
                changes.append(change)
        return changes

    def _targets(
        self, levels: Mapping[AcceptedRecord, StockLevel], items: Mapping[str, StoreItem]
    ) -> list[tuple[AcceptedRecord, StockTarget]]:
        """Return each record's level for the store, without those that a rule leaves alone."""
        policy = self._sync.connection.inventory
        uom_rules = self._sync.connection.orders.uom_rules
        locations = self._sync.platform.location_ids()
        undelivered = (
            self._session.records.undelivered_units() if policy.subtract_undelivered else {}
        )
        self._provisional = {sku for sku, units in undelivered.items() if units}
        wanted: list[tuple[AcceptedRecord, StockTarget]] = []
        for accepted, level in levels.items():
            target = target_of(level, policy, locations, undelivered, uom_rules)
            item = items.get(level.sku)
            if isinstance(target, Skipped):
                self._leave_alone(accepted, target.rule, level.sku)
            elif item is None:
                self._leave_alone(accepted, "not_in_store", level.sku)
            elif item.tracking == "none":
                # The store shows no level of such an item and can't confirm its shipments: an
                # operator should know.
                self._leave_alone(accepted, "tracking_off_in_store", level.sku)
            else:
                wanted.append((accepted, target))
        return wanted

    def _conclude(self, accepted: AcceptedRecord, sku: str, outcome: str) -> None:
        """Give a level its outcome, unless it depends on orders under way.

        Once those orders have arrived, the same availability means another number.
        """
        if sku not in self._provisional:
            self._outcomes.append((accepted.capture_id, outcome))

    def _leave_alone(self, accepted: AcceptedRecord, rule: str, sku: str) -> None:
        self._counts.leave_alone(rule, sku)
        self._outcomes.append((accepted.capture_id, "unchanged"))
        self._counts.unchanged += 1

    def _known(self, targets: Sequence[StockTarget]) -> dict[str, TargetRow]:
        """Return what the store is known to hold; levels never written are read from the store."""
        known = self._session.deliveries.targets([_key(t) for t in targets])
        if fresh := {t.sku for t in targets if _key(t) not in known}:
            held = self._sync.platform.read_stock(fresh)
            now = datetime.now(UTC)
            for (sku, location), quantity in held.items():
                content = _content(quantity, infinite=False)
                row = TargetRow(
                    f"{sku}@{location}", location, content, content_digest(content), "", 0, now
                )
                known.setdefault(row.target_key, row)
        return known

    def _change(
        self, accepted: AcceptedRecord, target: StockTarget, known: TargetRow | None
    ) -> _Change | None:
        content = _content(target.quantity, infinite=target.infinite)
        digest = content_digest(content)
        # The store may hold what a dead run has written, instead of what it is known to hold.
        is_uncertain = any(u.is_uncertain for u in self._uncertain.get(accepted.source_id, ()))
        is_same = known is not None and known.digest == digest
        if is_same and not self._request.force and not is_uncertain:
            return None
        sequence = known.sequence if known else 0
        key = delivery_key(
            self._sync.name, INVENTORY, accepted.source_id, f"stock:{sequence}", digest
        )
        claim = ClaimRow(
            key,
            accepted.source_id,
            "stock",
            _key(target),
            accepted.capture_id,
            self._request.day,
            accepted.correlation_id,
        )
        holds = TargetRow(
            _key(target),
            target.location,
            content,
            digest,
            "",
            sequence + 1,
            accepted.source_updated_at,
        )
        return _Change(accepted, target, claim, holds)

    async def _write(self, changes: Sequence[_Change], items: Mapping[str, StoreItem]) -> None:
        engine = Engine(
            self._session,
            self._sync.run_id,
            self._sync.connection.max_attempts,
            store_target(self._sync),
        )
        async with self._sync.platform.writer(engine.log) as writer:
            size = self._sync.platform.stock_batch_size
            # One bulk call at a time, one location at a time: the store's API asks for it.
            ordered = sorted(changes, key=lambda c: c.target.location)
            for start in range(0, len(ordered), size):
                engine.check_writer()
                await self._write_batch(ordered[start : start + size], items, engine, writer)
                if engine.stopped_by is not None:
                    raise engine.stopped_by

    async def _write_batch(
        self,
        batch: Sequence[_Change],
        items: Mapping[str, StoreItem],
        engine: Engine,
        writer: StoreWriter,
    ) -> None:
        with self._session.transaction():
            self._session.deliveries.claim([c.claim for c in batch], self._sync.run_id)
        levels = [c for c in batch if not c.target.infinite]
        if levels:
            await self._attempt(levels, self._put_levels(levels, items, writer), engine)
        for change in batch:
            if not change.target.infinite:
                continue
            if engine.stopped_by is not None:
                engine.settle_rows([], [], [change.claim.delivery_key])
                continue
            stopping = self._stop_tracking(items[change.target.sku], writer)
            await self._attempt([change], stopping, engine)

    async def _attempt(
        self,
        changes: Sequence[_Change],
        writing: Awaitable[Mapping[str, Problem]],
        engine: Engine,
    ) -> None:
        """Write changes and settle them; a failure stops no others.

        What is unknown stays in flight, and is written again by the next run.
        """
        refused: dict[str, Problem] = {}

        async def write() -> Receipt:
            refused.update(await writing)
            return Receipt("")

        outcome = await engine.attempt(Intent(changes[0].claim, write))
        if outcome.state in ("failed", "unknown"):
            self._counts.failed += len(changes)
            self._counts.errors.append(outcome.error)
        elif outcome.state == "refused":
            refused = {_key(c.target): outcome.problems[0] for c in changes}
        self._settle(changes, refused, engine, outcome)

    async def _put_levels(
        self, changes: Sequence[_Change], items: Mapping[str, StoreItem], writer: StoreWriter
    ) -> Mapping[str, Problem]:
        answers = await writer.put_stock([c.target for c in changes], items, REASON)
        return {_key(a.target): a.problem for a in answers if a.problem is not None}

    async def _stop_tracking(self, item: StoreItem, writer: StoreWriter) -> Mapping[str, Problem]:
        await writer.stop_tracking(item)
        return {}

    def _settle(
        self,
        batch: Sequence[_Change],
        refused: Mapping[str, Problem],
        engine: Engine,
        outcome: Outcome,
    ) -> None:
        state = "in_flight" if outcome.state == "unknown" else outcome.state
        rows: list[SettleRow] = []
        holds: list[TargetRow] = []
        for change in batch:
            accepted, key = change.accepted, change.claim.delivery_key
            problem = refused.get(change.holds.target_key)
            if problem is not None:
                rows.append(
                    SettleRow(key, "refused", error=problem.message, is_lost=outcome.is_lost)
                )
                self._outcomes.append((accepted.capture_id, "rejected"))
                ids = (accepted.capture_id, accepted.source_id)
                row = RejectionRow(*ids, "delivered", [problem], accepted.correlation_id)
                self._rejections.append(row)
                self._counts.rejected += 1
                continue
            rows.append(SettleRow(key, state, error=outcome.error[:1000], is_lost=outcome.is_lost))
            if outcome.state == "delivered":
                rows += self._replaced(change)
                holds.append(change.holds)
                self._conclude(accepted, change.target.sku, "delivered")
                self._counts.delivered += 1
                self._counts.count_sent("stock")
        engine.settle_rows(rows, holds)

    def _replaced(self, change: _Change) -> list[SettleRow]:
        """Return the end of uncertain levels that this one has replaced in the store."""
        return [
            SettleRow(u.delivery_key, "superseded")
            for u in self._others(change)
            if u.state != "delivered"
        ]

    def _others(self, change: _Change) -> list[UnsettledDelivery]:
        """Return the record's unsettled deliveries of other levels."""
        own = change.claim.delivery_key
        unsettled = self._uncertain.get(change.accepted.source_id, ())
        return [u for u in unsettled if u.delivery_key != own]


def _key(target: StockTarget) -> str:
    return f"{target.sku}@{target.location}"


def _content(quantity: int, *, infinite: bool) -> bytes:
    return orjson.dumps({"infinite": True} if infinite else {"quantity": quantity})
