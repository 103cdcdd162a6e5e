"""Keeps within a remote API's quota, across threads and processes, by waiting.

Each process takes its permits from the shared ledger in small leases, so that a request needs no
query of its own and an idle process withholds next to nothing from the others.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from domain.errors import RateLimited
from domain.ports import QuotaLedger

IDLE_SECONDS = 1.0
"""What is left of an older lease is dropped: it was too large, and its window may be over."""
REPORT_EVERY = 50
"""Responses between two reports of the API's own count to the ledger."""


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
        self._responses = 0
        self._reported_at = 0.0

    def acquire(self) -> None:
        """Wait for a permit; raises ``RateLimited`` after ``max_wait`` seconds without one."""
        started = time.monotonic()
        while not self._use():
            if wait := self._refill():
                time.sleep(self._bounded(wait, started))
                note_wait(self.bucket, wait)

    async def acquire_async(self) -> None:
        """Wait for a permit without blocking the event loop: a thread asks the ledger."""
        started = time.monotonic()
        while not self._use():
            if wait := await asyncio.to_thread(self._refill):
                await asyncio.sleep(self._bounded(wait, started))
                note_wait(self.bucket, wait)

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
            quick = time.monotonic() - self._taken_at < IDLE_SECONDS
            self._lease = min(self._largest, self._lease * 2) if quick else 1
            granted, wait = self._ledger.take(
                self.bucket, self._lease, quota=self._quota, window_seconds=self._window
            )
            with self._lock:
                self._permits, self._taken_at = granted, time.monotonic()
            return 0.0 if granted else max(0.01, wait)

    def _bounded(self, wait: float, started: float) -> float:
        waited = time.monotonic() - started
        if waited + wait > self._max_wait:
            raise RateLimited(
                f"no permit of {self.bucket} in {waited:.0f} s; its quota is used up, "
                "a later try may help",
                retry_after=wait,
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
    """A quota ledger of this process alone, with fixed windows, for tests and tools."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}

    def take(
        self, bucket: str, wanted: int, *, quota: int, window_seconds: float
    ) -> tuple[int, float]:
        """Take permits of the current window, or return when it ends."""
        with self._lock:
            now = self._clock()
            ends, left = self._windows.get(bucket, (now, 0))
            if now >= ends:
                ends, left = now + window_seconds, quota
            granted = min(wanted, left)
            self._windows[bucket] = (ends, left - granted)
            return granted, 0.0 if granted else ends - now

    def observe(
        self, bucket: str, *, quota: int, left: int, reset_seconds: float, window_seconds: float
    ) -> None:
        """Adopt the API's window; in the same one the lower count holds, as requests are open."""
        del quota, window_seconds
        with self._lock:
            ends = self._clock() + reset_seconds
            known = self._windows.get(bucket)
            if known and abs(known[0] - ends) < 1.0:
                left = min(left, known[1])
            self._windows[bucket] = (ends, left)
