"""Units that are ordered and that the OMS's stock does not contain yet, after agents' actions."""

from __future__ import annotations

from typing import Any

import pytest

from assets.streams.inventory.undelivered import orders_under_way
from tests.assets.actions import act, with_actions
from tests.assets.documents import order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=10)
REJECTED = {"shipping_addresses": [{"id": 100, "shipping_method": "Unmapped"}]}


@pytest.fixture
def sent(scene: Scene) -> Scene:
    """Order 1, of five mugs and a lamp, is at the OMS, and its stock has been read since."""
    with_actions(scene)
    scene.place(order(1, scene.moment(), [("MUG", 5), ("LAMP", 1)]))
    scene.run("orders")
    assert act(scene, "cancel", 1, line="101", quantity="2") == ("done", "")
    return scene


def change(scene: Scene, **changes: Any) -> None:
    """Change the order in the store, so that the new version is rejected."""
    scene.to_store("orders/1", REJECTED | changes, "PATCH")
    scene.run("orders")
    assert list(scene.open_rejections("orders")) == ["1"]


def under_way(scene: Scene) -> dict[str, int]:
    """Return the units that are taken off the OMS's stock."""
    assert scene.lockstep is not None
    sync = scene.lockstep.sync(NAME, "test")
    with sync.ledger.session(NAME, "inventory") as session:
        return orders_under_way(sync, session, session.now())


@pytest.mark.parametrize(("mugs", "taken"), [(5, {}), (3, {}), (6, {"mug": 1}), (9, {"mug": 4})])
def test_units_that_an_agent_has_canceled_are_not_taken_off(
    sent: Scene, mugs: int, taken: dict[str, int]
) -> None:
    """A later version can't be sent; of it counts what the store has added since."""
    change(sent, products=[{"id": 101, "quantity": mugs}])
    assert under_way(sent) == taken


def test_of_an_order_that_an_agent_has_canceled_nothing_is_taken_off(sent: Scene) -> None:
    """The OMS holds nothing of it any more, and no one waits for it."""
    change(sent)
    assert act(sent, "cancel", 1) == ("done", "")
    assert under_way(sent) == {}
    sent.run("orders")
    assert sent.open_rejections("orders") == {}, "what could not be sent is owed no more"
    assert under_way(sent) == {}
