"""Agents' requests in a custom field of orders: read while new, and shown their outcomes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import orjson
import pytest

from domain.errors import PermanentError, RecordRejected, TransientError
from domain.exchange import RawRecord
from domain.records.actions import ActionOutcome
from domain.values import Window
from resources.platforms.commercetools.actions import source as module
from resources.platforms.commercetools.actions.mapping import action_id, capture_of, own_id
from tests.resources.platforms.commercetools.conftest import Open
from tests.sandbox.simulated_project import Project, an_order

Json = dict[str, Any]
REQUEST, OUTCOME = "lockstepRequest", "lockstepOutcome"
NOW = datetime.now(UTC)
ASKED: Json = {
    "id": "R1",
    "kind": "hold",
    "requested_by": "agent-7",
    "permission_set": "operator",
    "requested_at": NOW.isoformat(),
}


def text_of(**changes: Any) -> str:
    """Return a request as an agent's tool writes it."""
    return orjson.dumps({k: v for k, v in (ASKED | changes).items() if v is not None}).decode()


def placed(project: Project, text: str | None, outcome: str | None = None, **changes: Any) -> str:
    """Place an order with these custom fields; return its id."""
    fields = {k: v for k, v in ((REQUEST, text), (OUTCOME, outcome)) if v is not None}
    custom = {"type": {"typeId": "type", "id": "t1"}, "fields": fields}
    number = uuid4().hex[:10]
    order = an_order(number, NOW.isoformat()) | changes | ({"custom": custom} if fields else {})
    [order_id] = project.place(order)
    return order_id


def source_of(open_store: Open, **changes: Any) -> Any:
    """Return the source of a connector that reads requests."""
    return open_store(**({"actions": {}} | changes)).sources["actions"]


def read(source: Any) -> list[RawRecord]:
    """Return what is new now."""
    window = Window(NOW - timedelta(minutes=5), datetime.now(UTC) + timedelta(minutes=5))
    return [record for page in source.fetch(window) for record in page.records]


def report(source: Any, *outcomes: ActionOutcome) -> list[str]:
    """Show outcomes; return the ids that need no more."""
    return list(asyncio.run(source.report(outcomes)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (text_of(), "R1"),
        (text_of(id=7), "7"),
        (text_of(id="  R 2 "), "R 2"),
        (text_of(id=""), None),
        (text_of(id="a/b"), None),
        (text_of(id="x" * 101), None),
        (text_of(id=["R1"]), None),
        ("[]", None),
        ("please hold it", None),
        ("\ud800", None),
    ],
)
def test_a_request_has_the_id_that_it_states_or_one_of_its_text(
    text: str, expected: str | None
) -> None:
    """The same text again is the same request; another order's is another."""
    if expected is None:
        assert len(own_id(text)) >= 32
        assert own_id(text) == own_id(text) != own_id(text + " ")
    else:
        assert own_id(text) == expected
    assert action_id("o1", text) == f"o1/{own_id(text)}" != action_id("o2", text)


def test_a_request_is_mapped_with_its_orders_id(open_store: Open) -> None:
    """Whatever order and action the text itself names."""
    text = text_of(order="another", action_id="x/y")
    mapped = source_of(open_store).to_canonical(capture_of("o1", text))
    found = mapped.record
    assert (found.action_id, found.source_id, found.kind) == ("o1/R1", "o1", "hold")
    assert (found.requested_by, found.permission_set) == ("agent-7", "operator")


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b'{"id": 1}', capture_of("o1", "please"), capture_of("o1", "[1]")]
)
def test_what_is_no_request_is_rejected(open_store: Open, payload: bytes) -> None:
    """With the field and what to do."""
    with pytest.raises(RecordRejected) as rejected:
        source_of(open_store).to_canonical(payload)
    [problem] = rejected.value.problems
    assert (problem.code, problem.field) == ("payload_malformed", "custom.fields")
    assert "another id" in problem.advice


def test_a_request_is_new_until_its_outcome_stands_beside_it(
    project: Project, open_store: Open
) -> None:
    """An outcome of an earlier request makes no other one old."""
    new = placed(project, text_of())
    placed(project, text_of(), '{"id": "R1", "state": "done"}')
    other = placed(project, text_of(id="R2"), '{"id": "R1", "state": "done"}')
    unreadable = placed(project, "please", "no JSON")
    for text in (None, ""):
        placed(project, text)
    source = source_of(open_store)
    found = {record.source_id: record.payload for record in read(source)}
    assert found == {
        f"{new}/R1": capture_of(new, text_of()),
        f"{other}/R2": capture_of(other, text_of(id="R2")),
        f"{unreadable}/{own_id('please')}": capture_of(unreadable, "please"),
    }
    assert source.probe(NOW - timedelta(minutes=5)) is not None
    [page] = source.read([f"{new}/R1", f"{other}/R1"])
    assert [record.source_id for record in page.records] == [f"{new}/R1"]
    asyncio.run(source.acknowledge(list(found)))
    assert len(read(source)) == 3


def test_a_connection_without_the_fields_reads_and_writes_nothing(
    project: Project, open_store: Open
) -> None:
    """What was asked for elsewhere is not shown in a store that has no place for it."""
    order_id = placed(project, text_of())
    source = source_of(open_store, actions=None)
    assert source.probe(NOW - timedelta(minutes=5)) is None
    assert read(source) == []
    assert list(source.read([f"{order_id}/R1"])) == []
    known = report(source, ActionOutcome(action_id=f"{order_id}/R1", state="done"))
    assert known == [f"{order_id}/R1"]
    assert OUTCOME not in project.order(order_id)["custom"]["fields"]


def test_only_orders_of_the_connections_store_are_asked(project: Project, open_store: Open) -> None:
    """Another store of the project may have a connection of its own."""
    ours = placed(project, text_of(), store={"typeId": "store", "key": "berlin"})
    placed(project, text_of(), store={"typeId": "store", "key": "paris"})
    found = read(source_of(open_store, store_key="berlin"))
    assert [record.source_id for record in found] == [f"{ours}/R1"]


def test_an_outcome_is_written_beside_its_own_request_only(
    project: Project, open_store: Open
) -> None:
    """Not to another request's order, to none, or beside a newer request."""
    order_id, other = placed(project, text_of()), placed(project, text_of(id="R9"))
    source = source_of(open_store)
    refused = ActionOutcome(
        action_id=f"{order_id}/R1", state="refused", code="action_too_late", reason="It has left."
    )
    elsewhere = [
        ActionOutcome(action_id=name, state="done")
        for name in ("own-1", "no id/R1", f"{other}/R1", "11111111-2222-3333-4444-555555555555/R1")
    ]
    known = report(source, refused, *elsewhere)
    assert known == [one.action_id for one in (refused, *elsewhere)]
    assert orjson.loads(project.order(order_id)["custom"]["fields"][OUTCOME]) == {
        "id": "R1",
        "state": "refused",
        "code": "action_too_late",
        "reason": "It has left.",
    }
    assert OUTCOME not in project.order(other)["custom"]["fields"]


def fault(project: Project, method: str, status: int, times: int | None = None) -> None:
    """Answer requests for orders so."""
    rule = {
        "kind": "status",
        "status": status,
        "path": "orders/[^/]+$",
        "method": method,
        "body": {"statusCode": status, "message": "no", "errors": [{"code": "Odd"}]},
    }
    project.set("faults", [rule | ({"times": times} if times else {})])


def calm(project: Project) -> None:
    """End all faults."""
    project.set("faults", None, "DELETE")


def test_an_order_that_refuses_its_outcome_stays_to_be_shown(
    project: Project, open_store: Open
) -> None:
    """The others are shown; an order that changes all the time is tried again later."""
    first, second = placed(project, text_of()), placed(project, text_of())
    source = source_of(open_store)
    outcomes = [ActionOutcome(action_id=f"{one}/R1", state="done") for one in (first, second)]
    fault(project, "POST", 400, times=1)
    assert report(source, *outcomes) == [f"{second}/R1"]
    calm(project)
    fault(project, "GET", 400, times=1)
    assert report(source, outcomes[0]) == []
    calm(project)
    fault(project, "POST", 409)
    with pytest.raises(TransientError, match="changes all the time"):
        report(source, outcomes[0])
    calm(project)
    assert report(source, outcomes[0]) == [f"{first}/R1"]


def test_an_answer_with_another_order_is_no_order(
    project: Project, open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its fields would be taken for those of the one that was asked for."""
    order_id = placed(project, text_of())
    decoder = SimpleNamespace(decode=lambda _: module.Order("another", 1))
    monkeypatch.setattr(module, "_ORDERS", decoder)
    with pytest.raises(PermanentError, match="another order"):
        report(source_of(open_store), ActionOutcome(action_id=f"{order_id}/R1", state="done"))
