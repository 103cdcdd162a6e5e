"""The same story over every pair of a platform and an OMS, verified by what each really holds.

A pair that comes later runs it, too; what is particular to one is in the other modules here.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from orchestration.local import verify
from orchestration.local.simulated import pairs
from resources.systems import streams_carried
from sandbox.seed.load import read
from sandbox.seed.seedset import SeedSet
from tests.assets.operator import retry
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.pairs.pair_scene import OpenPair, PairScene
from tests.shared import shared_path

pytestmark = pytest.mark.slow(seconds=120)

Json = dict[str, Any]
BACK = ("inventory", "shipments")
ALL = pairs()
RETURNING = [pair for pair in ALL if "returns" in streams_carried(*pair)]


@pytest.fixture
def shop(short_waits: None, request: pytest.FixtureRequest, open_pair: OpenPair) -> PairScene:
    """Make a connection between two systems that no other test uses."""
    return open_pair(request.param)


def agreed(shop: PairScene) -> Json:
    """Check that nothing differs; return both systems' orders, to compare before and after."""
    assert {name: rows for name, rows in shop.differences().items() if rows} == {}
    return {kind: shop.truth_of(kind)["orders"] for kind in shop.pair}


def states(shop: PairScene) -> dict[str, bool]:
    """Return order number -> whether it is canceled at the OMS."""
    return {row["id"]: row["canceled"] for row in shop.truth_of(shop.pair.oms)["orders"]}


@pytest.mark.parametrize("shop", ALL, indirect=True)
def test_orders_go_out_and_stock_and_shipments_come_back(shop: PairScene) -> None:
    """Orders of every shape with dirt; whole, split and partial shipments over three days."""
    shop.fill(40, dirt=0.1)
    forward = [stream for stream in ("orders", "customers") if stream in shop.carried]
    shop.run(*forward)
    shop.run("inventory")
    before = agreed(shop)
    assert len(before[shop.pair.oms]) > 20
    for day in range(3):
        shop.day(day, split_rate=0.4, partial_rate=0.4)
        shop.run(*BACK)
        after = agreed(shop)
    parcels = [len(order["parcels"]) for order in after[shop.pair.store]]
    assert max(parcels) > 1
    assert sum(parcels) > 20

    shop.run(*forward, *BACK)
    assert agreed(shop) == after, "a rerun sends nothing twice"
    assert drifts_of(look(shop)) == [], "a reconciliation agrees"


@pytest.mark.parametrize("shop", ALL, indirect=True)
def test_a_cancellation_reaches_the_oms_while_it_can(shop: PairScene) -> None:
    """Before it went out, before the warehouse has it, after a part has shipped, and when lost."""
    [(never, first), (early, second), (late, third), (lost, fourth)] = shop.simple(4)
    shop.cancel(never)
    shop.run("orders")
    kept = {str(each["id"]): False for each in (second, third, fourth)}
    assert states(shop) == kept

    line = max(third["products"], key=lambda each: each["quantity"])
    shop.to_oms("advance", {"to": "ship", "orders": [str(third["id"])], "partial_rate": 0.0})
    shop.to_oms(f"orders/{fourth['id']}/remove", {})
    for each in (early, late, lost):
        shop.cancel(each)
    shop.run("orders")
    shop.run("shipments", "orders")
    assert states(shop) == {str(second["id"]): True, str(third["id"]): False}
    assert str(first["id"]) not in states(shop)
    assert shop.open_rejections("orders") == {late: "cancel_refused", lost: "order_gone_at_oms"}
    [shipped] = [o for o in shop.truth_of(shop.pair.oms)["orders"] if o["id"] == str(third["id"])]
    assert line["sku"] in {row["sku"] for p in shipped["parcels"] for row in p["lines"]}

    retry(shop, "orders", lost)
    shop.run("orders")
    assert shop.open_rejections("orders") == {late: "cancel_refused"}
    assert str(fourth["id"]) not in states(shop), "nothing is sent that the store has canceled"


@pytest.mark.parametrize("shop", ALL, indirect=True)
def test_lost_answers_of_either_system_double_nothing(shop: PairScene) -> None:
    """A third of the writes of each is lost, before or after its effect; the next runs find out."""
    shop.simple(6)
    rules = [
        {"kind": kind, "method": method, "probability": 0.12}
        for kind in ("drop_before", "drop_after", "malformed")
        for method in ("POST", "PUT")
    ]
    for system in shop.pair:
        shop.fault(system, *rules)
    for day in range(3):
        shop.run("orders", raise_on_error=False)
        shop.day(day)
        shop.run(*BACK, raise_on_error=False)
    for system in shop.pair:
        shop.fault(system)
    for _ in range(2):
        shop.run("orders", *BACK, raise_on_error=False)
    shop.day(9)
    shop.run("orders", *BACK)
    agreed(shop)
    assert all(order["creates"] == 1 for order in shop.truth_of(shop.pair.oms)["orders"])


@pytest.mark.parametrize("shop", RETURNING, indirect=True)
def test_a_confirmed_return_is_shown_and_refunded_once(shop: PairScene) -> None:
    """For the units that the OMS has confirmed, and for no others; by a store that pays back."""
    [(_, order)] = shop.simple(1)
    shop.run("orders")
    number, [line, *_] = str(order["id"]), order["products"]
    shop.to_oms(f"orders/{number}/ship", {"tracking": "1Z999AA10123456784"})
    shop.run("shipments")
    [held] = [o for o in shop.truth_of(shop.pair.oms)["orders"] if o["id"] == number]
    [line_id] = {row["line"] for row in held["lines"] if row["sku"] == line["sku"]}
    wanted = {"lines": [{"line": line_id, "quantity": 1}]}
    made = shop.to_oms(f"orders/{number}/returns", wanted)["return"]
    for name in ("scan", "receive", "verify"):
        assert not shop.truth_of(shop.pair.store).get("refunds")
        shop.to_oms(f"orders/{made}/{name}", {"condition": "Good"} if name == "verify" else {})
        shop.run("returns")
    shop.run("returns")
    truth = shop.truth_of(shop.pair.store)
    refunds = truth.get("refunds", [])
    assert len(refunds) == shop.pays
    assert all(0 < float(one["amount"]) < float(order["total_inc_tax"]) for one in refunds)
    # A store without refunds by line shows the units as a return.
    [shown] = [one for one in refunds if one["lines"]] or truth["returns"]
    assert [(row["sku"], row["quantity"]) for row in shown["lines"]] == [(line["sku"], 1)]
    systems = shop.systems()
    assert verify.return_differences(systems) == []
    systems.close()


INVOICES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART,6,{day} 8:26,2.55,17850,United Kingdom
536365,71053,WHITE METAL LANTERN,6,{day} 8:26,3.39,17850,United Kingdom
536366,22633,HAND WARMER,6,{day} 8:28,1.85,,France
C536379,85123A,WHITE HANGING HEART,-1,{day} 9:41,2.55,14527,United Kingdom
536380,22633,HAND WARMER,-10,{day} 9:45,1.85,17809,United Kingdom
"""


@pytest.mark.parametrize("shop", ALL, indirect=True)
def test_a_csv_of_invoices_ends_delivered_or_with_a_reason(shop: PairScene, tmp_path: Path) -> None:
    """Through each platform's sandbox: canceled ones never go out, and a bad one is rejected."""
    file = tmp_path / "invoices.csv"
    file.write_text(INVOICES.format(day=f"{shop.yesterday:%m/%d/%Y}"))
    shop.load(read(file))
    shop.run("orders")
    shop.run("inventory")  # not beside the orders: it keeps units back for those still to arrive
    outcomes, rejected = shop.outcomes("orders"), shop.open_rejections("orders")
    held = {order["id"] for order in shop.truth_of(shop.pair.oms)["orders"]}
    orders = shop.truth_of(shop.pair.store)["orders"]
    assert len(orders) == 4
    for order in orders:  # an invoice has no town, which not every OMS does without
        is_skipped = outcomes[order["id"]][0] == "skipped"
        assert (order["number"] in held) + (order["id"] in rejected) + is_skipped == 1
    assert sorted(state for state, _ in outcomes.values()) == [
        "accepted",
        "accepted",
        "rejected",
        "skipped",
    ]
    found = shop.differences()
    assert [row for row in found["orders"] if "(rejected) but not at the OMS" not in row] == []
    assert found["inventory"] == []


@pytest.fixture(scope="module")
def olist() -> SeedSet:
    """Return the first sixty orders of the public tables, with what they need."""
    seed = read(shared_path("data/olist"))
    chosen = list(islice(seed.documents(), 60))
    skus = {line["sku"] for order in chosen for line in order["products"]}
    return replace(
        seed,
        documents=lambda: iter(chosen),
        products=[row for row in seed.products if row["sku"] in skus],
        items=[row for row in seed.items if row["ItemId"] in skus],
        supply=[row for row in seed.supply if row["item"] in skus],
    )


@pytest.mark.parametrize("shop", ALL, indirect=True)
def test_real_olist_orders_go_through_every_pair(shop: PairScene, olist: SeedSet) -> None:
    """With their dirt: each is accounted for, and most arrive and are shipped."""
    now = f"{shop.moment():%a, %d %b %Y %H:%M:%S} +0000"
    moved = [order | {"date_created": now, "date_modified": now} for order in olist.documents()]
    shop.load(replace(olist, documents=lambda: iter(moved)))
    shop.run("orders", "inventory")
    shop.day(1)
    shop.run(*BACK)
    agreed(shop)
    outcomes = shop.outcomes("orders")
    assert len(outcomes) == 60
    assert [state for state, _ in outcomes.values()].count("accepted") > 50
