"""Deletions of customers, which a project keeps as messages only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from domain.errors import PermanentError, RecordRejected
from domain.exchange import Mapped, RawRecord
from domain.values import Window
from resources.http.rate_limit import LocalQuota
from resources.platforms.commercetools.adapter import Commercetools, build
from tests.resources.platforms.commercetools.conftest import Open
from tests.resources.platforms.commercetools.projects import connection, settings
from tests.sandbox.simulated_project import Project

Json = dict[str, Any]
DAY = datetime(2026, 3, 4, 10, tzinfo=UTC)
WINDOW = Window(DAY, DAY + timedelta(hours=1))
CUSTOMER = "5f1d3c57-8f4c-4b63-9d0a-4f6a3f0c1a0"


def read(store: Any, window: Window = WINDOW) -> list[RawRecord]:
    """Return the records of a window of customers."""
    return [r for page in store.sources["customers"].fetch(window) for r in page.records]


def message(number: int, **changes: Any) -> Json:
    """Return the message of a deletion."""
    return {
        "id": f"m{number}",
        "type": "CustomerDeleted",
        "resource": {"typeId": "customer", "id": f"{CUSTOMER}{number}"},
        "createdAt": (DAY + timedelta(minutes=number)).isoformat(),
        **changes,
    }


def answering(*pages: Sequence[object]) -> Commercetools:
    """Return a connector to a project with these pages of messages, and no customers."""
    left = list(pages)

    def handle(request: httpx.Request) -> httpx.Response:
        if "token" in request.url.path:
            return httpx.Response(200, json={"access_token": "t", "expires_in": 60})
        page = left.pop(0) if left and request.url.path.endswith("/messages") else []
        return httpx.Response(200, content=orjson.dumps({"results": page}))

    transport = httpx.MockTransport(handle)
    built = build(settings(), connection(), lambda _: "secret", LocalQuota(), transport)
    assert isinstance(built, Commercetools)
    return built


@pytest.mark.parametrize("page_size", [1, 2, 500])
def test_deleted_customers_are_read_once_after_the_changed_ones(
    project: Project, open_store: Open, page_size: int
) -> None:
    """Whatever the page's end falls on; a customer that stays is not a deletion."""
    rows = [{"email": f"c{n}@example.org"} for n in range(5)]
    *gone, kept = project.set("customers", rows)["ids"]
    for customer_id in gone:
        project.set(f"customers/{customer_id}", None, "DELETE")
    store, now = open_store(page_size=page_size), datetime.now(UTC)
    found = read(store, Window(now - timedelta(minutes=5), now + timedelta(minutes=5)))
    first, *others = [record.source_id for record in found]
    assert (first, sorted(others)) == (kept, sorted(gone))  # some within one millisecond
    mapped = [store.sources["customers"].to_canonical(record.payload) for record in found]
    assert [one.record.is_gone for one in mapped if isinstance(one, Mapped)] == [False, *[True] * 4]


def test_a_probe_sees_a_deletion_where_nothing_else_changed(
    project: Project, open_store: Open
) -> None:
    """A customer's last change is gone with it."""
    source, since = open_store().sources["customers"], datetime.now(UTC) - timedelta(minutes=5)
    assert source.probe(since) is None
    [customer_id] = project.set("customers", [{"email": "c@example.org"}])["ids"]
    project.set(f"customers/{customer_id}", None, "DELETE")
    found = source.probe(since)
    assert found is not None
    assert since <= found <= datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.parametrize("created", [None, "yesterday", (DAY - timedelta(days=1)).isoformat()])
def test_a_probe_of_a_deletion_without_a_time_reads_from_the_start(created: str | None) -> None:
    """Later would lose it."""
    store = answering([message(1, createdAt=created)])
    assert store.sources["customers"].probe(DAY) == DAY
    store.close()


def test_no_deletions_are_asked_for_where_there_are_none_to_read(open_store: Open) -> None:
    """In an empty window, and where the setting says so."""
    store = answering([message(1)])
    assert read(store, Window(DAY, DAY)) == []
    assert [record.source_id for record in read(store)] == [f"{CUSTOMER}1"]
    store.close()
    assert read(open_store(customer_deletions=False)) == []


def test_a_window_of_deletions_is_cut_exactly() -> None:
    """A message before it or at its end belongs to another window."""
    at = [DAY - timedelta(milliseconds=1), DAY, WINDOW.until]
    store = answering([message(n, createdAt=moment.isoformat()) for n, moment in enumerate(at)])
    assert [(r.source_id, r.updated_at) for r in read(store)] == [(f"{CUSTOMER}1", DAY)]
    store.close()


@pytest.mark.parametrize("resource", [None, {"typeId": "customer"}, {"id": ""}, 5, []])
def test_a_deletion_that_names_no_customer_is_kept_for_its_rejection(resource: object) -> None:
    """It is captured under a name of its own, not the message's, and deletes nothing."""
    store = answering([message(1, resource=resource), message(2)])
    first, second = read(store)
    assert first.source_id not in ("", "m1", f"{CUSTOMER}1")
    assert second.source_id == f"{CUSTOMER}2"
    with pytest.raises(RecordRejected):
        store.sources["customers"].to_canonical(first.payload)
    store.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda: [message(1), message(2)],  # the same page again
        lambda: [message(1)],  # one that is before it
        lambda: [message(3, id=None)],
        lambda: [message(3, createdAt="later")],
        lambda: [5],
    ],
)
def test_messages_that_do_not_advance_end_the_read_with_an_error(
    damage: Callable[[], list[object]],
) -> None:
    """The read would never end, or skip what it can't continue from."""
    store = answering([message(1), message(2)], damage())
    with pytest.raises(PermanentError, match="none comes after the page before"):
        read(store)
    store.close()
