"""Ids are deterministic, and never equal for different things."""

from __future__ import annotations

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity import (
    capture_id,
    content_digest,
    correlation_id,
    delivery_key,
    fallback_id,
    is_composed_id,
    is_id,
)
from domain.records.record import LONGEST_KEY

texts = st.text(max_size=12)
contents = st.binary(max_size=64)
parts = st.tuples(texts, texts, texts, contents, texts)


@given(contents, contents)
def test_a_digest_stands_for_its_content(one: bytes, other: bytes) -> None:
    """Equal content has the same digest of 16 bytes, other content another one."""
    assert content_digest(one) == content_digest(bytes(one))
    assert (content_digest(one) == content_digest(other)) == (one == other)
    assert len(content_digest(one)) == 16


@pytest.mark.parametrize("size", [0, 1, 2046, 2047, 2048, 4094, 4095, 6300])
def test_a_digest_is_that_of_the_whole_content(size: int) -> None:
    """That it is computed in pieces shows nowhere: digests are stored."""
    content = bytes(range(256)) * 25
    whole = blake2b(content[:size], digest_size=16, person=b"content").digest()
    assert content_digest(content[:size]) == whole


@given(parts, parts)
def test_ids_of_versions_are_equal_only_for_the_same_version(
    one: tuple[str, str, str, bytes, str], other: tuple[str, str, str, bytes, str]
) -> None:
    """Connection, stream, record, content and time all count, with limits between them."""
    assert (capture_id(*one) == capture_id(*other)) == (one == other)


@given(texts, texts, texts, texts, contents)
def test_an_id_never_equals_one_of_another_purpose(
    name: str, stream: str, source_id: str, action: str, digest: bytes
) -> None:
    """A capture id, a delivery key and a digest differ even for the same parts."""
    key = delivery_key(name, stream, source_id, action, digest)
    assert key == delivery_key(name, stream, source_id, action, digest)
    assert key != capture_id(name, stream, source_id, digest, action)
    assert key.bytes != content_digest(digest)


@given(texts, texts)
def test_the_limit_between_two_parts_counts(left: str, right: str) -> None:
    """``a`` + ``bc`` is not ``ab`` + ``c``."""
    moved = (left + right[:1], right[1:])
    same = delivery_key(left, right, "1", "create", b"") == delivery_key(*moved, "1", "create", b"")
    assert same == (moved == (left, right))


@given(texts, texts)
def test_a_correlation_id_is_short_readable_and_one_per_record(name: str, source_id: str) -> None:
    """20 characters with a prefix; orders and stock never share one."""
    order, stock = (
        correlation_id(name, "order", source_id),
        correlation_id(name, "stock", source_id),
    )
    assert order == correlation_id(name, "order", source_id)
    assert order.startswith("ord-")
    assert stock.startswith("stk-")
    assert len(order) == len(stock) == 20
    assert order[4:] != stock[4:]


def test_ids_stay_what_they_were() -> None:
    """Later versions of this code must find the stored keys again."""
    assert content_digest(b"content").hex() == "bb30f0a469b95dab7f7c89ef87d71f06"
    assert (
        str(capture_id("acme", "orders", "1", b"d", "v")) == "2b081a07-e0e3-5a62-a268-99fe4d4ee1c0"
    )
    assert (
        str(delivery_key("acme", "orders", "1", "create:0", b"d"))
        == "e5f39439-d301-1105-2da7-af3deeacc88d"
    )
    assert correlation_id("acme", "order", "1") == "ord-1cd1df763a91306f"


def test_a_record_without_a_usable_id_gets_the_same_fallback_each_time() -> None:
    """So it is neither lost nor stored again at each reading."""
    assert fallback_id(b"x") == fallback_id(b"x") != fallback_id(b"y")
    assert is_id(fallback_id(b"x"))


def test_ids_are_what_tables_and_indexes_can_hold() -> None:
    """Text without control characters that is short enough for an index."""
    assert is_id("1001") and is_id("SKU-1@DC1") and is_id("שלום")
    for unusable in ("", "a\x00", "a\nb", "\ud800"):
        assert not is_id(unusable) and not is_composed_id(unusable)
    assert not is_id("x" * 256) and not is_composed_id("x" * 601)


def test_whatever_a_canonical_record_can_hold_is_an_id() -> None:
    """A record whose key is valid keeps it: its drifts and approvals are found under it."""
    sku, place = "S" * LONGEST_KEY, "L" * LONGEST_KEY
    assert is_id(sku) and is_composed_id(f"{sku}@{place}")
    assert is_composed_id(f"{sku}@{place}/USD/2026-11-28T12:00:00.000000+00:00")
