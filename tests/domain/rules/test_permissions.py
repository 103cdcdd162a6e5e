"""Which requests are carried out, and what each one changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from domain.addressing.addresses import Address
from domain.milestones import Milestone
from domain.policies import ActionsPolicy
from domain.records.actions import ActionRequest, Amendment, LineCut, Redirect
from domain.records.orders import (
    Charge,
    ChargeKind,
    Customer,
    DeliveryMethod,
    Discount,
    FulfilmentGroup,
    LineKind,
    Order,
    OrderLine,
    Tax,
)
from domain.rules.amendments import address_digest, amended, holds_of, superseded, units_left
from domain.rules.permissions import (
    Decision,
    OrderStanding,
    Refused,
    Unneeded,
    Waits,
    decide,
    without_lines,
)

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOME = Address(
    "Jane",
    "Doe",
    "",
    "1 Elm",
    "",
    "Austin",
    "US-TX",
    "Texas",
    "78701",
    "US",
    "+15125550100",
    "",
    "512-555-0100",
    "jane@example.com",
)
AWAY = Address("", "", "", "9 Oak", "", "Dallas", "US-TX", "Texas", "75201", "US", None, "", "", "")


def line(number: int, quantity: int = 2, **more: Any) -> OrderLine:
    """Return a line of 10.00 a unit."""
    given: dict[str, Any] = {"group_id": "g", "uom": "EACH"} | more
    return OrderLine(
        line_id=str(number),
        sku=f"S{number}",
        quantity=Decimal(quantity),
        unit_price=Decimal("10.00"),
        line_total=Decimal("10.00") * quantity,
        **given,
    )


def group(name: str = "g", **more: Any) -> FulfilmentGroup:
    """Return a group that is shipped home."""
    given: dict[str, Any] = {"method": DeliveryMethod.SHIP, "address": HOME} | more
    return FulfilmentGroup(group_id=name, **given)


def order(*lines: OrderLine, **more: Any) -> Order:
    """Return an order of the lines."""
    given: dict[str, Any] = {"groups": (group(),), "currency": "USD"} | more
    return Order(
        order_id="O1",
        source_id="1",
        number="1",
        store="s",
        channel="Web",
        ordered_at=NOW,
        tax_included=False,
        customer=Customer(customer_id=None, email="", first_name="", last_name=""),
        billing=HOME,
        lines=lines or (line(1), line(2)),
        total=Decimal(0),
        total_tax=Decimal(0),
        **given,
    )


def request(kind: Any, **more: Any) -> ActionRequest:
    """Return an operator's request of this moment."""
    given: dict[str, Any] = {"permission_set": "operator", "requested_at": NOW} | more
    return ActionRequest(action_id="a", source_id="1", kind=kind, requested_by="x", **given)


def decided(asked: ActionRequest, given: Order | None = None, **more: Any) -> Decision:
    """Return the decision about an order that is at the OMS."""
    policy = more.pop("policy", ActionsPolicy())
    standing = OrderStanding(given or order(), **({"is_at_oms": True} | more))
    return decide(asked, policy, standing, NOW)


def code(decision: Decision) -> str:
    """Return the code of a refusal."""
    assert isinstance(decision, Refused)
    assert decision.reason
    return decision.code


def amendment(decision: Decision) -> Amendment:
    """Return what a permitted request changes."""
    assert isinstance(decision, Amendment)
    return decision


ASKED = {
    "cancel_order": request("cancel"),
    "cancel_line": request("cancel", line_id="1"),
    "hold": request("hold"),
    "release": request("release"),
    "reroute_address": request("reroute", address=AWAY),
    "reroute_node": request("reroute", node="DC2"),
}


@pytest.mark.parametrize("name", list(ASKED))
def test_a_permission_set_allows_what_it_lists(name: str) -> None:
    """And nothing else; a set that is not listed allows nothing."""
    policy = ActionsPolicy.model_validate({"permissions": {"operator": [name], "none": []}})
    held = {"amendments": [Amendment(holds=("H",))]}
    assert not isinstance(decided(ASKED[name], policy=policy, **held), Refused)
    others = [asked for other, asked in ASKED.items() if other != name]
    refused = [code(decided(asked, policy=policy, **held)) for asked in others]
    for known in ("none", "unknown"):
        asked = replace(ASKED[name], permission_set=known)
        refused.append(code(decided(asked, policy=policy)))
    assert set(refused) == {"action_not_permitted"}


def test_a_request_is_valid_for_a_time() -> None:
    """Also one that waits for its order."""
    old = replace(request("hold"), requested_at=NOW - timedelta(days=3, seconds=1))
    assert code(decided(old)) == "action_expired"
    policy = ActionsPolicy(valid_for=timedelta(hours=1))
    hour_old = replace(request("hold"), requested_at=NOW - timedelta(hours=2))
    refusal = decided(hour_old, policy=policy)
    assert isinstance(refusal, Refused)
    assert "within 1 hours" in refusal.reason


def test_an_order_that_is_not_there_yet_is_waited_for() -> None:
    """One that is known as long as the request is valid, any other for a quarter of an hour."""
    assert isinstance(decided(request("hold"), is_at_oms=False), Waits)
    unknown = OrderStanding()
    assert isinstance(decide(request("hold"), ActionsPolicy(), unknown, NOW), Waits)
    late = replace(request("hold"), requested_at=NOW - timedelta(minutes=16))
    assert code(decide(late, ActionsPolicy(), unknown, NOW)) == "action_order_unknown"


def test_an_order_canceled_before_it_was_sent_is_not_waited_for() -> None:
    """It is not sent any more; the agent learns of it at once, not when the request expires."""
    canceled = order(line(1), canceled=True)
    for kind in ("hold", "release"):
        decision = decided(request(kind), canceled, is_at_oms=False)
        assert code(decision) == "action_order_canceled"
    assert isinstance(decided(request("cancel"), canceled, is_at_oms=False), Unneeded)
    part = request("cancel", line_id="1")
    assert code(decided(part, canceled, is_at_oms=False)) == "action_order_canceled"


def test_of_a_canceled_order_nothing_is_changed() -> None:
    """At the OMS or in the store; while the OMS decides, a request waits."""
    for asked in ASKED.values():
        for given in ({"is_canceled": True}, {}):
            store = order(canceled=not given)
            decision = decided(asked, store, **given)
            if asked.permission == "cancel_order" and not given:
                assert decision == Amendment(canceled=True), "the OMS may not know it yet"
            elif asked.kind == "cancel" and given:
                assert isinstance(decision, Unneeded)
            else:
                assert code(decision) == "action_order_canceled"
        assert isinstance(decided(asked, is_asked_to_cancel=True), Waits)


@pytest.mark.parametrize(
    ("now", "is_late"),
    [
        (None, False),
        (Milestone.ALLOCATED, False),
        (Milestone.PARTIALLY_RELEASED, True),
        (Milestone.SHIPPED, True),
        (Milestone.CANCELED, False),
    ],
)
def test_a_policy_limits_how_late_a_request_may_be(now: Milestone | None, *, is_late: bool) -> None:
    """By the milestone that is known; without a limit the OMS decides, until all has left."""
    policy = ActionsPolicy.model_validate({"until": {"hold": "allocated"}})
    decision = decided(request("hold"), policy=policy, milestone=now)
    assert (code(decision) == "action_too_late") if is_late else isinstance(decision, Amendment)
    anyway = decided(request("hold"), milestone=now)
    if now is Milestone.SHIPPED:
        assert code(anyway) == "action_too_late"
    else:
        assert isinstance(anyway, Amendment)


@pytest.mark.parametrize(
    ("now", "is_late"),
    [
        (Milestone.PARTIALLY_SHIPPED, False),
        (Milestone.SHIPPED, True),
        (Milestone.DELIVERED, True),
        (Milestone.PARTIALLY_RETURNED, True),
    ],
)
def test_of_an_order_that_has_left_nothing_is_held_or_rerouted(
    now: Milestone, *, is_late: bool
) -> None:
    """Whether it can be canceled, the OMS says; a hold is released whenever it was set."""
    for asked in ASKED.values():
        decision = decided(asked, milestone=now)
        if asked.kind in ("hold", "reroute"):
            assert isinstance(decision, Refused) is is_late
        else:
            assert not isinstance(decision, Refused) or decision.code != "action_too_late"


def test_units_are_canceled_in_the_stores_unit() -> None:
    """Of what is left; more is refused, and all of the last line is the whole order."""
    cases = order(line(1, 24, factor=Decimal(12)), line(2))
    one = amendment(decided(request("cancel", line_id="1", quantity=Decimal(1)), cases))
    assert one.cuts == (LineCut(line_id="1", before=Decimal(24), left=Decimal(12)),)
    again = decided(request("cancel", line_id="1", quantity=Decimal(2)), cases, amendments=[one])
    assert code(again) == "action_quantity_too_large"
    rest = amendment(decided(request("cancel", line_id="1"), cases, amendments=[one]))
    assert rest.cuts[0].left == 0
    gone = decided(request("cancel", line_id="1"), cases, amendments=[one, rest])
    assert isinstance(gone, Unneeded)
    assert amendment(decided(request("cancel", line_id="2"), cases, amendments=[rest])).canceled
    assert code(decided(request("cancel", line_id="9"), cases)) == "action_line_unknown"


def test_holds_are_set_and_released_by_type() -> None:
    """That of the store's status is the store's."""
    held = [Amendment(holds=("A",)), Amendment(holds=("B",))]
    assert amendment(decided(request("hold"))).holds == ("Customer Service",)
    assert isinstance(decided(request("hold", hold="A"), amendments=held), Unneeded)
    assert amendment(decided(request("release", hold="B"), amendments=held)).released == ("B",)
    assert amendment(decided(request("release"), amendments=held)).released == ("A", "B")
    store = order(hold="Fraud")
    assert code(decided(request("hold", hold="Fraud"), store)) == "action_hold_of_store"
    assert code(decided(request("release"), store)) == "action_hold_of_store"
    assert code(decided(request("release", hold="X"), store)) == "action_not_on_hold"
    assert code(decided(request("release"))) == "action_not_on_hold"


def test_only_what_is_shipped_can_be_rerouted() -> None:
    """The recipient stays where the new address names none."""
    mixed = order(
        line(1),
        line(2, kind=LineKind.DIGITAL),
        line(3, group_id="p"),
        groups=(group(), group("p", method=DeliveryMethod.PICKUP, address=None)),
    )
    changed = amendment(decided(request("reroute", address=AWAY), mixed))
    [redirect] = changed.redirects
    assert (redirect.line_id, redirect.replaced) == ("1", address_digest(HOME))
    assert redirect.address is not None
    assert (redirect.address.first_name, redirect.address.phone_e164) == ("Jane", "+15125550100")
    named = replace(AWAY, first_name="Jo", phone_raw="1")
    [other] = amendment(decided(request("reroute", address=named), mixed)).redirects
    assert other.address is not None
    assert (other.address.first_name, other.address.last_name, other.address.phone_e164) == (
        "Jo",
        "",
        None,
    )
    bare = order(line(1), groups=(group(address=None),))
    [new] = amendment(decided(request("reroute", address=AWAY), bare)).redirects
    assert new.address == AWAY
    pickup = order(line(1), groups=(group(method=DeliveryMethod.PICKUP),))
    for asked in (request("reroute", node="DC2"), request("reroute", address=AWAY)):
        assert code(decided(asked, pickup)) == "action_nothing_to_reroute"


# -- what later versions of the order leave of it


@pytest.mark.parametrize(("now", "left"), [(5, 3), (3, 3), (4, 3), (2, 2), (6, 4), (1, 1)])
def test_canceled_units_are_counted_once(now: int, left: int) -> None:
    """The store may correct its order to what is left, and may add units."""
    cut = Amendment(cuts=(LineCut(line_id="1", before=Decimal(5), left=Decimal(3)),))
    assert units_left(line(1, now), [cut]) == left
    assert amended(order(line(1, now), line(2)), [cut]).lines[0].quantity == left


def test_a_line_with_fewer_units_has_its_share_of_money() -> None:
    """To the currency's minor unit; an order without units is canceled."""
    wrapped = line(
        1,
        3,
        discounts=(Discount(discount_id="d", amount=Decimal("1.00")),),
        taxes=(Tax(tax_id="t", amount=Decimal("2.00")),),
        charges=(
            Charge(charge_id="c", kind=ChargeKind.GIFT_WRAP, amount=Decimal(3), tax=Decimal(1)),
        ),
    )
    cut = Amendment(cuts=(LineCut(line_id="1", before=Decimal(3), left=Decimal(1)),))
    [first, second] = amended(order(wrapped, line(2)), [cut]).lines
    assert second == line(2)
    assert first.line_total == Decimal("10.00")
    assert first.discounts[0].amount == Decimal("0.33")
    assert first.taxes[0].amount == Decimal("0.67")
    assert (first.charges[0].amount, first.charges[0].tax) == (Decimal("1.00"), Decimal("0.33"))
    none = Amendment(cuts=(LineCut(line_id="1", before=Decimal(3), left=Decimal(0)),))
    assert [each.line_id for each in amended(order(wrapped, line(2)), [none]).lines] == ["2"]
    assert amended(order(wrapped), [none]).canceled
    assert amended(order(hold="H"), [Amendment(canceled=True)]).hold is None
    canceled = order(canceled=True)
    assert amended(canceled, [none]) is canceled
    assert amended(canceled, []) is canceled


def test_holds_of_agents_are_beside_the_stores() -> None:
    """Until they are released; one that is set again is one."""
    amendments = [Amendment(holds=("A",)), Amendment(holds=("B", "A")), Amendment(released=("A",))]
    assert holds_of(amendments) == ("B",)
    held = amended(order(hold="Fraud"), amendments)
    assert (held.hold, held.agent_holds) == ("Fraud", ("B",))


def test_a_later_address_of_the_store_is_newer() -> None:
    """An older one does not come back; a node stays."""
    away = Amendment(
        redirects=(Redirect(line_id="1", address=AWAY, replaced=address_digest(HOME)),)
    )
    node = Amendment(redirects=(Redirect(line_id="1", node="DC2"),))
    sent = amended(order(), [away, node])
    assert [each.group_id for each in sent.lines] == ["g~1", "g"]
    groups = {each.group_id: each for each in sent.groups}
    assert (groups["g~1"].address, groups["g~1"].node) == (AWAY, "DC2")
    assert (groups["g"].address, groups["g"].node) == (HOME, "")
    moved = order(groups=(group(address=replace(HOME, line_1="5 Ash")),))
    later = {each.group_id: each for each in amended(moved, [away, node]).groups}
    assert later["g~1"].address == replace(HOME, line_1="5 Ash")
    assert amended(moved, [away]).lines == moved.lines
    back = Amendment(
        redirects=(Redirect(line_id="1", address=HOME, replaced=address_digest(HOME)),)
    )
    assert amended(order(), [away, back]).groups[1].address == HOME


def test_lines_that_the_oms_has_refused_are_not_changed() -> None:
    """The others are."""
    both = Amendment(
        cuts=(LineCut(line_id="1", before=Decimal(2), left=Decimal(1)),),
        redirects=(Redirect(line_id="1", node="N"), Redirect(line_id="2", node="N")),
    )
    kept = without_lines(both, ["1"])
    assert kept == Amendment(redirects=(Redirect(line_id="2", node="N"),))


def test_what_a_delivered_version_supersedes_is_over() -> None:
    """Of a cut the units that were there, of a redirect its address; a node and the rest stay."""
    moved = group(address=AWAY)
    cut = LineCut(line_id="1", before=Decimal(2), left=Decimal(1))
    old = address_digest(HOME)
    given = Amendment(
        holds=("H",),
        cuts=(cut, replace(cut, line_id="9")),
        redirects=tuple(
            Redirect(line_id=name, address=AWAY, replaced=old, node=node)
            for name, node in (("1", ""), ("2", "DC1"), ("9", ""))
        ),
    )
    assert superseded(order(line(1), line(2)), given) == given
    phone = group(address=replace(HOME, phone_raw="1", phone_e164=None, email="x"))
    assert superseded(order(line(1), groups=(phone,)), given) == given
    after = superseded(order(line(1, 1), line(2), groups=(moved,)), given)
    assert after.holds == ("H",)
    assert after.cuts[0] == LineCut(line_id="1", before=Decimal(1), left=Decimal(1))
    assert after.cuts[1].left == 1
    assert after.redirects == (Redirect(line_id="2", node="DC1"), given.redirects[2])


def test_a_part_of_a_unit_is_canceled_only_where_the_line_has_parts() -> None:
    """Half of a piece is a mistake; half of a kilogram is not."""
    half = request("cancel", line_id="1", quantity=Decimal("0.5"))
    assert code(decided(half)) == "action_quantity_fraction"
    weighed = replace(line(1), quantity=Decimal("2.5"))
    assert amendment(decided(half, order(weighed))).cuts[0].left == Decimal(2)


def test_a_request_of_the_future_is_refused() -> None:
    """It would wait for longer than is allowed; clocks differ a little."""
    late, near = (replace(request("hold"), requested_at=NOW + timedelta(minutes=n)) for n in (6, 4))
    assert code(decided(late)) == "action_of_the_future"
    amendment(decided(near))
