"""Keeps within a remote API's quota, across threads and processes, by waiting.

Each process takes its permits from the shared ledger in small leases, so that a request needs no
query of its own and an idle process withholds next to nothing from the others.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from domain.errors import NoPermit
from domain.ports import QuotaLedger
from resources.http.token_bucket import TokenBucket, full

PATIENCE_SECONDS = 5.0
"""How long a step and a probe wait for a permit; others of their run may need other systems."""
ASK_EVERY_SECONDS = 0.2
"""While no permit is there, all tasks of a process together ask the ledger no more often."""
FULL_AFTER_SECONDS = 3600.0
"""A bucket that was not drawn from for so long is full."""
IDLE_SECONDS = 1.0
"""What is left of an older lease is dropped: it was too large, and its window may be over."""
REPORT_EVERY = 50
"""Responses between two reports of the API's own count to the ledger."""
_patience: ContextVar[float] = ContextVar("patience", default=float("inf"))
_waited: Counter[str] = Counter()
"""Milliseconds that this process has waited for permits, by bucket."""
_waited_lock = threading.Lock()


def note_wait(bucket: str, seconds: float) -> None:
    """Count a wait for a quota, which operators see in the metadata of the step that waited."""
    with _waited_lock:
        _waited[bucket] += round(seconds * 1000)


def waits() -> dict[str, float]:
    """Return for how many seconds this process has waited so far, by bucket."""
    with _waited_lock:
        return {bucket: milliseconds / 1000 for bucket, milliseconds in _waited.items()}


@contextmanager
def impatient() -> Iterator[None]:
    """Let calls raise ``RateLimited`` where the next permit is more than a few seconds away.

    Threads that make calls on behalf of the caller need its context (``contextvars``).
    """
    token = _patience.set(PATIENCE_SECONDS)
    try:
        yield
    finally:
        _patience.reset(token)


def is_too_long(wait: float) -> bool:
    """Return whether the caller gives way rather than wait for this many seconds."""
    return wait > _patience.get()


class QuotaState(NamedTuple):
    """The current window by the API's own headers."""

    quota: int
    left: int
    reset_seconds: float
    window_seconds: float


HeaderReader: TypeAlias = Callable[[Mapping[str, str]], QuotaState | None]


class Limiter:
    """One process's share of one bucket; ``reader`` parses the API's quota headers, if any."""

    def __init__(
        self,
        ledger: QuotaLedger,
        bucket: str,
        *,
        quota: int,
        window_seconds: float,
        reader: HeaderReader | None = None,
        max_wait: float = 900.0,
    ) -> None:
        self._ledger, self.bucket, self._quota, self._window = ledger, bucket, quota, window_seconds
        self._reader, self._max_wait = reader, max_wait
        self._largest = max(1, quota // 20)
        self._lock = threading.Lock()
        # Apart from the other lock, which the event loop takes and must never wait for.
        self._refill_lock = threading.Lock()
        self._permits = 0
        self._lease = 1
        self._taken_at = 0.0
        self._next_at = 0.0
        self._ask_after = 0.0
        self._responses = 0
        self._waiting = 0
        """Tasks of event loops in a queue; a later one does not overtake them."""
        self._reported_at = 0.0
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]
        self._queues = WeakKeyDictionary()

    def acquire(self) -> None:
        """Wait for a permit.

        Raises ``NoPermit`` after ``max_wait`` seconds without one, and at once where the next
        one is further away than the caller's patience.
        """
        started = time.monotonic()
        while not self._use():
            if wait := self._refill():
                time.sleep(self._bounded(wait, started))
                note_wait(self.bucket, wait)

    async def acquire_async(self) -> None:
        """Wait for a permit without blocking the event loop: a thread asks the ledger.

        The tasks of an event loop queue up, and the first of them asks for all.
        """
        if not self._waiting and self._use():
            return
        started = time.monotonic()
        with self._lock:
            self._waiting += 1
        try:
            async with self._queue():
                while not self._use():
                    if wait := await asyncio.to_thread(self._refill):
                        await asyncio.sleep(self._bounded(wait, started))
                        note_wait(self.bucket, wait)
        finally:
            with self._lock:
                self._waiting -= 1

    def _queue(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        with self._lock:
            queue = self._queues.get(loop)
            if queue is None:
                queue = self._queues[loop] = asyncio.Lock()
            return queue

    def observe(self, headers: Mapping[str, str]) -> None:
        """Report the API's count: every 50th response, and each second while little is left."""
        if state := self._due(headers):
            self._report(state)

    async def observe_async(self, headers: Mapping[str, str]) -> None:
        """Report the API's count without blocking the event loop."""
        if state := self._due(headers):
            await asyncio.to_thread(self._report, state)

    def _use(self) -> bool:
        with self._lock:
            if self._permits and time.monotonic() - self._taken_at > IDLE_SECONDS:
                self._permits, self._lease = 0, 1
            if not self._permits:
                return False
            self._permits -= 1
            return True

    def _refill(self) -> float:
        """Take a lease, doubled if the last was used up quickly; return the seconds to wait."""
        with self._refill_lock:
            if self._permits:
                return 0.0
            if time.monotonic() < self._ask_after:  # another task has just asked in vain
                return max(0.01, self._next_at - time.monotonic())
            quick = time.monotonic() - self._taken_at < IDLE_SECONDS
            self._lease = min(self._largest, self._lease * 2) if quick else 1
            granted, wait = self._ledger.take(
                self.bucket, self._lease, quota=self._quota, window_seconds=self._window
            )
            with self._lock:
                self._permits, self._taken_at = granted, time.monotonic()
            if granted:
                return 0.0
            # Where the API takes many calls a second, one question fetches permits for several.
            lease = self._lease * self._window / self._quota
            wait = max(0.01, wait, min(lease, ASK_EVERY_SECONDS))
            self._next_at = time.monotonic() + wait
            self._ask_after = time.monotonic() + min(wait, ASK_EVERY_SECONDS)
            return wait

    def _bounded(self, wait: float, started: float) -> float:
        waited = time.monotonic() - started
        if waited + wait > self._max_wait or is_too_long(wait):
            raise NoPermit(
                f"no permit of {self.bucket} in {waited:.0f} s and none in the next {wait:.0f} s; "
                "its quota is used up, trying again later may help",
                retry_after=wait,
                bucket=self.bucket,
            )
        return wait

    def _due(self, headers: Mapping[str, str]) -> QuotaState | None:
        if self._reader is None or (state := self._reader(headers)) is None:
            return None
        with self._lock:
            self._responses += 1
            moment = time.monotonic()
            low = state.left * 10 <= state.quota and moment - self._reported_at >= 1.0
            if not low and self._responses % REPORT_EVERY != 1:
                return None
            self._reported_at = moment
        return state

    def _report(self, state: QuotaState) -> None:
        if state.quota != self._quota and state.quota > 0:
            self._quota, self._largest = state.quota, max(1, state.quota // 20)
        self._ledger.observe(
            self.bucket,
            quota=state.quota,
            left=state.left,
            reset_seconds=state.reset_seconds,
            window_seconds=state.window_seconds,
        )


class LocalQuota(QuotaLedger):
    """A quota ledger of this process alone, for tests and tools."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, TokenBucket] = {}

    def take(
        self, bucket: str, wanted: int, *, quota: int, window_seconds: float
    ) -> tuple[int, float]:
        """Take permits, or return after how many seconds one is there."""
        with self._lock:
            now = self._clock()
            known = self._buckets.get(bucket) or full(
                now, quota=quota, window_seconds=window_seconds
            )
            self._buckets[bucket], granted, wait = known.take(
                wanted, now, quota=quota, window_seconds=window_seconds
            )
            return granted, wait

    def observe(
        self, bucket: str, *, quota: int, left: int, reset_seconds: float, window_seconds: float
    ) -> None:
        """Grant no more than what the API reports as left until its window ends."""
        del window_seconds
        with self._lock:
            now = self._clock()
            known = self._buckets.get(bucket) or TokenBucket(
                quota, 0.0, now - FULL_AFTER_SECONDS, now
            )
            self._buckets[bucket] = known.observe(left, reset_seconds, now, quota=quota)
