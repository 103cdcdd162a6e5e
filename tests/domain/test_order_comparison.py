"""Comparing an order at an OMS that takes orders only once with what it should hold."""

from __future__ import annotations

from typing import Any

from domain.order_comparison import CUSTOMER, OrderForm

FORM = OrderForm(
    order_id="id",
    lines="lines",
    line_id="line",
    sku="sku",
    postcode="zip",
    order_fields=lambda _: {
        ("buyer", "name"): CUSTOMER,
        ("totals", "tax"): "taxes",
        ("ref",): "store_order",
        ("zip",): "postcode",
    },
    line_fields={("sku",): "sku", ("quantity",): "quantity"},
    as_asked=frozenset({"ref"}),
    numbers=frozenset({"tax", "quantity"}),
)


def order(**more: Any) -> dict[str, Any]:
    """Return an order of one line."""
    base = {"id": "7", "currency_code": "USD", "lines": [{"line": "1", "sku": "A", "quantity": 2}]}
    return base | more


def test_fields_below_objects_are_compared_and_taken_over() -> None:
    """What is held replaces what was wanted, and the wanted order stays as it is."""
    wanted = order(totals={"tax": 1.0, "other": 3})
    state, found = FORM.compare(order(totals={"tax": 2.0}), wanted)
    assert [(one.field, one.expected, one.found) for one in found] == [("taxes", "1.0", "2.0")]
    assert state["totals"] == {"tax": 2.0, "other": 3}
    assert wanted["totals"] == {"tax": 1.0, "other": 3}


def test_what_was_not_sent_is_not_compared_and_what_was_sent_as_nothing_is() -> None:
    """A field that the OMS was seen to lack, and has now, is a difference."""
    assert FORM.compare(order(totals={"tax": 2.0}), order())[1] == []
    assert FORM.compare(order(totals={"tax": 2.0}), order(totals="none"))[1] == []
    state, found = FORM.compare(order(buyer={"name": "Jo"}), order(buyer={"name": None}))
    assert [one.field for one in found] == [CUSTOMER]
    assert state["buyer"] == {"name": "Jo"}
    assert "Jo" not in str(found)


def test_a_read_may_leave_out_what_is_found_only_if_asked_for() -> None:
    """Another value is a difference all the same; so is an amount that is gone."""
    wanted = order(ref="100", totals={"tax": 1.0})
    assert [one.field for one in FORM.compare(order(), wanted)[1]] == ["taxes"]
    held = order(ref="200", totals={"tax": 1.004})
    assert [one.field for one in FORM.compare(held, wanted)[1]] == ["store_order"]


def test_a_longer_postal_code_that_starts_alike_is_the_same() -> None:
    """The US post adds four digits to it; a shorter one is another place."""
    assert FORM.compare(order(zip="78701-1234"), order(zip="78701"))[1] == []
    assert len(FORM.compare(order(zip="787"), order(zip="78701"))[1]) == 1
