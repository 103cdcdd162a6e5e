"""Runs chains in a process of its own that kills itself with SIGKILL at a named call.

``python -m tests.end_to_end.crash_runner`` reads one JSON job per line and answers with one
line each: ``{"signal": 9, "exit": null}``. Imports take seconds, so each job runs in a
fork of this process, which has no thread and no connection of its own yet. A job::

    {"installation": {...}, "database": URL, "streams": ["orders"], "first": "2026-01-02",
     "last": "2026-01-03", "trigger": "", "config": {...},
     "crash": {"module": "resources.ledger.captures.captures", "name": "Captures.add",
               "when": "before" | "after", "call": 1} | null}
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from domain.connections import Installation
from domain.records.inventory import StockLevel
from domain.schemas.stock import stock_problems
from resources.http.policy import ClientPolicy
from resources.lockstep import Lockstep
from tests.assets.direct_run import run_directly
from tests.assets.scene import NAME, partitions_of

FAILED = 3
ACTS_FOR = 0.1


def main() -> None:
    """Answer jobs until the input ends."""
    # pandera loads its engine at the first validation, for seconds: once here rather than in every
    # fork.
    stock_problems(
        [StockLevel(sku="A", node="B", available=Decimal(1), observed_at=datetime.now(UTC))]
    )
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_run(json.loads(line)))
        _, status = os.waitpid(child, 0)
        died = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        answer = {"signal": died, "exit": None if died else os.WEXITSTATUS(status)}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the caller reads the output


def _run(job: dict[str, Any]) -> int:
    try:
        ClientPolicy.acts_for = ACTS_FOR  # type: ignore[assignment,method-assign]
        if job["crash"]:
            arm(**job["crash"])
        installation = Installation.model_validate(job["installation"])
        lockstep = Lockstep(installation, lambda: job["database"])
        first, last = date.fromisoformat(job["first"]), date.fromisoformat(job["last"])
        run_directly(
            lockstep,
            NAME,
            job["streams"],
            partitions_of(first, last),
            config=job["config"],
            trigger=job["trigger"],
        )
    except BaseException:  # noqa: BLE001 - the parent gets the exit status
        traceback.print_exc()
        return FAILED
    return 0


def arm(module: str, name: str, when: str, call: int) -> None:
    """Kill the process at the ``call``-th call of ``module``'s ``Class.method``."""
    owner: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    setattr(owner, last, _deadly(getattr(owner, last), when, call))


def _deadly(method: Callable[..., Any], when: str, call: int) -> Callable[..., Any]:
    seen = 0

    def strike(moment: str) -> None:
        nonlocal seen
        if moment == when:
            seen += 1
            if seen == call:
                os.kill(os.getpid(), signal.SIGKILL)

    if inspect.iscoroutinefunction(method):

        async def awaited(*arguments: Any, **named: Any) -> Any:
            strike("before")
            result = await method(*arguments, **named)
            strike("after")
            return result

        return awaited

    def called(*arguments: Any, **named: Any) -> Any:
        strike("before")
        result = method(*arguments, **named)
        strike("after")
        return result

    return called


if __name__ == "__main__":
    main()
