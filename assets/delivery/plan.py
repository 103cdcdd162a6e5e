"""Plans: the ordered intents of one record, and what became of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.errors import LockstepError, Problem
from domain.exchange import Receipt
from resources.ledger.rows import ClaimRow, TargetRow

State = Literal["delivered", "requested", "refused", "failed", "unknown", "unsent"]
SUCCESS = ("delivered", "requested")


@dataclass(frozen=True)
class Intent:
    """One effect on a target record: its claim, how to send it, what the target then holds."""

    claim: ClaimRow
    send: Callable[[], Awaitable[Receipt]]
    holds: Callable[[Receipt], TargetRow | None] = lambda _: None
    is_independent: bool = False
    """A refusal of it keeps none of the record's later intents back."""


@dataclass
class Outcome:
    """The outcome of one intent."""

    intent: Intent
    state: State
    receipt: Receipt | None = None
    problems: tuple[Problem, ...] = ()
    """Why the target refused it, or a part of it."""
    error: str = ""
    fault: LockstepError | None = None
    """The error of a failed attempt; its class separates refused access and throttling."""
    is_lost: bool = False
    is_dead: bool = False
    """It has no attempts left."""


@dataclass
class Plan:
    """The ordered intents of one record; a failure stops the rest of the plan."""

    capture_id: UUID
    source_id: str
    intents: list[Intent] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    refusal: tuple[Problem, ...] = ()
    """Why nothing could be planned for the record: it is refused without having been sent."""
    kept_back: tuple[Problem, ...] = ()
    """Why parts of the record could not be planned, where the rest of it is sent."""
    waits_until: datetime | None = None
    """Until when an earlier request may still take effect: the record stays due until then."""
    resolves: list[UUID] = field(default_factory=list)
    """Uncertain deliveries that this plan replaces once all of it has succeeded."""

    def failure(self) -> Outcome | None:
        """Return the outcome that decides: a failure before a refusal, each the first."""
        failures = [o for o in self.outcomes if o.state not in SUCCESS]
        failed = (o for o in failures if o.state not in ("refused", "unsent"))
        return next(failed, next(iter(failures), None))

    def is_blocked(self) -> bool:
        """Return whether an outcome keeps the later intents back."""
        return any(
            outcome.state not in SUCCESS
            and not (outcome.state == "refused" and outcome.intent.is_independent)
            for outcome in self.outcomes
        )

    def warnings(self) -> list[Problem]:
        """Return what an operator should know of what was sent."""
        return [
            problem
            for outcome in self.outcomes
            if outcome.receipt is not None
            for problem in outcome.receipt.warnings
        ]

    def is_done(self) -> bool:
        """Return whether all of it has been sent, even if a part was refused."""
        return self.failure() is None and not self.refusal and self.waits_until is None

    def is_refused(self) -> bool:
        """Return whether the record needs an operator or a new version to be delivered."""
        failure = self.failure()
        if failure is None:
            parts = any(outcome.problems for outcome in self.outcomes)
            return bool(self.refusal or self.kept_back) or parts
        return bool(self.refusal) or failure.state == "refused" or failure.is_dead
