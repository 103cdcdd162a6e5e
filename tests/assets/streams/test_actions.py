"""Agents' actions on orders at the OMS, and what later versions of the orders leave of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.connect import preflight
from resources import action_folder
from resources.ledger.database.compression import decompress
from tests.assets.actions import act, ask, carry_out, outcome, saves, with_actions
from tests.assets.documents import order
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.assets.scene import NAME, Scene
from tests.security.test_forgetting_customers import forget_in

pytestmark = pytest.mark.slow

Json = dict[str, Any]
CANCELLED = 5


@pytest.fixture
def sent(scene: Scene) -> Scene:
    """Order 1 is at the OMS, of a connection that takes requests."""
    with_actions(scene)
    scene.place(order(1, scene.moment()))
    scene.run("orders")
    return scene


def lines(scene: Scene, number: int = 1) -> dict[str, tuple[float, bool]]:
    """Return quantity and whether it is canceled of each line at the OMS."""
    return {
        line["OrderLineId"]: (float(line["Quantity"]), bool(line.get("IsCancelled")))
        for line in scene.oms_order(number)["OrderLine"]
    }


def test_an_order_is_canceled_once(sent: Scene) -> None:
    """The OMS cancels it; running again sends nothing."""
    assert act(sent, "cancel", 1) == ("done", "")
    assert sent.oms_order(1)["IsCancelled"] is True
    before = saves(sent)
    carry_out(sent, config={"acme__actions_delivered": {"config": {"only_new": False}}})
    sent.run("orders")
    assert saves(sent) == before
    assert act(sent, "cancel", 1) == ("done", "")
    assert saves(sent) == before
    assert act(sent, "hold", 1) == ("refused", "action_order_canceled")


def test_canceled_units_are_not_sent_again(sent: Scene) -> None:
    """The OMS keeps one of two; later versions of the order respect that, and count none twice."""
    assert act(sent, "cancel", 1, line="101", quantity="1") == ("done", "")
    assert lines(sent) == {"101": (1, False), "102": (1, False)}
    sent.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    sent.run("orders")
    assert lines(sent)["101"] == (1, False)
    assert sent.oms_order(1)["OrderNote"][0]["NoteText"] == "Ring twice"
    sent.to_store("orders/1", {"products": [{"id": 101, "quantity": 1}]}, "PATCH")
    sent.run("orders")
    assert lines(sent)["101"] == (1, False), "the store agrees now, and cancels no further one"
    more = {"products": [{"id": 101, "quantity": 2}], "customer_message": "Ring thrice"}
    sent.to_store("orders/1", more, "PATCH")
    sent.run("orders")
    assert lines(sent)["101"] == (2, False), "one that the store has added"
    sent.to_store("orders/1", {"products": [{"id": 101, "quantity": 4}]}, "PATCH")
    sent.run("orders")
    assert lines(sent)["101"] == (4, False), "all that the store has added since"
    assert act(sent, "cancel", 1, line="101", quantity="9") == (
        "refused",
        "action_quantity_too_large",
    )


def test_a_canceled_line_stays_canceled_and_the_last_one_cancels_the_order(sent: Scene) -> None:
    """What is left of the order can be canceled line by line; then nothing is left to send."""
    assert act(sent, "cancel", 1, line="102") == ("done", "")
    sent.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    sent.run("orders")
    assert lines(sent) == {"101": (2, False), "102": (0, True)}
    assert act(sent, "cancel", 1, line="102") == ("done", "")
    assert act(sent, "cancel", 1, line="999") == ("refused", "action_line_unknown")
    assert act(sent, "cancel", 1, line="101") == ("done", "")
    assert sent.oms_order(1)["IsCancelled"] is True
    sent.to_store("orders/1", {"customer_message": "Ring thrice"}, "PATCH")
    before = saves(sent)
    sent.run("orders")
    assert (saves(sent), sent.open_rejections("orders")) == (before, {})


def test_a_hold_stays_until_an_agent_releases_it(sent: Scene) -> None:
    """No change of the order lifts it; the release resolves it, once."""
    assert act(sent, "hold", 1) == ("done", "")
    sent.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    sent.run("orders")
    assert holds(sent) == [("Customer Service", "1000")]
    before = saves(sent)
    assert act(sent, "hold", 1) == ("done", "")
    assert saves(sent) == before
    assert act(sent, "hold", 1, hold="VIP") == ("done", "")
    assert act(sent, "release", 1, hold="VIP") == ("done", "")
    assert holds(sent) == [("Customer Service", "1000"), ("VIP", "2000")]
    assert act(sent, "release", 1) == ("done", "")
    assert holds(sent) == [("Customer Service", "2000"), ("VIP", "2000")]
    assert act(sent, "release", 1) == ("refused", "action_not_on_hold")
    sent.to_store("orders/1", {"customer_message": "Ring thrice"}, "PATCH")
    sent.run("orders")
    assert holds(sent) == [("Customer Service", "2000"), ("VIP", "2000")]


def holds(scene: Scene, number: int = 1) -> list[tuple[str, str]]:
    """Return hold type and status of each hold that the OMS has of the order."""
    return [
        (hold["HoldTypeId"], hold["StatusId"])
        for hold in scene.oms_order(number).get("OrderHold") or ()
    ]


ELSEWHERE = {
    "street_1": "9 Elm Street",
    "city": "Dallas",
    "state": "Texas",
    "postcode": "75201",
    "country_code": "US",
}


def streets(scene: Scene, number: int = 1) -> set[str]:
    """Return the streets that the order's lines go to at the OMS."""
    return {
        line["ShipToAddress"]["Address"]["Address1"]
        for line in scene.oms_order(number)["OrderLine"]
    }


def test_a_rerouted_order_keeps_its_address_until_the_store_changes_it(sent: Scene) -> None:
    """The store's old address does not come back; a newer one of the store does."""
    assert act(sent, "reroute", 1, address=ELSEWHERE) == ("done", "")
    address = sent.oms_order(1)["OrderLine"][0]["ShipToAddress"]["Address"]
    assert (address["City"], address["FirstName"], address["Phone"]) == (
        "Dallas",
        "Jane",
        "+15125550100",
    )
    sent.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    sent.run("orders")
    assert streets(sent) == {"9 Elm Street"}
    changed = {"shipping_addresses": [{"id": 100, "street_1": "5 Oak Street"}]}
    sent.to_store("orders/1", changed, "PATCH")
    sent.run("orders")
    assert streets(sent) == {"5 Oak Street"}
    back = {"shipping_addresses": [{"id": 100, "street_1": "123 Main Street"}]}
    sent.to_store("orders/1", back | {"customer_message": "Ring thrice"}, "PATCH")
    sent.run("orders")
    assert streets(sent) == {"123 Main Street"}, "the agent's does not come back"


def test_a_reroute_outlasts_a_corrected_phone_and_the_next_one_completes_it(sent: Scene) -> None:
    """A phone is not a place; the second address keeps the first one's recipient."""
    mary = ELSEWHERE | {"first_name": "Mary", "last_name": "Roe", "phone": "+1 214-555-0111"}
    assert act(sent, "reroute", 1, address=mary) == ("done", "")
    for part in ({"phone": "+1 512-555-0199"}, {"email": "jane2@example.com"}):
        sent.to_store("orders/1", {"shipping_addresses": [{"id": 100} | part]}, "PATCH")
        sent.run("orders")
        assert streets(sent) == {"9 Elm Street"}
    second = ELSEWHERE | {"street_1": "11 Elm Street"}
    assert act(sent, "reroute", 1, address=second) == ("done", "")
    address = sent.oms_order(1)["OrderLine"][0]["ShipToAddress"]["Address"]
    assert [address[name] for name in ("Address1", "FirstName", "LastName", "Phone")] == [
        "11 Elm Street",
        "Mary",
        "Roe",
        "+12145550111",
    ]


def test_a_node_is_chosen_and_kept(sent: Scene) -> None:
    """The OMS is asked to ship from there."""
    assert act(sent, "reroute", 1, node="DC1") == ("done", "")
    sent.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    sent.run("orders")
    assert {
        line["OrderLinePromisingInfo"]["ShipFromLocationId"]
        for line in sent.oms_order(1)["OrderLine"]
    } == {"DC1"}


def test_what_is_not_permitted_is_refused_for_good(sent: Scene) -> None:
    """The reason stands in the ledger; a later policy does not revive the request."""
    with_actions(sent, actions={"permissions": {"phone": ["hold"]}})
    asked = [
        ask(sent, "cancel", 1, permission_set="phone"),
        ask(sent, "hold", 1, permission_set="guest"),
    ]
    before = saves(sent)
    carry_out(sent)
    assert {outcome(sent, one) for one in asked} == {("refused", "action_not_permitted")}
    assert sent.open_rejections("actions") == {}
    with_actions(sent)
    carry_out(sent, config={"acme__actions_delivered": {"config": {"force": True}}})
    assert {outcome(sent, one) for one in asked} == {("refused", "action_not_permitted")}
    assert saves(sent) == before


def test_requests_for_one_order_are_carried_out_in_their_order(sent: Scene) -> None:
    """All in one run: the second sees what the first has done."""
    asked = [ask(sent, "hold", 1), ask(sent, "release", 1), ask(sent, "cancel", 1, line="102")]
    carry_out(sent)
    assert [outcome(sent, one) for one in asked] == [("done", "")] * 3
    assert holds(sent) == [("Customer Service", "2000")]
    assert lines(sent)["102"] == (0, True)


def test_a_request_waits_for_its_order(scene: Scene) -> None:
    """It is made before the order went out, and is carried out once it has."""
    with_actions(scene)
    scene.place(order(1, scene.moment()))
    first, unknown = ask(scene, "hold", 1), ask(scene, "hold", 77)
    carry_out(scene)
    assert outcome(scene, first) == outcome(scene, unknown) == ("waiting", "")
    scene.run("orders")
    carry_out(scene)
    assert outcome(scene, first) == ("done", "")
    assert holds(scene) == [("Customer Service", "1000")]


def test_what_the_oms_refuses_is_refused_with_its_reason(sent: Scene) -> None:
    """A released line can't change any more; no rejection stays open, since the agent knows."""
    sent.to_oms("advance", {"to": "release", "cancel_rate": 0, "partial_rate": 0})
    state, code = act(sent, "cancel", 1, line="101", quantity="1")
    assert (state, code) == ("refused", "line_not_eligible")
    assert act(sent, "cancel", 1) == ("refused", "cancel_refused")
    assert sent.open_rejections("actions") == {}
    sent.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    sent.run("orders")
    assert sent.open_rejections("orders") == {}
    assert lines(sent)["101"] == (2, False)


@pytest.mark.parametrize("accepts", [True, False])
def test_a_late_answer_is_recorded(sent: Scene, *, accepts: bool) -> None:
    """The OMS decides later; changes that came meanwhile go out once it has refused."""
    sent.to_oms("settings", {"late_cancellation": True})
    sent.to_oms("advance", {"to": "release", "cancel_rate": 0, "partial_rate": 0})
    action_id = ask(sent, "cancel", 1)
    carry_out(sent)
    assert outcome(sent, action_id) == ("requested", "")
    sent.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    before = saves(sent)
    sent.run("orders")
    assert saves(sent) == before
    sent.to_oms("orders/1/cancel_outcome", {"accepted": accepts})
    sent.run("shipments")
    if accepts:
        assert outcome(sent, action_id) == ("done", "")
        assert sent.oms_order(1)["IsCancelled"] is True
        return
    assert outcome(sent, action_id) == ("refused", "cancel_refused")
    sent.run("orders")
    assert sent.oms_order(1)["OrderNote"][0]["NoteText"] == "Ring twice"


def test_a_lost_answer_is_resolved_by_a_look(sent: Scene) -> None:
    """The OMS has done it although no answer said so: it is not done a second time."""
    lost = {"kind": "drop_after", "path": "order/save$", "times": 9}
    sent.fault("manhattan", lost)
    action_id = ask(sent, "cancel", 1, line="101", quantity="1")
    carry_out(sent, raise_on_error=False)
    assert outcome(sent, action_id)[0] == "waiting"
    sent.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    sent.run("orders", raise_on_error=False)
    assert lines(sent)["101"] == (1, False), "the order waits for what became of the action"
    sent.fault("manhattan")
    carry_out(sent)
    assert outcome(sent, action_id) == ("done", "")
    sent.run("orders")
    assert lines(sent)["101"] == (1, False)
    assert sent.oms_order(1)["OrderNote"][0]["NoteText"] == "Ring twice"


def test_an_old_request_is_not_carried_out(sent: Scene) -> None:
    """It waited for longer than the connection allows, as after a long outage."""
    with_actions(sent, actions={"valid_for": "PT0.001S"})
    assert act(sent, "hold", 1) == ("refused", "action_expired")
    assert holds(sent) == []


def test_files_of_a_folder_are_carried_out_once(
    sent: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad row is a rejection, and holds up none; the file is put away."""
    monkeypatch.setattr(action_folder, "QUIET_SECONDS", 0.0)
    folder = tmp_path / "requests"
    with_actions(sent, actions={"folder": str(folder)})
    assert sent.lockstep is not None
    failing = [check.name for _, check in preflight(sent.lockstep, NAME) if not check.ok]
    assert failing == ["folder of agents' requests"]
    folder.mkdir()
    assert all(check.ok for _, check in preflight(sent.lockstep, NAME))
    file = folder / "today.csv"
    file.write_text(
        "action_id,order,kind,line,requested_by,permission_set\n"
        "F1,1,hold,,agent-7,operator\nF2,1,explode,,agent-7,operator\n"
    )
    sent.run("actions")
    assert outcome(sent, "F1") == ("done", "")
    assert sent.open_rejections("actions") == {"F2": "action_kind_unknown"}
    assert not file.exists()
    before = saves(sent)
    file.write_text(
        "action_id,order,kind,line,requested_by,permission_set\nF1,1,hold,,agent-7,operator\n"
    )
    sent.run("actions")
    assert (saves(sent), outcome(sent, "F1")) == (before, ("done", ""))


def test_what_agents_have_done_is_no_drift(scene: Scene) -> None:
    """A reconciliation expects each order as the actions have left it."""
    with_actions(scene)
    scene.place(*(order(number, scene.moment()) for number in range(1, 6)))
    scene.run("orders")
    assert act(scene, "cancel", 1) == ("done", "")
    assert act(scene, "cancel", 2, line="201", quantity="1") == ("done", "")
    assert act(scene, "cancel", 3, line="302") == ("done", "")
    assert act(scene, "hold", 4) == ("done", "")
    assert act(scene, "reroute", 5, address=ELSEWHERE) == ("done", "")
    scene.run("orders", "shipments")
    before = saves(scene)
    assert drifts_of(look(scene, repair=True)) == []
    scene.run("orders")
    assert saves(scene) == before


def test_an_action_is_forgotten_with_its_order(sent: Scene) -> None:
    """The address of a reroute goes; the fact that there was one stays."""
    assert act(sent, "reroute", 1, address=ELSEWHERE) == ("done", "")
    sent.sql_write("UPDATE sync.action_outcome SET reason = 'Jane Doe moved'")
    sent.to_oms("advance", {"to": "ship", "cancel_rate": 0, "partial_rate": 0})
    sent.run("shipments")
    assert "target_state" in traces_of(sent, "9 Elm Street")
    done = forget_in(sent, "jane.doe@example.com")
    assert (done.orders, len(done.others), done.open_records) == (["1"], 1, {})
    assert traces_of(sent, "9 Elm Street") == set()
    assert sent.sql("SELECT kind, has_address, state, reason FROM history.actions") == [
        ("reroute", True, "done", "[forgotten]")
    ]
    sent.run("orders")


def test_a_request_that_cannot_be_read_is_forgotten_with_any_person(
    sent: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be theirs; its agent was shown that it is invalid, and asks again."""
    monkeypatch.setattr(action_folder, "QUIET_SECONDS", 0.0)
    with_actions(sent, actions={"folder": str(tmp_path)})
    (tmp_path / "a.csv").write_text(
        "action_id,order,kind,address_street_1,address_city,requested_by,permission_set\n"
        "X1,1,rerout,9 Elm Street,Dallas,agent-7,operator\n"
    )
    sent.run("actions")
    assert outcome(sent, "X1") == ("invalid", "action_kind_unknown")
    sent.to_oms("advance", {"to": "ship", "cancel_rate": 0, "partial_rate": 0})
    sent.run("shipments")
    assert traces_of(sent, "9 Elm Street") == {"capture"}
    assert forget_in(sent, "jane.doe@example.com").orders == ["1"]
    assert traces_of(sent, "9 Elm Street") == set()
    assert sent.open_rejections("actions") == {}


def traces_of(scene: Scene, text: str) -> set[str]:
    """Return the tables whose compressed content has a text."""
    return {
        table
        for table, column in (
            ("target_state", "content"),
            ("capture", "payload"),
            ("record", "canonical"),
        )
        for (content,) in scene.sql(
            f"SELECT {column} FROM sync.{table} WHERE {column} IS NOT NULL"  # noqa: S608
        )
        if text.encode() in decompress(content)
    }
