"""The windows of a chain that are due: what its source and the ledger answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from assets.error_redaction import safe_text
from assets.pipeline.capture import source_present
from assets.streams.registry import STREAMS
from domain.errors import PermanentError, RateLimited
from domain.values import DAY, Partition, Window
from resources.http.clock import SAME_CLOCK
from resources.http.rate_limit import impatient
from resources.ledger.captures import inbox, windows
from resources.lockstep import Lockstep
from resources.sync import Sync
from sensors import cursor
from sensors.cursor import Chain, Due
from sensors.parallel import side_by_side

DEADLINE_SECONDS = 20.0
"""With a tick that is killed, its cursor is lost."""
PROBES_AT_ONCE = 8


def probe_all(
    lockstep: Lockstep,
    chains: Mapping[Chain, datetime | None],
    now: datetime,
    failed: Collection[str] = (),
) -> tuple[list[Due], dict[str, str], dict[str, str]]:
    """Probe in parallel within the deadline; a slow or failing source hides no other's change.

    ``failed`` are the chains of which a window has failed lately. Return what is due, the probes
    that failed, and those that a used-up quota keeps waiting, which is not a failure.
    """
    answers = side_by_side(
        {
            chain: partial(_probe, lockstep, chain, now, hint, has_failed=str(chain) in failed)
            for chain, hint in chains.items()
        },
        at_once=PROBES_AT_ONCE,
        seconds=DEADLINE_SECONDS,
        name="probe",
    )
    failures = {str(chain): f"no answer within {DEADLINE_SECONDS:.0f} s" for chain in answers.late}
    limited: dict[str, str] = {}
    for chain, error in answers.errors.items():
        kind = limited if isinstance(error, RateLimited) else failures
        kind[str(chain)] = safe_text(error)
    return [due for found in answers.results.values() for due in found], failures, limited


def _probe(
    lockstep: Lockstep, chain: Chain, now: datetime, hint: datetime | None, *, has_failed: bool
) -> list[Due]:
    with impatient():
        return probe(lockstep, chain, now, hint, has_failed=has_failed)


def probe(
    lockstep: Lockstep,
    chain: Chain,
    now: datetime,
    hint: datetime | None = None,
    *,
    has_failed: bool = False,
) -> list[Due]:
    """Ask a chain's source for its oldest change after the watermark; return the windows due.

    ``hint`` is the newest webhook's time: with it a snapshot source is read without being probed.
    ``has_failed``: a window of the chain failed lately, and must not hold up the later ones.
    """
    sync = lockstep.sync(chain.connection, run_id="")
    stream = STREAMS[chain.stream]
    if stream.is_snapshot:
        watermark = present = now
        changed_at = now if hint is not None else stream.probe(sync, now)
    else:
        watermark, present, changed_at = _ask_source(sync, chain, now)
    with sync.ledger.session(chain.connection, chain.stream) as session:
        session.note("probed_at", now)
        if changed_at is not None:
            session.note("change_seen_at", changed_at)
        elif hint is not None:
            inbox.take(session.db, chain.connection, chain.stream, now - cursor.HINT_PATIENCE)
    if changed_at is None:
        return []
    current = Partition.of(now, sync.connection.grain)
    if stream.is_snapshot:
        return [Due(chain, current, Window(max(current.start, now - timedelta(seconds=1)), now))]
    until = min(present, current.end)
    pieces = _pieces(sync, chain, changed_at, watermark, until, has_failed=has_failed)
    _refuse_before_start(lockstep, chain, pieces)
    return _uncaptured(sync, pieces, until) if has_failed and len(pieces) > 1 else pieces


def _pieces(
    sync: Sync,
    chain: Chain,
    changed_at: datetime,
    watermark: datetime,
    until: datetime,
    *,
    has_failed: bool,
) -> list[Due]:
    """Return the window from a change up to the present, by partition.

    Up to the end of the present partition (``until``): the next one does not exist yet, but a
    source whose clock is ahead may be in it already. Its changes wait until ours begins.
    """
    window = cursor.window_due(changed_at, watermark, sync.connection.overlap, until)
    if window is None:
        return []
    if has_failed:
        window = Window(window.since, max(window.until, until.replace(microsecond=0)))
    return cursor.split(chain, window, watermark, sync.connection.grain)


def _refuse_before_start(lockstep: Lockstep, chain: Chain, pieces: Sequence[Due]) -> None:
    """Raise ``PermanentError`` for a window of a day that has no partition.

    ``start_date`` was moved beyond what is captured. A request of that day would fail the tick for
    all chains of the lane, and leaving the day out would lose its changes unseen.
    """
    first = pieces[0].partition.day if pieces else None
    start = lockstep.installation.start_date
    if first is not None and first < start:
        raise PermanentError(
            f"{chain} is captured up to {first}, and partitions start on {start} (start_date in "
            f"connections.yaml), so that changes in between would be lost: set it to {first}."
        )


def _uncaptured(sync: Sync, pieces: Sequence[Due], until: datetime) -> list[Due]:
    """Leave out what was captured ahead of a failing piece, and a quiet present partition."""
    chain, last, overlap = pieces[0].chain, pieces[-1], sync.connection.overlap
    with sync.ledger.session(chain.connection, chain.stream) as session:
        captured = windows.captured_live(
            session.db, chain.connection, chain.stream, {piece.partition.day for piece in pieces}
        )
    left = cursor.uncaptured(pieces, captured, overlap)
    if left[-1].partition != last.partition or left[-1].window == last.window:
        return left
    # Part of the current partition was captured: it is due again only if something has changed.
    reached = left[-1].window.since + overlap
    changed_at = STREAMS[chain.stream].probe(sync, reached)
    if changed_at is None or cursor.window_due(changed_at, reached, overlap, until) is None:
        return left[:-1]
    return left


def _ask_source(
    sync: Sync, chain: Chain, now: datetime
) -> tuple[datetime, datetime, datetime | None]:
    """Return the watermark, the source's present, and its oldest change after the watermark.

    All are by the source's own clock, which may be known only after the first answer. A watermark
    in the source's future is wrong (a clock was set) and is pulled back: changes that the source
    dates before it would be missed.
    """
    stream = STREAMS[chain.stream]
    with sync.ledger.session(chain.connection, chain.stream) as session:
        known = session.watermark()
    since = known or _midnight(min(now, source_present(sync, stream)))
    changed_at = stream.probe(sync, since)
    present = source_present(sync, stream)
    watermark = known or _midnight(min(now, present))
    if known is None and changed_at is not None:
        with sync.ledger.session(chain.connection, chain.stream) as session:
            session.start_watermark(watermark)
    if known is not None and known > present + SAME_CLOCK:
        watermark = present.replace(microsecond=0) - sync.connection.overlap
        with sync.ledger.session(chain.connection, chain.stream) as session:
            session.pull_back(watermark)
    if watermark < since:
        changed_at = stream.probe(sync, watermark)
    return watermark, present, changed_at


def _midnight(moment: datetime) -> datetime:
    return Partition.of(moment, DAY).start
