"""The step ``delivered``: bring a partition's accepted records to the target, chunk by chunk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from assets.chain.stream import Stream
from assets.delivery.engine import Engine
from assets.delivery.outage import outage_noted
from assets.delivery.request import DeliveryCounts, DeliveryRequest
from assets.delivery.system import answers
from assets.pipeline.prefetch import gc_paused
from assets.pipeline.validate import FORGOTTEN, SMALLEST_SAMPLE
from domain.errors import (
    LockstepError,
    PermanentError,
    RateLimited,
    TransientError,
    WriterLost,
)
from domain.parsing.text import plural
from domain.streams import KINDS
from domain.values import Partition
from resources.ledger.monitoring.activation import activations
from resources.ledger.monitoring.outages import note_answering, note_failing
from resources.ledger.rejections import discards
from resources.ledger.rejections.recovery import retry_unreached
from resources.ledger.rows import AcceptedRecord
from resources.ledger.session import Session
from resources.sync import Sync

CHUNK = 1_000
PASSES = 3
SHORT_WAIT = timedelta(seconds=5)
"""How long a step waits until a record can be sent; others stay due for a later run."""
MOST_ERRORS = 20


class DeliveryIncomplete(TransientError):
    """Some records could not be sent; carries the counts of what was done."""

    def __init__(self, message: str, counts: DeliveryCounts) -> None:
        super().__init__(message)
        self.counts = counts


def deliver_partition(sync: Sync, stream: Stream[Any], request: DeliveryRequest) -> DeliveryCounts:
    """Deliver a partition's accepted records.

    Where only what is due is wanted, all partitions of a snapshot are delivered: a change of policy
    makes levels due of the partitions in which they changed last, and each as a run of its own
    would take too long.

    The writer's lock is taken per chunk, so that a live run gets its turn between a backfill's
    chunks. Raises ``DeliveryIncomplete`` at the end where records could not be sent for reasons
    that another try may resolve, and ``PermanentError`` at once where the target is at fault.

    Nothing is sent while the stream is paused; a pause takes effect between two chunks. Nothing
    more is sent either where a quota is used up for longer than the caller waits
    (``rate_limit.impatient``): then the counts name it.
    """
    total = DeliveryCounts()
    with (
        _concluded(sync, stream, total),
        sync.ledger.session(sync.name, stream.name, sync.run_id) as session,
    ):
        for number in range(PASSES):
            try:
                with outage_noted(sync, stream, session):
                    waiting = _deliver_due(sync, stream, session, request, total)
            except RateLimited as error:
                total.quota = error
                break
            until = waiting.waits_until
            pause = until - session.now() if until is not None else SHORT_WAIT
            if number == PASSES - 1 or pause >= SHORT_WAIT:
                total.waiting, total.waits_until = waiting.waiting, until
                break
            time.sleep(max(pause.total_seconds(), 0.0))
        if total.delivered or total.unchanged:
            session.note("delivered_at")
        has_failed = bool(total.errors) and total.quota is None and not total.got_through
        if has_failed and not answers(sync, is_oms=stream.to_oms):
            note_failing(session.db, sync.name, stream.name, total.errors[0])
    # Of chosen records, most were refused before: their rate says nothing about the target.
    if request.only is None:
        _raise_if_system_is_at_fault(sync, stream, total)
    if total.errors and total.quota is None:
        raise _incomplete(sync, stream, request, total)
    return total


def _incomplete(
    sync: Sync, stream: Stream[Any], request: DeliveryRequest, total: DeliveryCounts
) -> DeliveryIncomplete:
    return DeliveryIncomplete(
        f"{sync.name}/{stream.name} {request.partition}: {plural(total.failed, 'record')} not "
        "delivered and still due; the next run tries again. "
        f"First reason: {total.errors[0]}",
        total,
    )


@contextmanager
def _concluded(sync: Sync, stream: Stream[Any], total: DeliveryCounts) -> Iterator[None]:
    """Conclude the delivery also where the target failed: what it has left is in the ledger."""
    try:
        yield
    except WriterLost:
        raise
    except LockstepError:
        stream.conclude(sync)
        raise
    else:
        total.concluded |= stream.conclude(sync) or {}


def _others(
    sync: Sync, stream: Stream[Any], session: Session, request: DeliveryRequest
) -> list[Partition]:
    """Return the other partitions to deliver, for a snapshot whose due records are wanted."""
    if not stream.is_snapshot or request.again or request.force or request.only is not None:
        return []
    due = session.partitions.due(sync.connection.grain)
    return [partition for partition in due if partition != request.partition]


def _raise_if_system_is_at_fault(sync: Sync, stream: Stream[Any], total: DeliveryCounts) -> None:
    """Raise where too many were refused; refusals that were known before say nothing new."""
    sent = total.delivered + total.newly_rejected
    limit = sync.connection.rejection_threshold
    if sent >= SMALLEST_SAMPLE and total.newly_rejected > limit * sent:
        raise PermanentError(
            f"{sync.name}/{stream.name}: the target refused {total.newly_rejected} of {sent} "
            "records that were not refused before, "
            f"more than the connection's limit of {limit:.0%}. The others are delivered. Look at "
            "the rejections, correct the mapping or the target's set-up, and rerun the partition."
        )


def _deliver_due(
    sync: Sync,
    stream: Stream[Any],
    session: Session,
    request: DeliveryRequest,
    total: DeliveryCounts,
) -> DeliveryCounts:
    """Deliver what is due once, also of the partitions that the stream's plan has made due."""
    waiting = _deliver_pass(sync, stream, session, request, total)
    for partition in _others(sync, stream, session, request):
        other = replace(request, partition=partition)
        later = _deliver_pass(sync, stream, session, other, total)
        if later.waits_until is not None:
            waiting.wait(later.waits_until, later.waiting)
    return waiting


def _deliver_pass(
    sync: Sync,
    stream: Stream[Any],
    session: Session,
    request: DeliveryRequest,
    total: DeliveryCounts,
) -> DeliveryCounts:
    """Deliver what is due once; return the counts of the records that wait."""
    after: UUID | None = None
    waiting = DeliveryCounts()
    while True:
        with _writer_locks(session), gc_paused():
            total.paused = _pause_of(sync, stream, session)
            if total.paused:
                return waiting
            chunk = session.records.to_deliver(
                request.partition,
                again=request.again,
                force=request.force,
                after=after,
                limit=CHUNK,
                only=request.only,
            )
            if not chunk:
                return waiting
            after = chunk[-1].capture_id
            chunk = _without_forgotten(stream, session, chunk, total)
            chunk = _without_discarded(session, request, chunk, total)
            counts = Engine(stream.planner(sync, session, request)).run(chunk)
        _add(total, counts)
        if counts.got_through:
            failing_since = note_answering(session.db, sync.name, stream.name)
            if failing_since is not None:
                retry_unreached(session, failing_since)
        if counts.waits_until is not None:
            waiting.wait(counts.waits_until, counts.waiting)


@contextmanager
def _writer_locks(session: Session) -> Iterator[None]:
    """Hold the stream's lock, and before it those of the streams whose records it writes, too."""
    kind = KINDS.get(session.stream)
    with ExitStack() as locks:
        for other in kind.writes_with if kind is not None else ():
            locks.enter_context(session.writer_lock(other))
        locks.enter_context(session.writer_lock())
        yield


def _pause_of(sync: Sync, stream: Stream[Any], session: Session) -> str:
    """Return why the stream is paused; an empty text where this process may deliver it."""
    [activation] = activations(session.db, sync.name, [stream.name])
    return "" if activation.runs(sync.starting) else str(activation)


def _without_forgotten(
    stream: Stream[Any], session: Session, chunk: list[AcceptedRecord], total: DeliveryCounts
) -> list[AcceptedRecord]:
    """Leave out the orders of forgotten customers.

    What the ledger keeps of them must not replace what the target holds, not even with ``force``.
    """
    if not stream.to_oms:
        return chunk
    forgotten = session.captures.forgotten([accepted.source_id for accepted in chunk])
    for name in sorted(forgotten):
        total.leave_alone(FORGOTTEN, name)
    return [accepted for accepted in chunk if accepted.source_id not in forgotten]


def _without_discarded(
    session: Session,
    request: DeliveryRequest,
    chunk: list[AcceptedRecord],
    total: DeliveryCounts,
) -> list[AcceptedRecord]:
    """Leave out the versions that an operator has discarded: the target may have them by hand."""
    day, captures = request.partition.day, [accepted.capture_id for accepted in chunk]
    discarded = discards.left_out(session.db, session.connection, session.stream, day, captures)
    if not discarded:
        return chunk
    with session.transaction():
        session.records.settle(day, [(capture, "rejected") for capture in sorted(discarded)])
    for accepted in chunk:
        if accepted.capture_id in discarded:
            total.leave_alone(discards.RULE, accepted.source_id)
    return [accepted for accepted in chunk if accepted.capture_id not in discarded]


def _add(total: DeliveryCounts, counts: DeliveryCounts) -> None:
    total.delivered += counts.delivered
    total.unchanged += counts.unchanged
    total.superseded += counts.superseded
    total.rejected += counts.rejected
    total.newly_rejected += counts.newly_rejected
    total.failed += counts.failed
    total.errors += counts.errors[: max(0, MOST_ERRORS - len(total.errors))]
    for rule, names in counts.left_alone.items():
        total.left_alone.setdefault(rule, []).extend(names)
    for code, number in counts.warnings.items():
        total.count_warning(code, number)
    for action, number in counts.sent.items():
        total.count_sent(action, number)
