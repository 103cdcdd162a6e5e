"""Edits of captured payloads."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import PermanentError
from domain.values import Partition
from resources.ledger.captures import edits
from resources.ledger.captures.edits import Change
from resources.ledger.session import Session
from tests.resources.ledger.rows import DAY, capture

PAYLOAD = (
    b'{"id":7,"zip":"1","total":19.90,"big":12345678901234567890.123456789,"gift":false,'
    b'"note":null,"lines":[{"id":1,"quantity":2}]}'
)


def edited(*wanted: str) -> bytes:
    """Return the payload with edits."""
    return edits.applied(PAYLOAD, edits.plan(PAYLOAD, wanted, "7"))


def test_a_value_takes_the_type_of_what_it_replaces_and_all_other_digits_stay() -> None:
    """A postal code stays text, an amount a number with its digits, and the rest as it came."""
    found = edited(
        "zip=01234", "total=20.10", "gift=true", "note=ring twice", "lines[0].quantity=3"
    )
    assert found == (
        b'{"id":7,"zip":"01234","total":20.10,"big":12345678901234567890.123456789,"gift":true,'
        b'"note":"ring twice","lines":[{"id":1,"quantity":3}]}'
    )
    assert b'"note":5' in edited("note=5")
    assert b'"zip":"a=b"' in edited("zip=a=b")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("total=twenty", "takes a number or null"),
        ("gift=1", "takes true, false or null"),
        ("total=true", "takes a number"),
        ("lines=[]", "holds [0] to [0]"),
        ("zip", "write path=value"),
        ("id=8", "names the record itself"),
        ("zip=a\0b", "characters"),
        ("total=[1]", "takes a number"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(wanted: str, message: str) -> None:
    """No value is guessed, and no record becomes another one."""
    with pytest.raises(PermanentError, match=r".*") as error:
        edits.plan(PAYLOAD, [wanted], "7")
    assert message in str(error.value)


def test_a_payload_that_is_no_json_can_not_be_edited() -> None:
    """It is to be corrected at its source."""
    with pytest.raises(PermanentError, match="not JSON"):
        edits.plan(b"<html>", ["a=1"], "7")


@given(st.text(), st.text())
@settings(max_examples=150)
def test_no_path_and_no_value_breaks_an_edit(path: str, value: str) -> None:
    """Whatever is typed is either a change or one sentence."""
    try:
        changes = edits.plan(PAYLOAD, [f"{path}={value}"], "7")
    except PermanentError:
        return
    assert edits.applied(PAYLOAD, changes)


def test_edits_are_kept_beside_the_capture_and_come_with_it(session: Session) -> None:
    """The captured bytes stay, validation reads the edited ones; a NUL can be stored."""
    row = capture("1", b'{"id":1,"zip":"1\\u0000","total":1.50}')
    with session.transaction():
        session.captures.add([row], "run-1")
    changes = edits.plan(row.payload, ["zip=78701", "total=2.50"], "1")
    edits.store(session.db, ("acme", "orders", DAY, row.capture_id), "1", changes, "ann", "typo")

    (read,) = session.captures.to_validate(
        Partition.of_day(DAY), everything=True, after=None, limit=9
    )
    assert read.payload == b'{"id":1,"zip":"78701","total":2.50}'
    assert session.captures.payload("1") == row.payload
    kept = edits.of_captures(session.db, "acme", "orders", DAY, [row.capture_id])[row.capture_id]
    assert [str(change) for change in kept] == ['zip: "1\ufffd" -> "78701"', "total: 1.50 -> 2.50"]
    assert kept[1].after == Decimal("2.50")


def test_an_edit_that_does_not_fit_the_capture_is_an_error() -> None:
    """It is never half applied."""
    with pytest.raises(PermanentError, match="does not fit"):
        edits.applied(b'{"a":1}', [Change("b.c", ("b", "c"), 1, 2)])
