"""How a Salesforce org is called, and what its answers mean.

Errors are lists, also of one. 403 is the day's limit as well as a missing permission: the error's
code states which. A row that failed is in an answer with 200. A field or an object that
the integration user can't see does not exist to it: a fault of the whole system.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NoReturn, TypeVar

import msgspec

from domain.errors import (
    AccessRefused,
    PermanentError,
    Problem,
    RateLimited,
    RecordRejected,
    TransientError,
)
from domain.parsing.answers import CONTRACT
from domain.parsing.payload import Document
from domain.ports import QuotaLedger
from resources.http.client import ApiClient
from resources.http.oauth import OAuthTokens
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, QuotaState
from resources.http.redaction import vendor_text
from resources.http.reply import Reply
from resources.platforms.salesforce.answers_payload import ERRORS, RESULTS, ErrorEntry, Result
from resources.platforms.salesforce.children import extended, unfinished
from resources.platforms.salesforce.settings import (
    ASK_AGAIN_SECONDS,
    CLIENT,
    DAY_SECONDS,
    SalesforceSettings,
)

LIMIT, LOCKED = "REQUEST_LIMIT_EXCEEDED", "UNABLE_TO_LOCK_ROW"
TEMPORARY = frozenset({LOCKED, "SERVER_UNAVAILABLE", "QUERY_TIMEOUT"})
ACCESS = frozenset(
    {
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "API_DISABLED_FOR_ORG",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    }
)
"""Codes of a missing permission that may come with another status than 403."""
INSTALL = "install deploy/salesforce, and assign its permission set to the integration user"
MOST_PAGES = 10_000
_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
T = TypeVar("T", bound=Document)


class UsageReader:
    """Reads the day's calls from ``Sforce-Limit-Info``; a share of them is left to other apps."""

    def __init__(self, share: float) -> None:
        self._share = share

    def __call__(self, headers: Mapping[str, str]) -> QuotaState | None:
        """Return the quota that is Lockstep's, and what is left of it."""
        found = _USAGE.search(headers.get("sforce-limit-info", ""))
        if found is None:
            return None
        used, quota = int(found[1]), max(1, int(int(found[2]) * self._share))
        return QuotaState(quota, max(0, quota - used), ASK_AGAIN_SECONDS, DAY_SECONDS)


def build_policy(
    settings: SalesforceSettings, tokens: OAuthTokens, quota: QuotaLedger
) -> ClientPolicy:
    """Build what all clients of one org share."""
    limiter = Limiter(
        quota,
        settings.bucket,
        quota=max(1, int(settings.daily_calls * settings.daily_share)),
        window_seconds=DAY_SECONDS,
        reader=UsageReader(settings.daily_share),
    )
    return ClientPolicy(
        system="salesforce",
        base_url=settings.my_domain.rstrip("/") + settings.data_path,
        address=lambda: tokens.address() + settings.data_path,
        auth=tokens,
        limiter=limiter,
        timeout=settings.timeout,
        headers={"Sforce-Call-Options": f"client={CLIENT}"},
    )


def errors_of(body: bytes) -> list[ErrorEntry]:
    """Return the errors of an answer; none if it states none."""
    try:
        return ERRORS.decode(body)
    except (ValueError, RecursionError):
        return []


def code_of(reply: Reply) -> str:
    """Return the code of an answer's first error; empty if it states none."""
    return next((each.errorCode or each.statusCode for each in errors_of(reply.body)), "")


def result_of(body: bytes) -> Result:
    """Return a page of a result; raises ``ValueError`` if the answer is none."""
    return RESULTS.decode(body)


class Trail:
    """The locators that a read has followed: none leads to another host, or in a circle."""

    def __init__(self, data_path: str) -> None:
        self._prefix = data_path
        self._seen = set[str]()

    def path_of(self, locator: str) -> str:
        """Return a locator's path. Raises ``PermanentError`` if it leads to no next page."""
        path = locator.removeprefix(self._prefix)
        if path in self._seen or not path.startswith("/query") or len(self._seen) == MOST_PAGES:
            raise PermanentError(f"salesforce: a page continues at {locator[:100]!r}, {CONTRACT}")
        self._seen.add(path)
        return path


class QueryClient:
    """Runs the queries of one org, synchronously."""

    def __init__(self, http: ApiClient, data_path: str) -> None:
        self._http, self._prefix = http, data_path

    def page(self, text: str, *, deleted: bool = False) -> Result:
        """Return the first page of a query. Raises ``PermanentError`` for one that is refused."""
        path = "/queryAll" if deleted else "/query"
        return self._result(
            self._http.request("GET", path, params={"q": text}, decode=result_of), text
        )

    def rows(self, text: str, *, deleted: bool = False) -> Iterator[list[msgspec.Raw]]:
        """Yield all pages of a query, up to the one that the org calls the last."""
        result = self.page(text, deleted=deleted)
        if result.records:
            yield result.records
        yield from self.rest(result)

    def rest(self, result: Result) -> Iterator[list[msgspec.Raw]]:
        """Yield the pages that follow one."""
        trail = Trail(self._prefix)
        while not result.done:
            result = self.at(trail.path_of(result.nextRecordsUrl))
            if result.records:
                yield result.records

    def at(self, path: str) -> Result:
        """Return the page at a locator's path."""
        return self._result(self._http.request("GET", path, decode=result_of), path)

    def completed(self, raw: msgspec.Raw) -> msgspec.Raw:
        """Return a record with all of its children."""
        trail = Trail(self._prefix)
        while (locator := unfinished(raw)) is not None:
            raw = extended(raw, locator, self.at(trail.path_of(locator)))
        return raw

    @staticmethod
    def _result(reply: Reply, text: str) -> Result:
        if not reply.ok:
            refuse_query(reply, text)
        return result_in(reply)


def result_in(reply: Reply) -> Result:
    """Return the result in an answer to a query. Raises ``PermanentError`` for an empty answer."""
    if reply.value is None:
        raise PermanentError(f"{reply.where} answered without a body: {CONTRACT}")
    result: Result = reply.value
    return result


def refuse_query(reply: Reply, text: str) -> NoReturn:
    """Raise what an answer to a query that is not a success means."""
    refuse_access(reply)
    about = text.rpartition(" FROM ")[2].partition(" ")[0] or "a page"
    raise PermanentError(
        f"{reply.error_summary()} (query of {about}); {INSTALL}, or correct platform"
    )


def refuse_access(reply: Reply) -> None:
    """Raise for an answer that means the whole system: its limit, its permissions, its state."""
    code, summary = code_of(reply), reply.error_summary()
    if code == LIMIT:
        raise RateLimited(
            f"{summary}; the org's calls of the last 24 hours are used up, trying again later "
            "may help",
            retry_after=ASK_AGAIN_SECONDS,
            bucket=reply.where,
        )
    if code in TEMPORARY:
        raise TransientError(f"{summary}; trying again later may help")
    if reply.status in (401, 403) or code in ACCESS:
        raise AccessRefused(f"{summary}; {INSTALL}")
    if reply.status >= 500:
        raise PermanentError(f"{summary}; trying again won't help")


def refuse(reply: Reply, code: str, field: str, advice: str) -> NoReturn:
    """Raise what an answer to a write that is not a success means, for the record or the system."""
    refuse_access(reply)
    summary = reply.error_summary()
    reason = vendor_text(summary.partition(": ")[2].partition(": ")[2] or summary, 300)
    message = f"the store answers {reply.status} {code_of(reply)}: {reason}"
    raise RecordRejected(Problem(code, field, message, advice))
