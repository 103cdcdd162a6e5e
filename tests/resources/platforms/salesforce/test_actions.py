"""Agents' requests of an org: what is read, and how outcomes are shown, row by row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.errors import PermanentError, TransientError
from domain.exchange import Mapped, exchange_log
from domain.records.actions import ActionOutcome, OutcomeState
from domain.values import Window
from tests.resources.platforms.salesforce.conftest import Shop

Json = dict[str, Any]
ACTION = "Lockstep_Action__c"
NOW = datetime.now(UTC)
WINDOW = Window(NOW - timedelta(days=1), NOW + timedelta(days=1))


def asked(shop: Shop, *kinds: str) -> list[str]:
    """Place an order and make requests for it; return their ids."""
    order = shop.place()
    rows = [{"Order_Summary__c": order, "Kind__c": kind} for kind in kinds]
    ids: list[str] = shop.control("requests", rows)["ids"]
    return ids


def report(shop: Shop, *outcomes: tuple[str, OutcomeState]) -> set[str]:
    """Show outcomes, and return the ids of those that need no more."""
    given = [ActionOutcome(action_id=i, state=state, reason="so") for i, state in outcomes]
    return set(asyncio.run(shop.connector.sources["actions"].report(given)))


def shown(shop: Shop) -> dict[str, Json]:
    """Return the org's requests by id."""
    return {row["Id"]: row for row in shop.rows(ACTION)}


def read(shop: Shop) -> list[str]:
    """Return the ids of the requests that are read."""
    source = shop.connector.sources["actions"]
    return [record.source_id for page in source.fetch(WINDOW) for record in page.records]


def test_a_request_is_read_until_its_outcome_is_shown(shop: Shop) -> None:
    """With who asked and their profile, which are the org's own."""
    first, second = asked(shop, "hold", "cancel")
    source = shop.connector.sources["actions"]
    assert source.probe(WINDOW.since) is not None
    assert read(shop) == [first, second]
    [page] = source.read([first])
    mapped = source.to_canonical(page.records[0].payload)
    assert isinstance(mapped, Mapped)
    assert (mapped.record.kind, mapped.record.permission_set) == ("hold", "Support")
    assert mapped.record.requested_by.startswith("005")
    asyncio.run(source.acknowledge([first]))
    assert report(shop, (first, "done")) == {first}
    row = shown(shop)[first]
    assert (row["Status__c"], row["Reason__c"]) == ("Done", "so")
    assert row["Decided_At__c"] is not None
    assert read(shop) == [second]


def test_a_connection_reads_its_own_stores_requests(open_shop: Callable[..., Shop]) -> None:
    """Or none at all, where it leaves the object alone."""
    other = open_shop(sales_store_id="0ZE000000000001AAA")
    asked(other, "hold")
    assert read(other) == []
    without = open_shop(has_actions=False)
    [first] = asked(without, "hold")
    source = without.connector.sources["actions"]
    assert (read(without), source.probe(WINDOW.since)) == ([], None)
    assert list(source.read([first])) == []
    assert report(without, (first, "done")) == {first}
    assert shown(without)[first]["Status__c"] == "New"


def test_outcomes_are_shown_row_by_row(shop: Shop) -> None:
    """One whose record is gone needs no more, nor one that was asked for elsewhere."""
    first, second, third = asked(shop, "hold", "cancel", "release")
    shop.control(f"put/{ACTION}", {"Id": second, "IsDeleted": True})
    outcomes: list[tuple[str, OutcomeState]] = [
        (first, "done"), (second, "refused"), ("own-1", "done"), (third, "refused"),
    ]  # fmt: skip
    assert report(shop, *outcomes) == {first, second, third, "own-1"}
    assert shown(shop)[third]["Status__c"] == "Refused"
    assert report(shop) == set()


def test_a_call_about_several_requests_is_in_the_trace_of_each(shop: Shop) -> None:
    """It is made under the id of the first; of two requests for one order it is logged once."""
    ids = asked(shop, "hold", "cancel", "release")
    outcomes = [
        ActionOutcome(action_id=one, state="done", correlation_id=correlation)
        for one, correlation in zip(ids, ("ord-1", "ord-2", "ord-1"), strict=True)
    ]
    token = exchange_log.set(shop.log.append)
    try:
        asyncio.run(shop.connector.sources["actions"].report(outcomes))
    finally:
        exchange_log.reset(token)
    sent = [call for call in shop.log if call.endpoint == "/composite/sobjects"]
    assert [call.correlation_id for call in sent] == ["ord-1", "ord-2"]


def test_what_the_org_refuses_is_raised(shop: Shop) -> None:
    """A missing object is a set-up; locked records are for a later try."""
    first, second = asked(shop, "hold", "release")
    shop.control("settings", {"denied": [ACTION]})
    with pytest.raises(PermanentError, match="install deploy/salesforce"):
        report(shop, (first, "done"))
    order = shown(shop)[first]["Order_Summary__c"]
    shop.control("settings", {"denied": [], "locks": {order: 1}})
    with pytest.raises(TransientError):
        report(shop, (first, "done"))
    shop.control("settings", {"locks": {order: 1}})
    assert report(shop, (first, "done"), (second, "done")) == {second}
    assert report(shop, (first, "done")) == {first}
