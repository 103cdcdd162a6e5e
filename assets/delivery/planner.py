"""What a stream provides so that the engine can deliver its records: plans as plain data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic

from assets.delivery.plan import Due, Plan, R, Sent
from assets.delivery.request import DeliveryRequest
from domain.delivery import Held, Intent, Outcome, Question
from domain.targets import Target
from resources.ledger.links import Link
from resources.ledger.rows import AcceptedRecord, SettleRow, TargetRow
from resources.ledger.session import Session
from resources.sync import Sync


class Planner(ABC, Generic[R]):
    """Plans the delivery of a chunk of one stream; it sends nothing."""

    target: Target
    to_oms: bool
    """Whether the target is the OMS."""
    why: str
    """The reason given where a delivery closes a rejection."""
    decides_by_ledger: ClassVar[bool] = False
    """Whether ``decide`` reads the ledger, which nothing else uses then."""

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        self.sync, self.session, self.request = sync, session, request

    def select(self, chunk: Sequence[AcceptedRecord]) -> Sequence[AcceptedRecord]:
        """Return the chunk with the versions marked that newer ones replace."""
        return chunk

    @abstractmethod
    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[R]]:
        """Decode the records, and read from the ledger what their targets are known to hold."""

    @abstractmethod
    def plan(self, due: Due[R]) -> Plan:
        """Return what brings the target from what it holds to the record.

        Pure, and called again after ``ReadingPlanner.resolve``. Raises ``RecordRejected``.
        """

    def link(self, due: Due[R]) -> Link | None:
        """Return which records of both systems are one by what is sent.

        ``None`` if the ledger has the link, or none is made.
        """
        del due
        return None

    def decide(self, plan: Plan, intent: Intent, held: Held) -> Intent | Outcome:
        """Return what is sent for an intent that reads first, or its outcome if nothing is."""
        del plan, held
        return intent

    def foreseen(self, plan: Plan) -> TargetRow | None:
        """Return what is stored before an intent is sent that read first; ``None``: nothing.

        It is what the target has shown and the effect will hide, so that a run which dies before
        it has settled the effect does not lose it.
        """
        del plan
        return None

    def decide_jointly(
        self, plan: Plan, intents: Sequence[Intent], held: Held
    ) -> list[Intent | Outcome] | None:
        """Return what is sent in one call for intents, by what the target holds before all of them.

        ``None`` if that can't be decided before the first of them has an outcome.
        """
        del plan, intents, held
        return None

    @abstractmethod
    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Take note of a success, and return what the target now holds."""

    def store(self, sent: Sequence[tuple[Plan, Sent]]) -> None:
        """Write what the stream records of outcomes, in the transaction that settles them.

        It may be called again with the same outcomes.
        """

    def claimed(self, plans: Sequence[Plan]) -> None:
        """Write what the stream records of plans that are about to be sent.

        In the transaction that claims them, also those of follow-ups.
        """

    def concluded(self, plans: Sequence[tuple[Plan, str | None]]) -> None:
        """Write what the stream records of its plans' ends, in the transaction that stores them.

        Each with its record's outcome; ``None``: it stays due.
        """

    def follow_up(self, plan: Plan) -> list[Intent]:
        """Return what an outcome has made necessary beyond the plan."""
        del plan
        return []


class ReadingPlanner(Planner[R]):
    """Plans for a target that must be read if it is uncertain what it holds."""

    def question(self, due: Due[R]) -> tuple[str, Question]:
        """Return which target record is read, and what it may hold, if that is uncertain."""
        return due.delivered_as, ()

    def can_ask(self, due: Due[R]) -> bool:
        """Return whether it is known what to read at the target."""
        del due
        return True

    def doubts(self, due: Due[R]) -> bool:
        """Return whether the target is read for another reason than the record's own deliveries."""
        del due
        return False

    @abstractmethod
    def resolve(self, due: Due[R], held: Held | None) -> list[SettleRow]:
        """Take what the target was read to hold as known; return how it settles uncertain ones."""
