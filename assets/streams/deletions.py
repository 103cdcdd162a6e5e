"""Records that the store has deleted, which no list of it shows.

Events name them, and versions stand for them that no store has sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from domain.exchange import RawRecord
from domain.identity import content_digest
from domain.sources import EVERYTHING, Page, Scope, Source
from domain.values import Window
from resources.ledger.captures import inbox
from resources.ledger.session import Session
from resources.sync import Sync

_DECODER = msgspec.json.Decoder(dict[str, str])


def named_by_events(
    sync: Sync,
    session: Session,
    stream: str,
    since: datetime,
    until: datetime | None,
    scopes: Collection[str] | None = None,
) -> dict[str, datetime]:
    """Return the records that events of a span name, with the newest event's time.

    Of some kinds (``scopes``) or of all. The span and the times are the store's: events are dated
    by our own clock, when they arrived.
    """
    ahead = sync.platform.clock() - datetime.now(UTC)
    span = since - ahead, None if until is None else until - ahead
    found = inbox.received(session.db, sync.name, stream, *span, scopes)
    return {source_id: moment + ahead for source_id, moment in found.items()}


def known_to_ledger(session: Session, ids: Collection[str]) -> set[str]:
    """Return which of the stream's records were captured or sent before."""
    if not ids:
        return set()
    return session.captures.latest_digests(list(ids)).keys() | session.links.oms_ids(ids).keys()


class Deletions:
    """Deletions of one kind of record; ``field`` is the one field of such a version, for its id."""

    def __init__(self, field: str) -> None:
        self._field, self._mark = field, field.encode()

    def version(self, source_id: str, moment: datetime) -> RawRecord:
        """Return the version that stands for the deletion of a record."""
        return RawRecord(source_id, moment, msgspec.json.encode({self._field: source_id}))

    def source_id(self, payload: bytes) -> str | None:
        """Return the id of the record whose deletion a version is, ``None`` if it is another."""
        if self._mark not in payload[:64]:
            return None
        try:
            found = _DECODER.decode(payload)
        except (ValueError, RecursionError):
            return None
        return found[self._field] if found.keys() == {self._field} else None


def read_with_named(
    source: Source[Any],
    session: Session,
    window: Window,
    named: Mapping[str, datetime],
    deletions: Deletions,
    at_once: int,
    scope: Scope = EVERYTHING,
) -> Iterator[Page]:
    """Read what changed in the window, then the records that events name, ``at_once`` a call.

    Of these, one that the source does not have was deleted. The others are dated by their event if
    that is newer: a change that is not one of the record itself would be as old as the version
    before it.
    """
    listed: dict[str, bytes] = {}
    for page in source.fetch(window, scope):
        for record in page.records:
            if record.source_id in named:
                listed[record.source_id] = content_digest(record.payload)
        yield page
    ids = sorted(named)
    for start in range(0, len(ids), at_once):
        found: list[RawRecord] = []
        left = set(ids[start : start + at_once])
        for page in source.read(sorted(left)):
            for record in page.records:
                left.discard(record.source_id)
                if listed.get(record.source_id) != content_digest(record.payload):
                    moment = max(record.updated_at, named[record.source_id])
                    found.append(RawRecord(record.source_id, moment, record.payload))
        gone = sorted(known_to_ledger(session, left))
        found += [deletions.version(source_id, named[source_id]) for source_id in gone]
        if found:
            yield Page(found)
