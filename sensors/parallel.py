"""Calls of many systems side by side, within the time that a tick has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class Answers(NamedTuple, Generic[K, T]):
    """The outcome of each call."""

    results: dict[K, T]
    errors: dict[K, BaseException]
    late: list[K]
    """Calls that were not answered in time; they end later, and their results are dropped."""


def side_by_side(
    calls: Mapping[K, Callable[[], T]], *, at_once: int, seconds: float, name: str
) -> Answers[K, T]:
    """Make calls in threads, ``at_once`` at most, and wait ``seconds`` for all of them together.

    A tick is killed by Dagster at 60 s, and one slow or failing system must hide no other.
    """
    if not calls:
        return Answers({}, {}, [])
    pool = ThreadPoolExecutor(min(at_once, len(calls)), thread_name_prefix=name)
    futures = {pool.submit(call): key for key, call in calls.items()}
    done, late = wait(futures, timeout=seconds)
    pool.shutdown(wait=False, cancel_futures=True)
    errors = {futures[f]: error for f in done if (error := f.exception()) is not None}
    results = {futures[f]: f.result() for f in done if futures[f] not in errors}
    return Answers(results, errors, [futures[f] for f in late])
