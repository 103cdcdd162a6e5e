"""The work queue of rejections in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from domain.errors import PermanentError, Problem
from resources.ledger.database.migrate import migrations
from resources.ledger.rejections import discards, operator_actions, reruns, work_queue
from resources.ledger.rejections.work_queue import ALL_STATES, Rejection, RejectionFilter
from resources.ledger.rows import RejectionRow
from resources.ledger.session import Session
from tests.resources.ledger.rows import DAY, NOON, capture, claim, rejection

BOAT = Problem(
    "shipping_method_unknown",
    "consignments.shipping[0].shipping_method",
    "No such method.",
    "Map it.",
    "Slow boat",
)
DEAD = Problem("delivery_throttled", "", "Every attempt failed.", "Ask for a larger quota.")


@pytest.fixture
def queue(session: Session) -> Session:
    """Return a session whose stream has three rejections.

    A SKU, a shipping method (a day later, three days old) and a throttled delivery.
    """
    session.db.execute(
        "INSERT INTO sync.connection "
        "(connection, owner, description, order_id_prefix, limits) "
        "VALUES ('acme', 'team:us', '', '', '{}')"
    )
    session.rejections.open(DAY, [rejection(capture("1"))], "run-1")
    session.rejections.open(
        DAY + timedelta(days=1),
        [rejection(capture("2", b"2", NOON + timedelta(days=1)), BOAT)],
        "run-1",
    )
    session.rejections.open(DAY, [rejection(capture("3"), DEAD, "delivered")], "run-1")
    session.db.execute(
        "UPDATE sync.rejection SET opened_at = now() - interval '3 days' WHERE source_id = '2'"
    )
    return session


@pytest.mark.parametrize(
    ("filters", "records"),
    [
        (RejectionFilter(), "123"),
        (RejectionFilter(category="rate_limit"), "3"),
        (RejectionFilter(code="sku_unknown"), "1"),
        (RejectionFilter(connection="acme"), "123"),
        (RejectionFilter(connection="other"), ""),
        (RejectionFilter(stream="orders"), "123"),
        (RejectionFilter(stream="shipments"), ""),
        (RejectionFilter(stage="delivered"), "3"),
        (RejectionFilter(owner="team:us"), "123"),
        (RejectionFilter(owner="team:eu"), ""),
        (RejectionFilter(older_than=timedelta(hours=2)), "2"),
        (RejectionFilter(newer_than=timedelta(hours=2)), "13"),
        (RejectionFilter(first_day=DAY + timedelta(days=1)), "2"),
        (RejectionFilter(last_day=DAY), "13"),
        (RejectionFilter(since=NOON + timedelta(days=36_500)), ""),
        (RejectionFilter(states=("discarded",)), ""),
        (RejectionFilter(category="mapping", older_than=timedelta(days=1)), "2"),
    ],
)
def test_each_filter_narrows_to_exactly_what_it_says(
    queue: Session, filters: RejectionFilter, records: str
) -> None:
    """By class, code, connection, stream, stage, owner, age, day, state, and several of them."""
    assert {r.source_id for r in work_queue.find(queue.db, filters)} == set(records)
    assert work_queue.count(queue.db, filters) == len(records)


def test_a_rejection_says_its_class_rule_owner_and_age(queue: Session) -> None:
    """In the queue and in the history that readers get."""
    (found,) = work_queue.find(queue.db, RejectionFilter(code="shipping_method_unknown"))
    assert (found.class_, found.rule, found.owner) == (
        "mapping",
        "A shipping method is mapped to an OMS method.",
        "team:us",
    )
    assert timedelta(days=3) <= found.age < timedelta(days=3, minutes=5)
    (row,) = queue.db.execute(
        "SELECT class, rule, owner FROM history.rejections WHERE source_id = '3'"
    ).fetchall()
    assert row == ("rate_limit", "The target accepts the call within its quota.", "team:us")


def test_rejections_of_an_older_ledger_get_their_class_and_rule(postgres_url: str) -> None:
    """The migration fills them in from the table of codes, an OMS's own codes included."""
    name = f"test_{uuid4().hex[:12]}"
    base, mark, query = postgres_url.partition("?")
    url = f"{base.rpartition('/')[0]}/{name}{mark}{query}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        with psycopg.connect(url) as db:
            for _, text in [script for script in migrations() if script[0] < "0004"]:
                db.execute(text.encode())
            for code in ("sku_missing", "delivery_failed", "oms_bad_location", "of_an_old_version"):
                db.execute(
                    """INSERT INTO sync.rejection (connection, stream, stage, source_id, source_day,
                                                   capture_id, code, field, message, advice,
                                                   value, problems, correlation_id, run_id)
                       VALUES ('acme', 'orders', 'validated', %(code)s, now(),
                               gen_random_uuid(), %(code)s, '', '', '', '', '[]', '', '')""",
                    {"code": code},
                )
            (text,) = [text for script, text in migrations() if script == "0004_rejections.sql"]
            db.execute(text.encode())
            found = dict(
                db.execute("SELECT code, class FROM sync.rejection WHERE rule <> ''").fetchall()
            )
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    assert found == {
        "sku_missing": "missing",
        "delivery_failed": "connection",
        "oms_bad_location": "business_rule",
        "of_an_old_version": "value",
    }


def test_a_rejection_for_another_reason_gets_that_reasons_class(queue: Session) -> None:
    """The same record fails differently the next time: the open rejection follows."""
    queue.rejections.open(DAY, [rejection(capture("1"), BOAT)], "run-2")
    (found,) = work_queue.find(
        queue.db, RejectionFilter(ids=None, code="shipping_method_unknown", last_day=DAY)
    )
    assert (found.source_id, found.class_, found.seen_count) == ("1", "mapping", 2)


def test_a_queued_retry_is_exactly_the_records_of_each_partition(queue: Session) -> None:
    """One rerun for each partition with rejections; a re-read is of the whole partition."""
    found = work_queue.find(queue.db, RejectionFilter())
    operator_actions.queue_retry(queue.db, found, "ann", "as_captured", "mapped")
    asked = {r.partition.day: r.source_ids for r in reruns.unfinished(queue.db)}
    assert asked == {DAY: ["1", "3"], DAY + timedelta(days=1): ["2"]}
    assert {r.state for r in work_queue.find(queue.db, RejectionFilter())} == {"retried"}
    (rerun_id,) = operator_actions.queue_retry(queue.db, found[:1], "ann", "re_read", "")
    (again,) = [r for r in reruns.unfinished(queue.db) if r.rerun_id == rerun_id]
    assert (again.source_ids, again.mode) == (None, "re_read")


def test_a_rerun_that_decided_nothing_leaves_its_rejections_open(queue: Session) -> None:
    """Not 'retried' forever: no retry is under way, and the action has its outcome."""
    (found,) = work_queue.find(queue.db, RejectionFilter(code="sku_unknown"))
    first = operator_actions.queue_retry(queue.db, [found], "ann", "as_captured", "")
    second = operator_actions.queue_retry(queue.db, [found], "ben", "as_captured", "")
    reruns.end(queue.db, first, "failed", "run r1 ended as failure")
    assert work_queue.find(queue.db, RejectionFilter(code="sku_unknown"))[0].state == "retried", (
        "the other rerun is still to come"
    )
    reruns.end(queue.db, second, "done")
    assert work_queue.find(queue.db, RejectionFilter(code="sku_unknown"))[0].state == "open"
    done = operator_actions.history(queue.db, found.rejection_id)
    assert [(a.who, a.action, a.outcome, a.note) for a in done] == [
        ("ann", "retry", "failed", "run r1 ended as failure"),
        ("ben", "retry", "done", ""),
    ]


def by_daemon(session: Session, found: list[Rejection]) -> None:
    """Retry rejections by a run of the daemon that decides nothing."""
    ids = operator_actions.queue_retry(session.db, found, "ann", "as_captured", "")
    reruns.end(session.db, ids, "failed", "run r1 ended as failure")


def by_command(session: Session, found: list[Rejection]) -> None:
    """Retry rejections in a command's own process, whose run decides nothing."""
    operator_actions.begin_retry(session.db, found, "ann", "as_captured")
    operator_actions.end_retry(session.db, {one.rejection_id: "r1" for one in found})


def by_dead_command(session: Session, found: list[Rejection]) -> None:
    """Retry rejections in a command's own process that dies, and let others find it dead."""
    operator_actions.begin_retry(session.db, found, "ann", "as_captured")
    session.db.execute("UPDATE sync.rejection_action SET at = now() - interval '2 hours'")
    operator_actions.end_abandoned(session.db, session.connection, session.stream)


@pytest.mark.parametrize("retried", [by_daemon, by_command, by_dead_command])
def test_what_a_retry_left_under_way_is_given_up_whatever_id_it_is_delivered_under(
    queue: Session, retried: Callable[[Session, list[Rejection]], None]
) -> None:
    """The OMS's order is the record; its shipments have the store's id, which may be another's."""
    tried, other = claim(1, "store-9"), claim(2, "3")._replace(capture_id=capture("9").capture_id)
    queue.deliveries.claim([tried._replace(capture_id=capture("3").capture_id), other], "r1")
    [found] = work_queue.find(queue.db, RejectionFilter(stage="delivered"))

    retried(queue, [found])

    [after] = work_queue.find(queue.db, RejectionFilter(stage="delivered"))
    assert after.state == "open"
    rows = queue.db.execute(
        "SELECT source_id, state, is_uncertain, may_act_until > claimed_at FROM sync.delivery"
    )
    assert sorted(rows) == [("3", "in_flight", False, None), ("store-9", "dead", True, True)]


@pytest.fixture
def shipped(queue: Session) -> Session:
    """Return the queue as one of shipments; the OMS's order 3 is the store's order store-9.

    The store has an order 3 as well.
    """
    queue.db.execute(
        """INSERT INTO sync.link (connection, entity, store_id, store_number, organisation, oms_id,
                                  oms_key, oms_number, linked_by)
           VALUES ('acme', 'order', 'store-9', '9', 'org', '3', '3', '3', 'r1')"""
    )
    sent = claim(1, "store-9")._replace(capture_id=capture("3").capture_id)
    queue.deliveries.claim([sent, claim(2, "3")], "r1")
    queue.db.execute("UPDATE sync.delivery SET stream = 'shipments', target_id = source_id")
    queue.db.execute("UPDATE sync.rejection SET stream = 'shipments'")
    return queue


def test_the_attempts_of_a_shipment_are_those_of_its_order_in_the_store(shipped: Session) -> None:
    """Those of the store's order 3 are another one's."""
    [found] = work_queue.find(shipped.db, RejectionFilter(stage="delivered"))
    assert [one.detail for one in work_queue.attempts(shipped.db, found)] == ["attempts 1, store-9"]


def test_a_shipment_that_was_sent_before_it_was_rejected_is_not_left_out(shipped: Session) -> None:
    """A rerun by other settings has rejected it, and an operator has discarded that."""
    shipped.db.execute("UPDATE sync.rejection SET stage = 'validated' WHERE source_id = '3'")
    found = work_queue.find(shipped.db, RejectionFilter(code=DEAD.code))
    operator_actions.discard(shipped.db, found, "ann", "as it should be")
    versions = [one.capture_id for one in found]
    assert discards.left_out(shipped.db, "acme", "shipments", DAY, versions) == set(versions)
    shipped.db.execute("UPDATE sync.delivery SET state = 'delivered'")
    assert discards.left_out(shipped.db, "acme", "shipments", DAY, versions) == set()


def test_only_one_sensor_can_key_a_rerun(queue: Session) -> None:
    """Two daemons by mistake: the second leaves alone what the first has keyed."""
    ids = operator_actions.queue_retry(
        queue.db, work_queue.find(queue.db, RejectionFilter(last_day=DAY)), "ann", "as_captured", ""
    )
    assert reruns.assign(queue.db, ids, "key-1")
    assert not reruns.assign(queue.db, ids, "key-2")
    assert {r.run_key for r in reruns.unfinished(queue.db)} == {"key-1"}


def test_a_discard_needs_a_reason_and_is_kept_for_audit(queue: Session) -> None:
    """Who, when and why stand with the rejection and in the history."""
    found = work_queue.find(queue.db, RejectionFilter(category="mapping", last_day=DAY))
    with pytest.raises(PermanentError, match="reason"):
        operator_actions.discard(queue.db, found, "ann", "  ")
    assert operator_actions.discard(queue.db, found, "ann", "test order") == [found[0].rejection_id]
    (closed,) = work_queue.find(
        queue.db, RejectionFilter(ids=(found[0].rejection_id,), states=ALL_STATES)
    )
    assert (closed.state, closed.closed_by, closed.closed_why) == ("discarded", "ann", "test order")
    assert [
        (a.who, a.action, a.why) for a in operator_actions.history(queue.db, closed.rejection_id)
    ] == [("ann", "discard", "test order")]
    with pytest.raises(PermanentError, match="Not open"):
        operator_actions.chosen(queue.db, RejectionFilter(ids=(closed.rejection_id,)))


def test_what_a_retry_would_approve_is_named_by_its_id(queue: Session) -> None:
    """Whichever of its problems that is; the filter then takes none, and ids take it."""
    held = Problem("refund_not_approved", "amount", "Too much.", "Approve it.", "20.00 USD")
    row = rejection(capture("4"), DEAD, "delivered")._replace(problems=[DEAD, held])
    queue.rejections.open(DAY, [row], "run-1")
    filters, codes = RejectionFilter(connection="acme"), ("refund_not_approved",)
    [found] = [r for r in operator_actions.chosen(queue.db, filters) if r.source_id == "4"]
    with pytest.raises(PermanentError, match=f"need their ids: {found.rejection_id}"):
        operator_actions.chosen(queue.db, filters, codes)
    by_id = RejectionFilter(ids=(found.rejection_id,))
    assert [r.source_id for r in operator_actions.chosen(queue.db, by_id, codes)] == ["4"]
    others = RejectionFilter(connection="acme", category="mapping")
    assert operator_actions.chosen(queue.db, others, codes)


def test_many_records_of_a_partition_are_cut_into_runs_of_bounded_size(session: Session) -> None:
    """A run's configuration names its records, so there is an end to how many."""
    rows = [
        RejectionRow(capture(str(n)).capture_id, str(n), "validated", [BOAT], f"ord-{n}")
        for n in range(reruns.RECORDS_AT_ONCE + 1)
    ]
    session.rejections.open(DAY, rows, "run-1")
    operator_actions.queue_retry(
        session.db, work_queue.find(session.db, RejectionFilter()), "ann", "as_captured", ""
    )
    assert sorted(len(r.source_ids or ()) for r in reruns.unfinished(session.db)) == [
        1,
        reruns.RECORDS_AT_ONCE,
    ]
