"""Rules of prices: where they go, when they apply, and which change waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import Problem
from domain.exchange import Skipped
from domain.policies import PricesPolicy
from domain.prices import PriceTag, tag_content
from domain.records.prices import Price
from domain.records.record import InvalidRecord
from domain.rules.pricing import (
    currency_problem,
    held_back,
    list_of,
    next_change,
    not_in_force,
    tag_of,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def price(**changes: Any) -> Price:
    """Return a price of 10."""
    base: dict[str, Any] = {"sku": "MUG", "currency": "USD", "regular": Decimal(10)}
    return Price(**(base | changes))


def tag(regular: str, sale: str | None = None) -> PriceTag:
    """Return what a store shows."""
    return PriceTag(Decimal(regular), None if sale is None else Decimal(sale))


@pytest.mark.parametrize(
    ("wanted", "shown", "code"),
    [
        (tag("15"), tag("10"), None),
        (tag("15.01"), tag("10"), "price_change_large"),
        (tag("5"), tag("10"), None),
        (tag("4.99"), tag("10"), "price_change_large"),
        (tag("10", "5"), tag("10"), None),
        (tag("10", "4.99"), tag("10"), "price_change_large"),
        (tag("10"), tag("10", "6"), None),
        (tag("10", "9"), tag("10", "1"), None),
        (tag("11"), tag("10", "6"), "price_change_large"),
        (tag("10", "1"), tag("10", "9"), "price_change_large"),
        (tag("10"), tag("10", "8"), None),
        (tag("12", "3"), tag("12", "2"), None),
        (tag("10"), None, "price_first"),
        (tag("10"), tag("0"), "price_first"),
        (tag("10"), tag("10", "0"), "price_first"),
    ],
)
def test_a_change_of_the_price_or_of_what_a_shopper_pays_has_a_limit(
    wanted: PriceTag, shown: PriceTag | None, code: str | None
) -> None:
    """The limit itself is allowed; 0 is nothing to compare with."""
    found = held_back(wanted, shown, "USD", PricesPolicy())
    assert (found.code if found else None) == code
    if found is not None:
        assert found.value == wanted.text("USD")


def test_the_policy_may_send_everything() -> None:
    """First prices, and any change."""
    policy = PricesPolicy(max_change=None, first_price="send")
    assert held_back(tag("10"), None, "USD", policy) is None
    assert held_back(tag("1000"), tag("1"), "USD", policy) is None
    limited = PricesPolicy(first_price="send")
    assert held_back(tag("10"), None, "USD", limited) is None


AMOUNTS = st.decimals("0.01", "9999999", places=2)


@given(AMOUNTS, AMOUNTS, st.floats(0.01, 3))
def test_no_change_beyond_the_limit_goes_out(new: Decimal, old: Decimal, limit: float) -> None:
    """For all amounts and limits; within it, all go out."""
    found = held_back(PriceTag(new), PriceTag(old), "USD", PricesPolicy(max_change=limit))
    assert (found is None) == (abs(new - old) <= Decimal(str(limit)) * old)


def test_a_price_goes_to_the_list_that_its_own_is_mapped_to() -> None:
    """One in no list goes to the store's own, and one of a list without a mapping nowhere."""
    policy = PricesPolicy(lists={"B2B": "7"})
    assert list_of(price(), policy) == "catalog"
    assert list_of(price(price_list="B2B"), policy) == "7"
    skipped = list_of(price(price_list="X"), policy)
    assert isinstance(skipped, Skipped)
    assert skipped.rule == "price_list_not_mapped"


@pytest.mark.parametrize(
    ("begin", "end", "applies", "changes"),
    [
        (None, None, True, None),
        (-1, None, True, None),
        (0, None, True, None),
        (1, None, False, 1),
        (1, 2, False, 1),
        (-1, 1, True, 1),
        (-2, -1, False, None),
        (None, 0, False, None),
    ],
)
def test_a_price_applies_from_its_begin_until_just_before_its_end(
    begin: int | None, end: int | None, applies: bool, changes: int | None
) -> None:
    """And it is due again when that changes."""
    one = price(
        valid_from=None if begin is None else NOW + begin * HOUR,
        valid_until=None if end is None else NOW + end * HOUR,
    )
    assert (not_in_force(one, NOW) is None) == applies
    assert next_change(one, NOW) == (None if changes is None else NOW + changes * HOUR)


def test_a_sale_at_the_regular_price_is_none() -> None:
    """However its amount is written."""
    assert tag_of(price(sale=Decimal("10.00"))) == PriceTag(Decimal(10))
    assert tag_content(tag("10.00")) == tag_content(tag("10"))
    assert tag_content(tag("10")) != tag_content(tag("10", "9")) != tag_content(None)


def test_a_price_of_the_omss_unit_is_multiplied_for_the_stores() -> None:
    """Exactly, a sale as well; what is not an amount of the currency is a problem."""
    case = price(regular=Decimal("1.25"), sale=Decimal("0.99"))
    assert tag_of(case, Decimal(12)) == PriceTag(Decimal("15.00"), Decimal("11.88"))
    assert tag_of(price(sale=Decimal("10.00")), Decimal(12)) == PriceTag(Decimal(120))
    found = tag_of(case, Decimal("0.5"))
    assert isinstance(found, Problem)
    assert (found.code, found.field, found.value) == (
        "price_not_in_minor_units",
        "regular",
        "0.625",
    )


@pytest.mark.parametrize(
    ("currency", "policy", "code"),
    [
        ("USD", {}, None),
        ("", {}, "price_currency_missing"),
        ("EUR", {"only": ["USD"]}, "price_currency_refused"),
        ("EUR", {"only": ["USD", "EUR"]}, None),
    ],
)
def test_a_price_has_a_currency_that_the_connection_takes(
    currency: str, policy: dict[str, Any], code: str | None
) -> None:
    """One that neither the OMS nor a setting states can't be compared with anything."""
    found = currency_problem(price(currency=currency), PricesPolicy.model_validate(policy))
    assert (found.code if found else None) == code


@pytest.mark.parametrize(
    "settings",
    [
        {"lists": {"A": "3", "B": "3"}},
        {"lists": {"A": "catalog"}},
        {"lists": {"A": "3", "B": "03"}},
        {"lists": {"A": "country=DE,channel=web", "B": "channel=web, country=DE"}},
        {"store_list": "a/b"},
        {"currency": "usd"},
        {"max_change": 0},
    ],
)
def test_a_policy_that_can_t_be_meant_is_refused(settings: dict[str, Any]) -> None:
    """Two lists of the OMS in one of the store would overwrite each other's prices."""
    with pytest.raises(ValidationError):
        PricesPolicy.model_validate(settings)


@pytest.mark.parametrize(
    "changes",
    [{"sku": " "}, {"currency": "usd"}, {"regular": Decimal("1.23456")}, {"price_list": "a\n"}],
)
def test_a_record_holds_nothing_that_no_key_or_table_can(changes: dict[str, Any]) -> None:
    """It is refused where it is built."""
    with pytest.raises(InvalidRecord):
        price(**changes)
