"""States of workflows: canceled units are taken off, units on hold hold the order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.exchange import Mapped
from domain.policies import OrdersPolicy
from domain.records.orders import Order
from domain.rules.export import OrderHeader
from domain.rules.translation import OrderRules
from resources.platforms.commercetools.orders.mapping import OrderMapper
from resources.platforms.commercetools.orders.states import StateReader
from resources.platforms.commercetools.orders.units import ordered_units
from resources.platforms.commercetools.statuses import ORDER_STATUSES
from tests.resources.platforms.commercetools.projects import (
    connection,
    mapped,
    order,
    rejected,
    result_of,
    settings,
    warnings,
)

Json = dict[str, Any]
D = Decimal
NAMED: Json = {"workflow_states": {"canceled": ["dropped"], "on_hold": ["waiting"]}}


def units(**by_state: int) -> list[Json]:
    """Return the units of an item by the key of their state, as they are read."""
    return [
        {"quantity": n, "state": {"typeId": "state", "id": f"id-{key}", "obj": {"key": key}}}
        for key, n in by_state.items()
    ]


def document(mug: Json | None = None, lamp: Json | None = None, **changes: Any) -> Json:
    """Return an order of three mugs and a lamp, whose states are read."""
    found = order(**changes)
    for line, state in zip(found["lineItems"], (mug, lamp), strict=True):
        line["state"] = units(**(state or {"Initial": line["quantity"]}))
    return found


def header_of(raw: Json, **changes: Any) -> OrderHeader:
    """Return what the rules decide about an order by."""
    seen: list[OrderHeader] = []
    result_of(raw, lambda header: seen.append(header) or "export", **(NAMED | changes))  # type: ignore[func-returns-value]
    return seen[0]


def lines(found: Order) -> dict[str, tuple[Decimal, Decimal]]:
    """Return SKU -> units and total of each line."""
    return {line.sku: (line.quantity, line.line_total) for line in found.lines}


def test_canceled_units_are_taken_off_with_their_share_of_all_amounts() -> None:
    """The order's own totals stay those of all units; what is sent still adds up."""
    whole, left = mapped(document()), mapped(document({"dropped": 2, "Initial": 1}), **NAMED)
    assert lines(whole) == {"MUG": (D(3), D(30)), "LAMP": (D(1), D(10))}
    assert lines(left) == {"MUG": (D(1), D(10)), "LAMP": (D(1), D(10))}
    assert whole.total - left.total == D("19.20"), "two mugs at 8.00 with 20 % tax"
    assert sum(p.amount for p in left.payments) == left.total
    [event] = left.payments[0].transactions
    assert event.amount == left.total, "the OMS would give the rest back again"


def test_a_line_of_which_all_units_are_canceled_is_not_sent() -> None:
    """Shipping stays."""
    left = mapped(document({"dropped": 3}), **NAMED)
    assert list(lines(left)) == ["LAMP"]
    assert [charge.amount for charge in left.charges] == [D(5)]


def test_a_canceled_custom_line_item_is_no_charge() -> None:
    """Of several units as many are charged as are left."""
    fees = [{"slug": "fee", "money": "2.00", "quantity": 4, "taxRate": 0.2}]
    raw = document(customLineItems=fees)
    raw["customLineItems"][0]["state"] = units(dropped=3, Initial=1)
    assert [c.amount for c in mapped(raw, **NAMED).charges] == [D(5), D(2)]
    raw["customLineItems"][0]["state"] = units(dropped=4)
    assert [c.amount for c in mapped(raw, **NAMED).charges] == [D(5)]


def test_states_that_are_not_named_are_fulfilled_and_odd_ones_are_warned_of() -> None:
    """Without settings nothing is held back, but the ledger shows it."""
    assert lines(mapped(document({"packed": 3})))["MUG"][0] == 3
    assert warnings(document({"packed": 3})) == {}
    found = warnings(document({"to-cancel": 1, "Backordered": 1, "packed": 1}))
    assert found["workflow_state_unnamed"].field == "lineItems[0].state[1].state"
    assert "Backordered" in found["workflow_state_unnamed"].message
    calm = {"workflow_states": {"to_fulfil": ["to-cancel", "Backordered"]}}
    assert warnings(document({"to-cancel": 1, "Backordered": 2}), **calm) == {}


def test_a_state_is_odd_by_its_name_too_and_each_time() -> None:
    """Keys may be numbers; what another order's state is called does not matter."""
    mapper = OrderMapper(settings(), connection().addresses)

    def codes(name: str) -> list[str]:
        raw = document({"s1": 3})
        raw["lineItems"][0]["state"][0]["state"]["obj"]["name"] = {"de": name}
        result = mapper.to_order(orjson.dumps(raw), lambda _: "export")
        assert isinstance(result, Mapped)
        return [warning.code for warning in result.warnings]

    odd = ["workflow_state_unnamed"]
    assert [codes(n) for n in ("Offen", "Storniert", "Storniert", "Offen")] == [[], odd, odd, []]


def test_the_order_itself_may_be_in_a_state_that_cancels_or_holds_it() -> None:
    """Keys are unique in a project, whatever they are of."""
    state = {"typeId": "state", "id": "s", "obj": {"key": "dropped"}}
    assert header_of(document() | {"state": state}).status == "Cancelled"
    state["obj"] = {"key": "waiting"}
    assert header_of(document() | {"state": state}).status == "OnHold"


@pytest.mark.parametrize(
    ("mug", "lamp", "changes", "expected"),
    [
        ({"Initial": 3}, {"Initial": 1}, {}, ("Open", "", 4)),
        ({"dropped": 1, "Initial": 2}, {"Initial": 1}, {}, ("Open", "part", 3)),
        ({"dropped": 3}, {"dropped": 1}, {}, ("Cancelled", "part", 0)),
        ({"waiting": 1, "Initial": 2}, {"Initial": 1}, {}, ("OnHold", "", 4)),
        ({"waiting": 1, "dropped": 2}, {"dropped": 1}, {}, ("OnHold", "part", 1)),
        ({"waiting": 3}, {"Initial": 1}, {"orderState": "Complete"}, ("Complete", "", 4)),
        ({"dropped": 1, "Initial": 2}, None, {"orderState": "Cancelled"}, ("Cancelled", "", 4)),
    ],
)
def test_the_states_decide_what_the_rules_see(
    mug: Json, lamp: Json | None, changes: Json, expected: tuple[str, str, int]
) -> None:
    """All units canceled: the order is; one unit on hold: the order is."""
    header = header_of(document(mug, lamp, **changes))
    assert (header.status, header.removed, header.units) == expected


def test_an_unpaid_order_is_unpaid_before_it_is_on_hold() -> None:
    """It is sent in neither, unless both have a hold type."""
    found = header_of(document({"waiting": 3}), payment_states=("Paid",))
    assert found.status == "Unpaid"


def test_canceled_units_that_were_delivered_are_a_warning() -> None:
    """They are a return; only units that are left are taken off."""
    raw = document({"dropped": 2, "Initial": 1})
    item = {"id": raw["lineItems"][0]["id"], "quantity": 2}
    raw["shippingInfo"]["deliveries"] = [{"id": "d", "items": [item]}]
    found = warnings(raw, **NAMED)
    assert "1 canceled units" in found["canceled_after_shipping"].message
    assert lines(mapped(raw, **NAMED))["MUG"][0] == 2


def test_units_are_not_canceled_at_a_guess() -> None:
    """Unread keys, impossible numbers, and lines to several addresses of which a part is."""
    unread = order()
    problem = rejected(unread, **NAMED)["workflow_state_unread"]
    assert problem.field == "lineItems[0].state[0].state"
    assert lines(mapped(unread))["MUG"][0] == 3, "no setting needs them"
    by_id = {"workflow_states": {"canceled": ["7c2e2694-aefe-43d7-888e-6a99514caaca"]}}
    assert header_of(unread, **by_id).status == "Cancelled", "an id may be named, too"
    assert "quantity_invalid" in rejected(document({"dropped": 4}), **NAMED)

    office = order()["shippingAddress"] | {"key": "office"}
    raw = document({"dropped": 1, "Initial": 2}, itemShippingAddresses=[office])
    target = {"addressKey": "office", "quantity": 1}
    raw["lineItems"][0]["shippingDetails"] = {"targets": [target], "valid": True}
    assert "canceled_units_unplaced" in rejected(raw, **NAMED)
    raw["lineItems"][0]["state"] = units(dropped=3)
    assert list(lines(mapped(raw, **NAMED))) == ["LAMP"]


def test_a_hold_that_does_not_reach_the_oms_is_a_warning() -> None:
    """Of an order that the OMS has; without it the order waits in the store."""
    raw = orjson.dumps(document({"waiting": 1, "Initial": 2}))

    def of(policy: Json, *, known: bool) -> Any:
        mapper = OrderMapper(
            settings(**NAMED),
            connection().addresses,
            holds="OnHold" in policy.get("hold_statuses", {}),
        )
        base = {"shipping_methods": {"Ground": "G"}, "default_payment_method": "Card"}
        orders = OrdersPolicy.model_validate(base | policy)
        rules = OrderRules(orders, ORDER_STATUSES.chosen(orders))
        return rules.to_order(mapper.to_order, raw, lambda _: known)

    assert of({}, known=False).rule == "status_not_exported"
    assert [warning.code for warning in of({}, known=True).warnings] == ["hold_not_sent"]
    held = of({"hold_statuses": {"OnHold": "Backorder"}}, known=False)
    assert (held.record.hold, held.warnings) == ("Backorder", ())


def test_a_state_is_named_once() -> None:
    """Two meanings would depend on the order of the settings."""
    with pytest.raises(ValueError, match="named twice"):
        settings(workflow_states={"canceled": ["x"], "on_hold": ["x"]})


def test_canceled_units_take_none_from_stock() -> None:
    """Also of an order that can't be mapped."""
    raw = orjson.dumps(document({"dropped": 2, "Initial": 1}))
    states = StateReader(settings(**NAMED).workflow_states)
    assert ordered_units(raw, states) == {"MUG": D(1), "LAMP": D(1)}
    assert ordered_units(raw) == {"MUG": D(3), "LAMP": D(1)}
