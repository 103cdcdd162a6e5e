"""What would happen to one record of a stream, for a preview."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from assets.chain.stream import Stream
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, Skipped
from domain.personal import FORGOTTEN, without_personal_data
from domain.records.record import Record
from resources.facts import fact_fields
from resources.ledger.session import Session
from resources.sync import Sync

R = TypeVar("R", bound=Record)
MASKED = "[masked]"


@dataclass(frozen=True)
class Sample:
    """What would happen to one record."""

    record: str
    outcome: str
    """``send``, ``unchanged``, ``skipped`` or ``rejected``."""
    text: str
    """The rule and its reason, or the problems; for ``send`` what would be done."""
    payload: Any = None
    """What would be sent, with personal data masked."""


def skipped_by(record: str, skipped: Skipped) -> Sample:
    """Return that a rule skips the record."""
    return Sample(record, "skipped", f"{skipped.rule}: {skipped.reason}")


def kept_out(record: str, problems: Sequence[Problem]) -> Sample:
    """Return the problems without their values, which may be personal."""
    text = "; ".join(f"{p.code} ({p.field}): {p.message}" for p in problems)
    return Sample(record, "rejected", text)


def check_of(sync: Sync, session: Session, stream: Stream[R]) -> Callable[[R], Sequence[Problem]]:
    """Return a stream's check of a single record, which is a batch of its own here."""
    return lambda record: stream.check(sync, session, [record]).get(0, ())


def examined(
    record: str,
    to_canonical: Callable[[], Mapped[R] | Skipped],
    check: Callable[[R], Sequence[Problem]] = lambda _: (),
) -> R | Sample:
    """Return a canonical record, or why there would be none: a rule, or its problems."""
    try:
        mapped = to_canonical()
        if isinstance(mapped, Skipped):
            return skipped_by(record, mapped)
        problems = check(mapped.record)
    except RecordRejected as rejected:
        return kept_out(record, rejected.problems)
    return kept_out(record, problems) if problems else mapped.record


def sent(record: str, text: str, payload: Callable[[], Any]) -> Sample:
    """Return what would be sent of a record, or why the target has no form for it."""
    try:
        return Sample(record, "send", text, masked(payload()))
    except RecordRejected as rejected:
        return kept_out(record, rejected.problems)


def masked(payload: Any) -> Any:
    """Return what would be sent, with personal data masked."""
    cleaned = without_personal_data(orjson.loads(orjson.dumps(payload)), fact_fields())
    return orjson.loads(orjson.dumps(cleaned).replace(FORGOTTEN.encode(), MASKED.encode()))
