"""Reading the values of Manhattan's documents, and collecting what is wrong with them. Pure.

Ids and numbers come as text or as numbers in real payloads; times may lack a zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Annotated

from msgspec import Meta

from domain.errors import Problem, RecordRejected
from domain.records.record import InvalidRecord
from domain.values import LONG_AGO, is_of_this_era

Id = str | int | None
Number = Annotated[Decimal, Meta(description="a number")] | None
LIMIT = Decimal(10) ** 12
"""Numbers from here on are mistakes."""
UNREADABLE = "oms_payload_unreadable"
ADVICE = (
    "Check the captured payload; if the shape is the tenant's own, report it to Lockstep's "
    "maintainers."
)


def unreadable(field: str, message: str, value: str = "") -> RecordRejected:
    """Return the rejection of a payload that does not have the documented shape."""
    return RecordRejected(Problem(UNREADABLE, field, message, ADVICE, value))


def object_of(value: object) -> Mapping[str, object]:
    """Return an object, an empty one for nothing; raises ``TypeError`` for anything else."""
    if not value:
        return {}
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def objects_of(value: object) -> list[Mapping[str, object]]:
    """Return a list of objects, empty for nothing; raises ``TypeError`` for anything else."""
    if not value:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise TypeError("not a list of objects")
    return value


def to_number(value: Number, field: str) -> Decimal:
    """Return a quantity or a status id.

    Raises ``RecordRejected`` if it is missing, negative or too large.
    """
    if value is None or not value.is_finite() or not 0 <= value < LIMIT:
        raise unreadable(field, "A number is missing, negative or too large.", str(value)[:40])
    return value


def to_moment(text: str, zone: tzinfo) -> datetime:
    """Return a stamp as aware UTC; it is in ``zone`` if it names none. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is outside the range of dates") from error


def number_of(value: object) -> Decimal | None:
    """Return a finite number, whatever form it comes in; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def folded(value: object) -> str:
    """Return a vendor's word as words are compared: lower case, letters and digits only.

    Of an object its first value counts.
    """
    if isinstance(value, Mapping):
        value = next(iter(value.values()), None)
    return "".join(char for char in str(value or "").lower() if char.isalnum())


class Findings:
    """The problems and warnings of one document, which are reported together.

    ``misfits`` are the values that the decoder has set aside.
    """

    def __init__(self, zone: tzinfo, misfits: Sequence[Problem] = ()) -> None:
        self._zone, self._misfits = zone, misfits
        self._problems: list[Problem] = list(misfits)
        self.warnings: list[Problem] = []

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Map a document; raises ``RecordRejected`` at the end if there was any problem."""
        try:
            yield
        except RecordRejected as rejected:
            self.add(rejected)
        except InvalidRecord as error:
            self.unreadable(error.field, error.message)
        if self._problems:
            raise RecordRejected(*self._problems)

    def number(self, value: Number, field: str) -> Decimal:
        """Return a quantity or a status id, 0 with a problem if it can't be one."""
        try:
            return to_number(value, field)
        except RecordRejected as rejected:
            self.add(rejected)
            return Decimal(0)

    def moment(self, text: str | None, field: str) -> datetime | None:
        """Return a stamp as aware UTC, ``None`` if there is none or with a problem."""
        try:
            return to_moment(text, self._zone) if text else None
        except ValueError:
            self.unreadable(field, "The time can't be read.", (text or "")[:40])
            return None

    def updated_at(self, stamp: str | None, noun: str) -> datetime:
        """Return a document's time of its last change; a stand-in if that is a problem."""
        field = "UpdatedTimestamp"
        moment = self.moment(stamp, field)
        if moment is None:
            if not stamp:
                self.unreadable(field, f"The {noun} has no time of its last change.")
        elif not is_of_this_era(moment):
            text = f"The time of the {noun}'s last change is not plausible."
            self.unreadable(field, text, moment.isoformat())
        return moment or LONG_AGO

    def unreadable(self, field: str, message: str, value: str = "") -> None:
        """Report a value that does not have the documented shape."""
        self.add(unreadable(field, message, value))

    def add(self, rejected: RecordRejected) -> None:
        """Report the problems of a rejection.

        A value that is missing beside misfits is most likely one of them, and not reported again.
        """
        self._problems += [
            problem
            for problem in rejected.problems
            if problem.code != UNREADABLE or not self._misfits
        ]

    def warn(self, code: str, field: str, message: str, advice: str, value: str) -> None:
        """Report a warning, which does not keep the record out."""
        self.warnings.append(Problem(code, field, message, advice, value))
