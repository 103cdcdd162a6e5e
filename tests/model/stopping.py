"""Stops a long run of programs on SIGTERM or Ctrl+C, between two steps of a program.

An exception that a signal raises anywhere may hit a thread's start or a transaction's end, which
then hold up the exit; and killing it leaves a server behind.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED = 143
"""Exit code."""
_asked: list[int] = []


@contextmanager
def stoppable() -> Iterator[None]:
    """Let a signal end what runs in here at its next call of ``check``; a second one at once."""
    before = {kind: signal.signal(kind, _ask) for kind in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        _asked.clear()
        for kind, handler in before.items():
            signal.signal(kind, handler)


def check() -> None:
    """Raise ``SystemExit`` if the run is to stop."""
    if _asked:
        raise SystemExit(STOPPED)


def _ask(kind: int, _: FrameType | None) -> None:
    _asked.append(kind)
    if len(_asked) > 1:
        raise SystemExit(STOPPED)
