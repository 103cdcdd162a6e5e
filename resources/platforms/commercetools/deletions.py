"""Deletions of customers and orders, which no list of these shows: the project's messages do.

Messages are kept for up to 90 days where the project has them switched on, and are read by keyset
paging on (``createdAt``, ``id``). A captured deletion is the message itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from domain.errors import PermanentError
from domain.exchange import RawRecord
from domain.identity import fallback_id
from domain.parsing.answers import CONTRACT
from domain.parsing.scalars import to_moment
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.commercetools.client import Params, query, quoted
from resources.platforms.commercetools.reader import MILLISECOND, is_id, stamp
from resources.platforms.commercetools.settings import CommercetoolsSettings

PATH, SCOPE = "/messages", "view_messages"
SORT = ["createdAt asc", "id asc"]
OF_ORDERS = "OrderDeleted"


class _Subject(msgspec.Struct):
    id: object = None


class _Message(msgspec.Struct, rename="camel"):
    id: object = None
    created_at: object = None
    resource: _Subject | None = None


_MESSAGES = msgspec.json.Decoder(_Message)


class DeletionsReader:
    """Reads which records of a kind were deleted in a project; ``message`` is what says so."""

    def __init__(
        self, http: ApiClient, settings: CommercetoolsSettings, kind: str, message: str
    ) -> None:
        self._http, self._settings = http, settings
        self._where = f"resource(typeId = {quoted(kind)})", f"type = {quoted(message)}"

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest deletion since ``since``; one call."""
        where = [*self._where, f"createdAt >= {stamp(since)}"]
        page = query(self._http, PATH, {"where": where, "sort": SORT, "limit": 1}, SCOPE)
        if not page:
            return None
        moment = _read(page[0])[1]
        return max(moment, since) if moment is not None else since

    def read(self, window: Window) -> Iterator[list[RawRecord]]:
        """Yield the window's deletions in pages."""
        if window.is_empty:
            return
        end = f"createdAt < {stamp(window.until + MILLISECOND)}"
        last: tuple[datetime, str] | None = None
        while True:
            since = window.since if last is None else last[0]
            where = [*self._where, f"createdAt >= {stamp(since)}", end]
            if last is not None:
                where.append(f"createdAt > {stamp(last[0])} or id > {quoted(last[1])}")
            params: Params = {"where": where, "sort": SORT, "limit": self._settings.page_size}
            page = query(self._http, PATH, params, SCOPE)
            if not page:
                return
            records, following = _records(page, window)
            if records:
                yield records
            if following is None or (last is not None and following <= last):
                raise PermanentError(
                    f"commercetools: GET {PATH} gave {len(page)} messages of which none comes "
                    f"after the page before (no id, no createdAt, or not sorted): {CONTRACT}"
                )
            last = following


def _records(
    page: list[msgspec.Raw], window: Window
) -> tuple[list[RawRecord], tuple[datetime, str] | None]:
    """Return a page's deletions in the window, and the last message to continue from."""
    records: list[RawRecord] = []
    last: tuple[datetime, str] | None = None
    for raw in page:
        message_id, moment, record_id = _read(raw)
        if message_id is not None and moment is not None:
            last = moment, message_id
        if moment is None or moment in window:
            name = record_id or fallback_id(bytes(raw))
            records.append(RawRecord(name, moment or window.since, bytes(raw)))
    return records, last


def _read(raw: msgspec.Raw) -> tuple[str | None, datetime | None, str | None]:
    """Return a message's id and time, and whom it is about, ``None`` for what can't be read."""
    try:
        message = _MESSAGES.decode(raw)
    except (ValueError, RecursionError):
        return None, None, None
    subject = message.resource.id if message.resource is not None else None
    return (
        message.id if isinstance(message.id, str) and message.id else None,
        to_moment(message.created_at) if isinstance(message.created_at, str) else None,
        subject if isinstance(subject, str) and is_id(subject) else None,
    )
