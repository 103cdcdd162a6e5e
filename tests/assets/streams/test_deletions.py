"""Versions that stand for deleted records are never mistaken for what a store has sent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assets.streams.deletions import Deletions

DELETIONS = Deletions("lockstep_deleted_thing")


def test_a_deletion_is_read_back_by_its_id() -> None:
    """Its bytes are those that ledgers have already."""
    moment = datetime(2026, 3, 4, tzinfo=UTC)
    version = DELETIONS.version("7", moment)
    assert (version.source_id, version.updated_at) == ("7", moment)
    assert version.payload == b'{"lockstep_deleted_thing":"7"}'
    assert DELETIONS.source_id(version.payload) == "7"


@pytest.mark.parametrize(
    "payload",
    [
        b'{"id":"7"}',
        b'{"lockstep_deleted_other":"7"}',
        b'{"lockstep_deleted_thing":7}',
        b'{"lockstep_deleted_thing":"7","name":"Jane"}',
        b'{"name":"lockstep_deleted_thing"}',
        b'"lockstep_deleted_thing"',
        b'{"lockstep_deleted_thing":',
    ],
)
def test_another_version_is_none(payload: bytes) -> None:
    """Also one of a store that writes the field, or of another kind of record."""
    assert DELETIONS.source_id(payload) is None
