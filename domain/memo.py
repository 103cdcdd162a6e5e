"""A memory of a pure function's results, for values that repeat a thousand times in a chunk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

LONGEST = 256
"""Characters of a text that is remembered; longer ones hardly repeat, and would take the space."""
K = TypeVar("K")
V = TypeVar("V")


class _Memo(dict[K, V]):
    def __init__(self, function: Callable[[K], V], most: int) -> None:
        super().__init__()
        self._function, self._most = function, most

    def __missing__(self, value: K) -> V:
        result = self._function(value)
        if isinstance(value, str) and len(value) > LONGEST:
            return result
        if len(self) >= self._most:
            self.clear()
        self[value] = result
        return result


def remembered(most: int) -> Callable[[Callable[[K], V]], Callable[[K], V]]:
    """Make a function of one hashable value remember its results, of at most ``most`` values.

    When it is full, all of them are forgotten. ``functools.lru_cache`` keeps the recent ones, and
    moves an entry within a list for each look-up, which is slower than to compute most of the
    results that this is for. A call that raises is not remembered, nor is that of a long text.
    """

    def remember(function: Callable[[K], V]) -> Callable[[K], V]:
        return _Memo(function, most).__getitem__

    return remember
