"""What makes two versions of a document differ."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.exchange import RawRecord
from resources.versions import compared_without, without

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def content(payload: bytes) -> bytes | None:
    """Return the content of a payload without the field ``stock``, of its parts, too."""
    record = RawRecord("1", NOW, payload)
    return compared_without(
        record, lambda one: (without(one, "stock"), without(one.get("parts"), "stock"))[0]
    ).content


def test_what_says_nothing_new_and_the_order_of_fields_make_no_version() -> None:
    """In a document and in the objects of a list."""
    first = content(b'{"a": 1, "stock": 2, "parts": [{"b": 1, "stock": 3}, null]}')
    assert first == content(b'{"parts": [{"stock": 4, "b": 1}, null], "a": 1}')
    assert first != content(b'{"a": 2, "parts": [{"b": 1}, null]}')


@pytest.mark.parametrize("payload", [b"[1]", b'{"a": "\xff"}', b"{", b"[" * 5_000])
def test_what_can_not_be_read_is_compared_as_a_whole(payload: bytes) -> None:
    """It stops no page."""
    assert content(payload) is None
