"""The cursor of a lane's sensor, and the sensor's decisions as pure functions.

The ledger's watermark says how far a chain has been captured; the cursor only holds when each chain
was last probed, so a lost cursor costs one extra probe and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from domain.values import LONG_AGO, Grain, Partition, Window, doubled

LONGEST_CATCH_UP = timedelta(days=3)
"""A live run after a long outage covers at most this much; the next ticks cover the rest."""
MOST_PIECES = 5
"""Windows of one chain that a tick requests; those that were tried least recently come first."""
HINT_PATIENCE = timedelta(seconds=30)
"""How long a source may take to show a change after its webhook; then polling takes over."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Chain:
    """One stream of one connection."""

    connection: str
    stream: str

    def __str__(self) -> str:
        return f"{self.connection}/{self.stream}"


@dataclass(frozen=True, slots=True)
class Due:
    """A window of a chain within one partition."""

    chain: Chain
    partition: Partition
    window: Window


def parse(cursor: str | None) -> dict[str, datetime]:
    """Read the cursor: chain -> last probe. An unreadable one counts as empty."""
    try:
        content = json.loads(cursor or "{}")
        return {str(chain): datetime.fromisoformat(moment) for chain, moment in content.items()}
    except (ValueError, AttributeError, TypeError):
        return {}


def dump(probed: Mapping[str, datetime]) -> str:
    """Write the cursor."""
    return json.dumps({chain: moment.isoformat() for chain, moment in sorted(probed.items())})


def chains_to_probe(
    chains: Iterable[tuple[Chain, timedelta]],
    probed: Mapping[str, datetime],
    busy: Iterable[str],
    now: datetime,
    retries: Mapping[str, Sequence[datetime]] | None = None,
) -> list[Chain]:
    """Return the chains whose interval has passed and that are neither queued nor running.

    The next window of a running chain covers what it misses meanwhile. ``retries`` holds when a
    chain's failed windows may be requested again: it is probed then, whatever its interval.
    """
    taken = set(busy)
    return [
        chain
        for chain, interval in chains
        if str(chain) not in taken
        and _is_due(probed.get(str(chain)), interval, (retries or {}).get(str(chain), ()), now)
    ]


def _is_due(
    probed_at: datetime | None, interval: timedelta, retries: Iterable[datetime], now: datetime
) -> bool:
    if probed_at is None or now - probed_at >= interval:
        return True
    return any(probed_at < moment <= now for moment in retries)


def hinted_interval(
    interval: timedelta, hint: datetime | None, probed_at: datetime | None, now: datetime
) -> timedelta:
    """Return how long after its last probe a chain is due; ``hint`` is its newest webhook's time.

    At once, if it was not probed since. Otherwise after half the hint's age: the source may show
    the change a little later than it sent the webhook, or the change may lie in the present
    second. A change that never shows costs about ten probes.
    """
    if hint is None:
        return interval
    if probed_at is None or probed_at <= hint:
        return timedelta(0)
    return min(interval, max(timedelta(seconds=1), (now - hint) / 2))


def window_due(
    changed_at: datetime, watermark: datetime, overlap: timedelta, now: datetime
) -> Window | None:
    """Return the window to capture for a change, or ``None`` while its own second is not over.

    Sources report whole seconds: the current second may still gain records, so the window ends
    with the last full one.
    """
    until = min(now.replace(microsecond=0), watermark + LONGEST_CATCH_UP)
    if changed_at >= until and changed_at >= now.replace(microsecond=0):
        return None
    return Window(watermark - overlap, max(until, watermark))


def split(chain: Chain, window: Window, watermark: datetime, grain: Grain) -> list[Due]:
    """Split a window at the ends of partitions.

    A piece of an earlier partition that is only overlap is left to the closing sweep: it would
    cost a run of its own at each tick.
    """
    return [
        Due(chain, partition, piece)
        for partition, piece in Partition.split(window, grain)
        if piece.until > watermark
    ]


def by_partition(due: Iterable[Due]) -> dict[Partition, list[Due]]:
    """Group windows by partition, oldest first: one run each."""
    groups: dict[Partition, list[Due]] = {}
    for item in sorted(due, key=lambda d: (d.partition, str(d.chain))):
        groups.setdefault(item.partition, []).append(item)
    return groups


def uncaptured(
    pieces: Sequence[Due], captured: Mapping[date, Sequence[Window]], overlap: timedelta
) -> list[Due]:
    """Leave out what was captured ahead of a piece that keeps failing.

    The first piece adjoins the watermark and is always due; so are the others, once it is captured.
    Until then a finished partition is not read again, and the current one only from if it was
    read to.
    """
    left = list(pieces[:1])
    for piece in pieces[1:]:
        since, until = piece.window.since, piece.window.until
        reached = since
        for window in captured.get(piece.partition.day, ()):
            if window.since <= reached:
                reached = max(reached, window.until)
        if reached < until:
            left.append(replace(piece, window=Window(max(since, reached - overlap), until)))
    return left


def longest_waiting(
    due: Sequence[Due], tried_at: Mapping[tuple[str, Partition], datetime]
) -> list[Due]:
    """Return at most ``MOST_PIECES`` windows a chain, so that no failing one starves another.

    Those never tried come first, then those tried least recently; the older partition before the
    younger.
    """
    chosen: dict[Chain, list[Due]] = {}
    for item in sorted(
        due, key=lambda d: (tried_at.get((str(d.chain), d.partition), LONG_AGO), d.partition)
    ):
        of_chain = chosen.setdefault(item.chain, [])
        if len(of_chain) < MOST_PIECES:
            of_chain.append(item)
    return [item for of_chain in chosen.values() for item in of_chain]


def pause_after(failures: int) -> timedelta:
    """Return how long a window waits after ``failures`` failed attempts in a row."""
    if failures <= 0:
        return timedelta(0)
    return doubled(FIRST_PAUSE, failures, LONGEST_PAUSE)
