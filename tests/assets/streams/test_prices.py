"""The stream ``prices``: what the store is sent, what waits for approval, what is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assets.preview import preview
from domain.values import Window
from tests.assets.documents import SKUS
from tests.assets.prices import (
    ON,
    STREAMS,
    approve,
    live,
    price,
    run_again,
    set_prices,
    shown,
    take_up,
    writes,
)
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=40)


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """Give every item of the catalog a price of 10.00, and the connection the stream."""
    scene.configure(**ON)
    set_prices(scene, *(price(sku, 10) for sku in SKUS))
    return scene


def configure(scene: Scene, **prices: Any) -> None:
    """Change the policy of prices."""
    scene.configure(**ON, prices=prices)


def test_only_prices_that_differ_are_sent_and_a_rerun_sends_nothing(shop: Scene) -> None:
    """Of a product, of variants, a sale and its end."""
    set_prices(shop, price("MUG", "9.50"), price("SHIRT-S", 12, 11), price("LAMP", 10, 8.25))
    live(shop)

    assert shown(shop) | {"EBOOK-CASE": "", "STORE-ONLY": ""} == {
        "MUG": "9.5",
        "LAMP": "10 8.25",
        "TENT": "10",
        "SHIRT-S": "12 11",
        "SHIRT-M": "10",
        "EBOOK-CASE": "",
        "STORE-ONLY": "",
    }
    assert writes(shop) == 3
    shop.run("prices", first=shop.today)
    live(shop)
    assert writes(shop) == 3
    set_prices(shop, price("LAMP", 10), price("SHIRT-S", 12))
    live(shop)
    assert shown(shop)["LAMP"] == "10"
    assert shown(shop)["SHIRT-S"] == "12"
    assert {state for *_, state, _ in shop.deliveries("prices")} == {"delivered"}
    assert shop.sql("SELECT count(*) FROM history.prices")[0][0] == 7


def test_a_change_beyond_the_limit_waits_for_approval_and_is_sent_once(shop: Scene) -> None:
    """A retry without a reason approves nothing, and an approval no later price."""
    live(shop)
    set_prices(shop, price("MUG", 100), price("LAMP", 10, 2), price("TENT", 14))
    live(shop)

    assert shop.open_rejections("prices") == {
        "MUG@/USD": "price_change_large",
        "LAMP@/USD": "price_change_large",
    }
    assert (shown(shop)["MUG"], shown(shop)["LAMP"], shown(shop)["TENT"]) == ("10", "10", "14")
    approve(shop, reason="")
    assert shown(shop)["MUG"] == "10"
    set_prices(shop, price("LAMP", 10, "0.50"))
    approve(shop)
    assert (shown(shop)["MUG"], shown(shop)["LAMP"]) == ("100", "10 2")
    assert shop.open_rejections("prices") == {}
    sent = writes(shop)
    run_again(shop)
    assert writes(shop) == sent
    live(shop)
    assert shop.open_rejections("prices") == {"LAMP@/USD": "price_change_large"}
    assert shown(shop)["LAMP"] == "10 2"


def test_a_newer_price_replaces_what_is_held_and_a_discarded_one_stays_out(shop: Scene) -> None:
    """Whatever the policy becomes: what an operator has discarded is not sent."""
    set_prices(shop, price("MUG", 1000), price("LAMP", 1000))
    live(shop)
    assert len(shop.open_rejections("prices")) == 2
    set_prices(shop, price("MUG", 11))
    live(shop)
    assert shop.open_rejections("prices") == {"LAMP@/USD": "price_change_large"}
    assert shown(shop)["MUG"] == "11"

    shop.sql_write("UPDATE sync.rejection SET state = 'discarded' WHERE stream = 'prices'")
    configure(shop, max_change=None)
    take_up(shop)
    assert shown(shop)["LAMP"] == "10"
    set_prices(shop, price("LAMP", 1001))
    live(shop)
    assert shown(shop)["LAMP"] == "1001"


def test_a_price_that_was_discarded_before_it_had_a_place_stays_out(shop: Scene) -> None:
    """Another policy would let it in; only another price of the OMS is another matter."""
    configure(shop, only=["EUR"])
    set_prices(shop, price("MUG", 12), price("LAMP", 12))
    shop.run("prices", first=shop.today, raise_on_error=False)
    refused = shop.open_rejections("prices")
    assert (refused["MUG@/USD"], refused["LAMP@/USD"]) == ("price_currency_refused",) * 2
    shop.sql_write(
        "UPDATE sync.rejection SET state = 'discarded', closed_at = now() "
        "WHERE source_id = 'LAMP@/USD'"
    )
    configure(shop, only=["EUR", "USD"])
    live(shop)
    shop.run("prices", first=shop.today)
    assert (shown(shop)["MUG"], shown(shop)["LAMP"]) == ("12", "10")
    assert shop.open_rejections("prices") == {}
    set_prices(shop, price("LAMP", 13))
    live(shop)
    assert shown(shop)["LAMP"] == "13"


def test_what_no_store_should_show_is_rejected_with_its_reason(shop: Scene) -> None:
    """Zero, negative, a sale above the regular price, cents that a currency lacks, no number."""
    set_prices(
        shop,
        price("MUG", 0),
        price("LAMP", -5),
        price("TENT", 10, 12),
        price("SHIRT-S", "10.001"),
        price("SHIRT-M", "ten"),
    )
    shop.run("prices", first=shop.today, raise_on_error=False)
    assert shop.open_rejections("prices") == {
        "MUG@/USD": "price_not_positive",
        "LAMP@/USD": "price_not_positive",
        "TENT@/USD": "sale_above_regular",
        "SHIRT-S@/USD": "price_not_in_minor_units",
        "SHIRT-M@/USD": "oms_payload_unreadable",
    }
    assert writes(shop) == 0


def test_a_currency_that_the_list_is_not_in_is_refused(shop: Scene) -> None:
    """The catalog has the store's currency; a price without one needs a setting."""
    rows = [price("MUG", 11, CurrencyCode="EUR"), price("LAMP", 12)]
    del rows[1]["CurrencyCode"]
    set_prices(shop, *({"ItemId": sku, "CurrencyCode": "USD"} for sku in ("MUG", "LAMP")), *rows)
    live(shop)
    assert shop.open_rejections("prices") == {
        "MUG@/EUR": "price_currency_of_list",
        "LAMP@": "price_currency_missing",
    }
    configure(shop, currency="USD", only=["USD"])
    live(shop)
    assert shown(shop)["LAMP"] == "12"
    assert shop.open_rejections("prices")["MUG@/EUR"] == "price_currency_of_list"


def test_price_lists_get_their_own_prices_in_their_currencies(shop: Scene) -> None:
    """A first price of a list waits, unless the policy sends it; other lists are skipped."""
    shop.to_store("pricelists", [{"id": 3, "name": "Wholesale"}])
    names = {"price_list": "PriceListId"}
    lists = {"WHOLESALE": "3", "GONE": "77"}
    rows = [
        price("MUG", 7, PriceListId="WHOLESALE"),
        price("MUG", 6, CurrencyCode="EUR", PriceListId="WHOLESALE"),
        price("SHIRT-S", 6, 5, PriceListId="WHOLESALE"),
        price("LAMP", 6, PriceListId="GONE"),
        price("LAMP", 6, PriceListId="OTHER"),
    ]
    set_prices(shop, *rows)
    shop.configure(**ON, prices={"lists": lists}, oms={"names": names})
    live(shop)
    assert shown(shop, "3") == {}
    assert shop.open_rejections("prices") == {
        "MUG@WHOLESALE/USD": "price_first",
        "MUG@WHOLESALE/EUR": "price_first",
        "SHIRT-S@WHOLESALE/USD": "price_first",
        "LAMP@GONE/USD": "price_list_unknown",
    }
    policy = {"lists": lists, "first_price": "send"}
    shop.configure(**ON, prices=policy, oms={"names": names})
    take_up(shop)
    [truth] = shop._ask(f"bigcommerce/{shop.store}/truth")
    records = [
        (p["sku"], p["currency"], p["regular"], p["sale"])
        for p in truth["prices"]
        if p["price_list"]
    ]
    assert sorted(records) == [
        ("MUG", "EUR", "6", ""),
        ("MUG", "USD", "7", ""),
        ("SHIRT-S", "USD", "6", "5"),
    ]
    assert shop.outcomes("prices")["LAMP@OTHER/USD"] == ("accepted", "unchanged")
    sent = writes(shop)
    set_prices(shop, price("SHIRT-S", 6, PriceListId="WHOLESALE"))
    live(shop)
    assert shop.store_counts()["price_writes"] == sent + 1
    [truth] = shop._ask(f"bigcommerce/{shop.store}/truth")
    assert [p["sale"] for p in truth["prices"] if p["price_list"] == "3"] == ["", "", ""]


def test_a_price_set_by_hand_is_compared_before_it_is_overwritten(shop: Scene) -> None:
    """The guard compares with what shoppers see, not with what was sent."""
    live(shop)
    shop.to_store("prices", [{"sku": "MUG", "price": 50}])
    set_prices(shop, price("MUG", 11))
    live(shop)
    assert shop.open_rejections("prices") == {"MUG@/USD": "price_change_large"}
    shop.to_store("prices", [{"sku": "MUG", "price": 12}])
    run_again(shop)
    assert shown(shop)["MUG"] == "11"
    assert shop.open_rejections("prices") == {}
    shop.to_store("prices", [{"sku": "MUG", "price": 12}])
    set_prices(shop, price("MUG", 12))
    sent = writes(shop)
    live(shop)
    assert writes(shop) == sent, "the store shows it already"
    set_prices(shop, price("MUG", 11))
    live(shop)
    assert shown(shop)["MUG"] == "11", "what was last sent is not what the store shows"


def test_items_that_join_the_catalog_and_periods_that_begin_are_due(shop: Scene) -> None:
    """Without a change at the OMS."""
    now = datetime.now(UTC)
    soon = (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    set_prices(shop, price("NEW", 11), price("MUG", 12, EffectiveDate=soon))
    names = {"price_from": "EffectiveDate"}
    shop.configure(**ON, oms={"names": names})
    live(shop)
    assert shown(shop)["MUG"] == "10"
    shop.to_store("catalog", [{"id": 301, "sku": "NEW", "price": "10.00"}])
    live(shop)
    assert shown(shop)["NEW"] == "11"
    assert shown(shop)["MUG"] == "10"
    shop.to_store("catalog/301", None, "DELETE")
    shop.to_store("catalog", [{"id": 303, "sku": "NEW", "price": "10.00"}])
    live(shop)
    assert shown(shop)["NEW"] == "11", "the product was made anew"

    shop.sql_write("UPDATE sync.newest_price SET changes_at = now() - interval '1 second'")
    assert take_up(shop) > 0
    assert shown(shop)["MUG"] == "10", "its period has not started"
    since = (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    set_prices(shop, price("MUG", 12, EffectiveDate=since))
    live(shop)
    assert shown(shop)["MUG"] == "12"


def test_two_prices_for_one_item_are_sent_neither_until_one_is_gone(shop: Scene) -> None:
    """The OMS may spell a SKU in two ways, of which the store has one."""
    live(shop)
    shop.to_store("catalog", [{"id": 302, "sku": "mug ", "price": "10.00"}])
    shop.sql_write(
        "INSERT INTO sync.newest_price (connection, source_id, sku_key, source_day, capture_id,"
        " target_key, item) SELECT connection, 'Mug@/USD', sku_key, source_day,"
        " gen_random_uuid(), target_key, item FROM sync.newest_price WHERE source_id = 'MUG@/USD'"
    )
    set_prices(shop, price("MUG", 11))
    shop.run("prices", first=shop.today, steps=["captured", "validated"])
    shop.sql_write("UPDATE sync.newest_price SET gone = false")
    shop.run("prices", first=shop.today, steps=["delivered"])
    assert shop.open_rejections("prices") == {"MUG@/USD": "price_ambiguous"}
    shop.sql_write("UPDATE sync.newest_price SET gone = false")
    live(shop)
    assert shop.open_rejections("prices") == {}
    assert shown(shop)["MUG"] == "11"


def test_a_lost_answer_and_a_late_request_leave_the_newest_price(shop: Scene) -> None:
    """An answer that is lost after the effect, and a request before it; then a newer price."""
    live(shop)
    for number, kind in ((11, "drop_after"), (12, "drop_before")):
        set_prices(shop, price("MUG", number))
        shop.fault("bigcommerce", {"method": "PUT", "path": "catalog/products", "kind": kind})
        shop.run("prices", first=shop.today, raise_on_error=False)
        assert shop.deliveries("prices")[-1][2] in ("in_flight", "failed")
        shop.fault("bigcommerce")
        run_again(shop)
        assert shown(shop)["MUG"] == str(number)
        assert shop.open_rejections("prices") == {}
    set_prices(shop, price("MUG", 13))
    shop.fault("bigcommerce", {"method": "PUT", "path": "catalog/products", "kind": "drop_before"})
    shop.run("prices", first=shop.today, raise_on_error=False)
    shop.fault("bigcommerce")
    set_prices(shop, price("MUG", 14))
    live(shop)
    assert shown(shop)["MUG"] == "14"
    assert all(state != "in_flight" for *_, state, _ in shop.deliveries("prices"))


def test_what_is_held_and_belongs_nowhere_any_more_waits_no_longer(shop: Scene) -> None:
    """Its list is not mapped any more: nothing is left to approve."""
    shop.to_store("pricelists", [{"id": 3}])
    names = {"price_list": "PriceListId"}
    set_prices(shop, price("MUG", 7, PriceListId="B2B"))
    shop.configure(**ON, prices={"lists": {"B2B": "3"}}, oms={"names": names})
    live(shop)
    assert shop.open_rejections("prices") == {"MUG@B2B/USD": "price_first"}
    shop.configure(**ON, oms={"names": names})
    take_up(shop)
    assert shop.open_rejections("prices") == {}
    assert shop.outcomes("prices")["MUG@B2B/USD"] == ("accepted", "unchanged")
    assert shown(shop, "3") == {}


def test_a_restored_ledger_sends_no_price_again(shop: Scene) -> None:
    """It reads what the store shows, and finds it right."""
    set_prices(shop, price("MUG", 11))
    live(shop)
    sent = writes(shop)
    for table in ("delivery", "target_state", "newest_price"):
        shop.sql_write(f"DELETE FROM sync.{table} WHERE TRUE")  # noqa: S608
    shop.sql_write("UPDATE sync.record SET outcome = NULL WHERE stream = 'prices'")
    run_again(shop)
    assert writes(shop) == sent
    assert shown(shop)["MUG"] == "11"


def test_prices_alone_read_the_catalog_and_preview_what_they_would_send(scene: Scene) -> None:
    """Without the stream of stock, whose read of the catalog is the prices' own."""
    scene.configure(streams=("orders", "shipments", "prices"))
    set_prices(scene, price("MUG", 11), price("LAMP", 10), price("TENT", 900), price("SHIRT-S", 0))
    assert scene.lockstep is not None
    sync = scene.lockstep.sync(NAME, "test")
    now = datetime.now(UTC)
    found = {s.record: s.outcome for s in preview(sync, "prices", Window(now, now))}
    assert found == {
        "MUG@/USD": "send",
        "LAMP@/USD": "unchanged",
        "TENT@/USD": "rejected",
        "SHIRT-S@/USD": "rejected",
    }
    assert writes(scene) == 0
    scene.to_store("catalog", [{"id": 209, "sku": "x" * 300, "price": "10.00"}])
    live(scene)
    assert shown(scene)["MUG"] == "11"
    assert scene.open_rejections("prices").pop("product 209") == "catalog_item_unusable"
    scene.configure(streams=STREAMS)
    scene.run("inventory", first=scene.today)
    assert scene.open_rejections("inventory") == {"product 209": "catalog_item_unusable"}


@pytest.mark.parametrize("by", ["inventory", "prices"])
def test_variants_whose_stock_is_the_products_have_prices_of_their_own(
    shop: Scene, by: str
) -> None:
    """Whichever stream reads the catalog; a price of the product's SKU changes no variant."""
    shop.configure(
        streams=STREAMS if by == "inventory" else ("orders", "shipments", "prices"),
        inventory={"catalog_ttl": "PT0S"},
    )
    shirt = {
        "id": 204,
        "sku": "SHIRT",
        "price": "10.00",
        "inventory_tracking": "product",
        "variants": [{"id": 2041, "sku": "SHIRT-S"}, {"id": 2042, "sku": "SHIRT-M"}],
    }
    shop.to_store("catalog", [shirt])
    set_prices(shop, price("SHIRT", 13), price("SHIRT-S", 12))
    shop.run(by, first=shop.today)
    live(shop)
    assert shop.open_rejections("prices") == {"SHIRT@/USD": "price_needs_variant"}
    assert shop.open_rejections("inventory") == {}
    assert (shown(shop)["SHIRT-S"], shown(shop)["SHIRT-M"]) == ("12", "10")
    with shop.lockstep.sync(NAME, "look").ledger.session(NAME, "inventory") as session:
        assert "SHIRT-S" not in session.catalog.tracked_skus()
        assert "SHIRT-S" not in session.catalog.store_items(["SHIRT", "SHIRT-S"])
        assert "SHIRT-S" not in session.catalog.store_skus("", 1_000)
    shop.to_store("catalog", [shirt | {"inventory_tracking": "variant"}])
    set_prices(shop, price("SHIRT-M", 11))
    shop.run(by, first=shop.today)
    live(shop)
    assert shown(shop)["SHIRT-M"] == "11"


def test_prices_of_a_list_go_out_by_themselves_once_the_store_has_it(shop: Scene) -> None:
    """All of them, and none before; a list that is still missing keeps its own out."""
    lists = {"WHOLESALE": "3", "GONE": "77"}
    rows = [price(sku, 7, PriceListId="WHOLESALE") for sku in ("MUG", "SHIRT-S")]
    set_prices(shop, *rows, price("LAMP", 6, PriceListId="GONE"))
    policy = {"lists": lists, "first_price": "send"}
    shop.configure(**ON, prices=policy, oms={"names": {"price_list": "PriceListId"}})
    live(shop)
    unknown = dict.fromkeys(
        ("MUG@WHOLESALE/USD", "SHIRT-S@WHOLESALE/USD", "LAMP@GONE/USD"), "price_list_unknown"
    )
    assert shop.open_rejections("prices") == unknown
    live(shop)
    take_up(shop)
    assert shop.open_rejections("prices") == unknown
    shop.to_store("pricelists", [{"id": 3, "name": "Wholesale"}])
    shop.fault("bigcommerce", {"path": "/v3/pricelists", "kind": "status", "status": 503})
    live(shop)
    take_up(shop)
    assert shop.open_rejections("prices") == unknown, "the store can't be asked"
    shop.fault("bigcommerce")
    live(shop)
    take_up(shop)
    assert shop.open_rejections("prices") == {"LAMP@GONE/USD": "price_list_unknown"}
    [truth] = shop._ask(f"bigcommerce/{shop.store}/truth")
    assert {p["sku"]: p["regular"] for p in truth["prices"] if p["price_list"]} == {
        "MUG": "7",
        "SHIRT-S": "7",
    }


def test_a_price_is_converted_to_the_stores_unit(scene: Scene) -> None:
    """The OMS asks 1.00 for one unit, and the store sells cases; orders are converted likewise."""
    rules = {"MUG": {"uom": "EA", "factor": 12}, "LAMP": {"uom": "EA", "factor": "0.5"}}
    orders = scene.installation.connections[NAME].orders.model_dump(mode="json")
    scene.configure(**ON, prices={"max_change": None}, orders=orders | {"uom_rules": rules})
    set_prices(scene, price("MUG", "1.00", "0.95"), price("LAMP", "9.99"), price("TENT", 12))
    live(scene)
    assert (shown(scene)["MUG"], shown(scene)["TENT"]) == ("12 11.4", "12")
    assert shown(scene)["LAMP"] == "10"
    assert scene.open_rejections("prices") == {"LAMP@/USD": "price_not_in_minor_units"}
    rules = {"MUG": {"uom": "EA", "factor": 6}}
    scene.configure(**ON, prices={"max_change": None}, orders=orders | {"uom_rules": rules})
    take_up(scene)
    assert (shown(scene)["MUG"], shown(scene)["LAMP"]) == ("6 5.7", "9.99")
    assert scene.open_rejections("prices") == {}
