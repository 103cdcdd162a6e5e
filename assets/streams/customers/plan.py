"""Planning of customers for the OMS: created once, changed by field, and emptied once deleted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import orjson
from msgspec.structs import replace

from assets.delivery.adoption import Adoption
from assets.delivery.plan import Due, Plan
from assets.delivery.planner import ReadingPlanner
from assets.delivery.request import DeliveryRequest
from domain.connections import CUSTOMERS
from domain.delivery import CustomerSave, Held, Intent, Outcome, Question
from domain.errors import Problem, RecordRejected
from domain.identity import delivery_key
from domain.records.customers import Customer
from domain.records.record import decode_record
from resources.ledger.links import Link
from resources.ledger.rejections.approvals import retried_with
from resources.ledger.rejections.discards import done_by_hand
from resources.ledger.rows import AcceptedRecord, SettleRow, TargetRow, UnsettledDelivery
from resources.ledger.session import Session
from resources.sync import Sync

LOOKED_UP = "the OMS was asked for what it holds"
GONE_AT_OMS = "customer_gone_at_oms"
"""The code of a customer that the OMS has lost; a retry sends it as a new one."""


class CustomersPlanner(ReadingPlanner[Customer]):
    """Plans a chunk of customers."""

    to_oms = True
    why = "the target accepted the record"

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.customers = self.target = sync.customers_target
        self._linked: Mapping[str, str] = {}
        self._gone: Collection[str] = frozenset()
        self._adoption = Adoption(session, code="customer_adopted")
        self._looked_for: set[str] = set()
        """Customers that are only looked for: a change of one that the OMS has lost would be taken
        for a new one, without what has not changed."""
        self._lost: set[str] = set()
        self._by_hand: Collection[str] = frozenset()
        """Customers that operators may have changed at the OMS by hand."""

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Customer]]:
        """Decode the customers, and read what the OMS is known to hold of them."""
        ids = [accepted.source_id for accepted in current]
        known = self.session.deliveries.targets(ids)
        self._linked = self.session.links.oms_ids(ids)
        self._gone = retried_with(self.session.db, self.sync.name, CUSTOMERS, ids, GONE_AT_OMS)
        self._by_hand = done_by_hand(self.session.db, self.sync.name, CUSTOMERS, ids)
        return [
            Due(a, self._decode(a.canonical), a.source_id, known.get(a.source_id)) for a in current
        ]

    def _decode(self, canonical: bytes) -> Customer:
        """Return the customer with the id that it has at the OMS, though it may now get another."""
        customer = decode_record(Customer, canonical)
        customer_id = self._linked.get(customer.source_id, customer.customer_id)
        if customer_id == customer.customer_id:
            return customer
        return replace(customer, customer_id=customer_id)

    def plan(self, due: Due[Customer]) -> Plan:
        """Return what brings the OMS to this version, if anything differs."""
        return self._adoption.note(self._planned(due), due.record.customer_id)

    def _planned(self, due: Due[Customer]) -> Plan:
        customer, known = due.record, due.known
        if customer.is_gone and known is None:
            return Plan(due)  # the OMS never had it, and has nothing to forget
        wanted = self.customers.payload(customer)
        if known is None:
            return self._to(due, "create", wanted, wanted)
        change = self._change(known, wanted)
        if change is None or (customer.is_gone and customer.source_id in self._lost):
            return Plan(due)
        if customer.source_id in self._lost:
            raise RecordRejected(_gone(customer.customer_id))
        return self._to(due, "update", change, wanted)

    def _change(
        self, known: TargetRow, wanted: Mapping[str, object]
    ) -> Mapping[str, object] | None:
        held = orjson.loads(known.content)
        return self.customers.change(held, wanted, whole=self.request.force)

    def _to(
        self,
        due: Due[Customer],
        operation: str,
        payload: Mapping[str, object],
        wanted: Mapping[str, object],
    ) -> Plan:
        accepted, sequence = due.accepted, due.known.sequence if due.known else 0
        key = delivery_key(
            self.sync.name,
            CUSTOMERS,
            accepted.source_id,
            f"{operation}:{sequence}",
            accepted.canonical_digest,
        )
        save = CustomerSave(due.record.customer_id, payload, wanted)
        return Plan(due, [Intent(operation, key, accepted.source_id, save)])

    def link(self, due: Due[Customer]) -> Link | None:
        """Return the link of a customer without one; its id at the OMS is the one it is sent as."""
        customer = due.record
        if customer.source_id in self._linked:
            return None
        return Link(customer.source_id, customer.number, customer.customer_id, customer.customer_id)

    def doubts(self, due: Due[Customer]) -> bool:
        """Return whether another program or the OMS may have changed the customer unseen.

        Or an operator, by hand: where a change of it was rejected and then discarded. Also whether
        the OMS may have lost one of which a part is to be sent.
        """
        source_id = due.record.source_id
        if source_id in {*self._gone, *self._by_hand} or self._may_be_adopted(due):
            return True
        if not self.request.force and due.known is not None:
            wanted = self.customers.payload(due.record)
            if self._change(due.known, wanted) is not None:
                self._looked_for.add(source_id)
        return source_id in self._looked_for

    def _may_be_adopted(self, due: Due[Customer]) -> bool:
        is_linked = due.record.source_id in self._linked
        return self._adoption.is_possible(due, is_linked=is_linked, made_at=None)

    def question(self, due: Due[Customer]) -> tuple[str, Question]:
        """Ask for the customer at the OMS; it may hold what is known, and what was sent since."""
        if due.record.source_id in self._looked_for:
            return due.record.customer_id, ()
        candidates: list[Mapping[str, object]] = [self.customers.payload(due.record)]
        if due.known is not None:
            candidates.append(orjson.loads(due.known.content))
        for delivery in due.unsettled:
            sent = self._sent(delivery) if delivery.is_uncertain else None
            if sent is not None:
                candidates.append(self.customers.payload(sent))
        return due.record.customer_id, tuple(candidates)

    def _sent(self, delivery: UnsettledDelivery) -> Customer | None:
        sent = {delivery.source_id: delivery.capture_id}
        content = self.session.records.canonicals(sent).get(delivery.source_id)
        return self._decode(content) if content is not None else None

    def resolve(self, due: Due[Customer], held: Held | None) -> list[SettleRow]:
        """Take what the OMS holds as known; it shows whether a customer was created."""
        if due.record.source_id in self._looked_for:
            self._lost |= set() if held is not None else {due.record.source_id}
            return []
        uncertain = [u for u in due.unsettled if u.is_uncertain]
        is_new = due.known is None
        if held is None:
            source_id = due.record.source_id
            if source_id in self._by_hand and source_id not in self._gone and not uncertain:
                self._lost.add(source_id)
            else:
                due.known = None
            return [SettleRow(u.delivery_key, "superseded", error=LOOKED_UP) for u in uncertain]
        if self._may_be_adopted(due):
            self._adoption.take(due, held)
        due.known = TargetRow.as_read(
            due.known,
            due.accepted.source_id,
            held.target_id,
            orjson.dumps(held.content),
            due.accepted.source_updated_at,
            due.known.milestone if due.known is not None else "",
        )
        settled: list[SettleRow] = []
        for delivery in uncertain:
            has_happened = delivery.action == "create" and is_new
            state, target_id = ("delivered", held.target_id) if has_happened else ("superseded", "")
            settled.append(SettleRow(delivery.delivery_key, state, target_id, error=LOOKED_UP))
        return settled

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return what the OMS holds: what was wanted."""
        save: CustomerSave = intent.content
        content = orjson.dumps(save.wanted)
        moment = plan.accepted.source_updated_at
        return TargetRow.following(
            plan.due.known, intent.target_key, outcome.target_id, content, moment
        )


def _gone(customer_id: str) -> Problem:
    return Problem(
        GONE_AT_OMS,
        "customer_id",
        f"The OMS no longer has the customer {customer_id}, which was sent to it, so a change of "
        "it was not sent.",
        "If it was deleted there on purpose, discard the rejection. If the OMS was restored from a "
        "backup, say, retry the rejection: the OMS is asked once more, and gets the whole customer "
        "if it lacks it.",
        customer_id,
    )
