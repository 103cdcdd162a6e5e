"""Plans: the ordered intents of one record, and their outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from domain.delivery import Intent, Outcome
from domain.errors import Problem
from domain.records.record import Record
from resources.ledger.rows import AcceptedRecord, TargetRow, UnsettledDelivery

R = TypeVar("R", bound=Record)


@dataclass
class Due(Generic[R]):
    """One accepted record of a chunk, and what the ledger knows of its target."""

    accepted: AcceptedRecord
    record: R
    delivered_as: str
    """The id under which its deliveries are kept."""
    known: TargetRow | None = None
    """What the target is known to hold."""
    unsettled: Sequence[UnsettledDelivery] = ()
    """Deliveries that failed, are uncertain, or may still take effect."""
    is_read: bool = False
    """``known`` was read from the target, since it was uncertain what it holds."""


class Sent(NamedTuple):
    """An intent and its outcome."""

    intent: Intent
    outcome: Outcome


@dataclass
class Plan:
    """The ordered intents of one record; a failure stops the rest of the plan."""

    due: Due[Any]
    intents: list[Intent] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    settled: int = 0
    """How many outcomes are in the ledger."""
    refusal: tuple[Problem, ...] = ()
    """Why nothing could be planned for the record: it is refused without having been sent."""
    kept_back: tuple[Problem, ...] = ()
    """Why parts of the record could not be planned, where the rest of it is sent."""
    found: list[Problem] = field(default_factory=list)
    """What comparing with the target has shown to be wrong: it becomes a rejection."""
    notes: list[Problem] = field(default_factory=list)
    """What an operator should know of what was sent."""
    waits_until: datetime | None = None
    """Until when an earlier request may still take effect: the record stays due until then."""
    left_alone: tuple[str, str] | None = None
    """The rule that keeps a valid record from the target, and the record's name."""
    is_provisional: bool = False
    """The record stays due even if this is sent, since what it depends on will change."""
    goes_apart: bool = False
    """Its intents are sent one by one, although the target would take them together."""
    keeps_open: frozenset[UUID] = frozenset()
    """Uncertain deliveries that nothing replaces, since no target of this run could show them."""
    resolves: list[UnsettledDelivery] = field(default_factory=list)
    """Uncertain deliveries that this plan replaces once it has succeeded."""
    context: Any = None
    """What the stream's planner keeps of the record from one step to the next."""

    @property
    def accepted(self) -> AcceptedRecord:
        """Return the record's accepted version."""
        return self.due.accepted

    def unsent(self) -> list[Intent]:
        """Return the intents that have no outcome yet."""
        return self.intents[len(self.sent) :]

    def failure(self) -> Sent | None:
        """Return the outcome that decides: a failure before a refusal, each the first."""
        failures = [s for s in self.sent if not s.outcome.succeeded]
        failed = (s for s in failures if s.outcome.state not in ("refused", "unsent"))
        return next(failed, next(iter(failures), None))

    def is_blocked(self) -> bool:
        """Return whether an outcome keeps the later intents back."""
        return any(
            not outcome.succeeded and not (outcome.state == "refused" and intent.is_independent)
            for intent, outcome in self.sent
        )

    def warnings(self) -> list[Problem]:
        """Return what an operator should know of what was sent."""
        return [*(w for s in self.sent for w in s.outcome.warnings), *self.notes]

    def problems(self) -> list[Problem]:
        """Return all that keeps the record, or a part of it, from the target."""
        refused = (problem for sent in self.sent for problem in sent.outcome.problems)
        return [*self.refusal, *self.kept_back, *refused, *self.found]

    def is_unfinished(self) -> bool:
        """Return whether something is still to be sent: later, or the run was stopped before it."""
        if self.refusal:
            return False
        return self.waits_until is not None or bool(self.unsent())

    def is_done(self) -> bool:
        """Return whether all of it has been sent, even if a part was refused."""
        return self.failure() is None and not self.refusal and self.waits_until is None

    def is_refused(self) -> bool:
        """Return whether the record needs an operator or a new version to be delivered."""
        failure = self.failure()
        if failure is None:
            return bool(self.problems())
        return bool(self.refusal) or failure.outcome.state == "refused" or failure.outcome.is_dead
