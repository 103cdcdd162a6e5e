"""Virtual time: what reads the time in Lockstep, its database and the simulated systems is shifted.

Python code reads a replaced ``datetime`` and ``time`` of its module. SQL reads ``now()`` and
``clock_timestamp()`` of the schema ``virtual``, which the search path has before ``pg_catalog``
(ledger.py). A sleep moves the time on and does not wait.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PACKAGES = ("domain", "resources", "assets", "sensors", "orchestration")
READS_TIME = ("datetime.now(", "time.sleep(", "time.monotonic", "perf_counter", "asyncio.sleep(")


class Clock:
    """The virtual time; ``listeners`` are called with the shift after each change of it."""

    def __init__(self) -> None:
        self.shift = timedelta(0)
        self.slept = 0.0
        """Seconds by which sleeps have moved the time on."""
        self.listeners: list[Callable[[timedelta], None]] = []
        self._mutex = threading.RLock()

    def now(self) -> datetime:
        """Return the present."""
        return datetime.now(UTC) + self.shift

    def set(self, moment: datetime) -> None:
        """Go on from ``moment``."""
        with self._mutex:
            self.shift = moment - datetime.now(UTC)
            for listener in self.listeners:
                listener(self.shift)

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        with self._mutex:
            self.shift += by
            for listener in self.listeners:
                listener(self.shift)

    def sleep(self, seconds: float) -> None:
        """Let time pass as a sleep does."""
        if seconds > 0:
            self.slept += seconds
            self.advance(timedelta(seconds=seconds))


class _VirtualTime(ModuleType):
    """Stands in for the module ``time`` where Lockstep reads it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("time")
        self.sleep = clock.sleep
        self.monotonic = lambda: time.monotonic() + clock.slept
        self.perf_counter = lambda: time.perf_counter() + clock.slept
        self.time = lambda: clock.now().timestamp()


class _VirtualAsyncio(ModuleType):
    """Stands in for the module ``asyncio`` where Lockstep sleeps; all else is the real one."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("asyncio")
        self._clock = clock

    async def sleep(self, seconds: float) -> None:
        """Let time pass, and others run."""
        self._clock.sleep(seconds)
        await asyncio.sleep(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)


def _virtual_datetime(clock: Clock) -> type:
    """Return a class that makes real datetimes, of the virtual present for ``now``."""

    class Meta(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, datetime)

        def __call__(cls, *given: Any, **named: Any) -> datetime:
            return datetime(*given, **named)  # noqa: DTZ001 - as its caller calls it

        def __getattr__(cls, name: str) -> Any:
            return getattr(datetime, name)

    class Virtual(metaclass=Meta):
        @staticmethod
        def now(zone: Any = None) -> datetime:
            return clock.now().astimezone(zone)

    return Virtual


def install(clock: Clock, patch: pytest.MonkeyPatch) -> list[str]:
    """Give every module of ours that reads the time the virtual one; return their names."""
    virtual = {
        "datetime": (datetime, _virtual_datetime(clock)),
        "time": (time, _VirtualTime(clock)),
        "asyncio": (asyncio, _VirtualAsyncio(clock)),
    }
    patched = []
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] not in PACKAGES or module.__file__ is None:
            continue
        source = Path(module.__file__).read_text("utf-8")
        if not any(text in source for text in READS_TIME):
            continue
        for attribute, (real, replacement) in virtual.items():
            if getattr(module, attribute, None) is real:
                patch.setattr(module, attribute, replacement)
        patched.append(name)
    return patched
