"""Agents' actions over pairs of systems: what each OMS can do of them, and what it refuses."""

from __future__ import annotations

import pytest

from tests.assets.actions import act, ask, carry_out, outcome
from tests.pairs.anchanto_scene import AnchantoScene
from tests.pairs.extensiv_scene import ExtensivScene

pytestmark = pytest.mark.slow

STREAMS = ["orders", "shipments", "actions"]


def test_a_create_only_oms_cancels_orders_and_refuses_the_rest(extensiv: ExtensivScene) -> None:
    """Each refusal says that this OMS can't; nothing is sent for it."""
    extensiv.configure(streams=STREAMS)
    extensiv.place_many([1, 2, 3])
    extensiv.run("orders")
    assert act(extensiv, "hold", 1) == ("refused", "action_not_supported")
    assert act(extensiv, "cancel", 1, line="101") == ("refused", "action_not_supported")
    assert act(extensiv, "reroute", 1, node="EAST") == ("refused", "action_not_supported")
    assert act(extensiv, "release", 1) == ("refused", "action_not_on_hold")
    assert act(extensiv, "cancel", 1) == ("done", "")
    extensiv.to_oms("advance", {"to": "wms", "orders": ["3"]})
    extensiv.to_oms("orders/3/ship", {"lines": [{"sku": "MUG", "quantity": 2}]})
    assert act(extensiv, "cancel", 3) == ("refused", "cancel_refused")
    extensiv.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    extensiv.run("orders")
    assert extensiv.open_rejections("orders") == {}
    assert extensiv.open_rejections("actions") == {}
    states = {number: row["canceled"] for number, row in extensiv.truth().items()}
    assert states == {"1": True, "2": False, "3": False}


@pytest.mark.parametrize("accepted", [True, False])
def test_a_warehouses_late_answer_reaches_the_action(
    extensiv: ExtensivScene, *, accepted: bool
) -> None:
    """The order shows it: canceled, or shipped all the same."""
    extensiv.configure(streams=STREAMS)
    extensiv.to_oms("settings", {"wms_cancel_is_late": True})
    extensiv.place_many([1])
    extensiv.run("orders")
    extensiv.to_oms("advance", {"to": "wms"})
    action_id = ask(extensiv, "cancel", 1)
    carry_out(extensiv)
    assert outcome(extensiv, action_id) == ("requested", "")
    second = ask(extensiv, "cancel", 1)
    carry_out(extensiv)
    assert outcome(extensiv, second) == ("waiting", "")
    extensiv.to_oms("orders/1/cancel_outcome", {"accepted": accepted})
    if not accepted:
        extensiv.to_oms("orders/1/ship", {"lines": [{"sku": "MUG", "quantity": 1}]})
    extensiv.run("shipments")
    ended = ("done", "") if accepted else ("refused", "cancel_refused")
    assert outcome(extensiv, action_id) == ended
    carry_out(extensiv)
    assert outcome(extensiv, second) == ended


def test_an_order_is_canceled_until_it_is_packed(anchanto: AnchantoScene) -> None:
    """Before that at once; afterwards the reason is the OMS's."""
    anchanto.configure(streams=STREAMS)
    anchanto.place_many([1, 2])
    anchanto.run("orders")
    anchanto.to_oms("advance", {"to": "wms", "orders": ["2"]})
    anchanto.to_oms("orders/2/ready", {})
    assert act(anchanto, "cancel", 1) == ("done", "")
    assert act(anchanto, "cancel", 2) == ("refused", "cancel_refused")
    assert act(anchanto, "hold", 2) == ("refused", "action_not_supported")
    assert anchanto.open_rejections("actions") == {}
