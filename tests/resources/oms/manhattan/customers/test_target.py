"""Customers at a tenant: saves, what it holds of them, and what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from domain.delivery import Claimed, CustomerSave, Held, Intent, Outcome
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.oms.manhattan.adapter import ManhattanOms
from resources.oms.manhattan.customers.mapping import differences
from resources.oms.manhattan.customers.target import CustomerLookup
from tests.resources.oms.manhattan.conftest import Tenant
from tests.resources.oms.manhattan.customers.test_mapping import AT_HOME, customer, mapper
from tests.resources.oms.manhattan.samples import settings_of

Connect = Callable[..., ManhattanOms]
Json = dict[str, Any]


def use(oms: ManhattanOms, work: Callable[[Any], Any]) -> Any:
    """Open the tenant's target of customers and use its writer."""

    async def run() -> Any:
        async with oms.targets["customers"].writer(lambda _: None) as writer:
            return await work(writer)

    return asyncio.run(run())


def save(oms: ManhattanOms, *payloads: Json) -> list[Outcome]:
    """Save customers; return the outcomes."""
    contents = [CustomerSave(str(each["CustomerId"]), each, each) for each in payloads]
    claimed = [Claimed(Intent("create", uuid4(), c.customer_id, c), "cus-1") for c in contents]
    found: list[Outcome] = use(oms, lambda writer: writer.apply(claimed))
    return found


def held(oms: ManhattanOms, asked: Mapping[str, Sequence[Json]]) -> dict[str, Held]:
    """Return what the tenant holds of customers."""
    questions = {name: tuple(contents) for name, contents in asked.items()}
    found: dict[str, Held] = use(oms, lambda writer: writer.held(questions))
    return found


def payload_of(oms: ManhattanOms, **changes: Any) -> Json:
    """Return the body of a customer's save."""
    return oms.targets["customers"].payload(customer(**changes))


def test_a_saved_customer_is_held_as_it_was_sent(connect: Connect, tenant: Tenant) -> None:
    """A repetition changes nothing; one that the tenant lacks is absent."""
    oms = connect({"organization": "SANDBOX"})
    payload = payload_of(oms)
    for outcome in save(oms, payload, payload):
        assert (outcome.state, outcome.target_id, outcome.problems) == ("done", "US-7", ())
    [(name, found)] = held(oms, {"US-7": [payload], "US-8": [payload]}).items()
    assert (name, found.content, found.problems) == ("US-7", payload, ())
    assert oms.targets["customers"].differences(found.content, payload) == []


def test_a_customer_that_the_tenant_refuses_keeps_no_other_back(
    connect: Connect, tenant: Tenant
) -> None:
    """The rejection has the tenant's reason and names the entity."""
    oms = connect()
    refused, other = payload_of(oms, email="nowhere"), payload_of(oms, customer_id="US-8")
    first, second = save(oms, refused, other)
    assert (first.state, second.state) == ("refused", "done")
    [problem] = first.problems
    assert "e-mail" in problem.message
    assert set(held(oms, {"US-7": [refused], "US-8": [other]})) == {"US-8"}


def test_a_change_is_what_differs_from_what_is_known(connect: Connect) -> None:
    """The tenant then holds what was wanted."""
    oms = connect()
    before, after = payload_of(oms), payload_of(oms, first_name="Eda")
    change = oms.targets["customers"].change(before, after)
    assert change == {"CustomerId": "US-7", "OrgId": "SANDBOX", "FirstName": "Eda"}
    assert [outcome.state for outcome in save(oms, before, change)] == ["done", "done"]
    assert held(oms, {"US-7": [after]})["US-7"].content == after


def lookup(*pages: Sequence[object], size: int = 50) -> tuple[CustomerLookup, list[Json]]:
    """Return a lookup at a tenant with these pages, and the bodies of its calls."""
    calls: list[Json] = []

    def handle(request: httpx.Request) -> httpx.Response:
        calls.append(orjson.loads(request.content))
        rows = pages[len(calls) - 1] if len(calls) <= len(pages) else []
        return httpx.Response(200, content=orjson.dumps({"success": True, "data": rows}))

    policy = ClientPolicy(
        system="manhattan",
        base_url="http://127.0.0.1:9",
        auth=NoAuth(),
        limiter=Limiter(LocalQuota(), "t", quota=10_000, window_seconds=1),
    )
    client = ApiClient(policy, transport=httpx.MockTransport(handle))
    return CustomerLookup(client, settings_of(search_page_size=size)), calls


def row(customer_id: object) -> Json:
    """Return a customer of a search."""
    return {"CustomerId": customer_id}


def test_customers_are_found_behind_a_short_page() -> None:
    """A tenant may cut pages shorter than asked for; the search ends when all are found."""
    reader, calls = lookup([row("b")], [row("a"), row("x")])
    assert [name for name, _ in reader.read(["a", "b", "a"])] == ["b", "a"]
    assert [call["Page"] for call in calls] == [0, 1]
    assert calls[0]["Query"] == "CustomerId in ('a', 'b')"


def test_a_page_with_nothing_new_ends_the_search() -> None:
    """Also one that repeats what was found, as of a tenant that ignores the page's number."""
    reader, calls = lookup([row("a")], [row("a")], [row("b")])
    assert [name for name, _ in reader.read(["a", "b"])] == ["a"]
    assert len(calls) == 2
    reader, calls = lookup()
    assert list(reader.read(["a"])) == []
    assert list(reader.read([])) == []
    assert len(calls) == 1


def test_ids_are_looked_up_in_chunks_of_a_page() -> None:
    """Each with a search of its own; an id that is a number is the same id."""
    reader, calls = lookup([row("1"), row(2)], [row("3")], size=2)
    assert [name for name, _ in reader.read(["1", "2", "3"])] == ["1", "2", "3"]
    assert [call["Size"] for call in calls] == [2, 1]


@pytest.mark.parametrize("odd", [5, [], None, {"CustomerId": None}, {}, "a"])
def test_a_row_that_is_no_customer_is_none_of_those_asked_for(odd: object) -> None:
    """The others of its page are read."""
    reader, _ = lookup([odd, row("a")])
    assert [name for name, _ in reader.read(["a", "b"])] == ["a"]


def test_a_held_customer_of_another_shape_is_a_problem_of_that_customer(
    connect: Connect, tenant: Tenant
) -> None:
    """The others are compared."""
    oms = connect()
    one, two = payload_of(oms), payload_of(oms, customer_id="US-8")
    save(oms, one, two)
    rows = [one | {"CustomerAddress": "none"}, two]
    body = {"success": True, "data": rows}
    tenant.control(
        "faults", {"kind": "status", "status": 200, "body": body, "path": "customer/search"}
    )
    found = held(oms, {"US-7": [one], "US-8": [two]})
    tenant.control("faults", method="DELETE")
    [problem] = found["US-7"].problems
    assert (problem.code, found["US-7"].content) == ("oms_payload_unreadable", None)
    assert (found["US-8"].content, found["US-8"].problems) == (two, ())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"first_name": "ADA "}, []),
        ({"first_name": "Eda", "email": ""}, ["Email", "FirstName"]),
    ],
)
def test_the_attributes_of_a_customer_that_differ_are_named(
    changes: Json, expected: list[str]
) -> None:
    """Not in another case or with other spacing; one that is missing differs."""
    assert differences(mapper().payload(customer(**changes)), mapper().payload(customer())) == (
        expected
    )


def test_the_addresses_of_a_customer_that_differ_are_named_by_their_ids() -> None:
    """One that was added, removed or changed; not one whose street the tenant has verified."""
    wanted = mapper().payload(customer())

    def entry(address_id: str, **changes: str) -> Json:
        given: Any = wanted["CustomerAddress"]
        return given[0] | {"AddressId": address_id, "Address": given[0]["Address"] | changes}

    def compared(*entries: Json) -> list[str]:
        return differences(wanted | {"CustomerAddress": list(entries)}, wanted)

    assert AT_HOME.postcode == "78701"
    assert compared(entry("1", Address1="1 Row St", City="AUSTIN TX"), entry("2")) == []
    assert compared(entry("1"), entry("2", PostalCode="78702")) == ["CustomerAddress[2]"]
    assert compared(entry("1"), entry("3")) == ["CustomerAddress[2]", "CustomerAddress[3]"]
    assert compared() == ["CustomerAddress[1]", "CustomerAddress[2]"]
