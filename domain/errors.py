"""The three kinds of error: transient, permanent, and the rejection of one record.

Each kind is retried in one place only (docs/architecture.md): a ``TransientError`` may be retried,
a ``PermanentError`` never, and a ``RecordRejected`` concerns one record while the batch continues.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.parsing.text import mask_emails, printable

LONGEST_MESSAGE, LONGEST_FIELD, LONGEST_VALUE = 500, 200, 80
MOST_PROBLEMS = 50
"""The most problems of one record: an order with 10,000 bad lines must remain readable."""
WHOLE_RECORD = "record"
"""The field of a problem with the whole record, for example if it can't be read."""


class LockstepError(Exception):
    """Base of all errors that Lockstep raises on purpose."""


class TransientError(LockstepError):
    """A retry may help: time-outs, 429, 5xx, lost connections.

    ``retry_after`` is the delay in seconds that the remote system asked for, if any.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(TransientError):
    """A system's quota was exhausted for as long as a call may wait; ``bucket`` names it."""

    def __init__(self, message: str, *, retry_after: float | None = None, bucket: str = "") -> None:
        super().__init__(message, retry_after=retry_after)
        self.bucket = bucket


class NoPermit(RateLimited):
    """The quota was known to be used up: nothing was sent."""


class WriterLost(TransientError):
    """The lock of the only writer was lost: no fault of the target."""


class PermanentError(LockstepError):
    """A retry can't help until something changes: credentials, permissions, configuration."""


class AccessRefused(PermanentError):
    """The target refused the credentials, or they lack a permission."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a record is rejected, in words that an operator can act on.

    ``code`` is snake_case and stable (it is counted and filtered); ``field`` is a path in the
    source's names; ``message`` is one plain sentence; ``advice`` is what to do; ``value`` is the
    invalid value, masked if it is personal. All of them may contain values of the record and are
    logged, printed and stored, so each is limited to one printable line.
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
        if "@" in self.value:  # an e-mail address typed into another field
            object.__setattr__(self, "value", mask_emails(self.value))
        if not self.field:
            object.__setattr__(self, "field", WHOLE_RECORD)


class RecordRejected(LockstepError):
    """The record itself is at fault: it becomes a rejection and the batch continues."""

    def __init__(self, *problems: Problem) -> None:
        if not problems:
            raise ValueError("a rejection needs at least one problem")
        if len(problems) > MOST_PROBLEMS:
            rest = f"{len(problems) - MOST_PROBLEMS} further problems are not listed"
            problems = (
                *problems[:MOST_PROBLEMS],
                Problem(
                    "further_problems", "", rest, "correct the listed problems first, then retry"
                ),
            )
        self.problems = problems
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
