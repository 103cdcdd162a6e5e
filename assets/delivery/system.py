"""The two systems as delivery sees them: how long a lost request may act, whether one is alive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from assets.error_redaction import own_fault, unexpected
from domain.errors import LockstepError, Problem
from resources.lockstep import Sync


@dataclass(frozen=True, slots=True)
class Target:
    """What the engine needs to know of the system that it sends to."""

    acts_for: float
    """Seconds after which a request without an answer can no longer take effect."""
    is_alive: Callable[[], bool]
    """Whether the system answers a cheap call at present."""
    report: Callable[[BaseException], str]
    """Logs an unforeseen error, and returns a sentence that may be stored."""


def oms_target(sync: Sync) -> Target:
    """Return the OMS as a target."""
    return Target(
        sync.oms.acts_for,
        lambda: _answers(sync.shipments.probe, sync.oms.clock),
        _report(sync),
    )


def store_target(sync: Sync) -> Target:
    """Return the store as a target."""
    return Target(
        sync.platform.acts_for,
        lambda: _answers(sync.orders.probe, sync.platform.clock),
        _report(sync),
    )


def unplanned(sync: Sync, correlation_id: str, error: Exception) -> Problem:
    """Log an unforeseen error of planning a record, and return it as the record's problem."""
    sync.log(f"{correlation_id}: {unexpected(error, 'delivery').description}")
    return Problem("not_planned", "", *own_fault(error, "plan the record's delivery"))


def _answers(probe: Callable[[datetime], datetime | None], clock: Callable[[], datetime]) -> bool:
    try:
        probe(clock())
    except LockstepError:
        return False
    return True


def _report(sync: Sync) -> Callable[[BaseException], str]:
    def report(error: BaseException) -> str:
        text = str(unexpected(error, f"{sync.name}: delivery").description)
        sync.log(text)
        return text

    return report
