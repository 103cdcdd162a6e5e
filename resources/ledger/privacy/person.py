"""The records of a person: their ids in both systems, and what is open on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from domain.milestones import Milestone
from domain.streams import KINDS, PERSONAL, streams_of
from resources.ledger.links import Links
from resources.ledger.privacy.erasure import DELIVERED, THEIRS, Subject, subject_parameters

ENTITIES = tuple(dict.fromkeys(KINDS[stream].entity for stream in PERSONAL))
"""What the records are that may name a person."""
ENDED = [
    str(milestone)
    for milestone in (
        Milestone.SHIPPED,
        Milestone.PARTIALLY_DELIVERED,
        Milestone.DELIVERED,
        Milestone.PARTIALLY_RETURNED,
        Milestone.RETURNED,
        Milestone.CANCELED,
    )
]
"""Milestones of an order of which nothing is left to ship."""


@dataclass(frozen=True)
class Theirs:
    """A person's records of one entity, by their ids in both systems."""

    entity: str
    at_store: frozenset[str]
    at_oms: frozenset[str]
    store_ids: Mapping[str, str]
    """OMS's id -> the store's id, of those that are linked."""

    @property
    def names(self) -> frozenset[str]:
        """Return the store's ids, and the OMS's of what is not linked: as operators know them."""
        return self.at_store | (self.at_oms - self.store_ids.keys())

    def name(self, oms_id: str) -> str:
        """Return the name of a record of the OMS."""
        return self.store_ids.get(oms_id, oms_id)

    def without(self, names: Collection[str]) -> Theirs:
        """Return the records without those of some names."""
        at_oms = frozenset(one for one in self.at_oms if self.name(one) not in names)
        return replace(self, at_store=self.at_store - set(names), at_oms=at_oms)


def their_records(
    db: psycopg.Connection[Any], connection: str, entity: str, found: Mapping[str, set[str]]
) -> Theirs:
    """Return their records of one entity, also those that do not name them in one of the systems.

    A record of the OMS without a link is forgotten by the OMS's id alone.
    """
    links = Links(db, connection, entity)
    named = {
        to_oms: {
            one for stream in streams_of(entity, to_oms=to_oms) for one in found.get(stream, ())
        }
        for to_oms in (True, False)
    }
    at_store = named[True] | set(links.store_ids(named[False]).values())
    oms_ids = links.oms_ids(at_store)
    return Theirs(
        entity,
        frozenset(at_store),
        frozenset(named[False] | set(oms_ids.values())),
        {oms_id: store_id for store_id, oms_id in oms_ids.items()},
    )


def subject_of_records(theirs: Sequence[Theirs]) -> Subject:
    """Return the ids of the records in each stream."""
    by_entity = {one.entity: one for one in theirs}
    captured, delivered = {}, {}
    for stream in PERSONAL:
        one = by_entity[KINDS[stream].entity]
        captured[stream] = sorted(one.at_store if KINDS[stream].to_oms else one.at_oms)
        delivered[stream] = sorted(one.names)
    return Subject(captured, delivered)


def open_work(
    db: psycopg.Connection[Any], connection: str, theirs: Sequence[Theirs]
) -> dict[str, dict[str, str]]:
    """Return by entity the records, by name, that are still to be sent, shipped or canceled.

    One with an open rejection is still to be sent once it is corrected: that of an order that can
    never be sent is discarded first, which is a decision of its own.
    An order that the OMS has is open until the milestones of its fulfilment end it, where the
    connection reads them at all.
    """
    condition = THEIRS.format(key="source_id")
    rows = db.execute(
        f"""SELECT t.stream, t.target_key, true, 'not shipped yet' FROM sync.target_state t
            WHERE t.connection = %(connection)s AND t.stream = 'orders'
              AND t.target_key = ANY(%(captured_orders)s) AND t.milestone <> 'canceled'
              AND EXISTS (SELECT FROM sync.watermark w
                          WHERE w.connection = t.connection AND w.stream = 'shipments')
              AND NOT EXISTS (SELECT FROM sync.target_state s
                              WHERE (s.connection, s.stream, s.target_key)
                                  = (t.connection, 'shipments', t.target_key)
                                AND s.milestone = ANY(%(ended)s))
            UNION ALL
            SELECT t.stream, source_id, true, action || ' ' || state FROM sync.delivery t
            WHERE {DELIVERED} AND state IN ('in_flight', 'failed', 'requested')
            UNION ALL
            SELECT t.stream, source_id, false, 'to be delivered' FROM sync.record t
            WHERE {condition} AND state = 'accepted' AND outcome IS NULL
            UNION ALL
            SELECT t.stream, source_id, false, 'to be validated' FROM sync.capture t
            WHERE {condition} AND NOT EXISTS (
                SELECT FROM sync.record r
                WHERE (r.connection, r.stream, r.source_day, r.capture_id)
                    = (t.connection, t.stream, t.source_day, t.capture_id))
            UNION ALL
            SELECT t.stream, source_id, false, 'rejected: ' || code FROM sync.rejection t
            WHERE {condition} AND state IN ('open', 'retried')
            ORDER BY 2""".encode(),  # noqa: S608 - constants of the ledger's own
        subject_parameters(connection, subject_of_records(theirs)) | {"ended": ENDED},
    )
    by_entity = {one.entity: one for one in theirs}
    found: dict[str, dict[str, str]] = {entity: {} for entity in by_entity}
    for stream, record, is_name, why in rows:
        kind = KINDS[stream]
        one = by_entity[kind.entity]
        name = record if is_name or kind.to_oms else one.name(record)
        found[kind.entity][name] = why
    return found
