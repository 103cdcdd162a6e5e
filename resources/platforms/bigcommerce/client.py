"""How a BigCommerce store is called, and what its answers mean.

Bad credentials and missing scopes are a fault of the whole system. 409 and 423 mean that a record
is busy, but where the contract says that 409 is a conflict with another record (products). Every
other 4xx to a write means that the store refuses this record. A 2xx to a write counts only with the
body that the contract names: HTML, nothing or another record's id leave the effect unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from domain.errors import AccessRefused, PermanentError, Problem, RecordRejected, TransientError
from domain.parsing.answers import CONTRACT
from domain.parsing.payload import HIGHEST_ID, Decoded, Document, PayloadDecoder, Scalar
from domain.parsing.scalars import to_whole
from domain.ports import QuotaLedger
from resources.http.auth import StaticHeader
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, QuotaState
from resources.http.reply import Reply
from resources.platforms.bigcommerce.answers_payload import (
    ADJUSTMENTS,
    ORDER_STATES,
    PAGES,
    WRITTEN,
    WRITTEN_ANSWERS,
    OrderState,
)
from resources.platforms.bigcommerce.settings import BigCommerceSettings

_LIST = msgspec.json.Decoder(list[msgspec.Raw])
T = TypeVar("T", bound=Document)
NO_CONTENT = 204
BUSY, LOCKED = (409, 423), (423,)
"""What a busy record is answered with, by the API at large and by that of products."""
QUOTA_HEADERS = ("requests-quota", "requests-left", "time-reset-ms", "time-window-ms")


def build_policy(settings: BigCommerceSettings, token: str, quota: QuotaLedger) -> ClientPolicy:
    """Build what all clients of one store share."""
    limiter = Limiter(
        quota,
        settings.bucket,
        quota=settings.quota,
        window_seconds=settings.window_seconds,
        reader=read_quota,
    )
    return ClientPolicy(
        system=f"BigCommerce {settings.store_hash}",
        base_url=settings.base_url,
        auth=StaticHeader("X-Auth-Token", token),
        limiter=limiter,
        timeout=settings.timeout,
    )


def read_quota(headers: Mapping[str, str]) -> QuotaState | None:
    """Return the quota by the ``X-Rate-Limit-*`` headers, which every answer has."""
    read = [to_whole(headers.get(f"x-rate-limit-{name}", "")) for name in QUOTA_HEADERS]
    numbers = [number for number in read if number is not None]
    if len(numbers) < len(read):
        return None
    quota, left, reset, window = numbers
    return QuotaState(quota, left, reset / 1000, window / 1000)


def require_scope(reply: Reply, scope: str) -> None:
    """Let a 2xx to a read pass. Raises ``PermanentError`` that names the scope for others."""
    if not reply.ok:
        message = f"{reply.error_summary()}; check that the token has the scope {scope}"
        raise PermanentError(message)


def accept(
    reply: Reply, code: str, field: str, advice: str, *, busy: Collection[int] = BUSY
) -> None:
    """Let a 2xx to a write pass; raise what another answer means for the record or the system.

    ``busy`` are the statuses that trying again may help.
    """
    if reply.ok:
        return
    summary = reply.error_summary()
    if reply.status in (401, 403):
        raise AccessRefused(
            f"{summary}; the token lacks a scope or was revoked: see the connector's README"
        )
    if reply.status in busy:
        raise TransientError(
            f"{summary}; the store is busy with this record, trying again later may help"
        )
    if reply.status >= 500:  # 507: a plan's limit
        raise PermanentError(f"{summary}; trying again won't help")
    message = f"the store answers {reply.status}: {summary.partition(': ')[2]}"
    raise RecordRejected(Problem(code, field, message, advice))


def written_id(body: bytes) -> str:
    """Return the id in the answer to a V2 write; raises ``ValueError`` if it has none.

    The client takes such an answer for an unknown effect: the record may have been written.
    """
    return id_in(_answer(body, WRITTEN).id)


def written_data_id(body: bytes) -> str:
    """Return the id in the answer to a V3 write; raises ``ValueError`` as ``written_id`` does."""
    data = _answer(body, WRITTEN_ANSWERS).data
    return id_in(None if data is None else data.id)


def adjustment_id(body: bytes) -> str:
    """Return the id of an adjustment of stock; raises ``ValueError`` as ``written_id`` does."""
    number = _answer(body, ADJUSTMENTS).transaction_id
    if not isinstance(number, str | int) or isinstance(number, bool) or number == "":
        raise ValueError("the answer names no transaction")
    return str(number)


def order_state(body: bytes) -> OrderState:
    """Return an order's present state; raises ``ValueError`` if the answer has no status."""
    order = _answer(body, ORDER_STATES)
    if order.status_id is None:
        raise ValueError("the answer has no status")
    return order


def id_checked(read: Callable[[bytes], str], expected: str) -> Callable[[bytes], str]:
    """Return a decoder that also raises ``ValueError`` if the answer is about another record."""

    def decode(body: bytes) -> str:
        if (found := read(body)) != expected:
            raise ValueError(f"the answer is about {found[:40]}, not {expected}")
        return found

    return decode


def _answer(body: bytes, decoder: PayloadDecoder[T]) -> T:
    try:
        return decoder.decode(body).document
    except RecordRejected as rejected:
        raise ValueError(rejected.problems[0].message) from None


def id_in(number: Scalar) -> str:
    """Return an id as text; V2 also writes numbers as text. Raises ``ValueError`` for none.

    Nor is a number an id that goes into no request: 64 bits are the most that JSON can carry.
    """
    text = "" if isinstance(number, bool) or number is None else str(number).removesuffix(".0")
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= HIGHEST_ID):
        raise ValueError("the answer has no id")
    return text


def id_number(text: str) -> str:
    """Return an id that goes into a path. Raises ``RecordRejected`` if it is none."""
    if not (text.isascii() and text.isdigit()):
        advice = "compare the order's ids at the OMS and in the store"
        message = "this isn't an id of BigCommerce"
        raise RecordRejected(Problem("id_invalid", "order_id", message, advice, text[:80]))
    return text


def document_of(reply: Reply, decoder: PayloadDecoder[T]) -> T:
    """Return an answer's document; raises ``PermanentError`` if it is not an object."""
    return _decoded(reply.where, reply.body, decoder).document


def entries_of(where: str, entries: Sequence[msgspec.Raw], decoder: PayloadDecoder[T]) -> list[T]:
    """Return the documents of a list; raises ``PermanentError`` if a value does not fit."""
    found = []
    for entry in entries:
        decoded = _decoded(where, entry, decoder)
        if decoded.problems:
            first = decoded.problems[0]
            raise PermanentError(
                f"{where} gave an entry that can't be read ({first.field}: {first.message}): "
                f"{CONTRACT}"
            )
        found.append(decoded.document)
    return found


def pages_of(
    http: ApiClient,
    path: str,
    params: Mapping[str, str | int],
    demand: Callable[[Reply], None],
) -> Iterator[list[msgspec.Raw]]:
    """Yield the pages of a V3 list up to the empty one; neither counts nor a short page end it.

    ``demand`` raises for an answer that is not a success.
    """
    number, first = 1, b""
    while entries := page_of(http, path, {**params, "page": number}, demand):
        if bytes(entries[0]) == first:
            raise PermanentError(
                f"BigCommerce: GET {path} gave page {number - 1} twice: it ignores the page, "
                "trying again won't help"
            )
        first = bytes(entries[0])
        yield entries
        number += 1


def page_of(
    http: ApiClient,
    path: str,
    params: Mapping[str, str | int],
    demand: Callable[[Reply], None],
) -> list[msgspec.Raw]:
    """Return one page of a V3 list, undecoded; empty behind its end."""
    reply = http.request("GET", path, params=params)
    if reply.status == NO_CONTENT:
        return []
    demand(reply)
    return list_of(reply.where, document_of(reply, PAGES).data)


def scope_check(scope: str) -> Callable[[Reply], None]:
    """Return ``require_scope`` for one scope."""
    return partial(require_scope, scope=scope)


def list_of(where: str, content: bytes | msgspec.Raw) -> list[msgspec.Raw]:
    """Return the entries of a list, undecoded; raises ``PermanentError`` if it is none."""
    try:
        return _LIST.decode(content)
    except (ValueError, RecursionError):
        raise PermanentError(f"{where} answered without data: {CONTRACT}") from None


def _decoded(where: str, content: bytes | msgspec.Raw, decoder: PayloadDecoder[T]) -> Decoded[T]:
    try:
        return decoder.decode(bytes(content))
    except RecordRejected as rejected:
        message = rejected.problems[0].message
        raise PermanentError(f"{where} can't be read: {message}: {CONTRACT}") from None
