"""Actions whose effect is uncertain: what agents, later versions and a restored ledger find."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from domain.identity import correlation_id
from resources.ledger.monitoring.caution import become_cautious
from resources.ledger.rejections import operator_actions, work_queue
from tests.assets.actions import act, ask, carry_out, outcome, saves, with_actions
from tests.assets.documents import order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
SAVE = "order/save$"


@pytest.fixture
def patient(scene: Scene) -> Scene:
    """One attempt a record; orders 1 and 2 are at the OMS."""
    with_actions(scene, max_attempts=1)
    scene.place(order(1, scene.moment()), order(2, scene.moment()))
    scene.run("orders")
    return scene


def quantity(scene: Scene, line: str = "101") -> float:
    """Return the units of a line of order 1 at the OMS."""
    found = {row["OrderLineId"]: row for row in scene.oms_order(1)["OrderLine"]}
    return float(found[line]["Quantity"])


def give_up(scene: Scene, kind: str) -> str:
    """Lose all answers to an action beside another one that gets through; return its id."""
    action_id = ask(scene, "cancel", 1, line="101", quantity="1", action_id="A1")
    ask(scene, "hold", 2)
    correlation = correlation_id(NAME, "action", action_id)
    scene.fault("manhattan", {"kind": kind, "path": SAVE, "correlation": correlation})
    carry_out(scene, raise_on_error=False)
    scene.fault("manhattan")
    assert outcome(scene, action_id)[0] == "failed"
    assert action_id in scene.open_rejections("actions")
    return action_id


def give_up_cancellation(scene: Scene, kind: str) -> str:
    """Lose all answers to a cancellation of order 1 beside an action that gets through."""
    action_id = ask(scene, "cancel", 1, action_id="A1")
    ask(scene, "hold", 2)
    correlation = correlation_id(NAME, "action", action_id)
    scene.fault("manhattan", {"kind": kind, "path": "cancel", "correlation": correlation})
    carry_out(scene, raise_on_error=False)
    scene.fault("manhattan")
    assert outcome(scene, action_id)[0] == "failed"
    return action_id


def ring(scene: Scene, text: str = "Ring twice") -> None:
    """Change order 1 in the store, and deliver it."""
    scene.to_store("orders/1", {"customer_message": text}, "PATCH")
    scene.run("orders")
    assert scene.open_rejections("orders") == {}


def discard(scene: Scene) -> None:
    """Discard the open rejections of actions, as an operator does."""
    with psycopg.connect(scene.database, autocommit=True) as db:
        found = work_queue.find(db, work_queue.RejectionFilter(stream="actions"))
        assert operator_actions.discard(db, found, "operator", "not wanted any more")


def test_a_cancellation_that_was_given_up_is_carried_out_by_no_later_version(
    patient: Scene,
) -> None:
    """It never arrived, and its agent sees that it failed; a retry still carries it out."""
    action_id = give_up_cancellation(patient, "drop_before")
    ring(patient)
    assert patient.oms_order(1)["IsCancelled"] is False
    assert patient.oms_order(1)["OrderNote"][0]["NoteText"] == "Ring twice"
    assert outcome(patient, action_id)[0] == "failed"
    retry(patient)
    assert outcome(patient, action_id) == ("done", "")
    assert patient.oms_order(1)["IsCancelled"] is True


def test_a_cancellation_that_was_given_up_and_has_happened_is_shown_as_done(
    patient: Scene,
) -> None:
    """A later version reads the order, which shows it; it is no order that was opened again."""
    action_id = give_up_cancellation(patient, "drop_after")
    ring(patient)
    assert outcome(patient, action_id) == ("done", "")
    ring(patient, "Ring thrice")
    assert patient.oms_order(1)["IsCancelled"] is True


def test_what_a_later_version_carries_out_is_shown_as_done(patient: Scene) -> None:
    """The agent would ask again for what has happened."""
    action_id = give_up(patient, "drop_before")
    ring(patient)
    assert quantity(patient) == 1
    assert outcome(patient, action_id) == ("done", "")


def test_nothing_is_left_of_an_action_whose_rejection_is_discarded(patient: Scene) -> None:
    """The operator has decided that it is not wanted."""
    action_id = give_up(patient, "drop_before")
    discard(patient)
    ring(patient)
    assert quantity(patient) == 2
    assert outcome(patient, action_id)[0] == "failed"


def retry(scene: Scene) -> None:
    """Try what was given up again, as an operator does."""
    carry_out(scene, config={"acme__actions_delivered": {"config": {"only_new": False}}})


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
def test_an_action_that_was_given_up_is_respected_and_found(patient: Scene, kind: str) -> None:
    """It may have happened: a later version of the order does not undo it, a retry finds it."""
    action_id = give_up(patient, kind)
    patient.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    patient.run("orders")
    assert quantity(patient) == 1
    assert patient.oms_order(1)["OrderNote"][0]["NoteText"] == "Ring twice"
    before = saves(patient)
    retry(patient)
    assert outcome(patient, action_id) == ("done", "")
    assert patient.open_rejections("actions") == {}
    assert quantity(patient) == 1
    assert saves(patient) == before


def test_an_action_that_never_arrived_and_is_refused_leaves_nothing(patient: Scene) -> None:
    """A look shows that; what the policy then refuses is not respected by later versions."""
    action_id = give_up(patient, "drop_before")
    with_actions(patient, actions={"permissions": {}})
    retry(patient)
    assert outcome(patient, action_id) == ("refused", "action_not_permitted")
    patient.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    patient.run("orders")
    assert quantity(patient) == 2


def test_a_store_can_cancel_an_order_with_an_uncertain_action(patient: Scene) -> None:
    """The OMS is read first."""
    give_up(patient, "drop_after")
    patient.to_store("orders/1/status", {"status_id": 5})
    patient.run("orders")
    assert patient.oms_order(1)["IsCancelled"] is True


def test_a_restored_ledger_finds_what_was_done(scene: Scene) -> None:
    """The backup is older than the action, which its agent asks for again."""
    with_actions(scene)
    scene.place(order(1, scene.moment()))
    scene.run("orders")
    kept = scene.sql(
        "SELECT target_key, content, digest, sequence FROM sync.target_state "
        "WHERE stream = 'orders'"
    )
    assert act(scene, "cancel", 1, line="101", quantity="1", action_id="A1") == ("done", "")
    for table, what in (
        ("delivery", "stream"), ("target_state", "stream"), ("record", "stream"),
        ("capture", "stream"),
    ):  # fmt: skip
        scene.sql_write(f"DELETE FROM sync.{table} WHERE {what} = 'actions'")  # noqa: S608
    scene.sql_write("DELETE FROM sync.action_outcome")
    scene.sql_write("DELETE FROM sync.action")
    [(key, content, digest, sequence)] = kept
    scene.sql_write(
        """UPDATE sync.target_state SET content = %s, digest = %s, sequence = %s
           WHERE stream = 'orders' AND target_key = %s""",
        content,
        digest,
        sequence,
        key,
    )
    scene.sql_write(
        """INSERT INTO sync.caution (connection, why, day)
           SELECT %s, 'test', current_date - n FROM generate_series(0, 2) AS n""",
        NAME,
    )
    before = saves(scene)
    assert act(scene, "cancel", 1, line="101", quantity="1", action_id="A1") == ("done", "")
    assert (saves(scene), quantity(scene)) == (before, 1)


def test_a_request_for_an_order_that_a_restored_ledger_lacks_holds_up_no_other(
    scene: Scene,
) -> None:
    """Nothing is known that could be read at the OMS: it is refused, or waits for its order."""
    with_actions(scene)
    scene.place(order(1, scene.moment()), order(2, scene.moment()))
    scene.run("orders")
    scene.sql_write("DELETE FROM sync.target_state WHERE stream = 'orders' AND target_key = '1'")
    with psycopg.connect(scene.database, autocommit=True) as db:
        become_cautious(db, "test")

    refused = ask(scene, "hold", 1, permission_set="guest")
    waits = ask(scene, "hold", 1)
    unknown = ask(scene, "hold", 7, permission_set="guest")
    done = ask(scene, "hold", 2)
    assert carry_out(scene).success

    found = [outcome(scene, one)[0] for one in (refused, waits, unknown, done)]
    assert found == ["refused", "waiting", "refused", "done"]


@pytest.fixture(params=["dead", "refused"])
def lost(patient: Scene, request: pytest.FixtureRequest) -> Scene:
    """The creation of order 3 was lost, and then given up, or refused by a later request."""
    correlation = correlation_id(NAME, "order", "3")
    patient.place(order(3, patient.moment()), order(4, patient.moment()))
    patient.fault("manhattan", {"kind": "drop_before", "path": SAVE, "correlation": correlation})
    patient.run("orders", raise_on_error=False)
    patient.fault("manhattan")
    patient.sql_write("UPDATE sync.delivery SET state = %s WHERE source_id = '3'", request.param)
    assert patient.sql("SELECT is_uncertain FROM sync.delivery WHERE source_id = '3'") == [(True,)]
    assert patient.open_rejections("orders").keys() == {"3"}
    patient.sql_write("UPDATE sync.delivery SET may_act_until = now()")
    assert act(patient, "hold", 3, action_id="A1") == ("waiting", "")
    return patient


def test_a_request_names_the_rejection_of_its_order_and_goes_on_once_that_is_retried(
    lost: Scene,
) -> None:
    """Otherwise no one learned what it waited for."""
    [(reason,)] = lost.sql("SELECT reason FROM history.actions WHERE action_id = 'A1'")
    [(rejection_id,)] = lost.sql("SELECT rejection_id FROM sync.rejection WHERE state = 'open'")
    assert f"rejection {rejection_id} (delivery_failed) is open" in reason
    [rejection] = work_queue.find(lost._db(), work_queue.RejectionFilter())
    assert work_queue.waiting_actions(lost._db(), rejection) == ["A1"]
    lost.run("orders")
    assert lost.open_rejections("orders") == {}
    carry_out(lost)
    assert outcome(lost, "A1") == ("done", "")


def test_a_request_that_waits_for_an_order_which_was_given_up_expires(lost: Scene) -> None:
    """The order may never be looked at again, and its agent would never hear of the request."""
    with_actions(lost, max_attempts=1, actions={"valid_for": "PT0.001S"})
    carry_out(lost)
    assert outcome(lost, "A1") == ("refused", "action_expired")
