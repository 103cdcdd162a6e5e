"""A service agent asks in a custom field of an order, and sees there its outcome."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.identity import correlation_id
from orchestration.local.simulated import Pair
from tests.assets.scene import NAME
from tests.pairs.pair_scene import OpenPair, PairScene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
REQUEST, OUTCOME = "lockstepRequest", "lockstepOutcome"


@pytest.fixture
def shop(short_waits: None, open_pair: OpenPair) -> PairScene:
    """Make a connection between a project and Manhattan that takes requests."""
    pair = Pair("commercetools", "manhattan")
    made = open_pair(pair)
    made.configure(platform={"actions": {}})
    return made


def project_order(shop: PairScene, order_id: str) -> Json:
    """Return an order as the project holds it."""
    rows = shop._ask(f"commercetools/{shop.store}/dump/orders")
    return next(row for row in rows if row["id"] == order_id)


def ask(shop: PairScene, order_id: str, text: str) -> None:
    """Write a request into the order's field, as an agent's tool does."""
    custom = project_order(shop, order_id).get("custom") or {"type": {"typeId": "type"}}
    fields = custom.get("fields", {}) | {REQUEST: text}
    change = {"custom": custom | {"fields": fields}}
    shop._control("PATCH", f"commercetools/{shop.store}/orders/{order_id}", change)


def request(kind: str, own: str, at: str, **fields: Any) -> str:
    """Return the text of a request."""
    given = {
        "id": own,
        "kind": kind,
        "requested_by": "agent-7",
        "permission_set": "operator",
        "requested_at": at,
    }
    return orjson.dumps(given | fields).decode()


def shown(shop: PairScene, order_id: str) -> Json:
    """Return what the order's agent sees."""
    fields = project_order(shop, order_id)["custom"]["fields"]
    found: Json = orjson.loads(fields.get(OUTCOME) or "{}")
    return found


def test_an_agent_sees_what_became_of_a_request(shop: PairScene) -> None:
    """Each once, however often the order changes; a text that is not one is shown as invalid."""
    [(order, document)] = shop.simple(1)
    shop.run("orders")
    now = shop.moment(shop.today, 0).isoformat()
    ask(shop, order, request("hold", "R1", now))
    shop.run("actions")
    assert shown(shop, order) == {"id": "R1", "state": "done"}
    held = shop.oms_order(str(document["id"]))
    assert [hold["StatusId"] for hold in held["OrderHold"]] == ["1000"]
    saves = shop.oms_counts()["saves"]
    version = project_order(shop, order)["version"]
    for _ in range(2):
        shop.run("actions")
        shop.run("orders")
    assert (shop.oms_counts()["saves"], project_order(shop, order)["version"]) == (saves, version)

    ask(shop, order, request("release", "R2", now))
    shop.run("actions")
    assert shown(shop, order)["state"] == "done"
    ask(shop, order, request("release", "R3", now))
    shop.run("actions")
    assert (shown(shop, order)["id"], shown(shop, order)["code"]) == ("R3", "action_not_on_hold")
    ask(shop, order, "please hold it")
    shop.run("actions")
    assert shown(shop, order)["state"] == "invalid"
    assert list(shop.open_rejections("actions").values()) == ["payload_malformed"]


def test_an_outcome_that_meets_another_change_is_written_after_it(shop: PairScene) -> None:
    """Nothing of that change is overwritten; what the project refuses stays to be shown."""
    [(order, _)] = shop.simple(1)
    shop.run("orders")
    now = shop.moment(shop.today, 0).isoformat()
    ask(shop, order, request("hold", "R1", now))
    conflict = {
        "kind": "status",
        "status": 409,
        "path": f"orders/{order}$",
        "method": "POST",
        "times": 2,
    }
    shop.fault("commercetools", conflict)
    shop.run("actions")
    shop.fault("commercetools")
    assert shown(shop, order) == {"id": "R1", "state": "done"}
    calls = shop.sql(
        "SELECT stream, status, correlation_id FROM sync.message_log "
        "WHERE system LIKE 'commercetools%%'"
    )
    own = correlation_id(
        NAME, "action", shop.sql("SELECT action_id FROM sync.action_outcome")[0][0]
    )
    assert sorted(calls) == [("actions", status, own) for status in (200, 409, 409)]
    assert shop.sql("SELECT count(*) FROM sync.action_outcome WHERE reported_at IS NULL") == [(0,)]
