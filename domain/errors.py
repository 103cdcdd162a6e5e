"""The three kinds of error that Lockstep knows.

One source of retries per kind (docs/architecture.md): a ``TransientError`` may be tried again, a ``PermanentError`` never,
a ``RecordRejected`` concerns one record and lets the batch go on.
"""

from __future__ import annotations

from dataclasses import dataclass


class LockstepError(Exception):
    """Base of all errors that Lockstep raises on purpose."""


class TransientError(LockstepError):
    """Another try may help: time-outs, 429, 5xx, lost connections.

    ``retry_after`` is in seconds where the remote system named a delay.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentError(LockstepError):
    """Another try won't help until a person changes something: credentials, permissions, configuration, a broken contract."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one record is kept out, in words that an operator can act on.

    ``code`` is snake_case and stable (it is counted and filtered); ``field`` is a path in the source's own names;
    ``message`` is one plain sentence; ``advice`` says what to do; ``value`` is the offending value, already masked where personal.
    """

    code: str
    field: str
    message: str
    advice: str
    value: str = ""


class RecordRejected(LockstepError):
    """A record's own fault: it becomes a rejection and the batch goes on."""

    def __init__(self, *problems: Problem) -> None:
        if not problems:
            raise ValueError("a rejection names at least one problem")
        self.problems = problems
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
