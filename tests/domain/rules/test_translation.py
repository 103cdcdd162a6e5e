"""A store's codes become the OMS's, whichever platform mapped the order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from domain.addressing.addresses import AddressRules, RawAddress, normalise_address
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, Skipped, SourcePaths
from domain.policies import OrdersPolicy
from domain.records.orders import (
    Customer,
    DeliveryMethod,
    FulfilmentGroup,
    Order,
    OrderLine,
    Payment,
)
from domain.records.record import decode_record, encode_record
from domain.rules.export import Decide, OrderHeader
from domain.rules.translation import OrderRejected, OrderRules
from resources.platforms.bigcommerce.statuses import ORDER_STATUSES

MOMENT = datetime(2026, 3, 19, tzinfo=UTC)
SHIP = FulfilmentGroup(
    group_id="1", method=DeliveryMethod.SHIP, source_shipping_method="Two  Day AIR"
)
PICKUP = FulfilmentGroup(group_id="2", method=DeliveryMethod.PICKUP, location="AUS")
EMAIL = FulfilmentGroup(group_id="3", method=DeliveryMethod.EMAIL)
LINE = OrderLine(
    line_id="1",
    sku="TOWEL",
    quantity=Decimal(2),
    uom="EACH",
    unit_price=Decimal(10),
    line_total=Decimal(20),
    group_id="1",
)
PATHS = SourcePaths(("ship.method", "pickup.code", "email"), ("line.price",))
POLICY = {
    "shipping_methods": {"two day air": "2DA"},
    "pickup_locations": {"AUS": "STORE-7"},
    "payment_methods": {"Card": "CreditCard"},
    "selling_channels": {"1": "Retail"},
    "hold_statuses": {"12": "Review"},
    "order_id_prefix": "T-",
}


def order_of(**changes: Any) -> Order:
    """Build an order with the store's own codes."""
    order = Order(
        order_id="7",
        source_id="7",
        number="7",
        store="acme",
        channel="1",
        ordered_at=MOMENT,
        currency="USD",
        tax_included=False,
        customer=Customer(customer_id=None, email="", first_name="", last_name=""),
        billing=normalise_address(RawAddress(), AddressRules()).address,
        groups=(SHIP, PICKUP, EMAIL),
        lines=(LINE,),
        payments=(Payment(payment_id="p", method="", source_method=" CARD", amount=Decimal(20)),),
        total=Decimal(20),
        total_tax=Decimal(0),
    )
    return replace(order, **changes)


class Platform:
    """A platform whose mapping is done: it asks the rules and returns ``order``."""

    def __init__(
        self, order: Order, status: str = "11", channel: str = "1", problems: Sequence[Problem] = ()
    ) -> None:
        # The rules amend what a mapping returns, so each mapping returns records of its own.
        self._order = decode_record(Order, encode_record(order))
        self._problems = problems
        self._header = OrderHeader("7", status, "any", channel, MOMENT, is_archived=False)

    def to_order(self, payload: bytes, decide: Decide) -> Mapped[Order] | Skipped:
        """Map a captured order."""
        del payload
        decision = decide(self._header)
        if isinstance(decision, Skipped):
            return decision
        if self._problems:
            raise OrderRejected(self._problems, self._order.groups, self._order.lines, PATHS)
        return Mapped(self._order, paths=PATHS)


def rules_of(policy: dict[str, Any]) -> OrderRules:
    """Return the rules of a policy of orders."""
    orders = OrdersPolicy.model_validate(policy)
    return OrderRules(orders, ORDER_STATUSES.chosen(orders))


def translated(platform: Platform, *, known: bool = False, **policy: Any) -> Order:
    """Translate by the tests' policy with changes."""
    rules = rules_of(POLICY | policy)
    found = rules.to_order(platform.to_order, b"", lambda _: known)
    assert isinstance(found, Mapped)
    return found.record


def problems(platform: Platform, **policy: Any) -> list[tuple[str, str, str]]:
    """Return code, field and value of each problem of a rejected order."""
    with pytest.raises(RecordRejected) as rejected:
        translated(platform, **policy)
    return [(p.code, p.field, p.value) for p in rejected.value.problems]


def test_every_code_is_translated() -> None:
    """Shipping methods without case and outer spaces, locations, payments, channel and id."""
    order = translated(Platform(order_of()))
    assert (order.order_id, order.number, order.channel) == ("T-7", "7", "Retail")
    assert [group.shipping_method for group in order.groups] == ["2DA", None, None]
    assert [group.location for group in order.groups] == [None, "STORE-7", None]
    assert order.payments[0].method == "CreditCard"
    assert (order.canceled, order.cancel_reason, order.hold) == (False, "", None)
    assert order.lines == (LINE,)


def test_defaults_stand_in_for_codes_that_the_policy_lacks() -> None:
    """Channel, shipping method, payment method and unit."""
    platform = Platform(order_of(), channel="9")
    order = translated(
        platform,
        shipping_methods={},
        default_shipping_method="STD",
        payment_methods={},
        uom="EA",
    )
    assert (order.channel, order.groups[0].shipping_method) == ("Web", "STD")
    assert (order.payments[0].method, order.lines[0].uom) == ("Other", "EA")


def test_a_hold_and_a_cancellation_follow_from_the_status() -> None:
    """A canceled order is not held."""
    assert translated(Platform(order_of(), status="12")).hold == "Review"
    canceled = translated(Platform(order_of(), status="5"), known=True)
    assert (canceled.canceled, canceled.hold) == (True, None)
    assert canceled.cancel_reason == "Customer Request"


@pytest.mark.parametrize(
    ("factor", "expected"), [(1, (2, 10)), (4, (8, Decimal("2.5"))), ("0.5", (1, 20))]
)
def test_units_convert_exactly(factor: object, expected: tuple[object, object]) -> None:
    """Quantity times price stays the line's total."""
    rules = {"TOWEL": {"uom": "EA", "factor": factor}}
    line = translated(Platform(order_of()), uom_rules=rules).lines[0]
    assert (line.quantity, line.unit_price, line.uom) == (*expected, "EA")


def test_a_sku_without_a_rule_keeps_its_units_beside_one_that_is_converted() -> None:
    """It has the policy's unit, as where no SKU has a rule; a rule counts in any spelling."""
    lines = (LINE, replace(LINE, line_id="2", sku="MUG"), replace(LINE, line_id="3", sku="towel"))
    paths = SourcePaths(PATHS.groups, ("a", "b", "c"))

    class Three(Platform):
        """An order of three lines."""

        def to_order(self, payload: bytes, decide: Decide) -> Mapped[Order] | Skipped:
            """Name a path for each line."""
            found = super().to_order(payload, decide)
            assert isinstance(found, Mapped)
            return Mapped(found.record, paths=paths)

    order = translated(
        Three(order_of(lines=lines)), uom_rules={"TOWEL": {"uom": "CS", "factor": 4}}, uom="EA"
    )
    assert [(line.sku, line.quantity, line.unit_price, line.uom) for line in order.lines] == [
        ("TOWEL", 8, Decimal("2.5"), "CS"),
        ("MUG", 2, 10, "EA"),
        ("towel", 8, Decimal("2.5"), "CS"),
    ]


def test_a_price_that_does_not_divide_is_rejected() -> None:
    """Under the path that the platform gives for the line's price."""
    found = problems(Platform(order_of()), uom_rules={"TOWEL": {"factor": 3}})
    assert found == [("uom_conversion_inexact", "line.price", "TOWEL")]


def test_the_rules_problems_are_reported_with_those_of_the_mapping() -> None:
    """An operator gets all problems of an order at once, with the paths of the document."""
    own = Problem("sku_missing", "line.sku", "no SKU", "give it one")
    platform = Platform(order_of(), problems=[own])
    assert problems(platform, shipping_methods={}, pickup_locations={}) == [
        ("sku_missing", "line.sku", ""),
        ("shipping_method_unknown", "ship.method", "Two  Day AIR"),
        ("pickup_location_unknown", "pickup.code", "AUS"),
    ]


def test_an_id_that_addresses_cannot_carry_is_rejected() -> None:
    """A store's number may hold any character."""
    order = order_of(number="7/8")
    assert problems(Platform(order)) == [("order_id_invalid", "id", "T-7/8")]


def test_a_skip_is_returned_as_it_is() -> None:
    """Nothing is translated then."""
    rules = rules_of(POLICY)
    found = rules.to_order(Platform(order_of(), status="1").to_order, b"", lambda _: False)
    assert isinstance(found, Skipped)
    assert found.rule == "status_not_exported"
