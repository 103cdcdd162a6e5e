"""Links between the store's and the OMS's records, and who owns a record of the OMS."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from domain.errors import PermanentError
from resources.ledger.links import Link, Links, RefusedLink, accepted_orders, move_links
from resources.ledger.monitoring.connection_config import describe
from tests.assets.scene import installation_of


def link(store_id: str, oms_id: str) -> Link:
    """Return a link whose numbers differ from its ids."""
    return Link(store_id, f"No. {store_id}", oms_id, f"SO-{oms_id}")


def configure(db: psycopg.Connection, **organisations: str) -> None:
    """Store the connections, each with the OMS organisation that it writes to."""
    for name, organisation in organisations.items():
        db.execute(
            """INSERT INTO sync.connection (connection, owner, description,
                                            order_id_prefix, limits, organisation, ids_ignore_case)
               VALUES (%s, '', '', '', '{}', %s, %s)""",
            (name, organisation, organisation == "folding"),
        )


@pytest.fixture
def db(database: str):
    """Open a ledger with two connections to one organisation, and one to each of two others."""
    with psycopg.connect(database, autocommit=True) as opened:
        configure(opened, us="one", eu="one", asia="two", uk="folding", fr="folding")
        yield opened


def test_ids_are_opaque_and_lead_both_ways(db: psycopg.Connection) -> None:
    """An id of one system is not a part of the other's; unknown ones are left out."""
    links = Links(db, "us")
    rows = [link("e6a1-uuid", "000123"), link("Ünï %s", "o/1")]
    assert links.claim(rows, "run") == []
    assert links.claim(rows, "again") == []
    assert links.store_ids(["000123", "o/1", "none"]) == {"000123": "e6a1-uuid", "o/1": "Ünï %s"}
    assert links.oms_ids(["e6a1-uuid", "none"]) == {"e6a1-uuid": "000123"}
    assert (links.store_ids([]), links.oms_ids([]), links.others([])) == ({}, {}, {})
    assert links.claim([], "run") == []
    made_by = db.execute("SELECT DISTINCT linked_by FROM history.links").fetchall()
    assert made_by == [("run",)]


@pytest.mark.parametrize("text", ["e6a1-uuid", "No. e6a1-uuid", "000123", "SO-000123"])
def test_a_link_is_found_by_each_id_and_number(db: psycopg.Connection, text: str) -> None:
    """An operator types whatever is on the screen."""
    links = Links(db, "us")
    links.claim([link("e6a1-uuid", "000123"), link("2", "9")], "run")
    assert links.find(text) == [link("e6a1-uuid", "000123")]
    assert links.find("0001") == []
    assert Links(db, "asia").find(text) == []


def test_an_order_of_the_oms_has_one_owner_among_all_connections(db: psycopg.Connection) -> None:
    """Also in one chunk; the others are linked, and another organisation has ids of its own."""
    us, eu, asia = (Links(db, name) for name in ("us", "eu", "asia"))
    us.claim([link("1", "A"), link("2", "B")], "run")
    refused = eu.claim([link("7", "B"), link("8", "C"), link("9", "C")], "run")
    assert [(r.wanted.store_id, r.linked_id, r.owner, r.owner_id) for r in refused] == [
        ("7", "", "us", "2"),
        ("9", "", "eu", "8"),
    ]
    assert eu.store_ids(["A", "B", "C"]) == {"C": "8"}
    assert eu.others(["A", "B", "C", "D"]) == {"A": "us", "B": "us"}
    assert asia.claim([link("1", "A")], "run") == []
    assert asia.others(["A"]) == {}


def test_an_order_of_the_store_keeps_its_link(db: psycopg.Connection) -> None:
    """Under another id it would be created a second time."""
    links = Links(db, "us")
    links.claim([link("1", "A")], "run")
    assert links.claim([link("1", "B")], "run") == [RefusedLink(link("1", "B"), "A", "", "")]
    assert links.oms_ids(["1"]) == {"1": "A"}


def test_ids_that_differ_by_case_are_one_record_where_the_oms_ignores_case(
    db: psycopg.Connection,
) -> None:
    """And two records if it does not."""
    Links(db, "uk").claim([link("1", "uk-1")], "run")
    (refused,) = Links(db, "fr").claim([link("1", "UK-1")], "run")
    assert refused.owner == "uk"
    Links(db, "us").claim([link("1", "uk-1")], "run")
    assert Links(db, "eu").claim([link("1", "UK-1")], "run") == []


def test_two_writers_at_once_cannot_both_have_an_order(database: str, db: psycopg.Connection):
    """The second waits for the first, and is refused."""
    with psycopg.connect(database) as first:
        assert Links(first, "us").claim([link("1", "A")], "run") == []
        db.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            Links(db, "eu").claim([link("1", "A")], "run")
        first.commit()
    (refused,) = Links(db, "eu").claim([link("1", "A")], "run")
    assert refused.owner == "us"


def test_a_connection_that_the_ledger_does_not_know_makes_no_link(db: psycopg.Connection) -> None:
    """Without its organisation nothing would keep two connections apart."""
    links = Links(db, "nowhere")
    with pytest.raises(PermanentError, match="nowhere: the ledger does not have"):
        links.claim([link("1", "A")], "run")
    assert (links.store_ids(["A"]), links.oms_ids(["1"]), links.others(["A"])) == ({}, {}, {})


def test_links_follow_their_connection_to_another_organisation(db: psycopg.Connection) -> None:
    """What another connection has there already stays behind, and counts as not linked."""
    us, asia = Links(db, "us"), Links(db, "asia")
    us.claim([link("1", "A"), link("2", "B")], "run")
    asia.claim([link("7", "B")], "run")
    db.execute("UPDATE sync.connection SET organisation = 'two' WHERE connection = 'us'")
    move_links(db, "us", "two", ids_ignore_case=False)

    us = Links(db, "us")
    assert us.store_ids(["A", "B"]) == {"A": "1"}
    assert us.others(["B"]) == {"B": "asia"}
    (refused,) = us.claim([link("1", "A"), link("2", "B")], "run")
    assert (refused.linked_id, refused.owner, refused.owner_id) == ("B", "asia", "7")
    assert asia.store_ids(["B"]) == {"B": "7"}


def test_the_configuration_gives_links_their_organisation(database: str, tmp_path: Path) -> None:
    """The migration does not know it; two spellings of one address are one."""
    urls = ("http://127.0.0.1:1", "http://127.0.0.1:1/")
    first, second = (installation_of(url, "s1", tmp_path) for url in urls)
    old = "manhattan 127.0.0.1:1/manhattan/s1, organization sandbox"
    other = installation_of("http://127.0.0.1:2", "s1", tmp_path, oms_moved_from=old)
    query = "SELECT DISTINCT organisation, oms_key FROM sync.link"
    with psycopg.connect(database, autocommit=True) as db:
        describe(db, first)
        db.execute("UPDATE sync.connection SET organisation = 'connection acme'")
        Links(db, "acme").claim([link("1", "W-1")], "migration")
        describe(db, first)
        known = db.execute(query).fetchall()
        describe(db, second)
        assert db.execute(query).fetchall() == known
        assert known == [(old, "w-1")]
        describe(db, other)
        assert Links(db, "acme").store_ids(["W-1"]) == {"W-1": "1"}


def test_accepted_orders_state_their_ids_without_a_link(database: str) -> None:
    """The newest accepted version counts; one that is only skipped states nothing."""
    day, moment = date(2026, 3, 19), datetime(2026, 3, 19, 12, tzinfo=UTC)
    with psycopg.connect(database, autocommit=True) as db:
        db.execute("SELECT sync.ensure_month(%s)", (day,))
        versions = [("1", "n1", "old", 1, "accepted"), ("1", "n1", "T-1", 2, "accepted")]
        versions += [("2", "n2", "T-2", 1, "superseded")]
        for number, (source_id, name, order_id, hour, state) in enumerate(versions):
            key = f"00000000-0000-0000-0000-{number:012}"
            db.execute(
                """INSERT INTO sync.record (source_day, capture_id, connection, stream, source_id,
                                            source_updated_at, state, correlation_id, run_id)
                   VALUES (%s, %s, 'us', 'orders', %s, %s, %s, '', '')""",
                (day, key, source_id, moment.replace(hour=hour), state),
            )
            db.execute(
                """INSERT INTO sync.order_header VALUES (%s, %s, 'us', %s, %s, %s, '', false, %s,
                                                         'USD', false, 1, 0, 1, 1, true, 'US')""",
                (day, key, source_id, order_id, name, moment),
            )
        assert accepted_orders(db, "us", store_ids=["1", "2"]) == [Link("1", "n1", "T-1", "T-1")]
        assert accepted_orders(db, "us", oms_ids=["T-1"]) == [Link("1", "n1", "T-1", "T-1")]
        assert accepted_orders(db, "us") == []
