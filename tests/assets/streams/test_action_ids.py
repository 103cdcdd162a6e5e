"""One id is one request: another one of the same id changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.streams.actions.book import store_id
from resources import action_folder
from tests.assets import documents
from tests.assets.actions import act, ask, carry_out, outcome, saves, with_actions
from tests.assets.documents import order
from tests.assets.scene import NAME, Scene
from tests.assets.streams.test_actions import holds, lines

pytestmark = pytest.mark.slow
REUSED = "action_id_reused"


@pytest.fixture
def two(scene: Scene) -> Scene:
    """Two orders are at the OMS, of a connection that takes requests."""
    with_actions(scene)
    scene.place(order(1, scene.moment()), order(2, scene.moment()))
    scene.run("orders")
    return scene


def orders_of(scene: Scene) -> dict[str, tuple[str, str]]:
    """Return order and state of each request."""
    return {
        action_id: (source_id, state)
        for action_id, source_id, state in scene.sql(
            "SELECT action_id, source_id, state FROM sync.action_outcome"
        )
    }


def test_a_used_id_with_another_order_touches_neither_order(two: Scene) -> None:
    """The first request's effect stays with its own order, whose later versions respect it."""
    assert act(two, "cancel", 1, action_id="A") == ("done", "")
    assert act(two, "hold", 2, action_id="A") == ("done", ""), "of the first one"
    assert orders_of(two) == {"A": ("1", "done")}
    assert two.open_rejections("actions") == {"A": REUSED}
    for number in (1, 2):
        two.to_store(f"orders/{number}", {"customer_message": "Ring twice"}, "PATCH")
    two.run("orders")
    assert two.oms_order(1)["IsCancelled"] is True
    assert (two.oms_order(2)["IsCancelled"], holds(two, 2)) == (False, [])
    assert two.open_rejections("orders") == {}


def test_a_used_id_with_another_content_is_not_carried_out(two: Scene) -> None:
    """Of the same order, too; the first request again closes the rejection and sends nothing."""
    assert act(two, "cancel", 1, line="101", quantity="1", action_id="A") == ("done", "")
    ask(two, "cancel", 1, line="102", action_id="A")
    carry_out(two)
    assert lines(two) == {"101": (1, False), "102": (1, False)}
    assert two.open_rejections("actions") == {"A": REUSED}
    before = saves(two)
    assert act(two, "cancel", 1, line="101", quantity="1", action_id="A") == ("done", "")
    assert (saves(two), two.open_rejections("actions")) == (before, {})


def test_the_rejection_of_a_used_id_stays_where_the_first_one_was_refused(two: Scene) -> None:
    """What was refused is known to its agent; that another request was lost is not."""
    assert act(two, "release", 1, action_id="A") == ("refused", "action_not_on_hold")
    ask(two, "hold", 2, action_id="A")
    two.run("actions")
    assert two.open_rejections("actions") == {"A": REUSED}
    assert (orders_of(two), holds(two, 2)) == ({"A": ("1", "refused")}, [])


def test_a_waiting_request_whose_id_comes_again_is_given_up_and_says_so(two: Scene) -> None:
    """Which of the two is meant would be a guess."""
    ask(two, "hold", 77, action_id="A")
    carry_out(two)
    assert outcome(two, "A") == ("waiting", "")
    assert act(two, "hold", 1, action_id="A") == ("invalid", REUSED)
    assert holds(two) == []


def test_the_stores_own_id_comes_before_one_at_the_oms(scene: Scene) -> None:
    """With a prefix of digits, 91 is the store's order 91 and the OMS's of the store's order 1."""
    scene.configure(orders={"order_id_prefix": "9"})
    unsent = documents.order(91, scene.moment(), ((documents.NOT_AT_OMS, 1),))
    scene.place(documents.order(1, scene.moment()), unsent)
    scene.run("orders", first=scene.yesterday)
    assert scene.lockstep is not None
    with scene.lockstep.ledger.session(NAME, "orders") as session:
        assert [store_id(session, name) for name in ("1", "91")] == ["1", "91"]
        scene.sql_write("DELETE FROM sync.capture WHERE source_id = '91'")
        assert store_id(session, "91") == "1"


def test_an_order_that_is_named_by_its_id_at_the_oms_before_it_is_known(scene: Scene) -> None:
    """It is found once it is there, and the request is one of it, also when it comes again."""
    with_actions(scene, orders={"order_id_prefix": "BC-"})
    scene.place(order(1, scene.moment()))
    live = {"acme__actions_validated": {"config": {"only_new": True}}}
    ask(scene, "hold", "BC-1", action_id="A")
    carry_out(scene, config=live)
    assert outcome(scene, "A") == ("waiting", "")
    scene.run("orders")
    carry_out(scene, config=live)
    assert orders_of(scene) == {"A": ("1", "done")}
    assert act(scene, "hold", "1", action_id="A") == ("done", "")
    assert scene.open_rejections("actions") == {}


def test_a_release_beside_a_hold_of_the_store_is_one(scene: Scene) -> None:
    """The store's status still holds the order, as the agent sees; later it does no more."""
    with_actions(scene, orders={"hold_statuses": {"12": "Customer Service"}})
    scene.place(order(1, scene.moment()))
    scene.run("orders")
    assert act(scene, "hold", 1) == ("done", "")
    scene.to_store("orders/1/status", {"status_id": 12})
    scene.run("orders")
    assert act(scene, "release", 1, action_id="R") == ("done", "")
    [(reason,)] = scene.sql("SELECT reason FROM sync.action_outcome WHERE action_id = 'R'")
    assert "store still holds" in reason
    assert holds(scene) == [("Customer Service", "1000")]
    scene.to_store("orders/1/status", {"status_id": 11})
    scene.run("orders")
    assert holds(scene) == [("Customer Service", "2000")]


def test_a_cancellation_of_the_store_that_was_not_sent_yet_is_none_of_the_agent(two: Scene) -> None:
    """The agent's is sent; that the store's status moves back does not undo it."""
    two.to_store("orders/1/status", {"status_id": 5})
    two.run("orders", steps=("captured", "validated"))
    assert act(two, "cancel", 1) == ("done", "")
    assert two.oms_order(1)["IsCancelled"] is True


def test_a_cancellation_that_the_store_has_and_the_oms_refuses_is_refused(two: Scene) -> None:
    """The agent does not see it as done."""
    two.to_oms("advance", {"to": "release", "cancel_rate": 0, "partial_rate": 0})
    two.to_store("orders/1/status", {"status_id": 5})
    two.run("orders", steps=("captured", "validated"))
    assert act(two, "cancel", 1) == ("refused", "cancel_refused")


def test_a_waiting_request_that_can_be_read_no_more_is_shown_as_invalid(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits no longer: its order comes, and nothing is done with it."""
    monkeypatch.setattr(action_folder, "QUIET_SECONDS", 0.0)
    with_actions(scene, actions={"folder": str(tmp_path)})
    head = "action_id,order,kind,requested_by,permission_set\n"
    scene.place(order(1, scene.moment()))
    (tmp_path / "a.csv").write_text(f"{head}W,1,hold,agent-7,operator\n")
    scene.run("actions")
    assert outcome(scene, "W") == ("waiting", "")
    (tmp_path / "a.csv").write_text(f"{head}W,1,explode,agent-7,operator\n")
    scene.run("actions")
    assert outcome(scene, "W") == ("invalid", "action_kind_unknown")
    scene.run("orders", "actions")
    assert outcome(scene, "W") == ("invalid", "action_kind_unknown")
    assert holds(scene) == []


def test_two_rows_of_a_file_with_one_id_are_one_request_and_a_rejection(
    two: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As versions of one record, the second one would replace the first without a word."""
    monkeypatch.setattr(action_folder, "QUIET_SECONDS", 0.0)
    with_actions(two, actions={"folder": str(tmp_path)})
    head = "action_id,order,kind,requested_by,permission_set\n"
    rows = "F1,1,hold,agent-7,operator\nF1,2,cancel,agent-7,operator\n"
    (tmp_path / "a.csv").write_text(head + rows)
    (tmp_path / "b.csv").write_bytes(b"action_id\n\xff\n")
    two.run("actions")
    assert outcome(two, "F1") == ("done", "")
    assert not two.oms_order(2)["IsCancelled"]
    assert sorted(two.open_rejections("actions").values()) == [REUSED, "payload_malformed"]
    found = [row[0] for row in two.sql("SELECT message FROM sync.rejection ORDER BY code")]
    assert "the file b.csv is not UTF-8" in found[-1]
