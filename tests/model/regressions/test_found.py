"""The shortest programs of the faults that random programs have found, and their siblings."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestration.local.simulated import Pair
from tests.model.life import Life
from tests.model.operations.registry import op
from tests.model.program import run
from tests.model.runs import Runs

pytestmark = pytest.mark.slow(seconds=40)


@pytest.mark.parametrize(
    "then",
    [
        [],
        [op("sync"), op("unarchive", number=1001)],
        [op("sync"), op("place", lines=[("TENT", 1)], number=1002), op("sync")],
    ],
)
def test_an_order_archived_alone_is_canceled_at_the_oms(world, then):
    """The probe did not ask for archived orders, so that only another order's change did."""
    script = [
        op("place", lines=[("MUG", 4)], number=1001),
        op("sync"),
        op("archive", number=1001),
        *then,
    ]
    assert not run(world, script).problems


@pytest.mark.parametrize(
    "change",
    [
        op("move_house", number=1001, street="1 High Street"),
        op("change_units", number=1001, place=0, units=1),
        op("write_message", number=1001, text="Ring twice"),
    ],
)
def test_a_refused_change_stays_rejected_when_the_order_ships(world, change):
    """The shipment in the store made the order look as if it had been shipped without the OMS."""
    script = [
        op("place", lines=[("LAMP", 3)], number=1001),
        op("sync"),
        change,
        op("ship", number=1001),
        op("sync"),
    ]
    assert not run(world, script).problems


@pytest.mark.parametrize("after", [True, False])
def test_a_create_without_an_answer_ends_although_the_order_ships(world, after):
    """The order's next version was taken for one that was shipped without the OMS."""
    script = [
        op("place", lines=[("MUG", 1)], number=1001),
        op("die_at_write", after=after, requests=1),
        op("sync"),
        op("sync"),
        op("ship_part", number=1001, place=0, units=1),
        op("sync"),
        op("sync"),
    ]
    assert not run(world, script).problems


@pytest.mark.parametrize(
    "change",
    [
        op("set_buffer", units=1),
        op("set_safety_stock", units=2),
        op("set_missing", policy="zero"),
    ],
)
def test_stock_follows_a_changed_policy(world, change):
    """Only a new level at the OMS made a SKU due."""
    script = [op("sync"), op("vanish", sku="LAMP"), op("sync"), change]
    assert not run(world, script).problems


def test_an_order_that_was_captured_during_an_outage_is_not_skipped(world):
    """The OMS's item master is needed to validate it, and staff moves it on meanwhile."""
    world.begin()
    life = Life(world, Runs(world))
    op("place", lines=[("MUG", 3)], number=1001).run(life)
    op("forbid", system="oms").run(life)
    op("move_status", number=1001, status=9).run(life)
    op("sync").run(life)
    op("sync").run(life)
    assert world.ask_oms("effects/orders") or life.signature()[-1]


def test_a_level_set_by_hand_is_corrected(world):
    """The catalog is read at each tick, and orders are swept, so that the change is to be seen."""
    script = [
        op("place", lines=[("MUG", 1)], number=1001),
        op("sync"),
        op("set_level", quantity=0, sku="MUG"),
        op("wait", minutes=10),
        op("sync"),
        op("sweep"),
        op("wait", minutes=10),
        op("sync"),
    ]
    assert not run(world, script).problems


ANSWERING = [
    [
        op("place", lines=[("MUG", 4)], number=1001),
        op("rerun", back=0, force=False, stream="orders"),
        op("ship", number=1001),
        op("cancel", number=1001),
        op("outage", hours=2, system="oms"),
    ],
]


@pytest.mark.parametrize("script", ANSWERING)
def test_a_stream_is_not_failing_when_its_target_answers_and_nothing_is_due(world, script):
    """What met the outage is refused or not sent any more afterwards, so nothing gets through."""
    assert not run(world, script).problems


def test_a_line_removed_after_a_restore_leaves_the_oms(world):
    """The restored ledger does not know the line, and the look-up does not ask for others."""
    script = [
        op("place", lines=[("SHIRT-S", 2), ("SHIRT-M", 4)], number=1001),
        op("back_up"),
        op("sync"),
        op("restore"),
        op("remove_line", number=1001, place=0),
        op("sync"),
    ]
    assert not run(world, script).problems


def test_a_change_after_the_clock_was_set_back_is_not_lost(world):
    """The store's clock was ahead, and is right from now on."""
    world.begin()
    life = Life(world, Runs(world))
    op("place", lines=[("MUG", 3)], number=1001).run(life)
    op("sync").run(life)
    world.skew["bigcommerce"] = timedelta(seconds=-100)
    op("wait", minutes=0).run(life)
    op("cancel", number=1001).run(life)
    op("wait", minutes=3).run(life)
    op("sweep").run(life)
    op("sync").run(life)
    assert world.ask_oms("effects/orders")[0]["canceled"]


def test_a_line_added_to_a_canceled_order_is_taken_off_the_stock_once(world):
    """The OMS takes the line, and the store's level is lowered for it a second time."""
    script = [
        op("place", lines=[("SHIRT-S", 4)], number=1001),
        op("sync"),
        op("change_units", number=1001, place=0, units=1),
        op("add_line", number=1001, sku="LAMP", units=1),
        op("cancel_at_oms", number=1001),
    ]
    assert not run(world, script).problems


@pytest.mark.parametrize("change", range(5))
@pytest.mark.parametrize("minutes", [20, 70])
def test_no_change_is_lost_when_the_oms_changes_its_clocks(world, change, minutes):
    """Its stamps name no zone, and those of an hour may come twice; each parcel is noticed."""
    script = [
        op("change_clocks", change=change, minutes=minutes),
        op("place", lines=[("MUG", 4)], number=1001),
        op("place", lines=[("LAMP", 2)], number=1002),
        op("sync"),
        op("ship_part", number=1001, place=0, units=1),
        op("sync"),
        op("wait", minutes=60),
        op("ship_part", number=1001, place=0, units=2),
        op("ship", number=1002),
        op("sync"),
        op("wait", minutes=10),
        op("ship", number=1001),
        op("deliver", number=1002),
    ]
    assert not run(world, script).problems


def test_units_that_wait_in_a_second_connection_are_taken_off_the_stock(world):
    """The store's other channel sends its orders to the same OMS, and writes no stock itself."""
    script = [
        op("share_oms"),
        op("place_unmapped_method", lines=[("MUG", 4)], number=1001),
        op("place", lines=[("MUG", 2)], number=1002),
        op("sync"),
    ]
    assert not run(world, script).problems
    levels = {level["sku"]: level["quantity"] for level in world.ask_store("dump/inventory")}
    assert levels["MUG"] == 100 - 4 * 4 - 2, "the other channel sells it in fours"


def test_a_line_added_to_a_shipped_order_makes_it_partially_shipped(world):
    """The status had been Shipped, and never moved back."""
    script = [
        op("place", lines=[("SHIRT-M", 2), ("LAMP", 4)], number=1001),
        op("sync"),
        op("fail_reads", path="search|orders", system="oms", times=3),
        op("add_line", number=1001, sku="MUG", units=4),
        op("ship", number=1001),
        op("sync"),
    ]
    assert not run(world, script).problems
    assert not run(world, [*script, op("ship", number=1001), op("sync")]).problems


def test_units_of_a_discarded_order_are_sold_again(world):
    """What an operator has settled otherwise no longer takes units off the stock."""
    script = [
        op("place_unmapped_method", lines=[("SHIRT-S", 1), ("SHIRT-S", 4)], number=1001),
        op("sync"),
        op("discard", place=2),
    ]
    assert not run(world, script).problems


def test_a_retry_that_the_oms_does_not_answer_leaves_its_rejection_open(world):
    """Its delivery had stayed under way forever, although no run would try it again."""
    script = [
        op("place_with_download", lines=[("LAMP", 1)], number=1001),
        op("sync"),
        op("archive", number=1001),
        op("ship", number=1001),
        op("sync"),
        op("sync"),
        op("cut_answers", system="oms", times=1),
        op("retry"),
    ]
    assert not run(world, script).problems
    assert not run(world, [*script, op("retry"), op("sync")]).problems


@pytest.mark.parametrize(
    "moved_on",
    [
        op("cancel_line_at_oms", number=1001, place=2),
        op("fulfil", number=1001, to="release"),
        op("ship", number=1001),
    ],
)
@pytest.mark.parametrize("changed", [False, True])
def test_what_the_oms_took_without_an_answer_is_read_before_it_is_repeated(
    world, moved_on, changed
):
    """The repeated save was refused, the order rejected, and its units taken off the stock."""
    place = op("place", lines=[("MUG", 2), ("LAMP", 1), ("MUG", 2)], number=1001)
    first = (
        [place, op("sync"), op("change_units", number=1001, place=2, units=3)]
        if changed
        else [place]
    )
    script = [
        *first,
        op("fail_after_effect", status=504, system="oms", times=6),
        op("sync"),
        moved_on,
    ]
    assert not run(world, script).problems
    assert not world.database.rows("SELECT code FROM sync.rejection WHERE stream = 'orders'")


@pytest.mark.parametrize(
    "fault",
    [
        op("lose_lock", requests=1),
        op("die_at_write", after=True, requests=1),
        op("die_at_write", after=False, requests=1),
    ],
)
@pytest.mark.parametrize("then", [[], [op("suspect", number=1001, status=13)]])
def test_a_status_of_the_merchant_survives_a_run_that_dies_behind_a_shipment(world, fault, then):
    """The shipment had moved it, and the next run took what the store made of it for its own."""
    script = [
        op("place", lines=[("TENT", 4), ("LAMP", 3)], number=1001),
        op("sync"),
        op("suspect", number=1001, status=12),
        op("ship", number=1001),
        fault,
        op("sync"),
        *then,
    ]
    assert not run(world, script).problems


@pytest.mark.parametrize("to", ["release", "pack"])
def test_a_status_is_sent_where_a_parcel_is_kept_back_and_a_lost_request_is_waited_for(world, to):
    """The record was done with its rejection, while its status still waited for the lost one."""
    script = [
        op("place", lines=[("TENT", 2), ("LAMP", 1)], number=1001),
        op("sync"),
        op("fulfil", number=1001, to=to),
        op("die_at_write", after=True, requests=1),
        op("sync"),
        op("ship_by", carrier="UPS", number=1001, place=0, units=3),
        op("sync"),
    ]
    assert not run(world, script).problems
    [(status,)] = world.database.rows(
        "SELECT target_id FROM sync.delivery WHERE stream = 'shipments' AND action = 'status' "
        "AND state = 'delivered' ORDER BY claimed_at DESC LIMIT 1"
    )
    assert status == "1001"


def test_a_retry_that_dies_leaves_nothing_under_way(world):
    """Its delivery had stayed in flight, although no run would take it up."""
    script = [
        op("place", lines=[("MUG", 3), ("TENT", 4)], number=1001),
        op("sync"),
        op("change_units", number=1001, place=1, units=1),
        op("die_at_request", after=True, requests=9),
        op("ship", number=1001),
        op("sync"),
        op("retry"),
    ]
    assert not run(world, script).problems
    assert not world.database.rows("SELECT 1 FROM sync.delivery WHERE state = 'in_flight'")


@pytest.mark.parametrize(
    "fault", [op("lose_lock", requests=1), op("die_at_write", after=True, requests=1)]
)
def test_a_refused_parcel_leaves_no_older_status_under_way(world, fault):
    """The status of a run that died had been replaced, and stayed in flight forever."""
    script = [
        op("place", lines=[("TENT", 3), ("SHIRT-M", 3)], number=1001),
        op("sync"),
        op("ship_unlabelled", number=1001, place=0),
        fault,
        op("sync"),
        op("remove_line", number=1001, place=1),
        op("pause", seconds=400, stream="shipments"),
        op("ship", number=1001),
    ]
    assert not run(world, script).problems


@pytest.mark.parametrize(
    "before",
    [
        [op("vanish", sku="MUG")],
        [op("close_node", closed=True)],
        [op("set_level", quantity=0, sku="MUG"), op("vanish", sku="MUG")],
    ],
)
def test_a_level_that_was_right_at_first_is_corrected_when_it_is_changed_by_hand(world, before):
    """Nothing had been written, so that there was nothing to compare the catalog with."""
    script = [*before, op("sync"), op("set_level", quantity=77, sku="MUG")]
    assert not run(world, script).problems


@pytest.mark.parametrize(
    "before",
    [
        [op("place", lines=[("LAMP", 1)], number=1002), op("forbid", system="oms")],
        [
            op("place", lines=[("LAMP", 1)], number=1002),
            op("outage", system="oms", hours=1),
            op("sync"),
        ],
        [
            op("place", lines=[("LAMP", 1)], number=1002),
            op("lose_requests", system="oms", times=6, skip=0),
            op("sync"),
        ],
        [
            op("place", lines=[("LAMP", 1)], number=1002),
            op("fail_writes", system="oms", times=30, status=503),
            op("sync"),
        ],
        [op("place_unknown_item", number=1002, units=2), op("sync")],
    ],
)
@pytest.mark.parametrize("status", [9, 13])
def test_an_order_that_is_withdrawn_no_more_is_owed_as_before(world, before, status):
    """Seen, or rejected, or not even validated, then canceled, then moved on: it was dropped."""
    script = [
        *before,
        op("cancel", number=1002),
        op("sync"),
        op("move_status", number=1002, status=status),
        op("sync"),
    ]
    assert not run(world, script).problems


def test_a_discarded_order_that_is_withdrawn_no_more_stays_discarded(world):
    """An operator has decided about it."""
    script = [
        op("place_unknown_item", number=1002, units=2),
        op("sync"),
        op("discard", place=0),
        op("cancel", number=1002),
        op("sync"),
        op("move_status", number=1002, status=9),
        op("learn_item"),
    ]
    assert not run(world, script).problems
    assert not world.database.rows("SELECT 1 FROM sync.rejection WHERE state <> 'discarded'")


def test_a_rejected_order_of_a_person_who_asks_to_be_forgotten_stays_owed(world):
    """Forgetting had discarded its rejection, and the units in it were sold again."""
    script = [
        op("place_unknown_item", number=1002, units=2),
        op("sync_stream", stream="orders"),
        op("forget", number=1002),
        op("learn_item"),
    ]
    assert not run(world, script).problems


@pytest.mark.parametrize("units", [2, 4])
@pytest.mark.parametrize(
    "then", [op("suspect", number=1002, status=12), op("suspect", number=1002, status=13)]
)
def test_a_refund_reaches_the_oms_whatever_status_the_merchant_sets_then(world, units, then):
    """The order's status had the refund looked at, not its lines."""
    script = [
        op("place", lines=[("SHIRT-S", 4)], number=1002),
        op("sync"),
        op("refund_units", number=1002, place=0, units=units),
        then,
    ]
    assert not run(world, script).problems


@pytest.mark.parametrize("units", [2, 4])
def test_an_order_refunded_before_it_could_be_validated_goes_out_without_the_units(world, units):
    """Its first version was owed, and went out in its own form."""
    script = [
        op("place", lines=[("TENT", 4)], number=1002),
        op("forbid", system="oms"),
        op("refund_units", number=1002, place=0, units=units),
        op("sync"),
    ]
    assert not run(world, script).problems


@pytest.mark.parametrize(
    ("fault", "stream"),
    [
        (op("lose_requests", skip=0, system="store", times=6), "inventory"),
        (op("die_at_write", after=False, requests=1), "inventory"),
        (op("lose_requests", skip=0, system="oms", times=6), "orders"),
    ],
)
def test_what_is_sent_once_more_by_force_stays_due_until_it_has_succeeded(world, fault, stream):
    """The records had an outcome, so that no run took up the deliveries that had failed."""
    script = [
        op("place", lines=[("LAMP", 1)], number=1001),
        op("sync"),
        fault,
        op("rerun", back=0, force=True, stream=stream),
    ]
    assert not run(world, script).problems


def test_a_version_that_was_discarded_decides_nothing_about_the_corrected_one(world):
    """The corrected order was dropped when it was canceled by mistake while the OMS was away."""
    script = [
        op("place_unknown_item", number=1002, units=2),
        op("sync"),
        op("discard", place=0),
        op("learn_item"),
        op("forbid", system="oms"),
        op("move_house", number=1002, street="1 High Street"),
        op("forbid", system="oms"),
        op("cancel", number=1002),
        op("sync"),
        op("move_status", number=1002, status=9),
        op("sync"),
    ]
    assert not run(world, script).problems


@pytest.mark.parametrize(
    "ask",
    [
        op("ask_reroute", number=1003, street="5 Oak Street"),
        op("ask_cancel_units", number=1003, place=0, units=1),
    ],
)
def test_an_action_waits_for_what_was_lost_on_the_way_before_it(world, ask):
    """The create was repeated with success; its lost attempts came late, and undid the action."""
    script = [
        op("delay_effects", seconds=20, system="oms", times=2),
        op("place", lines=[("SHIRT-M", 3)], number=1003),
        op("sync"),
        ask,
    ]
    assert not run(world, script).problems


@pytest.mark.parametrize("body", ["", "<html>ok</html>"])
def test_a_process_that_wakes_up_does_not_repeat_its_request(world, body):
    """Its HTTP client sent an older version again, six minutes after it had lost the lock."""
    script = [
        op("place", lines=[("LAMP", 3)], number=1002),
        op("garble_answers", body=body, system="oms", times=2),
        op("freeze_between_versions", number=1002),
    ]
    assert not run(world, script).problems


def test_a_hold_of_an_order_that_is_never_sent_is_answered(world):
    """It waited for three days for an order that the store had canceled before it was sent."""
    script = [
        op("place", lines=[("TENT", 1)], number=1003),
        op("forbid", system="oms"),
        op("ask_hold", number=1003),
        op("cancel", number=1003),
    ]
    assert not run(world, script, Pair("salesforce", "extensiv")).problems


def test_a_cancellation_is_settled_of_an_order_that_is_history_by_then(world):
    """Its answers were lost, it had shipped, and the store's next version was skipped."""
    script = [
        op("place", lines=[("TENT", 3)], number=1001),
        op("sync"),
        op("lose_requests", skip=1, system="oms", times=2),
        op("ship", number=1001),
        op("place", lines=[("SHIRT-M", 3), ("SHIRT-M", 1), ("SHIRT-S", 2)], number=1002),
        op("archive", number=1001),
        op("sync"),
    ]
    assert not run(world, script).problems


@pytest.mark.parametrize("whole", [True, False])
def test_a_return_is_refunded_once_while_the_rest_is_canceled(world, whole):
    """The refund looked like units that were taken off, and its status like one of Lockstep's."""
    script = [
        op("place", lines=[("LAMP", 3), ("MUG", 2)], number=1003),
        op("sync"),
        op("return_and_cancel_rest", number=1003, place=0, whole=whole),
        op("suspect", number=1003, status=12),
    ]
    assert not run(world, script).problems
    assert len(world.ask_store("truth")["refunds"]) == 1


def test_a_deletion_whose_event_was_lost_is_found_by_the_reconciliation(world):
    """The program ended in the second in which the stream was notified of it."""
    script = [
        op("register", addresses=2, who=1),
        op("lose_events", number=1),
        op("sync"),
        op("close_account", who=1),
    ]
    assert not run(world, script).problems


def test_what_failed_of_an_order_that_is_not_sent_any_more_is_closed(world):
    """The refused order was refunded before it went out, and counted as being sent for ever."""
    script = [
        op("change_clocks", change=1, minutes=70),
        op("create_items", creates=True),
        op("place", lines=[("LAMP", 1)], number=1001),
        op("forbid", system="oms"),
        op("refund_all", number=1001),
        op("sync"),
    ]
    assert not run(world, script).problems


@pytest.mark.parametrize("then", [[], [op("discard", place=0)]])
def test_an_order_that_failed_and_is_rejected_since_waits_for_the_operator(world, then):
    """What was discarded with the change is given up, and not shown as failed forever."""
    script = [
        op("place", lines=[("MUG", 1)], number=1001),
        op("fail_writes", status=500, system="oms", times=60),
        op("sync"),
        op("add_line", number=1001, sku="STORE-ONLY", units=1),
        op("sync"),
        op("calm"),
        *then,
    ]
    assert not run(world, script).problems
    states = world.database.rows("SELECT state FROM sync.delivery WHERE stream = 'orders'")
    assert states == [("dead" if then else "failed",)]


def test_a_group_that_failed_and_is_rejected_since_waits_for_the_operator(world):
    """The store was down when variants were asked for, and a later request leaves them out."""
    script = [
        op("list_group", sizes="SM"),
        op("go_down", status=500, system="store"),
        op("list_group", sizes="SML"),
        op("list_group", sizes="S"),
    ]
    assert not run(world, script).problems
