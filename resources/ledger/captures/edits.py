"""Edits: values that an operator puts instead of captured ones, applied at each validation.

The capture itself stays as it came. An edit belongs to one version of a record: a newer version is
taken as the source sent it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from domain.errors import PermanentError
from resources.ledger.captures import paths
from resources.ledger.captures.paths import Place

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
LONGEST_PATH = 300
LARGEST_NUMBER = 10**18
_NUMBERS = (int, Decimal)


@dataclass(frozen=True, slots=True)
class Change:
    """One value before and after, which may be personal data; ``path`` starts at the root."""

    path: str
    place: Place
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {shown(self.before)} -> {shown(self.after)}"


def shown(value: Any) -> str:
    """Return a value as JSON, with its digits as they are."""
    return _ENCODER.encode(value).decode()


def plan(
    payload: bytes, wanted: Sequence[str], source_id: str, addable: Collection[str] = ()
) -> list[Change]:
    """Return what ``path=value`` texts change; a value takes the type of what it replaces.

    ``payload`` has earlier edits applied. Raises ``PermanentError`` for a path that leads nowhere,
    a value of another type, and the record's own id: under another id it would be another record.
    """
    document = _opened(payload)
    changes: list[Change] = []
    for text in wanted:
        path, value = _split(text)
        found = paths.find(document, path.strip(), addable)
        last = str(found.place[-1])
        if str(found.value) == source_id and last.lower().endswith("id"):
            raise PermanentError(
                f"{path!r} names the record itself: under another id it would be another record. "
                "Discard it instead."
            )
        change = Change(
            paths.written(found.place), found.place, found.value, _typed(path, found.value, value)
        )
        paths.put(document, change.place, change.after)
        changes.append(change)
    return changes


def store(
    db: psycopg.Connection[Any],
    key: tuple[str, str, date, UUID],
    source_id: str,
    changes: Sequence[Change],
    who: str,
    why: str,
) -> None:
    """Store the changes of a capture, within the caller's transaction.

    ``key`` is its connection, stream, source day and id.
    """
    db.execute(
        """INSERT INTO sync.edit (connection, stream, source_day, capture_id, source_id, changes,
                                  who, why)
           VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s, %s)""",
        (*key, source_id, encoded(changes), who, why),
    )


def of_captures(
    db: psycopg.Connection[Any], name: str, stream: str, day: date, captures: Iterable[UUID]
) -> dict[UUID, list[Change]]:
    """Return the changes of those captures of a partition that have any, oldest first."""
    rows = db.execute(
        """SELECT capture_id, changes::text FROM sync.edit
           WHERE connection = %s AND stream = %s AND source_day = %s AND capture_id = ANY(%b)
           ORDER BY edit_id""",
        (name, stream, day, list(captures)),
        binary=True,
    )
    return _by_capture(rows)


def of_records(
    db: psycopg.Connection[Any], name: str, stream: str, source_ids: Iterable[str]
) -> dict[UUID, list[Change]]:
    """Return the changes of all versions of some records that have any, oldest first."""
    rows = db.execute(
        """SELECT capture_id, changes::text FROM sync.edit
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b) ORDER BY edit_id""",
        (name, stream, list(source_ids)),
        binary=True,
    )
    return _by_capture(rows)


def _by_capture(rows: Iterable[tuple[UUID, str]]) -> dict[UUID, list[Change]]:
    found: dict[UUID, list[Change]] = {}
    for capture, changes in rows:
        found.setdefault(capture, []).extend(decoded(changes))
    return found


def applied(payload: bytes, changes: Sequence[Change]) -> bytes:
    """Return the payload with the changes applied, or as it came if there are none.

    Numbers keep their digits.
    """
    if not changes:
        return payload
    document = _opened(payload)
    for change in changes:
        try:
            paths.put(document, change.place, change.after)
        except LookupError:
            raise PermanentError(
                f"The edit of {change.path!r} does not fit the captured record; discard the "
                "rejection."
            ) from None
    return _ENCODER.encode(document)


def encoded(changes: Sequence[Change]) -> str:
    """Return changes as JSON for a jsonb column.

    Such a column takes no NUL: one that the source sent becomes a replacement character.
    """
    rows = [
        {"path": c.path, "place": list(c.place), "before": c.before, "after": c.after}
        for c in changes
    ]
    return _ENCODER.encode(rows).decode().replace("\\u0000", "\ufffd")


def decoded(text: str) -> list[Change]:
    """Return changes that were stored as JSON."""
    return [
        Change(row["path"], tuple(row["place"]), row["before"], row["after"])
        for row in _DECODER.decode(text)
    ]


def _split(text: str) -> tuple[str, str]:
    """Return path and value of ``path=value``; the ``=`` of ``[=ID]`` belongs to the path."""
    path, equals, value = text.partition("=")
    while equals and path.count("[") > path.count("]"):
        more, equals, value = value.partition("=")
        path = f"{path}={more}"
    if len(path) > LONGEST_PATH:
        raise PermanentError(f"A path of {len(path)} characters is too long; write path=value")
    if not equals:  # the text is not quoted: it may be the value itself
        raise PermanentError("One of the changes has no '='; write path=value.")
    return path, value


def _opened(payload: bytes) -> Any:
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PermanentError(
            "The captured payload is not JSON, so it can't be edited; correct it at its source and "
            "re-read it."
        ) from None


def _typed(path: str, before: Any, text: str) -> Any:
    """Return a value in the type of what it replaces: a text as it is written, all else as JSON."""
    if isinstance(before, str):
        return _plain(path, text)
    if isinstance(before, dict | list):
        raise _not_single(path, before)
    try:
        value = _DECODER.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        if before is None:
            return _plain(path, text)
        raise _mistyped(path, before) from None
    if isinstance(value, _NUMBERS) and not -LARGEST_NUMBER < value < LARGEST_NUMBER:
        raise PermanentError(
            f"{path!r}: the number is too large for a record, and for most readers of JSON."
        )
    if before is None and not isinstance(value, dict | list):
        return _plain(path, value) if isinstance(value, str) else value
    if isinstance(before, bool):
        fits = isinstance(value, bool)
    else:
        fits = isinstance(value, _NUMBERS) and not isinstance(value, bool)
    if value is not None and not fits:
        raise _mistyped(path, before)
    return value


def _not_single(path: str, before: dict[str, Any] | list[Any]) -> PermanentError:
    if isinstance(before, dict):
        inside = ", ".join(before)
    else:
        inside = f"[0] to [{len(before) - 1}]" if before else "nothing"
    return PermanentError(f"{path!r} is not a single value: it holds {inside}. Name one of those.")


def _plain(path: str, text: str) -> str:
    is_surrogate = not text.isprintable() and any("\ud800" <= char <= "\udfff" for char in text)
    if "\0" in text or is_surrogate:
        raise PermanentError(
            f"{path!r}: the new value holds characters that no JSON document can carry."
        )
    return text


def _mistyped(path: str, before: Any) -> PermanentError:
    holds, takes = (
        ("a truth value", "true, false or null")
        if isinstance(before, bool)
        else ("a number", "a number or null")
    )
    return PermanentError(f"{path!r} holds {holds}, so it takes {takes}.")
