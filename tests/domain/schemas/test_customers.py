"""Batch rules of customers, and the one rule for their ids."""

from __future__ import annotations

from typing import Any

from domain.addressing.addresses import AddressRules, RawAddress, normalise_address
from domain.policies import OrdersPolicy
from domain.records.customers import Customer, CustomerAddress, deleted_customer
from domain.records.record import decode_record, encode_record
from domain.rules.customers import customer_id_at_oms
from domain.schemas.customers import customer_problems


def customer(number: int, **changes: Any) -> Customer:
    """Return a good customer."""
    own = {"customer_id": f"US-{number}", "source_id": str(number), "number": str(number)}
    return Customer(**({**own, "store": "abc", "email": f"x{number}@example.org"} | changes))


def codes(*customers: Customer) -> dict[int, set[str]]:
    """Return the codes of the failing ones, by position."""
    found = customer_problems(customers)
    return {place: {problem.code for problem in problems} for place, problems in found.items()}


def test_good_customers_pass_and_bad_ones_fail_alone() -> None:
    """Each for its own reason."""
    address = normalise_address(RawAddress(city="Austin"), AddressRules()).address
    twice = (CustomerAddress(address_id="1", address=address),) * 2
    assert (
        codes(customer(1), deleted_customer("2", "abc"), customer(3, email="", last_name="X")) == {}
    )
    assert codes(
        customer(1),
        customer(2, email=""),
        customer(3, addresses=twice),
        customer(4, customer_id="a b"),
        customer(5, customer_id="US-6"),
        customer(6),
    ) == {
        1: {"customer_unnamed"},
        2: {"customer_address_duplicate"},
        3: {"customer_id_form"},
        4: {"customer_id_duplicate"},
        5: {"customer_id_duplicate"},
    }
    assert customer_problems([]) == {}


def test_a_record_survives_the_ledger() -> None:
    """As bytes and back."""
    address = normalise_address(RawAddress(city="Austin"), AddressRules()).address
    full = customer(
        1, accepts_marketing=False, addresses=(CustomerAddress(address_id="1", address=address),)
    )
    for one in (full, deleted_customer("2", "abc")):
        assert decode_record(Customer, encode_record(one)) == one


def test_an_id_at_the_oms_has_the_prefix_of_orders() -> None:
    """Two stores may both have a customer 12."""
    assert customer_id_at_oms(OrdersPolicy(order_id_prefix="EU-"), "12") == "EU-12"
    assert customer_id_at_oms(OrdersPolicy(), "12") == "12"
