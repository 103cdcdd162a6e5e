"""Deliveries: claimed before they are sent, settled after, or left unsettled."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from resources.ledger.deliveries.deliveries import KEPT
from resources.ledger.ledger import Ledger
from resources.ledger.rows import ClaimRow, SettleRow, TargetRow
from resources.ledger.session import Session
from tests.resources.ledger.rows import NOON, claim


def _settle(session: Session, row: ClaimRow, state: str, target_id: str = "") -> None:
    session.deliveries.settle([SettleRow(row.delivery_key, state, target_id, "trace", "")])


def _states(session: Session) -> list[tuple[UUID, str, int]]:
    return [
        tuple(row)
        for row in session.db.execute(
            "SELECT delivery_key, state, attempts FROM sync.delivery ORDER BY 1"
        )
    ]


def test_a_claim_is_in_flight_until_it_is_settled(session: Session) -> None:
    """What a dead run leaves is found as in flight, with its claim."""
    session.deliveries.claim([claim(1)], "run-1")
    ((found,),) = session.deliveries.unsettled(["1"], 0.0).values()
    assert (found.state, found.attempts, found.action, found.is_uncertain) == (
        "in_flight",
        1,
        "create",
        True,
    )

    _settle(session, claim(1), "delivered", "T-1")

    assert session.deliveries.unsettled(["1"], 0.0) == {}
    assert session.deliveries.target_ids(["1"], ["create"]) == {"T-1"}
    assert session.deliveries.target_ids(["1"], ["status"]) == set()


def test_the_same_effect_claimed_again_is_one_delivery_with_one_more_attempt(
    session: Session,
) -> None:
    """The key is the effect's identity."""
    assert session.deliveries.claim([claim(1), claim(2)], "run-1") == {
        UUID(int=1): 1,
        UUID(int=2): 1,
    }
    assert session.deliveries.claim([claim(1)], "run-2") == {UUID(int=1): 2}
    assert _states(session) == [(UUID(int=1), "in_flight", 2), (UUID(int=2), "in_flight", 1)]


def test_a_released_claim_is_no_attempt_and_was_never_sent(session: Session) -> None:
    """An effect that was not sent since another failed first is dropped without a look-up."""
    session.deliveries.claim([claim(1)], "run-1")
    session.deliveries.release([claim(1).delivery_key])
    ((found,),) = session.deliveries.unsettled(["1"], 60.0).values()
    assert (found.state, found.attempts, found.is_uncertain) == ("failed", 0, False)


def test_a_lost_attempt_may_have_arrived(session: Session) -> None:
    """Its answer is missing, so the record counts as possibly held by the target."""
    session.deliveries.claim([claim(1), claim(2, "2"), claim(3, "3")], "run-1")
    session.deliveries.settle([SettleRow(claim(1).delivery_key, "failed", is_lost=True)], 60.0)
    session.deliveries.settle([SettleRow(claim(2).delivery_key, "failed")])
    session.deliveries.release([claim(3).delivery_key])

    (found,) = session.deliveries.unsettled(["1"], 60.0)["1"]
    assert found.is_uncertain
    assert found.may_act(datetime.now(UTC))
    assert not found.may_act(datetime.now(UTC) + timedelta(seconds=61))
    assert session.deliveries.possible_targets(["1", "2", "3", "4"]) == {"1"}


def test_nothing_but_success_or_a_look_ends_uncertainty(session: Session) -> None:
    """Neither death, nor a retry, nor an attempt that fails for certain."""
    key = claim(1).delivery_key
    session.deliveries.claim([claim(1)], "run-1")
    session.deliveries.settle([SettleRow(key, "in_flight", is_lost=True)], 0.0)
    session.deliveries.bury([key])
    assert session.deliveries.unsettled(["1"], 60.0)["1"][0].is_uncertain
    session.deliveries.revive(["1"])
    session.deliveries.claim([claim(1)], "run-2")
    session.deliveries.settle([SettleRow(key, "refused")])
    assert session.deliveries.unsettled(["1"], 60.0)["1"][0].is_uncertain
    session.deliveries.claim([claim(1)], "run-3")
    session.deliveries.settle([SettleRow(key, "delivered")])
    assert session.deliveries.unsettled(["1"], 60.0) == {}


def test_what_a_dead_run_has_claimed_may_act_from_its_discovery(session: Session) -> None:
    """The run may have sent it just before its lock was lost, however old the claim is."""
    session.deliveries.claim([claim(1)], "run-1")
    first = session.deliveries.unsettled(["1"], 60.0)["1"][0].may_act_until
    again = session.deliveries.unsettled(["1"], 60.0)["1"][0].may_act_until
    assert first == again
    assert first is not None
    assert first > datetime.now(UTC) + timedelta(seconds=50)


def test_a_dead_delivery_is_tried_again_only_when_an_operator_asks(session: Session) -> None:
    """Dead ones that had no effect are out of sight until they are revived."""
    session.deliveries.claim([claim(1)], "run-1")
    _settle(session, claim(1), "failed")
    session.deliveries.bury([claim(1).delivery_key])
    assert session.deliveries.unsettled(["1"], 60.0) == {}

    session.deliveries.revive(["1"])

    assert [(u.state, u.attempts) for u in session.deliveries.unsettled(["1"], 60.0)["1"]] == [
        ("failed", 0)
    ]


def test_a_superseded_delivery_is_closed(session: Session) -> None:
    """A newer version replaced it."""
    session.deliveries.claim([claim(1)], "run-1")
    session.deliveries.supersede([claim(1).delivery_key])
    assert session.deliveries.unsettled(["1"], 60.0) == {}


def test_a_late_answer_settles_requested_deliveries_of_its_action_only(session: Session) -> None:
    """Neither other actions nor settled ones are touched."""
    session.deliveries.claim(
        [claim(1), claim(2)._replace(action="cancel"), claim(3, "9")._replace(action="cancel")],
        "run-1",
    )
    for number in (1, 2):
        _settle(session, claim(number), "requested")
    _settle(session, claim(3), "delivered")

    answered = session.deliveries.answer(["1", "9"], "cancel", "refused")

    assert [row.delivery_key for row in answered] == [UUID(int=2)]
    assert [state for _, state, _ in _states(session)] == ["requested", "refused", "delivered"]


def test_what_the_target_holds_is_kept_and_replaced(session: Session) -> None:
    """Content comes back to the byte; the newest one counts."""
    row = TargetRow("1", "T-1", b'{"a":1}', b"d" * 16, "", 1, NOON)
    session.deliveries.put_targets([row])
    assert session.deliveries.targets(["1", "2"]) == {"1": row}
    session.deliveries.put_targets([row._replace(content=b"{}", sequence=2, milestone="canceled")])
    assert session.deliveries.targets(["1"])["1"] == row._replace(
        content=b"{}", sequence=2, milestone="canceled"
    )


def _month_of(session: Session) -> list[date]:
    return [m for (m,) in session.db.execute("SELECT DISTINCT prune_month FROM sync.delivery")]


def test_deliveries_of_orders_are_kept_and_those_of_stock_have_the_month_of_their_claim(
    ledger: Ledger, session: Session
) -> None:
    """Only what retention may drop lies in a month."""
    session.deliveries.claim([claim(1)], "run-1")
    assert _month_of(session) == [KEPT]
    session.db.execute("DELETE FROM sync.delivery")

    with ledger.session("acme", "inventory", "run-1") as stock:
        stock.deliveries.claim([claim(2)], "run-1")
        assert _month_of(stock) == [datetime.now(UTC).date().replace(day=1)]


@pytest.mark.parametrize("month", [date(2026, 1, 1), KEPT])
def test_stock_that_is_claimed_again_in_another_month_is_one_delivery(
    ledger: Ledger, month: date
) -> None:
    """Its key stays unique, and another session settles it."""
    with ledger.session("acme", "inventory", "run-1") as first:
        first.deliveries.claim([claim(1), claim(2)], "run-1")
        first.db.execute("SELECT sync.ensure_delivery_month('2026-01-05')")
        first.db.execute(
            "UPDATE sync.delivery SET prune_month = %s WHERE delivery_key = %s",
            (month, UUID(int=1)),
        )
        assert first.deliveries.claim([claim(1)], "run-1") == {UUID(int=1): 2}
        assert _states(first) == [(UUID(int=1), "in_flight", 2), (UUID(int=2), "in_flight", 1)]
        first.db.commit()

    with ledger.session("acme", "inventory", "run-2") as second:
        second.deliveries.settle(
            [SettleRow(claim(n).delivery_key, "failed", is_lost=True) for n in (1, 2)], 60.0
        )
        assert [row[1] for row in _states(second)] == ["failed", "failed"]
        found = second.deliveries.unsettled(["1"], 0.0)["1"]
        assert sorted((one.is_uncertain, one.attempts) for one in found) == [(True, 1), (True, 2)]


@pytest.mark.parametrize("stream", ["orders", "inventory"])
def test_a_settlement_is_an_index_look_up_without_statistics(
    ledger: Ledger, session: Session, stream: str
) -> None:
    """A new month's table has no statistics, and a scan of it for each chunk would be quadratic."""
    session.db.execute("SELECT sync.ensure_delivery_month(clock_timestamp()::date)")
    session.db.execute(
        """INSERT INTO sync.delivery (delivery_key, connection, stream, source_id, action,
               target_key, source_day, capture_id, state, attempts, correlation_id, run_id,
               claimed_at, prune_month)
           SELECT gen_random_uuid(), 'acme', %s, n::text, 'a', n::text, '2026-03-19',
                  gen_random_uuid(), 'delivered', 1, '', '', now(), %s
           FROM generate_series(1, 60000) n""",
        (stream, KEPT if stream == "orders" else datetime.now(UTC).date().replace(day=1)),
    )
    session.db.commit()
    scans = "SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_xact_user_tables WHERE relname ~ %s"
    with ledger.session("acme", stream, "run-1") as opened:
        rows = [claim(n, str(n)) for n in range(1, 501)]
        with opened.db.transaction():
            opened.deliveries.claim(rows, "run-1")
            opened.deliveries.settle([SettleRow(r.delivery_key, "delivered") for r in rows])
            read = opened.db.execute(scans, ("^delivery_",)).fetchone()
    assert read == (0,)
