"""One call of a remote system over all its tries: what is made of a fault and of an answer, whichever client sends it."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

import orjson

from domain.errors import PermanentError
from domain.exchange import Exchange, ExchangeLog
from resources.http.clock import SourceClock
from resources.http.redaction import error_text, request_id
from resources.http.retries import SAFE_METHODS, Attempts, RetryPolicy

CORRELATION_HEADER = "X-Correlation-Id"
UNAUTHORIZED = 401
_MISSING: Any = object()

Decoder: TypeAlias = Callable[[bytes], Any]


class Answer(NamedTuple):
    """What came back from one try; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer that a call ends with; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    milliseconds: float
    where: str = ""
    """System, method and endpoint, for messages."""
    value: Any = _MISSING
    """The body as the client decoded it, where it did."""
    sent: bytes = b""
    """The request's body, of which nothing personal may be told."""

    @property
    def ok(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the decoded body (``None`` if empty); raises ``PermanentError`` on malformed JSON."""
        if self.value is not _MISSING:
            return self.value
        if not self.body:
            return None
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise PermanentError(
                f"{self.where} answered {self.status} with a body that isn't JSON ({len(self.body)} bytes)"
            ) from None

    def complaint(self) -> str:
        """Return status, request id and the vendor's messages in one masked line."""
        vendor_id = request_id(self.headers)
        told = error_text(self.body, sent=self.sent)
        return (
            f"{self.where} answered {self.status}"
            + (f" (request id {vendor_id})" if vendor_id else "")
            + (f": {told}" if told else "")
        )


@dataclass(frozen=True, slots=True)
class Caller:
    """What all calls of one client have in common."""

    system: str
    retry: RetryPolicy
    clock: SourceClock
    log: ExchangeLog | None = None


class Call:
    """One call; every failed try returns the seconds to wait, or raises what the call ends in (``resources/http/retries.py``)."""

    def __init__(
        self,
        caller: Caller,
        method: str,
        path: str,
        *,
        content: bytes | None,
        correlation_id: str,
        idempotent: bool | None,
        decode: Decoder | None,
    ) -> None:
        """``idempotent`` defaults to the method's nature."""
        self._caller, self.method, self.path, self.content, self._decode = (
            caller,
            method,
            path,
            content,
            decode,
        )
        self._correlation_id = correlation_id
        safe = method in SAFE_METHODS if idempotent is None else idempotent
        self._attempts = Attempts(
            caller.retry,
            caller.system,
            method,
            path,
            idempotent=safe,
            correlation_id=correlation_id,
        )
        self._started, self._sent_at = 0.0, datetime.min.replace(tzinfo=UTC)

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of this call, beside those of its client."""
        return {CORRELATION_HEADER: self._correlation_id} if self._correlation_id else {}

    def begin(self) -> None:
        """Count a try that is about to be sent, and take the time."""
        self._attempts.begin()
        self._started, self._sent_at = time.perf_counter(), datetime.now(UTC)

    def failed(
        self,
        error: BaseException,
        *,
        never_sent: tuple[type[BaseException], ...],
        unsendable: tuple[type[BaseException], ...],
    ) -> float:
        """Judge a try without a whole answer: the client says which errors come before anything was sent, and which always will."""
        self._log(0, {}, type(error).__name__)
        if is_certificate_fault(error):
            raise self._attempts.permanent(
                "failed: the server's certificate isn't trusted"
            ) from error
        if isinstance(error, unsendable):
            raise self._attempts.permanent(f"can't be sent: {type(error).__name__}") from error
        return self._attempts.unanswered(error, effect_possible=not isinstance(error, never_sent))

    def note(self, answer: Answer) -> bool:
        """Log an answer; tell, once a call, that a 401 may be met with a new token."""
        told = error_text(answer.body, sent=self.content or b"") if answer.status >= 400 else ""
        self._log(answer.status, answer.headers, told)
        return answer.status == UNAUTHORIZED and self._attempts.may_renew()

    def judge(self, answer: Answer) -> Reply | float:
        """Return the reply that the call ends with, or the seconds to wait before another try."""
        status, headers, body = answer
        milliseconds = (time.perf_counter() - self._started) * 1000
        sent = self.content or b""
        delay = self._attempts.answered(status, headers, body, sent)
        if delay is not None:
            return delay
        where = f"{self._caller.system}: {self.method} {self.path}"
        if not 200 <= status < 300:
            return Reply(status, headers, body, milliseconds, where, sent=sent)
        self._caller.clock.observe(headers, self._sent_at, datetime.now(UTC))
        try:
            return Reply(
                status,
                headers,
                body,
                milliseconds,
                where,
                _decoded(body, headers, self._decode),
                sent,
            )
        except ValueError:
            return self._attempts.malformed(status)

    def oversized(self, limit: int) -> PermanentError:
        """Return the error for an answer of more than ``limit`` bytes."""
        return self._attempts.permanent(f"answered more than {limit} bytes")

    def _log(self, status: int, headers: Mapping[str, str], error: str) -> None:
        if self._caller.log is None or self.method in ("GET", "HEAD"):
            return
        now, elapsed = datetime.now(UTC), (time.perf_counter() - self._started) * 1000
        system, number, trace = self._caller.system, self._attempts.number, request_id(headers)
        self._caller.log(
            Exchange(
                now,
                system,
                self.method,
                self.path,
                status,
                elapsed,
                number,
                self._correlation_id,
                trace,
                error,
            )
        )


def _decoded(body: bytes, headers: Mapping[str, str], decode: Decoder | None) -> Any:
    """Return a good answer's decoded body; raises ``ValueError`` if malformed. An answer that isn't JSON is left alone."""
    if decode is not None:
        try:
            return decode(body) if body else None
        except RecursionError as error:  # nested a thousand deep: no system means that
            raise ValueError("nested too deep") from error
    return orjson.loads(body) if body and "json" in headers.get("content-type", "") else _MISSING


def is_certificate_fault(error: BaseException | None) -> bool:
    """Tell whether a connection failed since the server's certificate isn't trusted, which no further try cures."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
