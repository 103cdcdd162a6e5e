"""The target system as delivery sees it: whether it answers, and unforeseen errors."""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary

from assets.error_redaction import own_fault, unexpected
from domain.errors import LockstepError, Problem
from resources.sync import Sync

PROBED_LATELY_SECONDS = 10.0
"""A partition that fails asks twice whether its target is alive; the second answer is the first."""
_probed: WeakKeyDictionary[Any, tuple[float, bool]] = WeakKeyDictionary()


def answers(sync: Sync, *, is_oms: bool) -> bool:
    """Return whether a system answers a cheap call, by an answer of the last seconds if any."""
    system = sync.oms if is_oms else sync.platform
    probed_at, is_alive = _probed.get(system, (0.0, False))
    if not probed_at or time.monotonic() - probed_at > PROBED_LATELY_SECONDS:
        is_alive = fault_of(sync, is_oms=is_oms) is None
        _probed[system] = (time.monotonic(), is_alive)
    return is_alive


def fault_of(sync: Sync, *, is_oms: bool) -> LockstepError | None:
    """Return why a system does not answer a cheap call at present, ``None`` if it does."""
    try:
        if is_oms:
            sync.shipments.probe(sync.oms.clock())
        else:
            sync.orders.probe(sync.platform.clock())
    except LockstepError as error:
        return error
    return None


def unplanned(sync: Sync, correlation_id: str, error: Exception) -> Problem:
    """Log an unforeseen error of planning a record, and return it as the record's problem."""
    sync.log(f"{correlation_id}: {unexpected(error, 'delivery').description}")
    return Problem("not_planned", "", *own_fault(error, "plan the record's delivery"))


def log_unforeseen(sync: Sync, error: Exception) -> str:
    """Log an unforeseen error of sending, and return a sentence that may be stored."""
    text = str(unexpected(error, f"{sync.name}: delivery").description)
    sync.log(text)
    return text
