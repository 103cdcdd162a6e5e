"""Refunded returns that the OMS no longer has, as after a restore from a backup.

An OMS may report the same units once more, as a return with another id. Units of a return that is
gone are therefore no reason for a second refund.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from domain.errors import LockstepError
from domain.records.returns import Return
from domain.sources import ReturnSource
from resources.ledger.records.refunds import KnownRefund, ReturnedLine


class Looked(NamedTuple):
    """What the OMS was seen to have of refunded returns."""

    gone: frozenset[str]
    """Refunded returns that the OMS lacks."""
    unread: frozenset[str]
    """Orders of whose other returns it is not known whether the OMS has them."""


def look_for_refunded(
    source: ReturnSource,
    records: Iterable[Return],
    known: Mapping[str, Collection[KnownRefund]],
) -> Looked:
    """Look for the refunded returns of which other returns of the order have the same lines.

    No call where there are none, as nearly always.
    """
    suspects: dict[str, str] = {}
    for record in records:
        for refund in known.get(record.source_id, ()):
            if refund.return_id != record.return_id and refund.units.keys() & record.confirmed():
                suspects[refund.return_id] = record.source_id
    if not suspects:
        return Looked(frozenset(), frozenset())
    try:
        found = {row.source_id for page in source.read(suspects.keys()) for row in page.records}
    except LockstepError:
        return Looked(frozenset(), frozenset(suspects.values()))
    return Looked(frozenset(suspects.keys() - found), frozenset())


def without_gone(
    returned: Mapping[str, Sequence[ReturnedLine]], gone: Collection[str]
) -> dict[str, list[ReturnedLine]]:
    """Return the lines of orders' returns without those of returns that are gone."""
    return {
        order_id: [line for line in lines if line.return_id not in gone]
        for order_id, lines in returned.items()
    }
