"""The shortest programs of the faults that were found between other pairs than the default one."""

from __future__ import annotations

import pytest

from orchestration.local.simulated import Pair, pair_named
from tests.model.operations.registry import op
from tests.model.program import run

pytestmark = pytest.mark.slow(seconds=20)

SALESFORCE = Pair("salesforce", "manhattan")


@pytest.mark.parametrize("body", ["", "{}", "null"])
def test_a_read_by_post_that_is_answered_without_content_is_repeated(world, body):
    """An empty success stood for "nothing", which no reader of this store expects."""
    script = [
        op("place", lines=[("MUG", 1)], number=1001),
        op("garble_answers", body=body, system="store", times=2),
        op("sync"),
    ]
    assert not run(world, script, SALESFORCE).problems


@pytest.mark.parametrize("pair", ["commercetools/extensiv", "salesforce/anchanto"])
@pytest.mark.parametrize("trouble", ["late", "lost"])
def test_an_order_that_is_refused_after_a_lost_request_keeps_no_request_waiting(
    world, pair, trouble
):
    """Whether the lost one had an effect was never looked at, so an agent's request waited on."""
    fault = {
        "late": op("delay_effects", seconds=20, system="oms", times=2),
        "lost": op("lose_requests", system="oms", times=2, skip=0),
    }
    script = [
        op("place_without_postcode", lines=[("MUG", 3)], number=1003),
        fault[trouble],
        op("sync"),
        op("ask_cancel_units", number=1003, place=0, units=2),
    ]
    assert not run(world, script, pair_named(pair)).problems
    doubts = "SELECT 1 FROM sync.delivery WHERE stream = 'orders' AND is_uncertain"
    assert not world.database.rows(doubts)


def test_what_the_merchant_did_to_the_product_of_an_item_stays(world):
    """An edit until the item changes, and a deletion for good."""
    script = [
        op("own_item", sku="CUP", title="Red"),
        op("own_item", sku="JUG", title="Red"),
        op("sync"),
        op("rename_product", sku="CUP", title="Blue"),
        op("drop_product", sku="JUG"),
        op("own_item", sku="JUG", title="Old"),
    ]
    for pair in ("commercetools/extensiv", "salesforce/manhattan"):
        assert not run(world, script, pair_named(pair)).problems
        names = {row["sku"]: row["name"] for row in world.ask_store("truth")["products"]}
        assert (names["CUP"], "JUG" in names) == ("Blue", False)
