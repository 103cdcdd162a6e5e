"""The step ``captured``: read a window of the source and store each version exactly as it came.

A source of requests is informed of what was captured once all of it is stored, and only then does
the watermark move: after a crash in between, the window is read and acknowledged again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from assets.chain.stream import ReadsInTurn, Stream
from assets.pipeline.prefetch import gc_paused, prefetch
from assets.pipeline.versions import Ordered, in_order
from domain.errors import TransientError
from domain.exchange import RawRecord
from domain.identity import capture_id
from domain.sources import Page, Source
from domain.values import LONG_AGO, Partition, Window
from resources.ledger.exchanges import exchanges_stored
from resources.ledger.rows import CaptureRow
from resources.ledger.session import Session
from resources.sync import Sync

CHUNK = 2_000
QUIET_PAGES = 10
"""Pages without a whole chunk after which garbage is collected."""
MOST_READS = 5
"""How often a record is read by name while other runs capture it."""


@dataclass
class CaptureCounts:
    """``read`` from the source, of which ``captured`` were new and ``known`` were stored before."""

    read: int = 0
    captured: int = 0
    known: int = 0


def source_present(sync: Sync, stream: Stream[Any]) -> datetime:
    """Return the present by the source's clock, which dates its records; ours for a snapshot."""
    if stream.is_snapshot:
        return datetime.now(UTC)
    return (sync.platform if stream.to_oms else sync.oms).clock()


def capture(
    sync: Sync, stream: Stream[Any], partition: Partition, window: Window, *, is_live: bool
) -> CaptureCounts:
    """Capture the window, which must lie within the partition.

    The watermark moves in the last chunk's transaction, or, where the source wants its records
    acknowledged, after that. A snapshot source has no past: for any other partition than the
    present one nothing is read.
    """
    counts = CaptureCounts()
    if stream.is_snapshot and datetime.now(UTC) not in partition:
        return counts
    started = datetime.now(UTC)
    source = stream.source(sync)
    stored: list[str] | None = [] if source.shape == "requests" else None
    with (
        sync.ledger.session(sync.name, stream.name, sync.run_id) as session,
        sync.ledger.session(sync.name, stream.name) as reading,
        gc_paused() as collect,
    ):
        doubtful: list[str] = []
        pages = stream.fetch(sync, reading, window)
        for chunk, is_last in _with_end(prefetch(_chunks(pages, collect))):
            rows = _rows(sync, stream, session, partition.day, window, chunk)
            reached = _reached(sync, stream, window, started) if is_last else None
            moved = reached if stored is None and not doubtful else None
            store = partial(_store, sync, stream, session, rows, started, moved, may_start=is_live)
            with session.writer_lock():
                captured, found = session.repeatable(store)
            counts.captured += captured
            counts.read += len(rows)
            doubtful += found
            if reached is not None and doubtful:
                _read_again(sync, stream, session, doubtful)
            if stored is not None:
                stored += [row.source_id for row in rows]
                if reached is not None:
                    _acknowledge(source, session, stored, reached, may_start=is_live)
            elif reached is not None and doubtful:
                _move(session, reached, may_start=is_live)
            collect()
        counts.known = counts.read - counts.captured
    return counts


def capture_pages(
    sync: Sync,
    stream: Stream[Any],
    session: Session,
    records: Sequence[RawRecord],
    started: datetime,
) -> dict[Partition, list[str]]:
    """Capture records that were read by name; return their ids by the partition of their change.

    ``started`` is when reading them began. The watermark stays: nothing else of their windows was
    read.
    """
    placed, doubtful = _capture_pages(sync, stream, session, records, started)
    if doubtful:
        _read_again(sync, stream, session, doubtful)
    return placed


def _read_again(sync: Sync, stream: Stream[Any], session: Session, doubtful: list[str]) -> None:
    """Read records by name that another run has captured while they were read.

    Raises ``TransientError`` if that happens time and again.
    """
    for _ in range(MOST_READS):
        started = datetime.now(UTC)
        pages = stream.source(sync).read(list(dict.fromkeys(doubtful)))
        records = [record for page in pages for record in page.records]
        _, doubtful = _capture_pages(sync, stream, session, records, started)
        if not doubtful:
            return
    raise TransientError(
        f"{sync.name}/{stream.name}: {doubtful[0]} changes at every read, and another run is "
        "capturing it. The window is read again by the next run."
    )


def _capture_pages(
    sync: Sync,
    stream: Stream[Any],
    session: Session,
    records: Sequence[RawRecord],
    started: datetime,
) -> tuple[dict[Partition, list[str]], list[str]]:
    doubtful: list[str] = []
    grain, now = sync.connection.grain, datetime.now(UTC)
    placed: dict[Partition, list[RawRecord]] = {}
    for record in records:
        moment = now if stream.is_snapshot else record.updated_at
        placed.setdefault(Partition.of(moment, grain), []).append(record)
    for partition, some in sorted(placed.items()):
        rows = _rows(sync, stream, session, partition.day, partition.window, some)
        store = partial(_store, sync, stream, session, rows, started, None, may_start=False)
        with session.writer_lock():
            doubtful += session.repeatable(store)[1]
    ids = {
        partition: [record.source_id for record in some]
        for partition, some in sorted(placed.items())
    }
    return ids, doubtful


def _acknowledge(
    source: Source[Any],
    session: Session,
    stored: Sequence[str],
    reached: Window,
    *,
    may_start: bool,
) -> None:
    """Report all that was read as captured: none before the end, since that could shift the list.

    The source may fail here; what is stored is then known when it is read again.
    """
    if stored:
        with exchanges_stored(session):
            asyncio.run(source.acknowledge(list(dict.fromkeys(stored))))
    _move(session, reached, may_start=may_start)


def _move(session: Session, reached: Window, *, may_start: bool) -> None:
    with session.writer_lock():
        session.repeatable(partial(session.move_watermark, reached, may_start=may_start))


def _store(
    sync: Sync,
    stream: Stream[Any],
    session: Session,
    rows: list[CaptureRow],
    started: datetime,
    reached: Window | None,
    *,
    may_start: bool,
) -> tuple[int, list[str]]:
    """Store a chunk; return the number of its new versions, and the doubtful records.

    The watermark moves if there are none.
    """
    if stream.is_snapshot:
        kept = Ordered(_changed(session, rows), [])
    else:
        ahead = source_present(sync, stream) - datetime.now(UTC)
        kept = in_order(session, rows, started, ahead)
    captured = session.captures.add(kept.rows, sync.run_id)
    if reached is not None and not kept.doubtful:
        session.move_watermark(reached, may_start=may_start)
        if isinstance(stream, ReadsInTurn):
            stream.captured(session)
    return captured, kept.doubtful


def _reached(sync: Sync, stream: Stream[Any], window: Window, started: datetime) -> Window:
    """Cut the window at the source's present when reading started: later changes were not read.

    A snapshot contains everything, so it adjoins whatever was read before it.
    """
    if stream.is_snapshot:
        return Window(LONG_AGO, window.until)
    present = source_present(sync, stream) - (datetime.now(UTC) - started)
    return Window(
        window.since, min(window.until, max(window.since, present.replace(microsecond=0)))
    )


def _with_end(chunks: Iterator[list[RawRecord]]) -> Iterator[tuple[list[RawRecord], bool]]:
    """Yield each chunk with whether it is the last; an empty source yields one empty chunk."""
    previous: list[RawRecord] = []
    for chunk in chunks:
        if previous:
            yield previous, False
        previous = chunk
    yield previous, True


def _chunks(pages: Iterator[Page], collect: Callable[[], object]) -> Iterator[list[RawRecord]]:
    """Combine pages to chunks of a size that spreads the fixed cost of a COPY.

    A source that leaves out what has not changed may yield thousands of empty pages, and no chunk
    after which garbage is collected: then it is collected here.
    """
    waiting: list[RawRecord] = []
    since = 0
    for page in pages:
        waiting.extend(page.records)
        since += 1
        if len(waiting) >= CHUNK:
            yield waiting
            waiting, since = [], 0
        elif since >= QUIET_PAGES:
            collect()
            since = 0
    if waiting:
        yield waiting


def _rows(
    sync: Sync,
    stream: Stream[Any],
    session: Session,
    day: date,
    window: Window,
    chunk: Sequence[RawRecord],
) -> list[CaptureRow]:
    correlations = stream.correlate(sync, session, [record.source_id for record in chunk])
    rows: list[CaptureRow] = []
    for record in chunk:
        source_id, moment, digest = record.source_id, record.updated_at, record.digest
        identity = capture_id(sync.name, stream.name, source_id, digest, moment.isoformat())
        correlation = correlations[source_id]
        rows.append(
            CaptureRow(
                day,
                identity,
                source_id,
                moment,
                digest,
                record.payload,
                correlation,
                _hour(moment, window),
            )
        )
    return rows


def _hour(moment: datetime, window: Window) -> int:
    """Return the hour in which a version counts as captured: within the window in any case.

    A snapshot's record may have been changed long ago, another one since the window was asked for.
    """
    if moment.tzinfo is UTC and window.since <= moment < window.until:
        return moment.hour
    last = window.until - timedelta(microseconds=1)
    return max(window.since, min(moment, last)).astimezone(UTC).hour


def _changed(session: Session, rows: list[CaptureRow]) -> list[CaptureRow]:
    """Leave out the unchanged records of a snapshot source."""
    latest = session.captures.latest_digests([row.source_id for row in rows])
    return [row for row in rows if latest.get(row.source_id) != row.digest]
