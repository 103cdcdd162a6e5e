"""Each way in which an agent can ask ends alike at every OMS: done, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from orchestration.local.simulated import Pair
from resources import action_folder
from tests.assets.actions import ask as by_command
from tests.assets.actions import outcome
from tests.pairs.pair_scene import OpenPair, PairScene
from tests.pairs.test_salesforce_actions import ask as by_record
from tests.pairs.test_salesforce_actions import shown

pytestmark = pytest.mark.slow(seconds=10)

ADDRESS = {
    "street_1": "9 Elm Street",
    "city": "Dallas",
    "state": "Texas",
    "postcode": "75201",
    "country_code": "US",
}
OF_RECORD = {
    "Street__c": "9 Elm Street",
    "City__c": "Dallas",
    "State__c": "Texas",
    "Postal_Code__c": "75201",
    "Country__c": "US",
}
REFUSED = "action_not_supported"


@pytest.mark.parametrize("oms", ["manhattan", "extensiv", "anchanto"])
def test_a_reroute_ends_alike_however_it_is_asked_for(
    short_waits: None,
    open_pair: OpenPair,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    oms: str,
) -> None:
    """By a record of the store, a file and the command line, each for an order of its own."""
    monkeypatch.setattr(action_folder, "QUIET_SECONDS", 0.0)
    shop: PairScene = open_pair(Pair("salesforce", oms))
    shop.configure(actions={"folder": str(tmp_path)})
    (recorded, _), (filed, _), (commanded, third) = shop.simple(3)
    shop.run("orders")
    record = by_record(shop, recorded, "reroute", profile="operator", **OF_RECORD)
    row = {"action_id": "F1", "order": filed, "kind": "reroute", "address": ADDRESS}
    row |= {"requested_by": "agent-7", "permission_set": "operator"}
    (tmp_path / "today.jsonl").write_bytes(orjson.dumps(row))
    command = by_command(shop, "reroute", commanded, address=ADDRESS)
    for _ in range(2):
        shop.run("actions")
    found = [outcome(shop, action_id) for action_id in (record, "F1", command)]
    wanted = ("done", "") if oms == "manhattan" else ("refused", REFUSED)
    assert found == [wanted] * 3
    status, reason = shown(shop)[record]
    assert (status, REFUSED in str(reason)) == (wanted[0].capitalize(), oms != "manhattan")
    if oms == "manhattan":
        lines = shop.oms_order(str(third["id"]))["OrderLine"]
        assert {line["ShipToAddress"]["Address"]["City"] for line in lines} == {"Dallas"}
    assert shop.open_rejections("actions") == {}
