"""Planning of prices for the store: those that differ from what it shows, within the limits.

The store is read before a price is planned that differs from what it is known to hold: the guard
against absurd changes compares with what shoppers see, and a price that was set by hand in between
is not overwritten unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from assets.delivery.plan import Due, Plan
from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryRequest
from assets.streams.prices.plan import (
    GONE,
    PricePlan,
    ambiguous,
    plan_prices,
    take_up_due,
    taken_up,
)
from domain.connections import PRICES
from domain.delivery import Intent, Outcome
from domain.errors import RecordRejected
from domain.identity import content_digest, delivery_key
from domain.prices import PriceChange, StorePrice, tag_content
from domain.records.prices import Price
from domain.records.record import decode_record
from domain.rules.pricing import HELD, held_back
from resources.ledger.monitoring.caution import is_cautious
from resources.ledger.rejections.approvals import approvals
from resources.ledger.rows import AcceptedRecord, TargetRow
from resources.ledger.session import Session
from resources.sync import Sync


class PricesPlanner(Planner[Price]):
    """Plans a chunk of prices."""

    to_oms = False
    why = "the store shows the price"

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.target = self._store = sync.store_prices
        self._policy = sync.connection.prices
        self._plans: dict[str, PricePlan] = {}
        self._shown: Mapping[str, StorePrice] = {}
        """What the store shows, by target key: of the prices that are compared with it."""
        self._approved: Mapping[str, Mapping[str, str]] = {}
        self._rivals: Mapping[str, list[str]] = {}

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Price]]:
        """Decode the prices, find their places, and read what the store shows there."""
        prices = {a: decode_record(Price, a.canonical) for a in current}
        now = self.session.now()
        take_up_due(self.sync, self.session, now)
        plans = dict(
            zip(prices, plan_prices(self.sync, self.session, prices.values(), now), strict=True)
        )
        self.session.prices.take_up(
            [
                taken_up(
                    a.source_id,
                    self.request.partition.day,
                    a.capture_id,
                    price,
                    plans[a],
                    now,
                )
                for a, price in prices.items()
            ]
        )
        gone = self.session.prices.gone([a.source_id for a in prices])
        plans |= {a: PricePlan(skipped=GONE) for a in prices if a.source_id in gone}
        self._plans = {a.source_id: plan for a, plan in plans.items()}
        keys = [plan.key for plan in plans.values() if plan.place is not None]
        self._rivals = self.session.prices.rivals(keys, now)
        known = self._known({a.source_id: plan for a, plan in plans.items()})
        self._approved = approvals(
            self.session.db, self.sync.name, PRICES, [a.source_id for a in prices], HELD
        )
        return [Due(a, price, a.source_id, known.get(plans[a].key)) for a, price in prices.items()]

    def _known(self, plans: Mapping[str, PricePlan]) -> dict[str, TargetRow]:
        """Return what the store holds; read again if that is not what is wanted, or not sure.

        ``plans`` by the ids of their records.
        """
        known = self.session.deliveries.targets([p.key for p in plans.values() if p.key])
        open_ones = self.session.deliveries.unsettled(list(plans), self.target.acts_for)
        reads_all = self.request.force or is_cautious(self.session.db, self.sync.name)
        asked = [
            plan
            for source_id, plan in plans.items()
            if plan.place is not None and plan.key not in self._rivals
            if reads_all
            or source_id in open_ones
            or plan.key not in known
            or known[plan.key].digest != content_digest(plan.content)
        ]
        if not asked:
            return known
        self._shown = self._store.prices([plan.place for plan in asked if plan.place is not None])
        now = datetime.now(UTC)
        found: dict[str, TargetRow] = {}
        for plan in asked:
            if plan.place is None or (shown := self._shown[plan.key]).problem is not None:
                continue
            content, before = tag_content(shown.tag), known.get(plan.key)
            if before is None:
                row = TargetRow.following(None, plan.key, plan.place.price_list, content, now)
                found[plan.key] = row._replace(sequence=0)
            elif before.digest != content_digest(content):
                found[plan.key] = before.holding(content)
        self.session.deliveries.put_targets(list(found.values()))
        return known | found

    def plan(self, due: Due[Price]) -> Plan:
        """Return the price, if the store does not show it. Raises ``RecordRejected``."""
        wanted = self._plans[due.accepted.source_id]
        if wanted.problem is not None:
            raise RecordRejected(wanted.problem)
        if wanted.place is None or wanted.tag is None:
            rule = wanted.skipped.rule if wanted.skipped is not None else ""
            return Plan(due, left_alone=(rule, due.record.sku))
        if problem := ambiguous(wanted, self._rivals):
            raise RecordRejected(problem)
        plan = Plan(due, context=wanted)
        digest = content_digest(wanted.content)
        # The store may show what a dead run has written, instead of what it is known to show.
        is_uncertain = any(u.is_uncertain for u in due.unsettled)
        is_held = due.known is not None and due.known.digest == digest
        shown = self._shown.get(wanted.key)
        if shown is None or (is_held and not self.request.force and not is_uncertain):
            return plan
        if shown.problem is not None:
            raise RecordRejected(shown.problem)
        held = held_back(
            wanted.tag,
            shown.tag,
            wanted.place.currency,
            self._policy,
            wanted.place.price_list,
        )
        approved = self._approved.get(due.accepted.source_id, {})
        if held is not None and held.value not in approved.values():
            raise RecordRejected(held)
        sequence = due.known.sequence if due.known else 0
        operation = f"price:{wanted.key}:{sequence}"
        key = delivery_key(self.sync.name, PRICES, due.delivered_as, operation, digest)
        change = PriceChange(wanted.place, wanted.tag, shown)
        plan.intents.append(Intent(shown.operation, key, wanted.key, change, shown.group))
        return plan

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return the price that the store now shows."""
        del outcome
        return TargetRow.following(
            plan.due.known,
            intent.target_key,
            intent.content.place.price_list,
            plan.context.content,
            plan.accepted.source_updated_at,
        )
