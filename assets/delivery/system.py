"""The target system as delivery sees it: whether it answers, and unforeseen errors."""

from __future__ import annotations

from assets.error_redaction import own_fault, unexpected
from domain.errors import LockstepError, Problem
from resources.lockstep import Sync


def answers(sync: Sync, *, is_oms: bool) -> bool:
    """Return whether a system answers a cheap call at present."""
    try:
        if is_oms:
            sync.shipments.probe(sync.oms.clock())
        else:
            sync.orders.probe(sync.platform.clock())
    except LockstepError:
        return False
    return True


def unplanned(sync: Sync, correlation_id: str, error: Exception) -> Problem:
    """Log an unforeseen error of planning a record, and return it as the record's problem."""
    sync.log(f"{correlation_id}: {unexpected(error, 'delivery').description}")
    return Problem("not_planned", "", *own_fault(error, "plan the record's delivery"))


def log_unforeseen(sync: Sync, error: Exception) -> str:
    """Log an unforeseen error of sending, and return a sentence that may be stored."""
    text = str(unexpected(error, f"{sync.name}: delivery").description)
    sync.log(text)
    return text
