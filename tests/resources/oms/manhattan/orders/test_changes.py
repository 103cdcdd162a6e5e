"""The change between two forms of an order."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.records.orders import Charge, ChargeKind, Discount, Order, Tax
from resources.oms.manhattan.orders.changes import (
    ENTRY_KEYS,
    applied,
    order_change,
    united,
    with_lines_of,
)
from resources.oms.manhattan.orders.mapping import OrderMapper
from tests.resources.oms.manhattan.samples import (
    EMAIL,
    PICKUP,
    SHIP,
    line_of,
    order_of,
    settings_of,
)

Json = dict[str, Any]
MAPPER = OrderMapper(settings_of())


def merged(stored: Json, change: Json) -> Json:
    """Apply a partial save by the vendor's rules.

    Only what is sent changes, entries are found by id, objects merge, null clears.
    """
    result = copy.deepcopy(stored)
    for name, value in change.items():
        if name in ENTRY_KEYS and isinstance(value, list):
            key = ENTRY_KEYS[name]
            entries = {entry[key]: entry for entry in result.get(name) or []}
            for entry in value:
                entries[entry[key]] = merged(entries.get(entry[key], {}), entry)
            result[name] = list(entries.values())
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], value)
        else:
            result[name] = value
    return result


def effective(value: Any) -> Any:
    """Leave out what has no effect.

    That is cleared attributes, canceled lines, charges of 0, empty notes and resolved holds.
    """
    if isinstance(value, list):
        kept = [
            effective(entry)
            for entry in value
            if not (isinstance(entry, dict) and is_neutral(entry))
        ]
        return sorted(kept, key=repr) if kept else None
    if isinstance(value, dict):
        parts = {name: effective(part) for name, part in value.items()}
        return {name: part for name, part in sorted(parts.items()) if part is not None} or None
    return value


def is_neutral(entry: Json) -> bool:
    """Return whether an entry has no effect."""
    if (
        entry.get("IsCancelled")
        or entry.get("NoteText") == ""
        or ("HoldTypeId" in entry and entry["StatusId"] == "2000")
    ):
        return True
    return any(
        name in entry and entry[name] == 0 for name in ("ChargeTotal", "TaxAmount", "Amount")
    )


cents = st.integers(1, 9999).map(lambda n: Decimal(n) / 100)
discounts = st.lists(
    st.builds(Discount, discount_id=st.sampled_from("abc"), amount=cents), max_size=2
)
taxes = st.lists(st.builds(Tax, tax_id=st.sampled_from("xyz"), amount=cents), max_size=2)
charges = st.lists(
    st.builds(
        Charge, charge_id=st.sampled_from("123"), kind=st.sampled_from(ChargeKind), amount=cents
    ),
    max_size=2,
)
lines = st.lists(
    st.builds(
        line_of,
        st.sampled_from("12345"),
        quantity=st.sampled_from(["1", "2", "2.5"]),
        discounts=discounts.map(tuple),
        taxes=taxes.map(tuple),
        charges=charges.map(tuple),
        group_id=st.sampled_from(["7", "8", "9"]),
        gift_message=st.sampled_from(["", "For you"]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda line: line.line_id,
)
orders = st.builds(
    lambda **parts: order_of(groups=(SHIP, PICKUP, EMAIL), **parts),
    lines=lines.map(tuple),
    charges=charges.map(tuple),
    discounts=discounts.map(tuple),
    locale=st.sampled_from(["", "en_US"]),
    hold=st.sampled_from([None, "Fraud Review", "Other"]),
    tax_included=st.booleans(),
)


@given(orders, orders)
def test_a_change_applied_to_what_is_known_gives_what_is_wanted(
    known: Order, wanted: Order
) -> None:
    """Whatever is added, altered or removed, the OMS ends with the wanted order."""
    before, after = MAPPER.payload(known), MAPPER.payload(wanted)
    change = order_change(before, after, "Reason")
    result = merged(before, change) if change else before
    assert effective(result) == effective(after)


@pytest.mark.no_cover
@given(orders, orders)
def test_a_whole_change_turns_either_of_two_states_into_what_is_wanted(
    known: Order, wanted: Order
) -> None:
    """It is sent where a dead run's outcome is uncertain: all of the order and all removals."""
    before, after = MAPPER.payload(known), MAPPER.payload(wanted)
    change = order_change(before, after, "Reason", whole=True)
    assert change is not None
    assert (
        effective(merged(before, change))
        == effective(merged(merged(before, change), change))
        == effective(after)
    )


@given(orders)
def test_an_order_that_did_not_change_needs_no_save(order: Order) -> None:
    """A replay makes no call."""
    assert order_change(MAPPER.payload(order), MAPPER.payload(order), "Reason") is None


def test_only_what_changed_is_sent_with_the_keys_that_address_it() -> None:
    """A changed quantity is sent with the ids of order and line, and nothing else."""
    known = MAPPER.payload(order_of())
    wanted = copy.deepcopy(known)
    wanted["OrderLine"][1]["Quantity"] = 3
    assert order_change(known, wanted, "Reason") == {
        "OrderId": "T-1001",
        "OrderLine": [{"OrderLineId": "2", "Quantity": 3}],
    }


def test_what_the_store_removed_is_sent() -> None:
    """The OMS keeps what a save leaves out: lines are canceled, charges set to 0."""
    known = MAPPER.payload(order_of())
    wanted = MAPPER.payload(order_of(lines=order_of().lines[:1], charges=()))
    assert order_change(known, wanted, "Customer Request") == {
        "OrderId": "T-1001",
        "OrderChargeDetail": [{"ChargeDetailId": "Cs7", "ChargeTotal": 0}],
        "OrderTaxDetail": [{"TaxDetailId": "TCs7", "TaxAmount": 0}],
        "OrderLine": [
            {
                "OrderLineId": "2",
                "IsCancelled": True,
                "CancelReason": {"ReasonId": "Customer Request"},
            }
        ],
    }


def test_an_address_is_sent_whole() -> None:
    """Whether the OMS replaces or merges an address, no part of the old one remains."""
    known = MAPPER.payload(order_of())
    wanted = copy.deepcopy(known)
    del wanted["OrderLine"][0]["ShipToAddress"]["Address"]["Address3"]
    wanted["OrderLine"][0]["ShipToAddress"]["Address"]["City"] = "Waco"
    change = order_change(known, wanted, "Reason")
    assert change is not None
    address = change["OrderLine"][0]["ShipToAddress"]["Address"]
    assert (address["City"], address["Address3"], address["PostalCode"]) == ("Waco", None, "78701")


def test_gateway_transactions_are_never_removed() -> None:
    """A transaction that the store no longer lists did happen; a removed payment has amount 0."""
    known = MAPPER.payload(order_of())
    wanted = copy.deepcopy(known)
    del wanted["Payment"][0]["PaymentMethod"][0]["PaymentTransaction"]
    assert order_change(known, wanted, "Reason") is None
    change = order_change(
        known, {name: part for name, part in known.items() if name != "Payment"}, "Reason"
    )
    assert change == {
        "OrderId": "T-1001",
        "Payment": [
            {"PaymentId": "T-1001", "PaymentMethod": [{"PaymentMethodId": "p1", "Amount": 0}]}
        ],
    }


def ids(payload: Json, name: str) -> list[object]:
    """Return the ids of a list's entries."""
    return [entry[ENTRY_KEYS[name]] for entry in payload.get(name) or []]


def holds(payload: Json, part: Json) -> bool:
    """Return whether a payload has all values of another, its entries found by their ids."""
    for name, value in part.items():
        if name in ENTRY_KEYS:
            entries = dict(zip(ids(payload, name), payload.get(name) or [], strict=True))
            key = ENTRY_KEYS[name]
            if not all(holds(entries.get(entry[key], {}), entry) for entry in value):
                return False
        elif payload.get(name) != value:
            return False
    return True


@given(orders, orders)
def test_united_payloads_have_the_entries_of_all_and_the_last_values(
    first: Order, second: Order
) -> None:
    """The tenant may hold any of the payloads: each entry of each has to be compared."""
    one, two = MAPPER.payload(first), MAPPER.payload(second)
    both = united([one, two])
    assert holds(both, two)
    for name in ("OrderLine", "OrderChargeDetail", "OrderTaxDetail", "OrderHold"):
        assert ids(both, name) == list(dict.fromkeys([*ids(one, name), *ids(two, name)]))
    assert united([one]) == united([one, one]) == one
    assert united([]) == {}


def test_united_payloads_keep_what_only_an_earlier_one_has() -> None:
    """Lists without ids are taken whole; the payloads themselves do not change."""
    one = {
        "Total": 1,
        "OrderLine": [
            {"OrderLineId": "1", "Quantity": 1, "OrderLineChargeDetail": [{"ChargeDetailId": "a"}]},
            {"OrderLineId": "2"},
        ],
        "Tags": ["x"],
    }
    two = {
        "OrderLine": [
            {"OrderLineId": "3"},
            {"OrderLineId": "1", "Quantity": 2, "OrderLineChargeDetail": [{"ChargeDetailId": "b"}]},
        ],
        "Tags": ["y"],
    }
    before = copy.deepcopy([one, two])
    assert united([one, two]) == {
        "Total": 1,
        "OrderLine": [
            {
                "OrderLineId": "1",
                "Quantity": 2,
                "OrderLineChargeDetail": [{"ChargeDetailId": "a"}, {"ChargeDetailId": "b"}],
            },
            {"OrderLineId": "2"},
            {"OrderLineId": "3"},
        ],
        "Tags": ["y"],
    }
    assert [one, two] == before


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        ((), {"A": 2, "C": 5}),
        (("A",), {"A": 1, "C": 5}),
        (("B",), {"A": 2, "C": 5, "B": 3}),
        (("C",), {"A": 2}),
        (("A", "B", "C"), {"A": 1, "B": 3}),
        (("Z",), {"A": 2, "C": 5}),
    ],
)
def test_a_refused_line_is_held_as_it_was(refused: tuple[str, ...], expected: Json) -> None:
    """A changed line keeps its old form, a removed one stays, a new one is not there."""

    def payload(**quantities: int) -> Json:
        lines = [{"OrderLineId": name, "Quantity": units} for name, units in quantities.items()]
        return {"OrderId": "T-1", "OrderLine": lines}

    kept = with_lines_of(payload(A=1, B=3), payload(A=2, C=5) | {"Total": 7}, refused)
    assert kept == payload(**expected) | {"Total": 7}


def test_what_is_held_after_a_change_is_what_was_wanted() -> None:
    """A removed line and a resolved hold are gone, and a field that was cleared is absent."""
    held = MAPPER.payload(order_of(hold="Fraud"))
    kept = held["OrderLine"][0]
    line = {**kept, "Quantity": 1, "ShipToAddress": {"Address": {"City": "Dallas"}}}
    wanted = {name: value for name, value in held.items() if name != "OrderHold"}
    wanted |= {"OrderLine": [line]}
    change = order_change(held, wanted, "Customer Request")
    assert change is not None
    assert applied(held, change) == wanted
    assert order_change(applied(held, change), wanted, "Customer Request") is None
    again = order_change(wanted, held, "Customer Request")
    assert again is not None
    assert applied(wanted, again)["OrderHold"] == held["OrderHold"]
