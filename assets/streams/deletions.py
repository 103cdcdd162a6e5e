"""Versions that stand for records which the store has deleted: no store has sent them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.exchange import RawRecord

_DECODER = msgspec.json.Decoder(dict[str, str])


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
