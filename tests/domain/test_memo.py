"""Results that are remembered: computed once each, bounded, and never those of a failure."""

from __future__ import annotations

import pytest

from domain.memo import LONGEST, remembered


def test_a_result_is_computed_once_while_it_is_remembered() -> None:
    """At the bound everything is forgotten, and computed again on demand."""
    calls: list[int] = []

    @remembered(2)
    def doubled(value: int) -> int:
        calls.append(value)
        return value * 2

    assert [doubled(value) for value in (1, 1, 2, 2, 1)] == [2, 2, 4, 4, 2]
    assert calls == [1, 2]
    assert [doubled(3), doubled(1), doubled(3)] == [6, 2, 6]
    assert calls == [1, 2, 3, 1]


def test_an_error_is_raised_each_time() -> None:
    """A failure is not a result."""

    @remembered(2)
    def inverse(value: int) -> float:
        return 1 / value

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            inverse(0)


def test_a_long_text_is_not_remembered() -> None:
    """It hardly comes again, and a thousand of them would take megabytes."""
    calls: list[int] = []

    @remembered(10)
    def length(text: str) -> int:
        calls.append(len(text))
        return len(text)

    for size in (LONGEST, LONGEST, LONGEST + 1, LONGEST + 1):
        assert length("x" * size) == size
    assert calls == [LONGEST, LONGEST + 1, LONGEST + 1]
