"""Comparison of customers: whether the OMS holds what the store has registered. Of the present.

All linked customers are read, since a store's lists show no deletion, and need not show a changed
address. What was not captured is announced to the stream, as a webhook would have done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from msgspec.structs import replace

from assets.reconciliation.result import Repair, Result
from domain.connections import CUSTOMERS
from domain.delivery import Held
from domain.exchange import RawRecord
from domain.identity import correlation_id
from domain.reconciliation import DIFFERS, MISSING_AT_TARGET, Entity
from domain.records.customers import Customer
from domain.records.record import decode_record
from resources.ledger.records.record_state import RecordState, record_states
from resources.ledger.rows import TargetRow
from resources.ledger.session import Session
from resources.sync import Sync

ENTITY: Entity = "customer"


@dataclass(frozen=True)
class Compared:
    """The results of some customers, and those of which the store has a version unseen so far."""

    results: list[Result]
    unseen: list[str]


class CustomerComparator:
    """Compares the linked customers of one connection."""

    def __init__(self, sync: Sync, now: datetime) -> None:
        self._sync, self._now = sync, now
        self._grain = sync.connection.grain

    def compare(self, session: Session, source_ids: Sequence[str]) -> Compared:
        """Read both systems, and compare each customer; ``session`` is the stream's own.

        Of one that was forgotten nothing is left to compare, and nothing is sent any more.
        """
        forgotten = session.captures.forgotten(source_ids)
        before = record_states(session.db, self._sync.name, CUSTOMERS, source_ids)
        store = {
            record.source_id: record
            for page in self._sync.customers.read(source_ids)
            for record in page.records
        }
        unseen = [
            i for i in source_ids if i not in forgotten and self._is_unseen(before[i], store.get(i))
        ]
        linked = session.links.oms_ids(source_ids)
        wanted = {
            source_id: replace(customer, customer_id=linked[source_id])
            for source_id in source_ids
            if source_id in linked
            and source_id not in forgotten
            and (customer := _accepted(before[source_id])) is not None
        }
        held = self._held(before, wanted)
        after = record_states(session.db, self._sync.name, CUSTOMERS, source_ids)
        results = []
        for source_id in source_ids:
            state = after[source_id]
            result = self._result(source_id, state)
            if state != before[source_id] or source_id in unseen:
                result.pending()
            elif source_id in wanted:
                self._compare(result, state, wanted[source_id], held.get(linked[source_id]))
            results.append(result)
        return Compared(results, unseen)

    def _is_unseen(self, known: RecordState, store: RawRecord | None) -> bool:
        newest = known.newest
        if store is None:
            accepted = _accepted(known)
            return accepted is not None and not accepted.is_gone
        return newest is None or newest.digest != store.digest

    def _held(
        self, known: Mapping[str, RecordState], wanted: Mapping[str, Customer]
    ) -> dict[str, Held]:
        """Return what the OMS holds of customers, by their ids there."""
        target = self._sync.customers_target
        asked = {}
        for source_id, customer in wanted.items():
            state = known[source_id].target
            content = [] if state is None else [orjson.loads(state.content)]
            asked[customer.customer_id] = (target.payload(customer), *content)

        async def read() -> dict[str, Held]:
            async with target.writer(lambda _: None) as writer:
                return await writer.held(asked)

        return asyncio.run(read()) if asked else {}

    def _result(self, source_id: str, known: RecordState) -> Result:
        partition = known.newest.partition(self._grain) if known.newest is not None else None
        correlation = correlation_id(self._sync.name, ENTITY, source_id)
        return Result(CUSTOMERS, source_id, correlation, partition)

    def _compare(
        self, result: Result, known: RecordState, customer: Customer, held: Held | None
    ) -> None:
        """Add what the OMS lacks, or holds otherwise; personal values are not shown."""
        limit = self._sync.connection.limits.captured_not_delivered
        if known.is_rejected or known.newest is None or known.newest.state != "accepted":
            return
        record = customer.customer_id
        if result.add_if_unsettled(ENTITY, record, known, self._now, limit):
            return
        if held is None:
            if known.target is not None:
                result.add(MISSING_AT_TARGET, ENTITY, record, can_repair=True)
                self._repair(result, known, None)
            return
        if held.problems:
            result.pending()
            return
        target = self._sync.customers_target
        for name in target.differences(held.content, target.payload(customer)):
            result.add(DIFFERS, ENTITY, record, name, can_repair=True)
        if result.drifts:
            self._repair(result, known, held)

    def _repair(self, result: Result, known: RecordState, held: Held | None) -> None:
        """Correct what the OMS is known to hold, and make the newest version due."""
        newest = known.newest
        if newest is None or result.partition is None:
            return
        state = None
        if held is not None:
            content = orjson.dumps(held.content)
            state = TargetRow.following(
                known.target, result.source_id, held.target_id, content, newest.source_updated_at
            )
        result.repair = Repair(
            CUSTOMERS,
            result.source_id,
            result.partition,
            "as_captured",
            known,
            newest.capture_id,
            result.source_id,
            state,
            is_gone=held is None,
        )


def _accepted(known: RecordState) -> Customer | None:
    """Return the customer as it was accepted last."""
    if known.accepted is None:
        return None
    return decode_record(Customer, known.accepted.canonical)
