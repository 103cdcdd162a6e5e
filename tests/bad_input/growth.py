"""Growth of a call's cost with its input, as a ratio of CPU times.

The limit is wide enough for a busy machine and still detects a quadratic cost.
"""

from __future__ import annotations

import time
from collections.abc import Callable

TEN_TIMES = 45
"""The allowed cost of a tenfold input; a quadratic cost would be 100 times as high."""
FLOOR = 0.004
"""Seconds below which a difference means nothing."""


def cost(call: Callable[[], object], tries: int = 2) -> float:
    """Return the least CPU seconds of a few tries, at least ``FLOOR``."""
    spent = []
    for _ in range(tries):
        started = time.thread_time()
        call()
        spent.append(time.thread_time() - started)
    return max(FLOOR, min(spent))


def grows_too_fast(make: Callable[[int], Callable[[], object]], small: int) -> str:
    """Return the costs at ``small`` and ten times ``small`` if the growth is too fast."""
    little, much = cost(make(small)), cost(make(10 * small))
    return (
        f"{little:.4f} s at {small}, {much:.4f} s at {10 * small}"
        if much > TEN_TIMES * little
        else ""
    )
