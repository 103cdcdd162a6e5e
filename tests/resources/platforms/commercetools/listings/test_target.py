"""Products of a project as a target: under their version, and never undoing another's change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Held, Intent, ListingSave, Outcome
from resources.platforms.commercetools.adapter import Commercetools
from sandbox.app import RunningSandbox
from tests.sandbox.simulated_project import Project

Json = dict[str, Any]
Open = Callable[..., Commercetools]
PICTURE = "https://img.example.com/1.jpg"


@pytest.fixture
def mug(project: Project) -> str:
    """A product, by its id."""
    rows = [{"sku": "MUG", "name": {"en": "Mug", "de": "Becher"}, "variants": [{"sku": "MUG"}]}]
    [identifier] = project.set("catalog", rows)["ids"]
    return str(identifier)


def run(
    store: Commercetools, save: ListingSave, before: Callable[[], Any] | None = None
) -> Outcome:
    """Read a product, let something happen, and write it."""

    async def go() -> list[Outcome]:
        async with store.targets["listings"].writer(lambda _: None) as writer:
            await writer.held({save.product_id: ()})
            if before is not None:
                before()
            intent = Intent("update", uuid4(), save.product_id, save)
            return await writer.apply([Claimed(intent, "prd-1")])

    [outcome] = asyncio.run(go())
    return outcome


def held(store: Commercetools, *ids: str) -> dict[str, Held]:
    """Return what the project shows."""

    async def go() -> dict[str, Held]:
        async with store.targets["listings"].writer(lambda _: None) as writer:
            return await writer.held(dict.fromkeys(ids, ()))

    return asyncio.run(go())


def product(project: Project, identifier: str) -> Json:
    """Return a product as the project has it."""
    found: Json = project.api.get(f"/products/{identifier}").json()
    return found


def writes(project: Project) -> int:
    """Return how many changes of products the project took."""
    return int(project.control.get("/counts").json().get("product_writes", 0))


def test_what_is_wanted_is_written_in_one_call(
    project: Project, mug: str, open_store: Open
) -> None:
    """Texts in one language, the warranty, and pictures, which are published with it."""
    store = open_store(locales=("en",))
    save = ListingSave(mug, {"name": "Cup", "warranty": "2 years"}, (PICTURE,), ("MUG",))
    assert run(store, save).state == "done"
    shown = held(store, mug)[mug].content
    assert (shown["name"], shown["warranty"], shown["addresses"]) == ("Cup", "2 years", [PICTURE])
    data = product(project, mug)["masterData"]
    assert (data["current"]["name"], data["hasStagedChanges"]) == (
        {"en": "Cup", "de": "Becher"},
        False,
    )
    assert writes(project) == 1
    assert run(store, save).state == "done"
    assert writes(project) == 1, "the same again is not a call"


def test_many_products_are_shown_and_changed(project: Project, open_store: Open) -> None:
    """More than one call has, and more than are kept between a read and a change."""
    ids = project.set("catalog", [{"sku": f"S{number}"} for number in range(60)])["ids"]
    store = open_store(locales=("en",))
    shown = held(store, *ids)
    assert {name: found.content["skus"] for name, found in shown.items()} == {
        name: [f"S{number}"] for number, name in enumerate(ids)
    }

    async def go() -> list[Outcome]:
        async with store.targets["listings"].writer(lambda _: None) as writer:
            await writer.held(dict.fromkeys(ids, ()))
            saves = [ListingSave(name, {"name": f"New {name}"}) for name in (ids[0], ids[-1])]
            intents = [Intent("update", uuid4(), save.product_id, save) for save in saves]
            return await writer.apply([Claimed(intent, "prd-1") for intent in intents])

    assert [outcome.state for outcome in asyncio.run(go())] == ["done", "done"]
    assert writes(project) == 2


def test_a_product_that_changes_all_the_time_is_tried_again_later(
    project: Project, mug: str, open_store: Open
) -> None:
    """After some versions; it is not a fault of the record."""
    rule = {"method": "POST", "path": "/products/", "kind": "status", "status": 409, "times": 9}
    assert project.control.post("/faults", json=[rule]).is_success
    outcome = run(open_store(locales=("en",)), ListingSave(mug, {"name": "Cup"}))
    assert outcome.state == "retry"
    assert writes(project) == 0


def test_a_text_that_the_project_refuses_is_the_records_fault(
    project: Project, mug: str, open_store: Open
) -> None:
    """With its words."""
    body = {"statusCode": 400, "message": "too long", "errors": [{"code": "InvalidField"}]}
    rule = {"method": "POST", "path": "/products/", "kind": "replaced", "status": 400}
    assert project.control.post("/faults", json=[rule | {"body": body, "times": 1}]).is_success
    outcome = run(open_store(locales=("en",)), ListingSave(mug, {"name": "Cup"}))
    assert [problem.code for problem in outcome.problems] == ["listing_refused"]
    assert "too long" in outcome.problems[0].message


def test_another_change_in_between_is_not_undone(
    project: Project, mug: str, open_store: Open
) -> None:
    """The actions are computed again from what the product shows then."""

    def translate() -> None:
        action = {"action": "changeName", "name": {"en": "Mug", "de": "Tasse"}, "staged": False}
        body = {"version": product(project, mug)["version"], "actions": [action]}
        assert project.api.post(f"/products/{mug}", json=body).is_success

    assert run(open_store(locales=("en",)), ListingSave(mug, {"name": "Cup"}), translate).state == (
        "done"
    )
    assert product(project, mug)["masterData"]["current"]["name"] == {"en": "Cup", "de": "Tasse"}


@pytest.mark.parametrize("published", [None, False])
def test_a_product_that_is_gone_is_refused(
    project: Project, mug: str, open_store: Open, published: bool | None
) -> None:
    """Deleted or unpublished, before it is read or after."""
    store = open_store(locales=("en",))

    def leave() -> None:
        if published is None:
            project.set(f"catalog/{mug}", None, "DELETE")
        else:
            project.set("catalog", [{"id": mug, "sku": "MUG", "published": False}])

    outcome = run(store, ListingSave(mug, {"name": "Cup"}), leave)
    assert [problem.code for problem in outcome.problems] == ["listing_product_gone"]
    assert [problem.code for problem in held(store, mug)[mug].problems] == ["listing_product_gone"]


@pytest.mark.parametrize("kind", ["drop_after", "malformed"])
def test_a_lost_answer_is_no_second_change(
    sandbox: RunningSandbox, project: Project, mug: str, open_store: Open, kind: str
) -> None:
    """The version is spent, and the product shows what was wanted."""
    rule = {"method": "POST", "path": "/products/", "kind": kind, "times": 1}
    faults = project.control.post("/faults", json=[rule])
    assert faults.is_success, faults.text
    outcome = run(open_store(locales=("en",)), ListingSave(mug, {"name": "Cup"}, (PICTURE,)))
    assert outcome.state in ("done", "unknown")
    assert writes(project) == 1
    assert product(project, mug)["masterData"]["current"]["name"]["en"] == "Cup"


def test_the_preflight_asks_for_the_language_and_the_right(
    project: Project, open_store: Open
) -> None:
    """A project of two languages needs one named, which it must have."""
    sections = {"streams": ("orders", "shipments", "listings")}
    found = {
        locales: {check.name: check for check in open_store(sections, locales=locales).preflight()}
        for locales in ((), ("fr",), ("en", "fr"))
    }
    assert [found[one]["languages"].ok for one in found] == [False, False, True]
    assert all(found[one]["scope manage_products (products)"].ok for one in found)
    project.set("settings", {"scopes": ["view_orders", "manage_orders", "view_products"]})
    checks = {check.name: check for check in open_store(sections, locales=("en",)).preflight()}
    assert not checks["scope manage_products (products)"].ok
    assert not checks["languages"].ok
