"""Orders that an operator has corrected are compared as corrected."""

from __future__ import annotations

import pytest

from resources.ledger.rejections import operator_actions
from resources.ledger.rejections.work_queue import RejectionFilter
from tests.assets import documents
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

FIELD = "consignments.shipping[0].shipping_method"


def correct(scene: Scene) -> None:
    """Place an order with an unknown way of shipping, and send it by another one."""
    document = documents.order(1, scene.moment())
    document["shipping_addresses"][0]["shipping_method"] = "Drone"
    scene.place(document)
    scene.run("orders", first=scene.yesterday)
    db = scene._db()
    [found] = operator_actions.chosen(db, RejectionFilter())
    changes = operator_actions.planned_edit(db, found, [f"{FIELD}=Ground"])
    operator_actions.edit(db, found, changes, "ann", "by phone")
    scene.run("orders", first=scene.yesterday)
    scene.run("orders", "shipments")


def test_a_correction_is_no_drift(scene: Scene) -> None:
    """Also if the store's own value can be mapped by now: no repair could close that."""
    correct(scene)
    assert drifts_of(look(scene)) == []
    scene.configure(orders={"shipping_methods": {"Ground": "Ground", "Drone": "Air"}})
    assert drifts_of(look(scene)) == []


def test_a_corrected_order_is_compared(scene: Scene) -> None:
    """What the store states can't be mapped, but what was sent must still be at the OMS."""
    correct(scene)
    scene.to_oms("orders/1/remove", {})
    assert drifts_of(look(scene)) == [("missing_at_target", "order", "1", "", True)]
