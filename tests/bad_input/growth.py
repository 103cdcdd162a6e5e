"""How a call's cost grows with its input: a ratio of CPU times, so generous that a busy machine does not break it and a square does."""

from __future__ import annotations

import time
from collections.abc import Callable

TEN_TIMES = 45
"""A tenfold input may cost so many times as much; were the cost the square of the size, it would be 100."""
FLOOR = 0.004
"""Seconds below which a difference says nothing."""


def cost(call: Callable[[], object], tries: int = 2) -> float:
    """Return the least CPU seconds of a few tries, not below the floor."""
    spent = []
    for _ in range(tries):
        started = time.thread_time()
        call()
        spent.append(time.thread_time() - started)
    return max(FLOOR, min(spent))


def grows_too_fast(make: Callable[[int], Callable[[], object]], small: int) -> str:
    """Compare the cost at ten times ``small`` with that at ``small``; return the figures where it grows with the square."""
    little, much = cost(make(small)), cost(make(10 * small))
    return (
        f"{little:.4f} s at {small}, {much:.4f} s at {10 * small}"
        if much > TEN_TIMES * little
        else ""
    )
