"""What a stream provides so that the factory can build its three assets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar, runtime_checkable
from uuid import UUID

from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryRequest
from domain.errors import Problem
from domain.exchange import Mapped, Skipped
from domain.records.record import Record
from domain.sources import Page, Source
from domain.values import Window
from resources.ledger.rows import StoredCapture, TableRows
from resources.ledger.session import Session
from resources.sync import Sync

R = TypeVar("R", bound=Record)


class Stream(Protocol[R]):
    """A stream's particulars. ``R`` is its canonical record."""

    name: str
    to_oms: bool
    """Direction: True from the store to the OMS."""
    is_snapshot: bool
    """The source reports its current state only.

    A past partition can't be read again, and unchanged records are not stored again.
    """
    summary: str
    """One line for the UI: what flows where."""

    def source(self, sync: Sync) -> Source[R]:
        """Return the source whose records are captured."""
        ...

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``, by one cheap call."""
        ...

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[Page]:
        """Read the source's records of the window, in pages."""
        ...

    def correlate(self, sync: Sync, session: Session, source_ids: Sequence[str]) -> dict[str, str]:
        """Return the correlation ids of source records, by source id."""
        ...

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[R] | Skipped]:
        """Return the mapping of a chunk's payloads; its look-ups are done here, once per chunk."""
        ...

    def check(
        self, sync: Sync, session: Session, records: Sequence[R]
    ) -> Mapping[int, Sequence[Problem]]:
        """Validate a batch; return the problems of the failing records by position."""
        ...

    def typed(self, accepted: Sequence[tuple[StoredCapture, R]]) -> list[TableRows]:
        """Return the rows of the typed tables; empty tables too, so that a rerun can clear them."""
        ...

    def planner(self, sync: Sync, session: Session, request: DeliveryRequest) -> Planner[R]:
        """Return what plans the delivery of a chunk of accepted records."""
        ...

    def conclude(self, sync: Sync) -> Mapping[str, int] | None:
        """Do what a delivery has left, for another stream too, whose lock it takes; none is held.

        Return counts to show with the delivery, if there are any.
        """
        ...


@runtime_checkable
class ReadsInTurn(Protocol):
    """A stream that reads a part of its source at a time."""

    def captured(self, session: Session) -> None:
        """Note that what was read is captured, in the transaction that stores the last of it."""
        ...


@runtime_checkable
class KnowsEnded(Protocol):
    """A stream to a target that may be done with a record before the source is."""

    def ended(self, session: Session, versions: Sequence[tuple[str, UUID]]) -> Mapping[str, str]:
        """Return the rules by which rejected versions (record, capture) are owed no more."""
        ...
