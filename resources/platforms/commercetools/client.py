"""How a commercetools project is called, and what its answers mean.

Bad credentials and missing scopes are a fault of the whole system. 409 means that the record has
another version: it is read and planned again, never sent again. 400 and 404 to a write mean that
the project refuses this record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn, TypeVar

import httpx
import msgspec

from domain.errors import AccessRefused, PermanentError, Problem, RecordRejected, TransientError
from domain.parsing.answers import CONTRACT
from domain.parsing.payload import Document
from domain.ports import QuotaLedger
from resources.http.client import ApiClient
from resources.http.oauth import OAuthGrant, OAuthTokens
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter
from resources.http.redaction import vendor_text
from resources.http.reply import Reply
from resources.platforms.commercetools.answers_payload import ERRORS
from resources.platforms.commercetools.settings import TOKEN_SECONDS, CommercetoolsSettings

CONFLICT, MISSING = 409, 404
QUERY_TIMED_OUT = "QueryTimedOut"
T = TypeVar("T", bound=Document)
Params = Mapping[str, str | int | Sequence[str]]


class _Results(msgspec.Struct):
    results: list[msgspec.Raw]


_RESULTS = msgspec.json.Decoder(_Results)


def build_tokens(
    settings: CommercetoolsSettings, secret: str, transport: httpx.BaseTransport | None = None
) -> OAuthTokens:
    """Build the provider of the project's tokens."""
    form = {"grant_type": "client_credentials"}
    if settings.scopes:
        form["scope"] = " ".join(f"{name}:{settings.project_key}" for name in settings.scopes)
    grant = OAuthGrant(
        system=f"commercetools {settings.project_key}",
        token_url=settings.token_url,
        client_id=settings.client_id,
        client_secret=secret,
        form=form,
        fallback_seconds=TOKEN_SECONDS,
        timeout=settings.timeout,
    )
    return OAuthTokens(grant, transport=transport)


def build_policy(
    settings: CommercetoolsSettings, auth: OAuthTokens, quota: QuotaLedger
) -> ClientPolicy:
    """Build what all clients of one project share."""
    limiter = Limiter(
        quota, settings.bucket, quota=settings.requests_per_second, window_seconds=1.0
    )
    return ClientPolicy(
        system=f"commercetools {settings.project_key}",
        base_url=settings.base_url,
        auth=auth,
        limiter=limiter,
        timeout=settings.timeout,
    )


def quoted(text: str) -> str:
    """Return a text as a predicate's literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def one_of(field: str, values: Sequence[str]) -> str:
    """Return a predicate for a field with one of some values."""
    return f"{field} in ({', '.join(map(quoted, values))})"


def results_of(body: bytes) -> list[msgspec.Raw]:
    """Return a query's results, undecoded; raises ``ValueError`` if there are none."""
    return _RESULTS.decode(body).results


def query(http: ApiClient, path: str, params: Params, scope: str) -> list[msgspec.Raw]:
    """Return one page of a query. Raises ``PermanentError`` that names the scope for a refusal."""
    reply = http.request("GET", path, params={**params, "withTotal": "false"}, decode=results_of)
    if reply.ok:
        return list(reply.value or ())
    if code_of(reply) == QUERY_TIMED_OUT:
        raise TransientError(f"{reply.error_summary()}; trying again later may help")
    advice = f"check that the API client has the scope {scope}"
    if reply.status in (401, 403):
        raise AccessRefused(f"{reply.error_summary()}; {advice}")
    raise PermanentError(f"{reply.error_summary()}; {advice}")


def query_by_id(
    http: ApiClient,
    path: str,
    where: Sequence[str],
    limit: int,
    scope: str,
    expand: Sequence[str] = (),
) -> Iterator[list[msgspec.Raw]]:
    """Yield the pages of a query by ascending id up to the empty one, which no offset limits."""
    last = ""
    while True:
        after = [f"id > {quoted(last)}"] if last else []
        params: Params = {"where": [*where, *after], "sort": "id asc", "limit": limit}
        params = {**params, "expand": expand} if expand else params
        page = query(http, path, params, scope)
        if not page:
            return
        yield page
        following = id_of(page[-1])
        if following is None or following <= last:
            raise PermanentError(
                f"commercetools: GET {path} gave {following or 'an entry without an id'} after "
                f"{last or 'nothing'}: {CONTRACT}"
            )
        last = following


class _Identified(msgspec.Struct):
    id: str


_IDENTIFIED = msgspec.json.Decoder(_Identified)


def id_of(raw: msgspec.Raw) -> str | None:
    """Return a resource's id, ``None`` if it has none."""
    try:
        return _IDENTIFIED.decode(raw).id or None
    except (ValueError, RecursionError):
        return None


def code_of(reply: Reply) -> str:
    """Return the code of an answer's first error; empty if it states none."""
    try:
        errors = ERRORS.decode(reply.body).document.errors or ()
    except RecordRejected:
        return ""
    return next((entry.code or "" for entry in errors if entry is not None), "")


def refuse(reply: Reply, code: str, field: str, advice: str) -> NoReturn:
    """Raise what an answer to a write that is not a success means, for the record or the system."""
    summary = reply.error_summary()
    if reply.status in (401, 403):
        raise AccessRefused(
            f"{summary}; the API client lacks a scope or was deleted: see the connector's README"
        )
    if reply.status == CONFLICT:
        raise TransientError(f"{summary}; others change the record, trying again later may help")
    if reply.status >= 500:
        raise PermanentError(f"{summary}; trying again won't help")
    reason = vendor_text(summary.partition(": ")[2].partition(": ")[2] or summary, 300)
    own = code_of(reply)
    message = f"the store answers {reply.status} {own}: {reason.removesuffix(f'; {own}')}"
    raise RecordRejected(Problem(code, field, message, advice))
