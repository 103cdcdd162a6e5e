"""Allowed outcomes of a bad payload: a record, a skip by a named rule, or a usable rejection."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.record import Record, decode_record, encode_record
from tests.bad_input.mutations import Payload, smallest

T = TypeVar("T", bound=Record)
LONGEST = 500
CODE = re.compile(r"[a-z][a-z0-9_]{0,80}")


def is_showable(text: str) -> bool:
    """Return whether a text is safe in a terminal, a log and Postgres: printable and bounded."""
    return len(text) <= LONGEST and text.isprintable()


def assert_is_bounded(message: str, where: str = "") -> None:
    """Fail unless an error is one bounded, printable line that contains ``where``."""
    assert message.isprintable(), message[:300]
    assert 0 < len(message) < 1_500
    assert where in message


def defect_of(problem: Problem, personal: Iterable[str] = ()) -> str:
    """Return what is wrong with the texts of a problem, or an empty text."""
    if not CODE.fullmatch(problem.code):
        return f"the code {problem.code!r}"
    if not (problem.field and problem.message and problem.advice):
        return f"{problem.code} lacks a field, a message or an advice"
    for name in ("field", "message", "advice", "value"):
        text = getattr(problem, name)
        if not is_showable(text):
            return f"{problem.code}.{name} can't be shown: {text[:200]!r} ({len(text)} characters)"
        if shown := next(
            (secret for secret in personal if secret.casefold() in text.casefold()), ""
        ):
            return f"{problem.code}.{name} shows the personal {shown!r}: {text!r}"
    return ""


def outcome_of(
    to_canonical: Callable[[bytes], Any], payload: bytes, personal: Sequence[str] = ()
) -> tuple[str, str]:
    """Map a payload; return its outcome and what is wrong with it, or an empty text.

    The outcome is ``mapped``, ``skipped`` or the code of the rejection.
    """
    try:
        found = to_canonical(payload)
    except RecordRejected as rejected:
        faults = [defect_of(problem, personal) for problem in rejected.problems]
        return rejected.problems[0].code, next(filter(None, faults), "")
    except BaseException as error:  # noqa: BLE001 - this is what the tests look for
        return "crash", f"{type(error).__name__}: {str(error)[:300]}"
    if isinstance(found, Skipped):
        return "skipped", "" if found.rule and found.reason and is_showable(
            found.reason
        ) else f"the skip {found!r:.300}"
    assert isinstance(found, Mapped)
    return "mapped", next(
        filter(None, (defect_of(w, personal) for w in found.warnings)), ""
    ) or _unlike_itself(found.record)


def _unlike_itself(record: Record) -> str:
    """Return a fault if a stored and read record is not equal to the original."""
    kept = encode_record(record)
    return (
        ""
        if decode_record(type(record), kept) == record
        else f"it is not itself again: {kept[:300]!r}"
    )


def _fails(mapped: Callable[[bytes], Any], hidden: Sequence[str]) -> Callable[[bytes], bool]:
    return lambda body: bool(outcome_of(mapped, body, hidden)[1])


def run(
    to_canonical: Callable[[bytes], Any],
    payloads: Iterable[Payload],
    personal: Sequence[str] = (),
    more: Callable[[Any], str] | None = None,
) -> Counter[str]:
    """Map payloads and count their outcomes; fail with the seed and smallest form of a bad one."""
    outcomes: Counter[str] = Counter()

    def mapped(payload: bytes) -> Any:
        found = to_canonical(payload)
        if more is not None and isinstance(found, Mapped) and (fault := more(found.record)):
            raise AssertionError(fault)
        return found

    for payload in payloads:
        # After a swap personal data may be in any field, which can't be recognised.
        hidden = () if "swap" in payload.kinds else personal
        outcome, fault = outcome_of(mapped, payload.body, hidden)
        if fault:
            reduced = smallest(payload.body, _fails(mapped, hidden))
            reason = outcome_of(mapped, reduced, hidden)[1]
            raise AssertionError(
                f"seed {payload.seed} ({payload.kinds}): {fault}\n"
                f"smallest payload ({reason}):\n{reduced[:3000]!r}"
            )
        outcomes[outcome] += 1
    return outcomes
