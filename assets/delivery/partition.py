"""The step ``delivered``: bring a partition's accepted records to the target, chunk by chunk, under the writer's lock."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from assets.chain.stream import DeliveryCounts, DeliveryRequest, Stream
from assets.pipeline.prefetch import uncollected
from assets.pipeline.validate import FORGOTTEN, SMALLEST_SAMPLE
from domain.errors import PermanentError, TransientError
from resources.ledger.rows import AcceptedRecord
from resources.ledger.session import Session
from resources.lockstep import Sync

CHUNK = 1_000
PASSES = 3
"""The first pass may only finish what a dead run had begun; the record's own version then comes in the second."""


def deliver(sync: Sync, stream: Stream[Any], request: DeliveryRequest) -> DeliveryCounts:
    """Deliver a partition's accepted records; the lock is taken per chunk, so that a live run slips in between a backfill's.

    Raises ``TransientError`` at the end where records could not be sent for reasons that another try may cure, and ``PermanentError`` at
    once where the target is at fault.
    """
    total = DeliveryCounts()
    with sync.ledger.session(sync.name, stream.name, sync.run_id) as session:
        for _ in range(PASSES):
            repeat = _one_pass(sync, stream, session, request, total)
            if not repeat:
                break
        if total.delivered or total.unchanged:
            session.note("delivered_at")
    if (
        request.only is None
    ):  # of chosen records, mostly refused before, no rate says that the target is at fault
        _raise_if_system_is_at_fault(sync, stream, total)
    if total.errors:
        raise DeliveryIncomplete(
            f"{sync.name}/{stream.name} {request.day}: {total.failed} records could not be delivered and stay due; the next run sends "
            f"them. First reason: {total.errors[0]}",
            total,
        )
    return total


def _raise_if_system_is_at_fault(sync: Sync, stream: Stream[Any], total: DeliveryCounts) -> None:
    sent = total.delivered + total.rejected
    limit = sync.connection.rejection_threshold
    if sent >= SMALLEST_SAMPLE and total.rejected > limit * sent:
        raise PermanentError(
            f"{sync.name}/{stream.name}: the target refused {total.rejected} of {sent} records, more than the connection's limit of "
            f"{limit:.0%}. The others are delivered. Look at the rejections, correct the mapping or the target's set-up, and rerun the "
            "partition."
        )


class DeliveryIncomplete(TransientError):
    """Some records could not be sent; carries what was done all the same."""

    def __init__(self, message: str, counts: DeliveryCounts) -> None:
        super().__init__(message)
        self.counts = counts


def _one_pass(
    sync: Sync, stream: Stream[Any], session: Any, request: DeliveryRequest, total: DeliveryCounts
) -> int:
    after: UUID | None = None
    repeat = 0
    while True:
        with session.writer_lock(), uncollected():
            chunk = session.records.to_deliver(
                request.day,
                again=request.again,
                force=request.force,
                after=after,
                limit=CHUNK,
                only=request.only,
            )
            if not chunk:
                return repeat
            after = chunk[-1].capture_id
            chunk = _remembered(stream, session, chunk, total)
            counts = stream.deliver(sync, session, request, chunk) if chunk else DeliveryCounts()
        _add(total, counts)
        repeat += counts.repeat


def _remembered(
    stream: Stream[Any], session: Session, chunk: list[AcceptedRecord], total: DeliveryCounts
) -> list[AcceptedRecord]:
    """Leave out the orders of people who were forgotten: what is left of them must not replace what the target holds, not even by force."""
    gone = (
        session.captures.forgotten([accepted.source_id for accepted in chunk])
        if stream.to_oms
        else set()
    )
    for name in sorted(gone):
        total.leave(FORGOTTEN, name)
    return [accepted for accepted in chunk if accepted.source_id not in gone] if gone else chunk


def _add(total: DeliveryCounts, counts: DeliveryCounts) -> None:
    total.delivered += counts.delivered
    total.unchanged += counts.unchanged
    total.superseded += counts.superseded
    total.rejected += counts.rejected
    total.failed += counts.failed
    total.errors += counts.errors[: max(0, 20 - len(total.errors))]
    for rule, names in counts.left_alone.items():
        total.left_alone.setdefault(rule, []).extend(names)
    for action, number in counts.effects.items():
        total.effect(action, number)
