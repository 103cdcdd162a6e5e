"""Checks of a preflight, which end in a line each, whatever a system answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from domain.errors import LockstepError
from domain.exchange import Check

Finding: TypeAlias = tuple[bool, str, str]
"""Whether it holds, what was seen, and what to do if it does not hold."""


def finding_of(name: str, run: Callable[[], Finding]) -> Check:
    """Run a check that says itself whether it holds, and what to do."""
    try:
        ok, detail, advice = run()
    except LockstepError as error:
        ok, detail, advice = False, str(error), "see the message"
    return Check(name, ok, detail, "" if ok else advice)


def result_of(name: str, check: Callable[[], str], advice: str) -> Check:
    """Run a check that returns what it saw, or raises."""
    try:
        return Check(name, True, check())
    except LockstepError as error:
        return Check(name, False, str(error), advice)
