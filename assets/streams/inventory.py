"""The stream ``inventory``: from the OMS to the store, only the levels that differ from what the store is known to hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from assets.chain.stream import DeliveryCounts, DeliveryRequest
from assets.delivery.engine import Desk
from assets.streams import catalog
from domain.connections import INVENTORY
from domain.errors import Problem, RecordRejected, TransientError
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import content_digest, correlation_id, delivery_key
from domain.ports import StoreWriter
from domain.records.inventory import StockLevel, StockTarget, StoreItem
from domain.records.record import decode_record
from domain.rules.availability import target_of
from domain.schemas.stock import stock_problems
from domain.values import Window
from resources.ledger.rows import (
    AcceptedRecord,
    ClaimRow,
    RejectionRow,
    SettleRow,
    StoredCapture,
    TableRows,
    TargetRow,
    UnsettledDelivery,
)
from resources.ledger.session import Session
from resources.ledger.tables import STOCK_LEVEL
from resources.lockstep import Sync

SKUS_AT_ONCE = 2_000
REASON = "Lockstep: availability of the order management system"


class Inventory:
    """Stock levels, by the protocol ``assets.chain.stream.Stream``."""

    name = INVENTORY
    to_oms = False
    is_snapshot = True
    summary = "Availability of the OMS, by the connection's policy, written to the store's locations where it differs."

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Return ``since`` when the connection's interval has passed: availability has no changed-since query."""
        with sync.ledger.session(sync.name, INVENTORY) as session:
            mark = session.watermark()
        return since if mark is None or since - mark >= sync.connection.inventory.interval else None

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[list[RawRecord]]:
        """Read the availability of every SKU of the store's catalog, which is read again when it is older than the policy's limit."""
        del window
        catalog.refresh(sync, session)
        after = ""
        while skus := session.catalog.store_skus(after, SKUS_AT_ONCE):
            yield from sync.oms.fetch_stock(skus)
            after = skus[-1]

    def correlate(self, sync: Sync, source_id: str) -> str:
        """Return the correlation id of a SKU at a node."""
        return correlation_id(sync.name, "stock", source_id)

    def digest(self, record: RawRecord) -> bytes:
        """Digest what the OMS's adapter says is the row's content: its moment changes at every look."""
        return content_digest(record.payload if record.content is None else record.content)

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[StockLevel] | Skipped]:
        """Map; a zero row of an item that the master lacks is missing, which is not zero (unless the policy says so)."""
        policy = sync.connection.inventory
        absent: set[str] = set()
        if policy.missing_item == "skip":
            empty = {c.source_id.rsplit("@", 1)[0] for c in captures if _is_empty(sync, c.payload)}
            known = set(session.catalog.oms_items(empty, sync.connection.orders.item_ttl))
            if unknown := empty - known:
                asked = sync.oms.fetch_items(sorted(unknown))
                session.catalog.put_oms_items(asked.values())
                absent = unknown - set(asked)

        def to_level(payload: bytes) -> Mapped[StockLevel] | Skipped:
            mapped = sync.oms.to_stock_level(payload)
            if isinstance(mapped, Mapped) and mapped.record.sku in absent:
                return Skipped(
                    "item_missing_at_oms",
                    "the OMS does not know the item; inventory.missing_item is skip",
                )
            return mapped

        return to_level

    def check(
        self, sync: Sync, session: Session, records: Sequence[StockLevel]
    ) -> Mapping[int, Sequence[Problem]]:
        """Check the batch."""
        del sync, session
        return stock_problems(records)

    def typed(self, accepted: Sequence[tuple[StoredCapture, StockLevel]]) -> list[TableRows]:
        """Return one row a level."""
        rows = [
            (
                c.capture_id,
                r.sku,
                r.node,
                r.available,
                r.on_hand,
                r.reserved,
                r.expected,
                r.expected_at,
                r.infinite,
                r.observed_at or c.source_updated_at,
            )
            for c, r in accepted
        ]
        return [TableRows(STOCK_LEVEL, rows)]

    def deliver(
        self,
        sync: Sync,
        session: Session,
        request: DeliveryRequest,
        chunk: Sequence[AcceptedRecord],
    ) -> DeliveryCounts:
        """Write the levels that differ, in batches of the API's size."""
        return _Delivery(sync, session, request).run(chunk)


def _is_empty(sync: Sync, payload: bytes) -> bool:
    try:
        mapped = sync.oms.to_stock_level(payload)
    except RecordRejected:
        return False
    return isinstance(mapped, Mapped) and mapped.record.available == 0


@dataclass(frozen=True)
class _Change:
    accepted: AcceptedRecord
    target: StockTarget
    claim: ClaimRow
    holds: TargetRow


class _Delivery:
    """One chunk's delivery to the store."""

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        self._sync = sync
        self._session = session
        self._request = request
        self._counts = DeliveryCounts()
        self._outcomes: list[tuple[Any, str]] = []
        self._rejections: list[RejectionRow] = []
        self._provisional: set[str] = set()
        self._uncertain: Mapping[str, Sequence[UnsettledDelivery]] = {}

    def run(self, chunk: Sequence[AcceptedRecord]) -> DeliveryCounts:
        levels = {a: decode_record(StockLevel, a.canonical) for a in chunk if not a.superseded}
        self._outcomes += [(a.capture_id, "superseded") for a in chunk if a.superseded]
        self._counts.superseded = len(self._outcomes)
        items = self._session.catalog.store_items({level.sku for level in levels.values()})
        changes = self._changes(levels, items)
        try:
            if changes:
                asyncio.run(self._write(changes, items))
        finally:
            with self._session.transaction():
                self._session.records.settle(self._request.day, self._outcomes)
                self._session.rejections.open(
                    self._request.day, self._rejections, self._sync.run_id
                )
                if self._session.rejections.any_open():
                    through = {
                        capture
                        for capture, outcome in self._outcomes
                        if outcome in ("delivered", "unchanged")
                    }
                    ids = [a.source_id for a in chunk if a.capture_id in through]
                    self._session.rejections.close(
                        "delivered", ids, "the store took the level", self._sync.run_id
                    )
        return self._counts

    def _changes(
        self, levels: Mapping[AcceptedRecord, StockLevel], items: Mapping[str, StoreItem]
    ) -> list[_Change]:
        policy = self._sync.connection.inventory
        locations = self._sync.platform.location_ids()
        undelivered = (
            self._session.records.undelivered_units() if policy.subtract_undelivered else {}
        )
        self._provisional = {sku for sku, units in undelivered.items() if units}
        wanted: list[tuple[AcceptedRecord, StockTarget]] = []
        for accepted, level in levels.items():
            target = target_of(level, policy, locations, undelivered)
            item = items.get(level.sku)
            if isinstance(target, Skipped):
                self._leave(accepted, target.rule, level.sku)
            elif item is None:
                self._leave(accepted, "not_in_store", level.sku)
            elif item.tracking == "none":
                # The store shows no level of such an item, and can't confirm its shipments: somebody should know.
                self._leave(accepted, "tracking_off_in_store", level.sku)
            else:
                wanted.append((accepted, target))
        known = self._known([target for _, target in wanted])
        self._uncertain = self._session.deliveries.unsettled(
            [accepted.source_id for accepted, _ in wanted]
        )
        changes: list[_Change] = []
        for accepted, target in wanted:
            change = self._change(accepted, target, known.get(_key(target)))
            if change is None:
                self._conclude(accepted, target.sku, "unchanged")
                self._counts.unchanged += 1
            else:
                changes.append(change)
        return changes

    def _conclude(self, accepted: AcceptedRecord, sku: str, outcome: str) -> None:
        """Give a level its outcome, but for one less orders under way: once they arrived, the same availability means another number."""
        if sku not in self._provisional:
            self._outcomes.append((accepted.capture_id, outcome))

    def _leave(self, accepted: AcceptedRecord, rule: str, sku: str) -> None:
        self._counts.leave(rule, sku)
        self._outcomes.append((accepted.capture_id, "unchanged"))
        self._counts.unchanged += 1

    def _known(self, targets: Sequence[StockTarget]) -> dict[str, TargetRow]:
        """Return what the store is known to hold, asking it for levels that have never been written."""
        known = self._session.deliveries.targets([_key(t) for t in targets])
        if fresh := {t.sku for t in targets if _key(t) not in known}:
            now = self._sync.platform.read_stock(fresh)
            moment = datetime.now(UTC)
            for (sku, location), quantity in now.items():
                content = _content(quantity, infinite=False)
                row = TargetRow(
                    f"{sku}@{location}", location, content, content_digest(content), "", 0, moment
                )
                known.setdefault(row.target_key, row)
        return known

    def _change(
        self, accepted: AcceptedRecord, target: StockTarget, known: TargetRow | None
    ) -> _Change | None:
        content = _content(target.quantity, infinite=target.infinite)
        digest = content_digest(content)
        # What a dead run had begun to write may stand in the store in place of what it is known to hold.
        is_uncertain = accepted.source_id in self._uncertain
        if (
            known is not None
            and known.digest == digest
            and not self._request.force
            and not is_uncertain
        ):
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
        desk = Desk(self._session, self._sync.run_id, self._sync.connection.max_attempts)
        async with self._sync.platform.writer(desk.log) as writer:
            size = self._sync.platform.stock_batch_size
            # One bulk call at a time, one location at a time: the store's API asks for it.
            ordered = sorted(changes, key=lambda c: c.target.location)
            for start in range(0, len(ordered), size):
                await self._write_batch(ordered[start : start + size], items, desk, writer)

    async def _write_batch(
        self,
        batch: Sequence[_Change],
        items: Mapping[str, StoreItem],
        desk: Desk,
        writer: StoreWriter,
    ) -> None:
        keys = {c.claim.delivery_key for c in batch}
        begun = [
            u.delivery_key for c in batch for u in self._uncertain.get(c.accepted.source_id, ())
        ]
        with self._session.transaction():
            self._session.deliveries.supersede([key for key in begun if key not in keys])
            self._session.deliveries.claim([c.claim for c in batch], self._sync.run_id)
        try:
            refused = await self._put(batch, items, writer)
        except TransientError as error:
            self._settle(batch, {}, desk, state="failed", error=str(error))
            self._counts.failed += len(batch)
            self._counts.errors.append(str(error))
            return
        self._settle(batch, refused, desk, state="delivered", error="")

    async def _put(
        self, batch: Sequence[_Change], items: Mapping[str, StoreItem], writer: StoreWriter
    ) -> dict[str, Problem]:
        levels = [c.target for c in batch if not c.target.infinite]
        answers = await writer.put_stock(levels, items, REASON) if levels else []
        for change in batch:
            if change.target.infinite:
                await writer.stop_tracking(items[change.target.sku])
        return {_key(a.target): a.problem for a in answers if a.problem is not None}

    def _settle(
        self,
        batch: Sequence[_Change],
        refused: Mapping[str, Problem],
        desk: Desk,
        *,
        state: str,
        error: str,
    ) -> None:
        rows: list[SettleRow] = []
        for change in batch:
            problem = refused.get(change.holds.target_key)
            rows.append(
                SettleRow(
                    change.claim.delivery_key,
                    "refused" if problem else state,
                    "",
                    "",
                    problem.message if problem else error,
                )
            )
            if problem is not None:
                self._outcomes.append((change.accepted.capture_id, "rejected"))
                self._rejections.append(
                    RejectionRow(
                        change.accepted.capture_id,
                        change.accepted.source_id,
                        "delivered",
                        [problem],
                        change.accepted.correlation_id,
                    )
                )
                self._counts.rejected += 1
            elif state == "delivered":
                self._conclude(change.accepted, change.target.sku, "delivered")
                self._counts.delivered += 1
                self._counts.effect("stock")
        holds = [
            c.holds for c in batch if state == "delivered" and c.holds.target_key not in refused
        ]
        desk.settle_rows(rows, holds)


def _key(target: StockTarget) -> str:
    return f"{target.sku}@{target.location}"


def _content(quantity: int, *, infinite: bool) -> bytes:
    return orjson.dumps({"infinite": True} if infinite else {"quantity": quantity})
