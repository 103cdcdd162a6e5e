"""Adoption: records that the OMS has, and the ledger does not know as sent.

They are of the program that a new connection replaces, or were sent after a backup that was
restored. Nothing may be created before it is known that the OMS does not have it. What it has is
taken over: compared with the store's, and changed where it differs. Once a record was sent, it has
a link.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from assets.delivery.plan import Due, Plan
from domain.delivery import Held
from domain.errors import Problem, RecordRejected
from resources.ledger.monitoring.caution import is_cautious, unknown_until
from resources.ledger.session import Session


class Adoption:
    """The records of a chunk that may have been sent without the ledger's knowledge."""

    def __init__(self, session: Session, *, code: str) -> None:
        """``code`` is that of the warning of a record that was taken over."""
        self._code, self._what = code, session.links.entity
        self._until: datetime | None = None
        # Until a restored ledger is reconciled, what the OMS has may be newer than what is known.
        if not is_cautious(session.db, session.connection):
            self._until = unknown_until(session.db, session.connection, session.stream)
        self._taken: set[str] = set()
        self._others: set[str] = set()

    def is_possible(self, due: Due[Any], *, is_linked: bool, made_at: datetime | None) -> bool:
        """Return whether a record may have been sent; ``made_at`` is when it was placed.

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
                f"The OMS had the {self._what} {oms_id}, and the ledger did not know that it was "
                "sent. It was taken over: what differed from the store was changed."
            )
            advice = (
                "Nothing if another program was replaced or a backup restored; else check it at "
                "the OMS."
            )
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
