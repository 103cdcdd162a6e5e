"""Reads the resources of a window by keyset paging on (``lastModifiedAt``, ``id``).

Each page continues behind the last record of the page before, so neither the vendor's offset limit
nor records of one millisecond matter. The list ends at an empty page. How late a change may become
visible is bounded by the connection's ``overlap``: UNVERIFIED, since the vendor does not document
whether records are committed in the order of their times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from domain.errors import PermanentError
from domain.exchange import RawRecord
from domain.identity import fallback_id
from domain.parsing.answers import CONTRACT
from domain.parsing.scalars import to_moment
from domain.values import BEFORE_STORES, Window
from resources.http.client import ApiClient
from resources.platforms.commercetools.client import Params, one_of, query, quoted
from resources.platforms.commercetools.settings import IDS_A_CALL, CommercetoolsSettings

Page = list[RawRecord]
MILLISECOND = timedelta(milliseconds=1)
SORT = ["lastModifiedAt asc", "id asc"]
ID_DIGITS = frozenset("0123456789abcdefABCDEF-")


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of resource that is read by its changes."""

    kind: str
    """As messages refer to it: ``order``."""
    path: str
    scope: str
    where: tuple[str, ...] = ()
    """Predicates of all queries, beside those of time and id."""
    expand: tuple[str, ...] = ()


class _Header(msgspec.Struct, rename="camel"):
    id: object = None
    last_modified_at: object = None


_HEADERS = msgspec.json.Decoder(_Header)


class ChangesReader:
    """Reads the resources of one kind of one connection."""

    def __init__(
        self, http: ApiClient, settings: CommercetoolsSettings, resource: Resource
    ) -> None:
        self._http, self._settings, self._resource = http, settings, resource

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest record changed since ``since``; one call.

        Asked by messages it is ``since`` itself: they are dated after the change.
        """
        if self._settings.probe == "messages":
            kind = quoted(self._resource.kind)
            where = [f"resource(typeId = {kind})", f"createdAt >= {stamp(since)}"]
            found = query(self._http, "/messages", {"where": where, "limit": 1}, "view_messages")
            return since if found else None
        where = [*self._resource.where, f"lastModifiedAt >= {stamp(since)}"]
        page = self._query({"where": where, "sort": SORT, "limit": 1})
        if not page:
            return None
        _, moment = header_of(page[0])
        return max(moment, since) if moment is not None else since

    def read(self, window: Window) -> Iterator[Page]:
        """Yield the window's records in pages."""
        if window.is_empty:
            return
        # Whole milliseconds, which the vendor's times have: the exact window is cut here.
        bounds = f"lastModifiedAt < {stamp(window.until + MILLISECOND)}"
        last: tuple[datetime, str] | None = None
        while True:
            since = window.since if last is None else last[0]
            where = [*self._resource.where, f"lastModifiedAt >= {stamp(since)}", bounds]
            if last is not None:
                where.append(f"lastModifiedAt > {stamp(last[0])} or id > {quoted(last[1])}")
            page = self._query(
                {"where": where, "sort": SORT, "limit": self._settings.page_size}, expand=True
            )
            if not page:
                return
            records, following = _records(page, window)
            if records:
                yield records
            if following is None or (last is not None and following <= last):
                found = f"{len(page)} {self._resource.kind}s"
                raise PermanentError(
                    f"commercetools: GET {self._resource.path} gave {found} of which none comes "
                    f"after the page before (no id, no lastModifiedAt, or not sorted): {CONTRACT}"
                )
            last = following

    def read_by_id(self, ids: Collection[str]) -> Iterator[Page]:
        """Yield records by their ids; unknown ones are absent."""
        wanted = sorted({identifier for identifier in ids if is_id(identifier)})
        for start in range(0, len(wanted), IDS_A_CALL):
            chunk = wanted[start : start + IDS_A_CALL]
            where = [*self._resource.where, one_of("id", chunk)]
            params: Params = {"where": where, "sort": SORT, "limit": IDS_A_CALL}
            records = [
                RawRecord(identifier, moment or BEFORE_STORES, bytes(raw))
                for raw in self._query(params, expand=True)
                for identifier, moment in [header_of(raw)]
                if identifier in chunk
            ]
            if records:
                yield records

    def _query(self, params: Params, *, expand: bool = False) -> list[msgspec.Raw]:
        more: Params = {"expand": self._resource.expand} if expand and self._resource.expand else {}
        return query(self._http, self._resource.path, {**params, **more}, self._resource.scope)


def _records(page: list[msgspec.Raw], window: Window) -> tuple[Page, tuple[datetime, str] | None]:
    """Return a page's records in the window, and the last one that can be continued from."""
    records: Page = []
    last: tuple[datetime, str] | None = None
    for raw in page:
        identifier, moment = header_of(raw)
        if identifier is not None and moment is not None:
            last = moment, identifier
        if moment is None or moment in window:
            name = identifier or fallback_id(bytes(raw))
            records.append(RawRecord(name, moment or window.since, bytes(raw)))
    return records, last


def header_of(raw: msgspec.Raw) -> tuple[str | None, datetime | None]:
    """Return a record's id and modification time, ``None`` for what can't be read."""
    try:
        header = _HEADERS.decode(raw)
    except (ValueError, RecursionError):
        return None, None
    identifier, written = header.id, header.last_modified_at
    return (
        identifier if isinstance(identifier, str) and is_id(identifier) else None,
        to_moment(written) if isinstance(written, str) else None,
    )


def is_id(text: str) -> bool:
    """Return whether a text may be an id of the vendor: a UUID, by its characters."""
    return len(text) == 36 and ID_DIGITS.issuperset(text)


def stamp(moment: datetime) -> str:
    """Return a time as a predicate's literal, cut to milliseconds."""
    moment = moment.astimezone(UTC)
    return f'"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"'
