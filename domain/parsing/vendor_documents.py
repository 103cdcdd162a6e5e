"""Reading the values of an OMS's documents, and collecting what is wrong with them. Pure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from domain.errors import RecordRejected
from domain.parsing.problems import DocumentProblems
from domain.records.record import InvalidRecord
from domain.values import LONG_AGO, is_of_this_era

LIMIT = Decimal(10) ** 11
"""Numbers from here on are mistakes."""


def text_of(value: object) -> str:
    """Return an id as text without outer spaces, empty if there is none."""
    return "" if value is None else str(value).strip()


def folded(value: object) -> str:
    """Return a word as words are compared: lower case, letters and digits only."""
    return "".join(char for char in text_of(value).lower() if char.isalnum())


def utc_moment(text: str, zone: tzinfo = UTC) -> datetime:
    """Return a stamp as aware UTC; it is in ``zone`` if it names none. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text.strip())
    moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is outside the range of dates") from error


class VendorFindings(DocumentProblems):
    """The problems and warnings of one document of an OMS."""

    @abstractmethod
    def rejection(self, field: str, message: str, value: str) -> RecordRejected:
        """Return the rejection of a value that does not have the documented shape."""

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Map a document; raises ``RecordRejected`` at the end if there was any problem."""
        try:
            yield
        except RecordRejected as rejected:
            self.problems += rejected.problems
        except InvalidRecord as error:
            self.unreadable(error.field, error.message)
        if self.problems:
            raise RecordRejected(*self.in_order())

    def unreadable(self, field: str, message: str, value: str = "") -> None:
        """Report a value that does not have the documented shape."""
        if not self.problems:  # beside misfits a missing value is most likely one of them
            self.problems += self.rejection(field, message, value).problems

    def number(self, value: Decimal | None, field: str) -> Decimal:
        """Return a quantity, 0 with a problem if it is missing, negative or too large."""
        if value is None or not value.is_finite() or not 0 <= value < LIMIT:
            text = "A number is missing, negative or too large."
            self.unreadable(field, text, str(value)[:40])
            return Decimal(0)
        return value

    def signed_number(self, value: Decimal | None, field: str) -> Decimal:
        """Return a quantity that may be below zero, 0 with a problem if it can't be one."""
        if value is not None and value.is_finite() and value < 0:
            return -self.number(-value, field)
        return self.number(value, field)

    def moment(self, text: str | None, field: str, zone: tzinfo = UTC) -> datetime | None:
        """Return a stamp as aware UTC, ``None`` if there is none or with a problem."""
        try:
            return utc_moment(text, zone) if text else None
        except ValueError:
            self.unreadable(field, "The time can't be read.", (text or "")[:40])
            return None

    def updated_at(self, text: str | None, field: str) -> datetime:
        """Return the time of an order's last change; a stand-in if that is a problem."""
        moment = self.moment(text, field)
        if moment is None or not is_of_this_era(moment):
            message = "The time of the order's last change is missing or not plausible."
            self.unreadable(field, message, text_of(text)[:40])
            return LONG_AGO
        return moment
