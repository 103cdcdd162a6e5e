"""Standalone prices of a project: their scopes, their versions, and what takes none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Intent, Outcome
from domain.errors import PermanentError
from domain.prices import PriceChange, PricePlace, PriceTag, StorePrice
from domain.records.inventory import StoreItem
from resources.platforms.commercetools.adapter import Commercetools
from resources.platforms.commercetools.base_payload import Money
from resources.platforms.commercetools.prices.payload import Standalone
from resources.platforms.commercetools.prices.reader import amount_of
from resources.platforms.commercetools.prices.scopes import PriceScope, scope_of
from resources.platforms.commercetools.prices.target import money
from tests.sandbox.simulated_project import Project

Json = dict[str, Any]
Open = Callable[..., Commercetools]
DISCOUNT = "6f1d3c57-8f4c-4b63-9d0a-000000000001"


@pytest.fixture
def cup(project: Project) -> StoreItem:
    """Return an item whose product has standalone prices."""
    project.set("channels", [{"key": "web", "roles": ["ProductDistribution"]}, {"key": "depot"}])
    [product] = project.set("catalog", [{"sku": "CUP", "priceMode": "Standalone"}])["ids"]
    return StoreItem(sku="CUP", parent_id=product, item_id="1", tracking="variant")


def tag(regular: str, sale: str | None = None) -> PriceTag:
    """Return a price."""
    return PriceTag(Decimal(regular), None if sale is None else Decimal(sale))


def shown(store: Commercetools, place: PricePlace) -> StorePrice:
    """Return what the project shows at a place."""
    return store.targets["prices"].prices([place])[place.key]


def put(store: Commercetools, *changes: PriceChange) -> list[Outcome]:
    """Write prices."""

    async def run() -> list[Outcome]:
        async with store.targets["prices"].writer(lambda _: None) as writer:
            intents = [Intent("price", uuid4(), change.place.key, change) for change in changes]
            return await writer.apply([Claimed(intent, "prc-1") for intent in intents])

    return asyncio.run(run())


def writes(project: Project) -> int:
    """Return how many prices the project was sent."""
    return int(project.control.get("/counts").json().get("price_writes", 0))


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("catalog", PriceScope()),
        ("country=DE", PriceScope("DE")),
        ("channel=web-1", PriceScope("", "web-1")),
        ("channel=web, country=DE", PriceScope("DE", "web")),
        ("country=de", None),
        ("country=DE,country=AT", None),
        ("7", None),
        ("group=b2b", None),
        ("channel=", None),
    ],
)
def test_a_list_is_named_after_its_scope(name: str, scope: PriceScope | None) -> None:
    """Anything else is not a list of a project."""
    assert scope_of(name) == scope


def test_a_price_is_made_once_and_changed_in_its_scope(
    project: Project, cup: StoreItem, open_store: Open
) -> None:
    """A second creation finds the first, and one of an old version plans again."""
    store = open_store(sale_discount=DISCOUNT)
    place, other = (PricePlace(cup, name, "EUR") for name in ("catalog", "country=DE,channel=web"))
    project.set("prices", [{"sku": "CUP", "currency": "USD", "cents": 999}])
    before = shown(store, place)
    assert before.tag is None
    first = PriceChange(place, tag("10", "8"), before)
    assert [o.state for o in put(store, first)] == ["done"]
    assert shown(store, place).tag == tag("10", "8")
    assert shown(store, other).tag is None
    assert [o.state for o in put(store, first)] == ["done"], "the same again: it has the price"
    assert writes(project) == 1
    [late] = put(store, PriceChange(place, tag("12"), before))
    assert (late.state, shown(store, place).tag) == ("retry", tag("10", "8"))
    change = PriceChange(place, tag("12"), shown(store, place))
    assert [o.state for o in put(store, change)] == ["done"]
    assert shown(store, place).tag == tag("12")
    made = PriceChange(other, tag("7"), shown(store, other))
    assert [o.state for o in put(store, made)] == ["done"]
    assert shown(store, other).tag == tag("7")
    assert shown(store, place).tag == tag("12")
    truth = project.control.get("/truth").json()["prices"]
    assert {(p["price_list"], p["currency"], p["regular"]) for p in truth} == {
        ("", "USD", "9.99"),
        ("", "EUR", "12"),
        ("country=DE,channel=web", "EUR", "7"),
    }


def test_what_can_take_no_price_says_why(
    project: Project, cup: StoreItem, open_store: Open
) -> None:
    """A product whose prices are its own, a list that is not one, a product that is gone."""
    store = open_store()
    [product] = project.set("catalog", [{"sku": "BOWL"}])["ids"]
    bowl = StoreItem(sku="BOWL", parent_id=product, item_id="1", tracking="variant")
    gone = StoreItem(sku="X", parent_id=str(uuid4()), item_id="1", tracking="variant")
    places = [
        PricePlace(bowl, "catalog", "EUR"),
        PricePlace(cup, "7", "EUR"),
        PricePlace(cup, "channel=nowhere", "EUR"),
        PricePlace(cup, "channel=depot", "EUR"),
        PricePlace(gone, "catalog", "EUR"),
    ]
    found = store.targets["prices"].prices(places)
    problems = [found[place.key].problem for place in places]
    assert [problem.code if problem else "" for problem in problems] == [
        "price_mode_embedded",
        "price_list_unknown",
        "price_list_unknown",
        "price_list_unknown",
        "sku_unknown_in_store",
    ]


def test_a_sale_price_needs_a_discount_to_refer_to(
    project: Project, cup: StoreItem, open_store: Open
) -> None:
    """Without one it is refused, and nothing is sent; a reduction of others is not ours."""
    store, place = open_store(), PricePlace(cup, "catalog", "EUR")
    [outcome] = put(store, PriceChange(place, tag("10", "8"), shown(store, place)))
    assert (outcome.state, outcome.problems[0].code) == ("refused", "price_sale_not_taken")
    assert writes(project) == 0
    with_discount = open_store(sale_discount=DISCOUNT)
    put(with_discount, PriceChange(place, tag("10", "8"), shown(with_discount, place)))
    assert shown(with_discount, place).tag == tag("10", "8")
    assert shown(store, place).tag == tag("10")


def test_prices_of_groups_and_periods_are_left_alone(
    project: Project, cup: StoreItem, open_store: Open
) -> None:
    """They apply beside the one that is written."""
    store, place = open_store(), PricePlace(cup, "catalog", "EUR")
    value = {"currencyCode": "EUR", "centAmount": 500}
    for more in (
        {"validFrom": "2026-01-01T00:00:00.000Z"},
        {"customerGroup": {"typeId": "customer-group", "id": str(uuid4())}},
        {"active": False, "country": "FR"},
    ):
        project.api.post("/standalone-prices", json={"sku": "CUP", "value": value} | more)
    assert shown(store, place).tag is None
    [outcome] = put(store, PriceChange(place, tag("10"), shown(store, place)))
    assert outcome.state == "done"
    assert shown(store, place).tag == tag("10")


def test_a_price_that_is_changed_meanwhile_is_planned_anew(
    project: Project, cup: StoreItem, open_store: Open
) -> None:
    """By hand to another price, or deleted: the limit is about what shoppers see by now."""
    store, place = open_store(), PricePlace(cup, "catalog", "EUR")
    project.set("prices", [{"sku": "CUP", "currency": "EUR", "cents": 1000}])
    before = shown(store, place)
    project.set("prices", [{"sku": "CUP", "currency": "EUR", "cents": 9000}])
    [outcome] = put(store, PriceChange(place, tag("11"), before))
    assert outcome.state == "retry"
    assert shown(store, place).tag == tag("90")
    project.set("prices", [{"sku": "CUP", "currency": "EUR", "cents": 1000}])
    [outcome] = put(store, PriceChange(place, tag("11"), before))
    assert outcome.state == "done", "another version, which shows what was compared"
    assert shown(store, place).tag == tag("11")


@pytest.mark.parametrize("is_late", [False, True])
def test_an_inactive_price_is_never_done(
    project: Project, cup: StoreItem, open_store: Open, is_late: bool
) -> None:
    """Shoppers don't see it; also if it is switched off between the plan and the call."""
    store, place = open_store(), PricePlace(cup, "catalog", "EUR")
    project.set("prices", [{"sku": "CUP", "currency": "EUR", "cents": 1000}])
    before = shown(store, place)
    identifier, version = before.address.split()
    switch = {"action": "changeActive", "active": False}
    body = {"version": int(version), "actions": [switch]}
    project.api.post(f"/standalone-prices/{identifier}", json=body)
    problem = shown(store, place).problem
    assert problem is not None
    assert problem.code == "price_inactive"
    held = before if is_late else StorePrice("price")
    [outcome] = put(store, PriceChange(place, tag("11"), held))
    assert outcome.state == "refused"
    assert outcome.problems[0].code == "price_inactive"


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        (Money(currency_code="EUR", cent_amount=1234, fraction_digits=2), "12.34"),
        (Money(currency_code="JPY", cent_amount=1234), "1234"),
        (Money(type="highPrecision", currency_code="EUR", cent_amount=1, precise_amount=12345,
               fraction_digits=4), "1.2345"),
    ],
)  # fmt: skip
def test_amounts_are_read_exactly(given: Money, amount: str) -> None:
    """By their own digits, or their currency's."""
    assert amount_of(given) == Decimal(amount)


@pytest.mark.parametrize("given", [None, Money(currency_code="EUR"), Money(cent_amount=5)])
def test_a_price_without_an_amount_breaks_the_contract(given: Money | None) -> None:
    """It is not taken for none."""
    with pytest.raises(PermanentError):
        amount_of(given)


def test_amounts_are_written_in_minor_units() -> None:
    """Of currencies with none and with three decimals, too."""
    assert money(Decimal("12.30"), "EUR")["centAmount"] == 1230
    assert money(Decimal(1230), "JPY")["centAmount"] == 1230
    assert money(Decimal("1.234"), "KWD")["centAmount"] == 1234
    assert Standalone().active is None
