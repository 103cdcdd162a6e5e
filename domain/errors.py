"""The three kinds of error that Lockstep knows.

One source of retries per kind (docs/architecture.md): a ``TransientError`` may be tried again, a ``PermanentError`` never,
a ``RecordRejected`` concerns one record and lets the batch go on.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.text import mask_emails, printable

LONGEST_MESSAGE, LONGEST_FIELD, LONGEST_VALUE = 500, 200, 80
MOST_PROBLEMS = 50
"""Of one record: an order of ten thousand bad lines has to be read by a person all the same."""
WHOLE_RECORD = "record"
"""The field of a problem that concerns no single field: the record can't be read at all."""


class LockstepError(Exception):
    """Base of all errors that Lockstep raises on purpose."""


class TransientError(LockstepError):
    """Another try may help: time-outs, 429, 5xx, lost connections.

    ``retry_after`` is in seconds where the remote system named a delay.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(TransientError):
    """The target's quota stayed used up for as long as a call may wait."""


class PermanentError(LockstepError):
    """Another try won't help until a person changes something: credentials, permissions, configuration, a broken contract."""


class AccessRefused(PermanentError):
    """The target refused the credentials, or they lack a permission."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one record is kept out, in words that an operator can act on.

    ``code`` is snake_case and stable (it is counted and filtered); ``field`` is a path in the source's own names;
    ``message`` is one plain sentence; ``advice`` says what to do; ``value`` is the offending value, already masked where personal.
    Values of records stand in all of them, and they are logged, printed and stored: they are kept to one bounded, visible line each.
    """

    code: str
    field: str
    message: str
    advice: str
    value: str = ""

    def __post_init__(self) -> None:
        bounds = (
            ("field", LONGEST_FIELD),
            ("message", LONGEST_MESSAGE),
            ("advice", LONGEST_MESSAGE),
            ("value", LONGEST_VALUE),
        )
        for name, longest in bounds:
            text = getattr(self, name)
            if len(text) > longest or not text.isprintable():
                object.__setattr__(self, name, printable(text, longest))
        if "@" in self.value:  # whoever types an address into a field for something else
            object.__setattr__(self, "value", mask_emails(self.value))
        if not self.field:
            object.__setattr__(self, "field", WHOLE_RECORD)


class RecordRejected(LockstepError):
    """A record's own fault: it becomes a rejection and the batch goes on."""

    def __init__(self, *problems: Problem) -> None:
        if not problems:
            raise ValueError("a rejection names at least one problem")
        if len(problems) > MOST_PROBLEMS:
            rest = f"{len(problems) - MOST_PROBLEMS} further problems are not listed"
            problems = (
                *problems[:MOST_PROBLEMS],
                Problem("further_problems", "", rest, "correct the listed ones first, then retry"),
            )
        self.problems = problems
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
