"""The two systems as delivery sees them: how long a lost request may act, whether one is alive."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from assets.delivery.engine import Target
from assets.error_redaction import unexpected
from domain.errors import LockstepError, Problem
from resources.lockstep import Sync


def oms_target(sync: Sync) -> Target:
    """Return the OMS as a target."""
    return Target(
        sync.oms.acts_for,
        lambda: _answers(sync.oms.probe_fulfilments, sync.oms.clock),
        _report(sync),
    )


def store_target(sync: Sync) -> Target:
    """Return the store as a target."""
    return Target(
        sync.platform.acts_for,
        lambda: _answers(sync.platform.probe_orders, sync.platform.clock),
        _report(sync),
    )


def unplanned(sync: Sync, correlation_id: str, error: Exception) -> Problem:
    """Log an unforeseen error of planning a record, and return it as the record's problem."""
    sync.log(f"{correlation_id}: {unexpected(error, 'delivery').description}")
    return Problem(
        "not_planned",
        "",
        f"Lockstep could not plan the record's delivery ({type(error).__name__}); the run's log "
        "has more under the correlation id.",
        "This is a bug in Lockstep, not a fault of the record: report it with the log line, and "
        "retry the rejection once it is fixed.",
    )


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
