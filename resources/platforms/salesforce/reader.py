"""Reads records of a window by keyset paging on (``SystemModstamp``, ``Id``).

A record's time of change is the latest of its own and its children's, since a change of a child
does not touch its parent: parents are read by their own stamps, then those whose children have
changed, by id. Each is in the one window that its latest change is in. A page ends where the org
says that the result is done with fewer rows than were asked for. Rows that are committed late are
bounded by the connection's ``overlap``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import quote

import msgspec

from domain.errors import PermanentError
from domain.exchange import RawRecord
from domain.identity import fallback_id
from domain.parsing.answers import CONTRACT
from domain.parsing.scalars import to_moment
from domain.values import BEFORE_STORES, Window
from resources.http.client import ApiClient
from resources.http.reply import Reply
from resources.platforms.salesforce.answers_payload import COMPOSITES, Composite
from resources.platforms.salesforce.client import QueryClient, refuse_query, result_of
from resources.platforms.salesforce.fields import STAMP, Child
from resources.platforms.salesforce.settings import IDS_A_CALL, SalesforceSettings
from resources.platforms.salesforce.soql import all_of, is_id, one_of, quoted, select, stamp

Page = list[RawRecord]
Key = tuple[datetime, str]
SECOND = timedelta(seconds=1)
CHILD_PAGE = 2_000
_STAMPS = re.compile(rb'"SystemModstamp"\s*:\s*"([^"\\]{1,40})"')


class Completion(Protocol):
    """Adds to records what no sub-query of theirs has: records that they only refer to."""

    def whole(self, rows: list[msgspec.Raw]) -> list[msgspec.Raw]:
        """Return rows with what belongs to them, times of change included."""
        ...

    def dependent(self, window: Window, changed: list[str]) -> Iterator[str]:
        """Yield the ids of records that refer to others which have changed.

        ``changed`` are the ids of those of which only a child has changed in the window.
        """
        ...


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of record that is read by its changes."""

    name: str
    fields: str
    children: tuple[Child, ...] = ()
    """Objects whose changes count."""
    where: tuple[str, ...] = ()
    """Conditions of all queries, beside those of time and id."""
    parent_where: tuple[str, ...] = ()
    """The same for queries of children, beside each one's own."""
    deleted: bool = False
    """Deleted records are read, too."""


class _Header(msgspec.Struct, rename="pascal"):
    id: object = None


_HEADERS = msgspec.json.Decoder(_Header)
_FIELDS = msgspec.json.Decoder(dict[str, object])


class ChangesReader:
    """Reads the records of one kind of one connection."""

    def __init__(
        self,
        http: ApiClient,
        settings: SalesforceSettings,
        resource: Resource,
        completion: Completion | None = None,
    ) -> None:
        self._http, self._settings, self._resource = http, settings, resource
        self._completion = completion
        self._queries = QueryClient(http, settings.data_path)

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change since, of a record or a child; one call.

        The limit of queries in a call is five: a record and four kinds of children.
        """
        of_child = self._resource.parent_where
        kinds = [(self._resource.name, self._resource.where)]
        kinds += [(child.object, (*of_child, *child.where)) for child in self._resource.children]
        call = "queryAll" if self._resource.deleted else "query"
        body = {
            "compositeRequest": [
                {
                    "method": "GET",
                    "url": f"{self._settings.data_path}/{call}?q="
                    + quote(_oldest(name, where, since), safe=""),
                    "referenceId": f"q{n}",
                }
                for n, (name, where) in enumerate(kinds)
            ]
        }
        reply = self._http.request(
            "POST",
            "/composite",
            json=body,
            idempotent=True,
            has_effect=False,
            decode=COMPOSITES.decode,
        )
        if not reply.ok:
            refuse_query(reply, "")
        moments = list(_moments(reply))
        return max(min(moments), since) if moments else None

    def read(self, window: Window) -> Iterator[Page]:
        """Yield the window's records in pages."""
        if window.is_empty:
            return
        seen = set[str]()
        resource = self._resource
        text = select(resource.fields, resource.name)
        for rows in self._windowed(text, resource.where, window, self._settings.page_size):
            whole = self._whole(rows)
            records = [r for raw in whole if (r := self._record(raw, window, seen)) is not None]
            if records:
                yield records
        children = dict.fromkeys(self._parents(window))
        changed = [each for each in children if each not in seen]
        yield from self._changed(changed, window)
        if self._completion is not None:
            read = seen.union(changed)
            others = dict.fromkeys(self._completion.dependent(window, changed))
            yield from self._changed([each for each in others if each not in read], window)

    def read_by_id(self, ids: Collection[str]) -> Iterator[Page]:
        """Yield records by their ids; unknown ones are absent."""
        for rows in self._named(sorted({each for each in ids if is_id(each)})):
            records = [
                RawRecord(identifier, moment or BEFORE_STORES, bytes(raw))
                for raw in map(self._completed, self._whole(rows))
                for identifier, moment in [header_of(raw)]
                if identifier is not None
            ]
            if records:
                yield records

    def _changed(self, ids: list[str], window: Window) -> Iterator[Page]:
        """Yield the records with these ids whose latest change is in the window."""
        for rows in self._named(ids):
            found = (self._record(raw, window, set()) for raw in self._whole(rows))
            if records := [record for record in found if record is not None]:
                yield records

    def _named(self, ids: list[str]) -> Iterator[list[msgspec.Raw]]:
        resource = self._resource
        for start in range(0, len(ids), IDS_A_CALL):
            where = all_of((*resource.where, one_of("Id", ids[start : start + IDS_A_CALL])))
            text = select(resource.fields, resource.name, f"{where} ORDER BY Id")
            yield from self._queries.rows(text, deleted=resource.deleted)

    def _windowed(
        self, selected: str, where: tuple[str, ...], window: Window, limit: int
    ) -> Iterator[list[msgspec.Raw]]:
        """Yield the rows of a query whose own time of change is in the window."""
        # Whole seconds, which the vendor's times have: the exact window is cut by the caller.
        until = f"{STAMP} < {stamp(window.until + SECOND - timedelta(microseconds=1))}"
        last: Key | None = None
        while True:
            text = selected + all_of((*where, _after(window.since, last), until))
            text += f" ORDER BY {STAMP}, Id LIMIT {limit}"
            result = self._queries.page(text, deleted=self._resource.deleted)
            if not result.records:
                return
            yield result.records
            if result.done and len(result.records) < limit:
                return
            following = max((k for raw in result.records if (k := _key(raw))), default=None)
            if following is None or (last is not None and following <= last):
                raise PermanentError(
                    f"salesforce: {len(result.records)} rows of {selected.rpartition(' ')[2]} "
                    f"came of which none is after the page before (no Id, no {STAMP}, or not "
                    f"sorted): {CONTRACT}"
                )
            last = following

    def _parents(self, window: Window) -> Iterator[str]:
        """Yield the ids of records with a child that has changed in the window."""
        for name, reference, own in self._resource.children:
            text = select(f"Id, {STAMP}, {reference}", name)
            where = (*self._resource.parent_where, *own)
            for rows in self._windowed(text, where, window, CHILD_PAGE):
                for raw in rows:
                    parent = _FIELDS.decode(raw).get(reference)
                    if isinstance(parent, str) and is_id(parent):
                        yield parent

    def _record(self, raw: msgspec.Raw, window: Window, seen: set[str]) -> RawRecord | None:
        """Return a row's record, unless its latest change is in another window."""
        identifier, moment = header_of(raw)
        if identifier is not None:
            seen.add(identifier)
        if moment is not None and moment not in window:
            return None
        whole = bytes(self._completed(raw))
        return RawRecord(identifier or fallback_id(whole), moment or window.since, whole)

    def _whole(self, rows: list[msgspec.Raw]) -> list[msgspec.Raw]:
        return rows if self._completion is None else self._completion.whole(rows)

    def _completed(self, raw: msgspec.Raw) -> msgspec.Raw:
        return self._queries.completed(raw)


def _oldest(name: str, where: tuple[str, ...], since: datetime) -> str:
    conditions = (*where, f"{STAMP} >= {stamp(since)}")
    return select(STAMP, name, f"{all_of(conditions)} ORDER BY {STAMP} LIMIT 1")


def _moments(reply: Reply) -> Iterator[datetime]:
    """Yield the times that a composite of queries has found."""
    if reply.value is None:
        raise PermanentError(f"{reply.where} answered without a body: {CONTRACT}")
    composite: Composite = reply.value
    for part in composite.compositeResponse:
        if part.httpStatusCode >= 400:
            refused = Reply(part.httpStatusCode, reply.headers, bytes(part.body), 0.0, reply.where)
            refuse_query(refused, "")
        try:
            rows = result_of(bytes(part.body)).records
        except ValueError as error:
            raise PermanentError(f"{reply.where} gave no result ({error}): {CONTRACT}") from None
        for raw in rows:
            if (moment := _latest(raw)) is not None:
                yield moment


def _after(since: datetime, last: Key | None) -> str:
    if last is None:
        return f"{STAMP} >= {stamp(since)}"
    moment, identifier = stamp(last[0]), quoted(last[1])
    return f"({STAMP} > {moment} OR ({STAMP} = {moment} AND Id > {identifier}))"


def _key(raw: msgspec.Raw) -> Key | None:
    """Return what a page continues behind: a row's own time of change, and its id."""
    try:
        fields = _FIELDS.decode(raw)
    except (ValueError, RecursionError):
        return None
    identifier, written = fields.get("Id"), fields.get(STAMP)
    moment = to_moment(written) if isinstance(written, str) else None
    if moment is None or not isinstance(identifier, str) or not is_id(identifier):
        return None
    return moment, identifier


def header_of(raw: msgspec.Raw) -> tuple[str | None, datetime | None]:
    """Return a record's id and the time of its latest change, ``None`` for what can't be read."""
    try:
        identifier = _HEADERS.decode(raw).id
    except (ValueError, RecursionError):
        return None, None
    is_usable = isinstance(identifier, str) and is_id(identifier)
    return str(identifier) if is_usable else None, _latest(raw)


def _latest(raw: msgspec.Raw) -> datetime | None:
    """Return the latest time of change in a document, its own or that of any record in it.

    A text that contains the field's name has its quotes escaped, and is not found.
    """
    found = (to_moment(each.decode(errors="replace")) for each in set(_STAMPS.findall(bytes(raw))))
    return max((moment for moment in found if moment is not None), default=None)
