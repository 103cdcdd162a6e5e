"""The comparison by what two systems hold finds each thing that was changed, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestration.local.simulated import Pair, pairs
from resources.systems import streams_carried
from tests.chaos import remote_faults
from tests.chaos.compare import DUPLICATED, LOST, OPEN, WRONG
from tests.chaos.facts import Delivery, Result, Truths
from tests.chaos.neutral import differences, exported_share
from tests.chaos.schedule import OF_WEBHOOKS, build, without_webhooks
from tests.chaos.ways import WAYS, reads_of, writes_of

WITH_ALL = Pair("commercetools", "manhattan")
ACCEPTED = Result("accepted", "", "delivered")
REFUND = {"id": "r1", "order": "a", "amount": "5.00", "lines": []}


def order(name: str, number: str, **changes: Any) -> Any:
    """Return an order of two units of a line, shipped in one parcel."""
    line = {"line": "1", "sku": "MUG", "quantity": 2}
    parcel = {"key": "p", "tracking": "1Z", "carrier": "UPS", "lines": [line]}
    made = {"id": name, "number": number, "canceled": False, "lines": [dict(line)]}
    return made | {"parcels": [parcel], "total": "20.00", "places": 1} | changes


def agreeing(pair: Pair = WITH_ALL) -> Truths:
    """Return two systems and a ledger in step: two orders, of one of which a unit came back."""
    back = {"line": "1", "sku": "MUG", "quantity": 1}
    gone = {"id": "7", "order": "1", "lines": [back], "confirmed": [back]}
    price = {
        "sku": "MUG",
        "price_list": "",
        "currency": "USD",
        "regular": "10.00",
        "sale": "",
    }
    person = {
        "id": "c",
        "active": True,
        "email": "a@b.example",
        "first_name": "A",
        "last_name": "B",
        "addresses": [],
    }
    store: Any = {
        "orders": [order("a", "1"), order("b", "2")],
        "levels": [{"sku": "MUG", "location": "", "available": 5}],
        "customers": [dict(person)],
        "returns": [{"id": "x", "order": "a", "lines": [dict(back)], "confirmed": []}],
        "refunds": [dict(REFUND)],
        "prices": [dict(price)],
    }
    oms: Any = {
        "orders": [order("1", "a", creates=1), order("2", "b", creates=1)],
        "levels": [{"sku": "MUG", "location": "", "available": 5}],
        "customers": [dict(person)],
        "returns": [gone],
        "prices": [price | {"regular": "10"}],
    }
    return Truths(
        pair=pair,
        streams=streams_carried(*pair),
        store=store,
        oms=oms,
        tracked={"MUG"},
        priced={"MUG"},
        changed=set(),
        results={"a": ACCEPTED, "b": ACCEPTED},
        deliveries=[],
        rejections=[],
        unaccounted=[],
        waiting_webhooks=0,
        stuck_runs=[],
    )


def _lose_order(facts: Truths) -> None:
    del facts.oms["orders"][1]


def _delivery(state: str) -> Delivery:
    return Delivery("orders", "b", "cancel", state, 1, "", "", 0.0)


def _set(part: str, place: int, **values: Any) -> Callable[[Truths], None]:
    """Return what changes fields of the store's n-th order, customer, or other."""

    def tamper(facts: Truths) -> None:
        facts.store[part][place].update(values)  # type: ignore[literal-required]

    return tamper


def _of_oms(part: str, place: int, **values: Any) -> Callable[[Truths], None]:
    def tamper(facts: Truths) -> None:
        facts.oms[part][place].update(values)  # type: ignore[literal-required]

    return tamper


def _reject(stream: str, name: str, code: str) -> Callable[[Truths], None]:
    return lambda facts: facts.rejections.append((stream, name, code))


TAMPERING: dict[str, tuple[Callable[[Truths], Any], tuple[str, str]]] = {
    "an order that did not arrive": (_lose_order, (LOST, "order 2")),
    "an order that was created twice": (
        _of_oms("orders", 0, creates=2),
        (DUPLICATED, "order 1"),
    ),
    "two orders with one number": (_of_oms("orders", 1, number="a"), (DUPLICATED, "order a")),
    "an order that the store lacks": (_set("orders", 1, number="9"), (WRONG, "order 2")),
    "an order without a result": (lambda f: f.results.pop("b"), (WRONG, "order 2")),
    "other units": (
        _of_oms("orders", 0, lines=[{"line": "1", "sku": "MUG", "quantity": 1}]),
        (WRONG, "order 1"),
    ),
    "another total": (_of_oms("orders", 0, total="19.99"), (WRONG, "order 1")),
    "a cancellation that was not sent": (_set("orders", 1, canceled=True), (LOST, "order 2")),
    "an order that waits in vain": (
        lambda f: (
            _set("orders", 1, awaits_fulfilment=True)(f),
            _of_oms("orders", 1, canceled=True, total="0")(f),
        ),
        (LOST, "order 2"),
    ),
    "a parcel that is not shown": (_set("orders", 1, parcels=[]), (LOST, "shipment of order 2")),
    "a parcel that is shown twice": (
        lambda f: f.store["orders"][0]["parcels"].append(f.store["orders"][0]["parcels"][0]),
        (DUPLICATED, "shipment of order 1"),
    ),
    "another level": (_set("levels", 0, available=6), (WRONG, "stock of MUG")),
    "a customer that did not arrive": (
        lambda f: f.oms["customers"].clear(),
        (LOST, "customer c"),
    ),
    "a customer that was not deleted": (
        lambda f: f.store["customers"].clear(),
        (LOST, "customer c"),
    ),
    "another name": (_of_oms("customers", 0, first_name="Z"), (WRONG, "customer c")),
    "a return that is not shown": (
        lambda f: f.store["returns"].clear(),
        (LOST, "return of order 1"),
    ),
    "a return that is shown twice": (
        lambda f: f.store["returns"].append(f.store["returns"][0]),
        (DUPLICATED, "return of order 1"),
    ),
    "a refund that is lost": (lambda f: f.store["refunds"].clear(), (LOST, "refund of order 1")),
    "a refund that has failed": (
        _set("refunds", 0, state="Failure"),
        (LOST, "refund of order 1"),
    ),
    "two refunds": (
        lambda f: f.store["refunds"].append(f.store["refunds"][0]),
        (DUPLICATED, "refund of order 1"),
    ),
    "a refund for nothing": (_set("refunds", 0, order="b"), (DUPLICATED, "refund of order 2")),
    "another price": (_set("prices", 0, regular="11"), (WRONG, "price of MUG")),
    "a price that is not shown": (lambda f: f.store["prices"].clear(), (WRONG, "price of MUG")),
    "a rejection without a reason": (
        _reject("orders", "b", "postcode_missing"),
        (OPEN, "orders b"),
    ),
    "a refusal of what was not changed": (
        _reject("orders", "b", "cancel_refused"),
        (OPEN, "orders b"),
    ),
    "a parcel refused without a reason": (
        _reject("shipments", "b", "shipment_refused"),
        (OPEN, "shipments b"),
    ),
    "a delivery that is open": (
        lambda f: f.deliveries.append(_delivery("in_flight")),
        (OPEN, "orders b"),
    ),
}


def test_what_agrees_has_no_differences() -> None:
    """Amounts are compared as numbers, and orders by number, whatever their ids are."""
    assert differences(agreeing()) == []


@pytest.mark.parametrize("name", list(TAMPERING))
def test_what_was_tampered_with_is_reported(name: str) -> None:
    """Each change by itself is found, with the right kind and record."""
    tamper, expected = TAMPERING[name]
    facts = agreeing()
    tamper(facts)
    assert expected in {(found.kind, found.record) for found in differences(facts)}


def test_what_came_too_late_is_no_difference() -> None:
    """An operator has the rejection; store and OMS can't agree on the order."""
    facts = agreeing()
    facts.changed = {"2"}
    _reject("orders", "b", "line_not_eligible")(facts)
    _of_oms("orders", 1, lines=[{"line": "1", "sku": "MUG", "quantity": 1}])(facts)
    assert differences(facts) == []


@pytest.mark.parametrize("state", ["requested", "refused"])
def test_a_cancellation_that_was_answered_is_no_difference(state: str) -> None:
    """The OMS decides later, or has refused it."""
    facts = agreeing()
    _set("orders", 1, canceled=True)(facts)
    facts.deliveries.append(_delivery(state))
    assert differences(facts) == []


def test_an_order_that_the_oms_has_no_place_for_is_kept_out() -> None:
    """One that is picked up, at an OMS that only ships; elsewhere it is lost."""
    found = {}
    for oms in ("extensiv", "manhattan"):
        facts = agreeing(Pair("salesforce", oms))
        _lose_order(facts)
        _set("orders", 1, places=0, parcels=[])(facts)
        facts.results["b"] = Result("accepted", "", "rejected")
        _reject("orders", "b", "several_addresses")(facts)
        found[oms] = [str(each) for each in differences(facts) if "order" in each.record]
    assert found["extensiv"] == []
    assert len(found["manhattan"]) == 2


def test_a_unit_that_the_store_has_lost_keeps_its_parcel_out() -> None:
    """The OMS has shipped more than the store's order has."""
    facts = agreeing()
    facts.changed = {"2"}
    _set("orders", 1, lines=[{"line": "1", "sku": "MUG", "quantity": 1}], parcels=[])(facts)
    _reject("orders", "b", "line_not_eligible")(facts)
    _reject("shipments", "b", "shipment_refused")(facts)
    assert differences(facts) == []


def test_the_share_of_orders_that_went_out() -> None:
    """Of those that are there or wait; one that was never to go out does not count."""
    facts = agreeing()
    facts.store["orders"] += [order("c", "3", awaits_fulfilment=True), order("d", "4")]
    assert exported_share(facts.store, facts.oms) == pytest.approx(2 / 3)


@pytest.mark.parametrize("pair", pairs(), ids="/".join)
def test_every_pair_has_its_faults(pair: Pair) -> None:
    """Each kind of fault strikes requests of the pair's own systems."""
    assert {kind for kind, _ in [*writes_of(pair, ()), *reads_of(pair)]} == set(pair)
    for kind in remote_faults.KINDS:
        for seed in range(30):
            for system, rule in remote_faults.rules(kind, seed, pair, ("returns", "prices")):
                assert system in pair
                assert rule["path"]
    assert {remote_faults.hold(seed, pair)[0] for seed in range(30)} == set(pair)


def test_every_kind_of_system_is_known() -> None:
    """A system that comes later takes part in storms, too."""
    assert {kind for pair in pairs() for kind in pair} == WAYS.keys()


def test_without_webhooks_as_many_die_and_nothing_of_them_is_struck() -> None:
    """The endpoint has nothing to do where neither system sends any."""
    whole = build(3, 60, 1000)
    rest = without_webhooks(whole)
    kills = [strike.victim for strike in rest.strikes if strike.kind == "kill"]
    assert len(kills) == 60
    assert "webhooks" not in kills
    assert not OF_WEBHOOKS & {strike.kind for strike in rest.strikes}
