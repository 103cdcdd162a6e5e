"""Adoption: records that the OMS has from the program that a new connection replaces.

Nothing may be created before it is known that the OMS does not have it. What it has is taken over:
compared with the store's, and changed where it differs. Once a record was sent, it has a link.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from assets.delivery.plan import Due, Plan
from domain.delivery import Held
from domain.errors import Problem, RecordRejected
from resources.ledger.monitoring.activation import predecessor_until
from resources.ledger.monitoring.caution import is_cautious
from resources.ledger.session import Session


class Adoption:
    """The records of a chunk that another program may have sent."""

    def __init__(self, session: Session, *, code: str) -> None:
        """``code`` is that of the warning of a record that was taken over."""
        self._code, self._what = code, session.links.entity
        self._until: datetime | None = None
        # After a restore, what the OMS has may be our own: that has rules of its own.
        if not is_cautious(session.db, session.connection):
            self._until = predecessor_until(session.db, session.connection, session.stream)
        self._taken: set[str] = set()
        self._others: set[str] = set()

    def is_possible(self, due: Due[Any], *, is_linked: bool, made_at: datetime | None) -> bool:
        """Return whether another program may have sent a record; ``made_at`` is when it was placed.

        Without a time it may have been at any.
        """
        return (
            self._until is not None
            and not is_linked
            and due.known is None
            and not any(u.is_uncertain for u in due.unsettled)
            and (made_at is None or made_at < self._until)
        )

    def take(self, due: Due[Any], held: Held) -> bool:
        """Note that the OMS has a record; return whether it can be taken over."""
        (self._others if held.is_other else self._taken).add(due.delivered_as)
        return not held.is_other

    def has(self, due: Due[Any]) -> bool:
        """Return whether a record was taken over."""
        return due.delivered_as in self._taken

    def check(self, due: Due[Any], oms_id: str) -> None:
        """Raise ``RecordRejected`` where the OMS has another record of this id."""
        if due.delivered_as in self._others:
            raise RecordRejected(_other(self._what, oms_id))

    def note(self, plan: Plan, oms_id: str) -> Plan:
        """Return the plan, with a warning if its record was taken over."""
        if self.has(plan.due):
            text = (
                f"The OMS had the {self._what} {oms_id} before this connection started. It was "
                "taken over: what differed from the store was changed."
            )
            advice = "Nothing if another program was replaced; else check it at the OMS."
            plan.notes.append(Problem(self._code, "", text, advice, oms_id))
        return plan


def _other(what: str, oms_id: str) -> Problem:
    return Problem(
        "order_exists_differently",
        "order_id",
        f"The OMS has a {what} {oms_id} that this connection has not sent, and none of its lines "
        "is one of the store's.",
        "Compare both. If the program that Lockstep replaces has sent it, let the OMS finish it, "
        "or cancel it there, and discard the rejection: Lockstep then leaves it alone. If it is "
        "another one, give the connection an order_id_prefix of its own.",
        oms_id,
    )
