"""What would happen to one record of a stream, for a preview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from domain.errors import Problem
from domain.exchange import Skipped
from domain.personal import FORGOTTEN, without_personal_data
from resources.facts import fact_fields

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


def masked(payload: Any) -> Any:
    """Return what would be sent, with personal data masked."""
    cleaned = without_personal_data(orjson.loads(orjson.dumps(payload)), fact_fields())
    return orjson.loads(orjson.dumps(cleaned).replace(FORGOTTEN.encode(), MASKED.encode()))
