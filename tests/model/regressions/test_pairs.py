"""The shortest programs of the faults that were found between other pairs than the default one."""

from __future__ import annotations

import pytest

from orchestration.local.simulated import Pair
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
    for pair in (Pair("commercetools", "extensiv"), SALESFORCE):
        assert not run(world, script, pair).problems
        names = {row["sku"]: row["name"] for row in world.ask_store("truth")["products"]}
        assert (names["CUP"], "JUG" in names) == ("Blue", False)


@pytest.mark.parametrize("oms", ["manhattan", "extensiv"])
def test_a_first_item_is_written_over_an_edit_where_each_variant_is_a_product(world, oms):
    """Salesforce's variants are products, whose titles follow the items like all others."""
    script = [
        op("list_title", sku="SHIRT-S", title="Red"),
        op("own_item", sku="JUG", title="Old"),
    ]
    assert not run(world, script, Pair("salesforce", oms)).problems


@pytest.mark.parametrize("place", [0, 1])
def test_a_line_that_the_oms_has_canceled_stays_so_through_a_frozen_writer(world, place):
    """Its units are for sale again, whichever process had the last word about the order."""
    script = [
        op("place", lines=[("LAMP", 4), ("SHIRT-S", 1), ("MUG", 2)], number=1001),
        op("sync"),
        op("cancel_line_at_oms", number=1001, place=place),
        op("freeze_over_answers", number=1001),
    ]
    assert not run(world, script, SALESFORCE).problems
