"""What is kept of a return: equal content has the digest that it has always had."""

from __future__ import annotations

from dataclasses import replace

from assets.streams.returns.state import digest_of
from domain.refunds import ReturnedUnits, ReturnRecord

RECORD = ReturnRecord("o", "R-1", (ReturnedUnits("line", 2, 1, 0, "Good"),), "1Z")


def test_a_store_without_announced_units_sees_no_change() -> None:
    """A return that was shown before the store could show them is not shown again."""
    known = "ef8f4c24"
    assert digest_of(RECORD).startswith(known)
    assert digest_of(replace(RECORD, is_separate=True)) == digest_of(RECORD)
    more = replace(RECORD, lines=(replace(RECORD.lines[0], expected=3),))
    assert digest_of(more) != digest_of(RECORD)
