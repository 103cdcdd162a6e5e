"""BigCommerce and Extensiv, end to end in one process: orders, stock, shipments, cancellations."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from assets.reconciliation.run import Request, reconcile
from assets.streams.shipments import acknowledged as shipments_acknowledged
from resources.ledger.monitoring.activation import pause
from resources.ledger.rejections import operator_actions
from resources.ledger.rejections.work_queue import RejectionFilter
from resources.platforms.bigcommerce.statuses import STATUSES
from tests.assets.documents import DEPOT, address, order, total_of
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.assets.scene import NAME
from tests.pairs.extensiv_scene import ExtensivScene

pytestmark = pytest.mark.slow(seconds=35)

CREATE = "/cart/orders/cartrover"


def test_orders_go_out_once_with_lines_and_totals(extensiv: ExtensivScene) -> None:
    """A rerun of all chains changes nothing at either system."""
    placed = extensiv.place_many(range(1, 6))
    extensiv.run("orders")
    held = extensiv.truth()
    assert sorted(held) == ["1", "2", "3", "4", "5"]
    for document in placed:
        at_oms = held[str(document["id"])]
        assert Decimal(str(at_oms["total"])) == total_of(document)
        assert {(row["line"], row["sku"], row["quantity"]) for row in at_oms["lines"]} == {
            (str(entry["id"]), entry["sku"], entry["quantity"]) for entry in document["products"]
        }
    assert extensiv.view("1")["ship_country"] == "USA"
    assert extensiv.outcomes("orders") == {str(n): ("accepted", "delivered") for n in range(1, 6)}

    before = extensiv.effects()
    extensiv.run("orders", "shipments")
    assert extensiv.effects() == before


def test_only_orders_in_accepted_statuses_go_out(extensiv: ExtensivScene) -> None:
    """By default only those that await fulfilment; any other of the store's by configuration."""
    noon = extensiv.moment()
    extensiv.place(*(order(100 + number, noon, status_id=number) for number in STATUSES))
    extensiv.run("orders")
    assert sorted(extensiv.truth()) == ["111"]
    names = {status.name: number for number, status in STATUSES.items()}
    more = ("Pending", "Awaiting Payment", "Awaiting Pickup", "Awaiting Fulfillment", "Disputed")
    extensiv.configure(orders={"export_statuses": [names[name] for name in more]})
    extensiv.run("orders")
    assert sorted(extensiv.truth()) == sorted(str(100 + names[name]) for name in more)


def test_every_call_is_logged_with_the_accounts_own_id(extensiv: ExtensivScene) -> None:
    """The vendor's support asks for it, of refusals too."""
    extensiv.place_many([1])
    extensiv.run("orders")
    extensiv.to_oms("advance", {"to": "wms"})
    extensiv.to_store("orders/1/status", {"status_id": 5})
    extensiv.run("orders")
    rows = extensiv.sql("SELECT endpoint, trace_id FROM sync.message_log WHERE system = 'extensiv'")
    assert {endpoint.split("/")[3] for endpoint, _ in rows} >= {"cartrover", "wms_cancel"}
    assert all(trace.startswith(extensiv.store) for _, trace in rows), rows


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "malformed", "truncated"])
def test_an_order_whose_answers_are_lost_is_created_once(
    extensiv: ExtensivScene, kind: str
) -> None:
    """However many times it was asked for; the next run finds its outcome."""
    extensiv.place_many([1, 2])
    extensiv.fault("extensiv", {"kind": kind, "path": CREATE})
    extensiv.run("orders", raise_on_error=False)
    extensiv.fault("extensiv")
    extensiv.run("orders")
    held = extensiv.truth()
    assert {number: row["creates"] for number, row in held.items()} == {"1": 1, "2": 1}
    assert extensiv.outcomes("orders") == dict.fromkeys(("1", "2"), ("accepted", "delivered"))
    assert extensiv.open_rejections("orders") == {}


def test_an_order_of_the_program_before_is_taken_over_and_canceled(
    extensiv: ExtensivScene,
) -> None:
    """A new connection finds it as the store has it; another is canceled in the store by then."""
    extensiv.place_many([1, 2])
    extensiv.run("orders")
    tables = ("capture", "unvalidated", "record", "order_header", "order_line")
    for table in (*tables, "delivery", "target_state", "link"):
        extensiv.sql_write(f"TRUNCATE sync.{table}")
    extensiv.sql_write("UPDATE sync.activation SET started_at = now()")
    extensiv.to_store("orders/2/status", {"status_id": 5})

    extensiv.run("orders")

    assert extensiv.outcomes("orders") == {
        "1": ("accepted", "unchanged"), "2": ("accepted", "delivered")
    }  # fmt: skip
    assert extensiv.deliveries("orders") == [("2", "cancel", "delivered", 1)]


def test_another_order_of_the_same_id_is_not_taken_for_success(extensiv: ExtensivScene) -> None:
    """The rejection names the field; the order of the other is left as it is."""
    extensiv.place_many([1])
    extensiv.run("orders", steps=["captured", "validated"])
    other = {
        "cust_ref": "1",
        "ship_first_name": "Else",
        "ship_address_1": "9 Else Street",
        "ship_city": "Dallas",
        "ship_state": "TX",
        "ship_zip": "75001",
        "ship_country": "USA",
        "items": [{"line_item_id": "101", "item": "MUG", "quantity": 7}],
    }
    extensiv.to_oms("place", [other])
    extensiv.run("orders")
    assert extensiv.open_rejections("orders") == {"1": "order_exists_differently"}
    [(problems,)] = extensiv.sql("SELECT problems FROM sync.rejection")
    assert "items[101].quantity" in {problem["field"] for problem in problems}
    assert extensiv.truth()["1"]["lines"][0]["quantity"] == 7


def test_a_change_of_an_order_is_a_rejection_that_names_the_fields(
    extensiv: ExtensivScene,
) -> None:
    """Nothing is sent; once the change is taken back, the rejection ends."""
    extensiv.place_many([1])
    extensiv.run("orders")
    creates = extensiv.oms_counts()["requests"]
    extensiv.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    extensiv.run("orders")
    assert extensiv.open_rejections("orders") == {"1": "order_not_changeable"}
    assert extensiv.oms_counts()["requests"]["create"] == creates["create"]
    extensiv.to_store("orders/1", {"customer_message": ""}, "PATCH")
    extensiv.run("orders")
    assert extensiv.open_rejections("orders") == {}
    assert extensiv.outcomes("orders")["1"] == ("accepted", "unchanged")


def test_a_discarded_change_comes_back_only_with_another_one(extensiv: ExtensivScene) -> None:
    """It was made at the account by hand, which the next version without a change leaves so."""
    extensiv.place_many([1])
    extensiv.run("orders")
    extensiv.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    extensiv.run("orders")
    found = operator_actions.chosen(extensiv._db(), RejectionFilter())
    operator_actions.discard(extensiv._db(), found, "ann", "changed by hand")
    extensiv.to_store("orders/1", {"external_source": "phone"}, "PATCH")
    extensiv.run("orders")
    assert extensiv.open_rejections("orders") == {}
    extensiv.to_store("orders/1", {"customer_message": "Ring thrice"}, "PATCH")
    extensiv.run("orders")
    assert extensiv.open_rejections("orders") == {"1": "order_not_changeable"}


def test_a_discarded_change_that_the_store_takes_back_is_reported(
    extensiv: ExtensivScene,
) -> None:
    """The account may have it by hand, and would keep it: a person has to look, once."""
    extensiv.place_many([1])
    extensiv.run("orders")
    mugs = {"products": [{"id": 101, "quantity": 5}]}
    extensiv.to_store("orders/1", mugs, "PATCH")
    extensiv.run("orders")
    found = operator_actions.chosen(extensiv._db(), RejectionFilter())
    operator_actions.discard(extensiv._db(), found, "ann", "changed by hand")
    extensiv.to_store("orders/1", {"products": [{"id": 101, "quantity": 2}]}, "PATCH")
    extensiv.run("orders")
    query = "SELECT code, message FROM sync.rejection WHERE state = 'open'"
    [(code, message)] = extensiv.sql(query)
    assert code == "order_not_changeable"
    assert "by hand" in message
    assert "MUG 2 instead of 5" in message
    found = operator_actions.chosen(extensiv._db(), RejectionFilter())
    operator_actions.discard(extensiv._db(), found, "ann", "changed back by hand")
    extensiv.to_store("orders/1", {"external_source": "phone"}, "PATCH")
    extensiv.run("orders")
    assert extensiv.open_rejections("orders") == {}


@pytest.mark.parametrize("maps", [False, True], ids=["unmapped", "mapped since"])
def test_a_discarded_version_that_could_not_be_sent_is_one_that_may_be_at_the_account(
    extensiv: ExtensivScene, maps: bool
) -> None:
    """Whatever it was rejected for; a person has to look once the store takes its change back."""
    codes = {"shipping_methods": {"Ground": "Ground"}, "default_shipping_method": None}
    extensiv.configure(orders=codes)
    extensiv.place_many([1])
    extensiv.run("orders")
    by_boat = {"shipping_addresses": [{"id": 100, "shipping_method": "Slow boat"}]}
    extensiv.to_store("orders/1", by_boat, "PATCH")
    extensiv.run("orders")
    assert extensiv.open_rejections("orders") == {"1": "shipping_method_unknown"}
    found = operator_actions.chosen(extensiv._db(), RejectionFilter())
    operator_actions.discard(extensiv._db(), found, "ann", "changed by hand")
    if maps:
        extensiv.configure(orders=codes | {"shipping_methods": {"Ground": "G", "Slow boat": "B"}})
        extensiv.to_store("orders/1", {"external_source": "phone"}, "PATCH")
        extensiv.run("orders")
        assert extensiv.open_rejections("orders") == {}, "an operator has decided on this change"
        extensiv.configure(orders=codes)
    by_land = {"shipping_addresses": [{"id": 100, "shipping_method": "Ground"}]}
    extensiv.to_store("orders/1", by_land, "PATCH")
    extensiv.run("orders")
    query = "SELECT code, message FROM sync.rejection WHERE state = 'open'"
    [(code, message)] = extensiv.sql(query)
    assert (code, "by hand" in message) == ("order_not_changeable", True)
    found = operator_actions.chosen(extensiv._db(), RejectionFilter())
    operator_actions.discard(extensiv._db(), found, "ann", "changed back by hand")
    extensiv.to_store("orders/1", {"external_source": "web"}, "PATCH")
    extensiv.run("orders")
    assert extensiv.open_rejections("orders") == {}


def test_a_changed_setting_rejects_no_order_that_the_account_has(extensiv: ExtensivScene) -> None:
    """The store has not changed it; a change of the store still is a rejection."""
    extensiv.place_many([1, 2])
    extensiv.run("orders")
    extensiv.configure(orders={"shipping_methods": {"Ground": "Express"}})
    extensiv.to_store("orders/2", {"customer_message": "Ring twice"}, "PATCH")
    extensiv.run("orders")
    assert extensiv.open_rejections("orders") == {"2": "order_not_changeable"}
    assert extensiv.outcomes("orders")["1"] == ("accepted", "unchanged")
    query = "SELECT DISTINCT source_id, code FROM history.warnings WHERE code LIKE 'sent%%'"
    assert extensiv.sql(query) == [("1", "sent_by_former_rules")]
    assert extensiv.lockstep is not None
    request = Request(extensiv.yesterday, ("orders",), confirm_seconds=0)
    reconcile(extensiv.lockstep.sync(NAME, "test"), request)
    assert extensiv.sql("SELECT source_id FROM sync.drift WHERE source_id = '1'") == []
    extensiv.to_store("orders/2", {"customer_message": ""}, "PATCH")
    extensiv.run("orders")
    assert extensiv.open_rejections("orders") == {}


def test_what_the_account_has_no_place_for_is_a_rejection(extensiv: ExtensivScene) -> None:
    """Each for its own reason; the good order of the batch is delivered."""
    noon = extensiv.moment()
    two = [address(200), address(201, street_1="9 Else Street")]
    split = order(2, noon, shipping_addresses=two)
    split["products"][0]["order_address_id"] = 200
    split["products"][1]["order_address_id"] = 201
    extensiv.place(order(1, noon), split, order(3, noon, status_id=12))
    extensiv.configure(orders={"hold_statuses": {12: "Review"}})
    extensiv.run("orders")
    assert list(extensiv.truth()) == ["1"]
    assert extensiv.open_rejections("orders") == {
        "2": "several_addresses",
        "3": "hold_not_supported",
    }


def test_shipments_come_by_carton_with_late_and_corrected_tracking(
    extensiv: ExtensivScene,
) -> None:
    """Partial, then whole; a number that comes later or is corrected stays its shipment's."""
    extensiv.place_many([1])
    extensiv.run("orders")
    extensiv.to_oms("orders/1/ship", {"lines": [{"sku": "MUG", "quantity": 1}], "labelled": False})
    extensiv.run("shipments")
    [(first, (number, units))] = extensiv.shipped(1).items()
    assert (number, units, extensiv.status(1)) == ("", {101: 1}, 3)

    extensiv.to_oms("orders/1/track", {"tracking": "1Z5R89390357567127"})
    extensiv.to_oms("orders/1/ship", {})
    extensiv.run("shipments")
    held = extensiv.shipped(1)
    assert held[first] == ("1Z5R89390357567127", {101: 1})
    assert len(held) == 2
    assert sorted(u for _, units in held.values() for u in units.values()) == [1, 1, 1]
    assert extensiv.status(1) == 2

    extensiv.to_oms("orders/1/track", {"shipment": 0, "tracking": "1Z8W4R260373687877"})
    extensiv.run("shipments")
    assert extensiv.shipped(1)[first][0] == "1Z8W4R260373687877"
    before = extensiv.effects()
    extensiv.run("orders", "shipments")
    assert extensiv.effects() == before


def test_a_carton_that_gets_more_units_loses_none(extensiv: ExtensivScene) -> None:
    """What the store's shipment lacks becomes another one."""
    extensiv.place_many([1])
    extensiv.run("orders")
    extensiv.to_oms("orders/1/ship", {"lines": [{"sku": "MUG", "quantity": 1}]})
    extensiv.run("shipments")
    extensiv.to_oms("orders/1/grow", {"sku": "MUG", "quantity": 1})
    extensiv.run("shipments")
    assert sum(sum(units.values()) for _, units in extensiv.shipped(1).values()) == 2


def test_an_error_and_a_hold_are_rejections_with_the_accounts_reason(
    extensiv: ExtensivScene,
) -> None:
    """Without the customer's data; it ends when the order moves on."""
    extensiv.place_many([1])
    extensiv.run("orders")
    reason = "Address of Jane Doe, 123 Main Street can't be verified"
    extensiv.to_oms("orders/1/error", {"reason": reason})
    extensiv.run("shipments")
    assert extensiv.open_rejections("shipments") == {"1": "order_held_at_oms"}
    [(message,)] = extensiv.sql("SELECT message FROM sync.rejection")
    assert "can't be verified" in message
    assert "Main Street" not in message
    extensiv.to_oms("advance", {"to": "ship", "split_rate": 0, "partial_rate": 0})
    extensiv.run("shipments")
    assert extensiv.open_rejections("shipments") == {}
    assert extensiv.status(1) == 2


def test_a_cancellation_depends_on_where_the_order_is(extensiv: ExtensivScene) -> None:
    """Before the warehouse, at the warehouse, and too late: that one is a rejection."""
    extensiv.place_many([1, 2, 3])
    extensiv.run("orders")
    extensiv.to_oms("advance", {"to": "wms", "orders": ["2", "3"]})
    extensiv.to_oms("orders/3/ship", {"lines": [{"sku": "MUG", "quantity": 2}]})
    for number in (1, 2, 3):
        extensiv.to_store(f"orders/{number}/status", {"status_id": 5})
    extensiv.run("orders")
    extensiv.run("orders")
    states = {number: row["canceled"] for number, row in extensiv.truth().items()}
    assert states == {"1": True, "2": True, "3": False}
    assert extensiv.open_rejections("orders") == {"3": "cancel_refused"}
    assert extensiv.oms_counts()["cancels"] == 2


@pytest.mark.parametrize("accepted", [True, False])
def test_a_warehouses_late_answer_is_recorded(extensiv: ExtensivScene, accepted: bool) -> None:
    """The request stays open until the order shows that it was canceled."""
    extensiv.to_oms("settings", {"wms_cancel_is_late": True})
    extensiv.place_many([1])
    extensiv.run("orders")
    extensiv.to_oms("advance", {"to": "wms"})
    extensiv.to_store("orders/1/status", {"status_id": 5})
    extensiv.run("orders")
    assert ("1", "cancel", "requested", 1) in extensiv.deliveries("orders")
    extensiv.to_oms("orders/1/cancel_outcome", {"accepted": accepted})
    extensiv.run("shipments")
    state = "delivered" if accepted else "requested"
    assert ("1", "cancel", state, 1) in extensiv.deliveries("orders")


def test_a_cancellation_that_the_warehouse_refuses_late_is_a_rejection(
    extensiv: ExtensivScene,
) -> None:
    """Extensiv states no refusal: it shows when the order ships all the same."""
    extensiv.to_oms("settings", {"wms_cancel_is_late": True})
    extensiv.place_many([1])
    extensiv.run("orders")
    extensiv.to_oms("advance", {"to": "wms"})
    extensiv.to_store("orders/1/status", {"status_id": 5})
    extensiv.run("orders")
    extensiv.to_oms("orders/1/cancel_outcome", {"accepted": False})
    extensiv.run("shipments")
    assert extensiv.open_rejections("orders") == {}
    extensiv.to_oms("orders/1/ship", {"lines": [{"sku": "MUG", "quantity": 1}]})
    extensiv.run("shipments")
    assert ("1", "cancel", "refused", 1) in extensiv.deliveries("orders")
    assert extensiv.open_rejections("orders") == {"1": "cancel_refused"}


def test_an_order_is_confirmed_once_the_store_has_its_shipments(extensiv: ExtensivScene) -> None:
    """Whole orders only, each once, and none before the store has taken it."""
    extensiv.place_many([1, 2])
    extensiv.run("orders")
    extensiv.to_oms("orders/1/ship", {})
    extensiv.to_oms("orders/2/ship", {"lines": [{"sku": "MUG", "quantity": 1}]})
    fault = {"kind": "status", "status": 503, "method": "POST", "path": "/orders/1/shipments"}
    extensiv.fault("bigcommerce", fault)
    extensiv.run("shipments", raise_on_error=False)
    assert extensiv.view("1")["order_status"] == "shipped"
    extensiv.fault("bigcommerce")
    for _ in range(2):
        extensiv.run("shipments")
    assert [extensiv.view(number)["order_status"] for number in ("1", "2")] == [
        "confirmed",
        "partial",
    ]
    assert extensiv.oms_counts()["requests"]["update"] == 1
    logged = "SELECT status FROM sync.message_log WHERE endpoint LIKE '/cart/orders/update%%'"
    assert extensiv.sql(logged) == [(200,)]
    assert extensiv.status(1) == 2


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_confirmation_whose_answer_is_lost_is_made_by_a_later_run(
    extensiv: ExtensivScene, kind: str
) -> None:
    """Confirming is repeated, and the shipment in the store is not."""
    extensiv.wait_briefly()
    extensiv.place_many([1])
    extensiv.run("orders")
    extensiv.to_oms("orders/1/ship", {})
    extensiv.fault("extensiv", {"kind": kind, "path": "/cart/orders/update/", "times": 100})
    result = extensiv.run("shipments", raise_on_error=False)
    assert not result.success
    extensiv.fault("extensiv")
    extensiv.run("shipments")
    assert extensiv.view("1")["order_status"] == "confirmed"
    assert len(extensiv.shipped(1)) == 1


def test_confirmations_before_one_that_fails_are_not_made_again(
    extensiv: ExtensivScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each chunk is recorded, so that a small quota gets on from run to run."""
    monkeypatch.setattr(shipments_acknowledged, "CHUNK", 1)
    extensiv.wait_briefly()
    extensiv.place_many([1, 2])
    extensiv.run("orders")
    for number in (1, 2):
        extensiv.to_oms(f"orders/{number}/ship", {})
    rule = {"kind": "status", "status": 503, "path": "/cart/orders/update/2", "times": 100}
    extensiv.fault("extensiv", rule)
    assert not extensiv.run("shipments", raise_on_error=False).success
    assert [extensiv.view(number)["order_status"] for number in "12"] == ["confirmed", "shipped"]
    before = extensiv.oms_counts()["requests"]
    extensiv.fault("extensiv")
    extensiv.run("shipments", steps=["delivered"])
    after = extensiv.oms_counts()["requests"]
    assert (after["view"] - before["view"], after["update"] - before["update"]) == (1, 1)
    assert extensiv.view("2")["order_status"] == "confirmed"


def test_nothing_is_confirmed_while_the_stream_is_paused(extensiv: ExtensivScene) -> None:
    """A pause stops all writing, at both systems."""
    extensiv.place_many([1])
    extensiv.run("orders")
    extensiv.to_oms("orders/1/ship", {})
    extensiv.fault("extensiv", {"kind": "status", "status": 503, "path": "/cart/orders/update/"})
    extensiv.run("shipments", raise_on_error=False)
    extensiv.fault("extensiv")
    with psycopg.connect(extensiv.database, autocommit=True) as db:
        pause(db, NAME, ["shipments"], "test", "stocktaking")
    extensiv.run("shipments", raise_on_error=False)
    assert (extensiv.view("1")["order_status"], extensiv.status(1)) == ("shipped", 2)


def test_a_refused_confirmation_fails_one_run_with_the_accounts_reason(
    extensiv: ExtensivScene,
) -> None:
    """An operator has to confirm the order there: it is not asked for again and again."""
    extensiv.place_many([1])
    extensiv.run("orders")
    extensiv.to_oms("orders/1/ship", {})
    refusal = {"success_code": False, "error_code": "Failure", "message": "The cart is closed"}
    rule = {"kind": "status", "status": 200, "body": refusal, "path": "/cart/orders/update/"}
    extensiv.fault("extensiv", rule)
    result = extensiv.run_in_dagster("shipments", raise_on_error=False)
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert "did not take order 1 as confirmed: The cart is closed" in str(failure)
    assert extensiv.status(1) == 2
    extensiv.run("shipments")


def test_orders_are_left_as_shipped_where_the_connection_says_so(extensiv: ExtensivScene) -> None:
    """An account whose own connector sends the tracking elsewhere must not lose it."""
    extensiv.configure(oms={"confirm_shipped": False})
    extensiv.place_many([1])
    extensiv.run("orders")
    extensiv.to_oms("orders/1/ship", {})
    extensiv.run("shipments")
    assert (extensiv.view("1")["order_status"], extensiv.status(1)) == ("shipped", 2)


def test_an_order_that_the_account_cancels_is_canceled_in_the_store(
    extensiv: ExtensivScene,
) -> None:
    """And the store's cancellation is not sent back."""
    extensiv.place_many([1])
    extensiv.run("orders")
    extensiv.to_oms("orders/1/cancel", {})
    extensiv.run("shipments")
    assert extensiv.status(1) == 5
    before = extensiv.oms_counts()
    extensiv.run("orders")
    after = extensiv.oms_counts()
    assert (after["cancels"], after["refused"]) == (before["cancels"], before["refused"])


def test_stock_of_all_warehouses_and_rows_that_vanish(extensiv: ExtensivScene) -> None:
    """Levels are written where they differ; a row that is gone shows zero by policy."""
    extensiv.configure(inventory={"catalog_ttl": "PT0S", "missing_item": "zero"})
    extensiv.to_oms("supply", [{"item": "MUG", "location": "WEST", "quantity": 5}])
    extensiv.run("inventory")
    assert extensiv.store_stock()["MUG"]["quantity"] == 1_005
    writes = extensiv.store_counts()["inventory_writes"]
    extensiv.run("inventory")
    assert extensiv.store_counts()["inventory_writes"] == writes, "an equal level is not written"
    gone = [{"item": "LAMP", "location": DEPOT, "quantity": None}]
    extensiv.to_oms("supply", gone)
    extensiv.run("inventory")
    assert extensiv.store_stock()["LAMP"]["quantity"] == 0
    assert extensiv.store_counts()["inventory_writes"] == writes + 1


def test_stock_by_warehouse_goes_to_the_stores_location(extensiv: ExtensivScene) -> None:
    """A warehouse that the connection does not name is not counted; ids and names both work."""
    extensiv.to_oms("supply", [{"item": "MUG", "location": "WEST", "quantity": 5}])
    extensiv.configure(
        inventory={"catalog_ttl": "PT0S", "mode": "by_node", "nodes": {"west": "default"}}
    )
    extensiv.run("inventory")
    assert extensiv.store_stock()["MUG"]["quantity"] == 5
    extensiv.configure(
        inventory={"catalog_ttl": "PT0S", "mode": "by_node", "nodes": {"101": "default"}}
    )
    extensiv.run("inventory")
    assert extensiv.store_stock()["MUG"]["quantity"] == 1_000


def test_a_carton_that_gets_more_of_a_sku_with_two_lines_ships_only_that(
    extensiv: ExtensivScene,
) -> None:
    """The account names no lines: the units of the other carton stay on those of their shipment."""
    extensiv.place(order(1, extensiv.moment(), [("MUG", 2), ("MUG", 4)]))
    extensiv.run("orders")
    for units, number in ((1, "A"), (2, "B")):
        lines = [{"sku": "MUG", "quantity": units}]
        extensiv.to_oms("orders/1/ship", {"lines": lines, "tracking": number})
    extensiv.run("shipments")
    extensiv.to_oms("orders/1/grow", {"shipment": 0, "sku": "MUG", "quantity": 1})
    extensiv.run("shipments")

    assert sorted(extensiv.shipped(1).values(), key=str) == [
        ("A", {101: 1}), ("A", {102: 1}), ("B", {101: 1, 102: 1})
    ]  # fmt: skip
    assert extensiv.open_rejections("shipments") == {}
    assert drifts_of(look(extensiv)) == []
    before = extensiv.effects()
    extensiv.run("shipments")
    assert extensiv.effects() == before
