"""Faults that were fixed, each brought back by a small patch of the current code.

The names have the numbers of the promises in docs/model.md. A patch replaces one public function,
or adds a trigger to the ledger, so that it survives a change of what lies in between; it fails
where its target is gone.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from assets.delivery import attempts, obligation
from assets.delivery.target_state import Cover, KnownShipment, OrderTargetState
from assets.pipeline import capture
from assets.streams.actions.plan import ActionsPlanner
from assets.streams.customers.plan import CustomersPlanner
from assets.streams.shipments.status import StatusRules
from domain.carriers.tracking import carrier_from_tracking
from domain.errors import TransientError
from domain.exchange import before_effect
from domain.records.actions import Amendment
from domain.rules import pricing
from domain.rules.availability import AvailabilityRules
from orchestration.local.simulated import Pair
from resources.http.attempts import RequestAttempts
from resources.http.policy import ClientPolicy
from resources.ledger.captures.captures import Captures
from resources.ledger.deliveries.deliveries import Deliveries
from resources.ledger.monitoring import activation, caution
from resources.ledger.rejections.rejections import Rejections
from resources.ledger.session import Session
from resources.oms.manhattan.shipments.parcels import ParcelMapper
from resources.platforms.bigcommerce.orders import refunds
from resources.platforms.bigcommerce.orders.reader import OrdersReader
from resources.platforms.bigcommerce.returns.refunds import RefundCalls
from resources.platforms.commercetools.returns import actions as returned
from resources.platforms.commercetools.shipments.order import KEY
from tests.model.clock import PACKAGES
from tests.model.systems import PAIR
from tests.model.world import World

Patch = pytest.MonkeyPatch
COMMERCETOOLS = Pair("commercetools", "manhattan")


@dataclass(frozen=True)
class Mutant:
    """One fault; ``number`` is that of the promise that it breaks."""

    number: int
    name: str
    apply: Callable[[Patch, World], None]
    pair: Pair = PAIR
    also: tuple[str, ...] = ()
    """Operations that each program has, so that few programs are about something else."""


def everywhere(patch: Patch, original: Any, replacement: Any) -> None:
    """Replace an object in every module of ours that has it under its name."""
    found = 0
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in PACKAGES:
            for attribute, value in list(vars(module).items()):
                if value is original:
                    patch.setattr(module, attribute, replacement)
                    found += 1
    if not found:
        raise LookupError(f"no module has {original!r} any more")


def _trigger(world: World, table: str, change: str) -> None:
    world.database.add_trigger(table, change)


def _forget_uncertainty(_: Patch, world: World) -> None:
    _trigger(world, "delivery", "NEW.is_uncertain := false;")


def _look_up_at_once(patch: Patch, world: World) -> None:
    patch.setattr(ClientPolicy, "acts_for", 0.0)
    _trigger(world, "delivery", "NEW.may_act_until := NULL;")


def _adopt_owned(patch: Patch, _: World) -> None:
    patch.setattr(Deliveries, "target_ids", lambda _self, _keys, _actions: set())


def _write_without_lock(patch: Patch, _: World) -> None:
    patch.setattr(Session, "check_writer", lambda _self: None)


def _repeat_after_a_freeze(patch: Patch, _: World) -> None:
    original = RequestAttempts.start

    def start(self: RequestAttempts) -> None:
        token = before_effect.set(lambda: None)
        original(self)
        before_effect.reset(token)

    patch.setattr(RequestAttempts, "start", start)


def _unusable_is_failure(patch: Patch, _: World) -> None:
    def fail(self: RequestAttempts, status: int, error: ValueError) -> float:
        raise TransientError(f"answered {status}: {error}")

    patch.setattr(RequestAttempts, "_unusable", fail)


def _bold_after_restore(patch: Patch, _: World) -> None:
    everywhere(patch, caution.is_cautious, lambda _db, _connection: False)
    everywhere(patch, caution.unknown_until, activation.predecessor_until)


def _drop_what_moved_on(patch: Patch, _: World) -> None:
    everywhere(patch, obligation.OWED_RULES, frozenset())


def _forget_uncertain_orders(patch: Patch, _: World) -> None:
    patch.setattr(Deliveries, "possible_targets", lambda self, keys: set(self.targets(keys)))


def _send_refunded(patch: Patch, _: World) -> None:
    original = refunds.refunded_units
    everywhere(patch, original, lambda *given, **named: original(*given, **named) * 0)


def _lose_grown_parcels(patch: Patch, _: World) -> None:
    original = OrderTargetState.cover

    def cover(self: OrderTargetState, requests: Any) -> dict[str, Cover]:
        covers = original(self, requests)
        return {key: c._replace(missing=()) if c.names else c for key, c in covers.items()}

    patch.setattr(OrderTargetState, "cover", cover)


def _overwrite_merchant(patch: Patch, _: World) -> None:
    patch.setattr(StatusRules, "keeps", lambda _self, _now, _state: False)


def _guess_carrier(patch: Patch, _: World) -> None:
    def guess(_self: ParcelMapper, _code: str, number: str, _problems: Any) -> str | None:
        return next(iter(carrier_from_tracking(number)), "purolator")

    patch.setattr(ParcelMapper, "_carrier", guess)


def _keep_old_tracking(patch: Patch, _: World) -> None:
    patch.setattr(KnownShipment, "is_outdated", lambda _self, _request: False)


def _oversell(patch: Patch, _: World) -> None:
    original = AvailabilityRules.sellable
    patch.setattr(
        AvailabilityRules, "sellable", lambda self, levels, _undelivered: original(self, levels, 0)
    )


def _sell_safety_stock(patch: Patch, _: World) -> None:
    original = AvailabilityRules.sellable

    def sellable(self: AvailabilityRules, levels: Any, undelivered: int) -> int:
        return original(self, levels, undelivered) + self.policy.safety_stock

    patch.setattr(AvailabilityRules, "sellable", sellable)


def _keep_stale_rejections(patch: Patch, _: World) -> None:
    patch.setattr(Rejections, "close", lambda _self, *_given: 0)


def _trust_our_clock(patch: Patch, _: World) -> None:
    original = capture.source_present
    everywhere(patch, original, lambda sync, stream: original(sync, stream) + timedelta(hours=6))


def _lose_last_of_page(patch: Patch, _: World) -> None:
    original = Captures.add
    patch.setattr(
        Captures,
        "add",
        lambda self, rows, run: original(self, list(rows)[:1] if len(rows) > 1 else rows, run),
    )


def _miss_archived(patch: Patch, _: World) -> None:
    original = OrdersReader.probe

    def probe(self: OrdersReader, since: Any) -> Any:
        kept, self._passes = self._passes, self._passes[:1]
        try:
            return original(self, since)
        finally:
            self._passes = kept

    patch.setattr(OrdersReader, "probe", probe)


def _send_older_version(patch: Patch, _: World) -> None:
    original = Captures.to_validate
    patch.setattr(
        Captures,
        "to_validate",
        lambda self, *given, **named: [
            one._replace(superseded=False) for one in original(self, *given, **named)
        ],
    )


def _fail_step_by_record(patch: Patch, _: World) -> None:
    patch.setattr(attempts, "FAILURES_IN_A_ROW", 1)


def _forget_refunds(patch: Patch, _: World) -> None:
    async def none(_self: RefundCalls, _order_id: str) -> list[Any]:
        return []

    patch.setattr(RefundCalls, "list_refunds", none)


def _forget_shown_returns(patch: Patch, _: World) -> None:
    everywhere(patch, returned.item_prefix, lambda *_: f"{KEY}{uuid4().hex}-")


def _exceed_limit(patch: Patch, _: World) -> None:
    everywhere(patch, pricing.held_back, lambda *_: None)


def _number_customers_anew(patch: Patch, _: World) -> None:
    original = CustomersPlanner._decode

    def decode(self: CustomersPlanner, canonical: bytes) -> Any:
        found = original(self, canonical)
        return replace(found, customer_id=f"{found.customer_id}-{self.session.run_id}")

    patch.setattr(CustomersPlanner, "_decode", decode)


def _act_again(patch: Patch, _: World) -> None:
    original, runs = ActionsPlanner._decision, defaultdict[str, list[datetime]](list)

    def decision(self: ActionsPlanner, due: Any) -> Any:
        """Take units off once more in each later run, as if those of the earlier were others."""
        found, known = original(self, due), runs[due.record.action_id]
        known += [] if self._now in known else [self._now]
        if isinstance(found, Amendment):
            off = known.index(self._now)
            cuts = [replace(cut, left=max(0, cut.left - off)) for cut in found.cuts]
            return replace(found, cuts=tuple(cuts))
        return found

    patch.setattr(ActionsPlanner, "_decision", decision)


MUTANTS = (
    Mutant(
        5,
        "uncertainty is forgotten when a delivery ends",
        _forget_uncertainty,
        also=("lose_answers", "cancel"),
    ),
    Mutant(
        5,
        "an uncertain order counts as never sent",
        _forget_uncertain_orders,
        also=("go_on_unsent",),
    ),
    Mutant(
        6,
        "a success with an unusable body is a failure",
        _unusable_is_failure,
        also=("garble_answers",),
    ),
    Mutant(7, "a look-up adopts what another delivery owns", _adopt_owned, also=("lose_a_twin",)),
    Mutant(
        8,
        "look-ups do not wait for requests on their way",
        _look_up_at_once,
        also=("lose_a_twin", "finish"),
    ),
    Mutant(
        10,
        "a writer that lost its lock goes on",
        _write_without_lock,
        also=("freeze_between_versions",),
    ),
    Mutant(
        10,
        "a process that wakes up repeats its request",
        _repeat_after_a_freeze,
        also=("freeze_over_answers",),
    ),
    Mutant(
        12,
        "after a restore nothing is looked up",
        _bold_after_restore,
        also=("lose_a_line_from_the_ledger",),
    ),
    Mutant(
        15,
        "an order whose status moved on is not owed",
        _drop_what_moved_on,
        also=("go_on_unsent",),
    ),
    Mutant(16, "refunded units are sent", _send_refunded, also=("refund_units",)),
    Mutant(
        23, "units that a parcel gets later are lost", _lose_grown_parcels, also=("ship_and_grow",)
    ),
    Mutant(
        26, "the merchant's status is overwritten", _overwrite_merchant, also=("suspect", "ship")
    ),
    Mutant(27, "a carrier is guessed from the number", _guess_carrier, also=("ship_by",)),
    Mutant(
        29,
        "a late tracking number is not sent",
        _keep_old_tracking,
        also=("ship_unlabelled", "track_late"),
    ),
    Mutant(31, "safety stock is sold", _sell_safety_stock, also=("set_safety_stock",)),
    Mutant(
        32, "units of orders under way are sold again", _oversell, also=("place_unmapped_method",)
    ),
    Mutant(
        44,
        "rejections stay open when their record passes",
        _keep_stale_rejections,
        also=("place_unknown_item", "learn_item", "retry"),
    ),
    Mutant(1, "the watermark runs ahead of the source's clock", _trust_our_clock),
    Mutant(1, "of a window only the first record is kept", _lose_last_of_page),
    Mutant(15, "an order that was archived is not noticed", _miss_archived, also=("archive",)),
    Mutant(
        9,
        "older versions are sent, too",
        _send_older_version,
        also=("change_units", "move_house", "forbid"),
    ),
    Mutant(
        3, "one record's failure fails its step", _fail_step_by_record, also=("fail_at_one_order",)
    ),
    Mutant(
        10,
        "a refund whose answer was lost is made again",
        _forget_refunds,
        also=("open_return", "advance_return", "lose_refunds"),
    ),
    Mutant(
        10,
        "a return that is shown is shown again",
        _forget_shown_returns,
        COMMERCETOOLS,
        ("open_return", "advance_return"),
    ),
    Mutant(10, "a customer gets another id", _number_customers_anew, also=("register", "rename")),
    Mutant(11, "a price goes out beyond its limit", _exceed_limit, also=("set_price",)),
    Mutant(
        11,
        "an action whose answer was lost is done again",
        _act_again,
        also=("ask_cancel_units", "lose_answers", "calm", "carry_out"),
    ),
)
"""The numbers from 10 on, of the last five, are those of the issues that made the promises."""
