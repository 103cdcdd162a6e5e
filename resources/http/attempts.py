"""The attempts of one request: how a response or a fault is handled, whichever client sends it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain.errors import LockstepError, PermanentError, RateLimited, TransientError
from domain.exchange import Exchange, ExchangeLog, OutcomeUnknown, before_effect, exchange_log
from domain.values import LONG_AGO
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import is_too_long, note_wait
from resources.http.redaction import error_text, request_id, vendor_text
from resources.http.reply import (
    Decoder,
    QuotaUsedUp,
    RawResponse,
    Reply,
    decoded,
    summary,
)
from resources.http.retries import (
    READING,
    SAFE_METHODS,
    TEMPORARY,
    TOO_MANY_REQUESTS,
    Decision,
    RetryBudget,
    decide,
    decide_unusable,
    is_certificate_fault,
)
from resources.http.silence import READS, WRITES
from resources.http.urls import checked_path

CORRELATION_HEADER = "X-Correlation-Id"
NO_CONTENT, NOT_MODIFIED = 204, 304


class RequestAttempts:
    """One request from its first attempt to its reply.

    A failed attempt returns the seconds to wait before the next one, or raises the error that the
    request ends with.
    """

    def __init__(
        self,
        policy: ClientPolicy,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        correlation_id: str = "",
        idempotent: bool | None = None,
        has_effect: bool | None = None,
        decode: Decoder | None = None,
        log: ExchangeLog | None = None,
    ) -> None:
        """``idempotent`` and ``has_effect`` default to the method's nature."""
        self.method, self.content = method, content
        self.path = checked_path(policy.system, path)
        self._policy, self._decode = policy, decode
        self._write_log = log or exchange_log.get()
        self._where = f"{policy.system}: {method} {path}"
        self._correlation_id = correlation_id
        self._idempotent = method in SAFE_METHODS if idempotent is None else idempotent
        self._has_effect = method not in READING if has_effect is None else has_effect
        self._silence = WRITES if self._has_effect else READS
        self._uncertain = False
        self._value: Any = None
        self._fault: ValueError | None = None
        """Why the body of the last response can't be used."""
        self._budget = RetryBudget(policy.retry)
        self._number, self._first_sent_at, self._renewed = 0, 0.0, False
        self._started, self._sent_at = 0.0, LONG_AGO

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of this request, besides those of its client."""
        return {CORRELATION_HEADER: self._correlation_id} if self._correlation_id else {}

    def start(self) -> None:
        """Count an attempt that is about to be sent, and take the time.

        Raises what ``before_effect`` does.
        """
        if self._has_effect:
            before_effect.get()()
        self._number += 1
        self._value, self._fault = None, None
        self._started, self._sent_at = time.perf_counter(), datetime.now(UTC)
        if self._number == 1:
            self._first_sent_at = self._started
        self._silence.sent()

    def fail(
        self,
        error: BaseException,
        *,
        never_sent: tuple[type[BaseException], ...],
        unsendable: tuple[type[BaseException], ...],
    ) -> float:
        """Handle an attempt without a complete response; return the seconds to wait.

        The client names its errors: ``never_sent`` come before anything was sent, ``unsendable``
        would come again with every attempt.
        """
        self._log(0, {}, type(error).__name__, is_lost=not isinstance(error, never_sent))
        if is_certificate_fault(error):
            raise self.permanent("failed: the server's certificate isn't trusted") from error
        if isinstance(error, unsendable):
            raise self.permanent(f"can't be sent: {type(error).__name__}") from error
        decision = self._decide(None, {}, effect_possible=not isinstance(error, never_sent))
        return self._delay(decision, f"{type(error).__name__}: {vendor_text(str(error), 200)}")

    def record(self, response: RawResponse) -> None:
        """Decode a response and write it to the log of exchanges."""
        error = ""
        if response.status >= 400:
            error = error_text(response.body, sent=self.content or b"")
        elif 200 <= response.status < 300:
            try:
                is_needed = self._has_effect or response.status != NO_CONTENT
                self._value = decoded(
                    response.body, response.headers, self._decode, is_needed=is_needed
                )
            except ValueError as fault:
                kind = "refused" if isinstance(fault, QuotaUsedUp) else "unusable body"
                self._fault, error = fault, f"{kind}: {vendor_text(str(fault), 200)}"
        is_lost = response.status in TEMPORARY
        self._silence.answered(is_failing=is_lost)
        self._log(response.status, response.headers, error, is_lost=is_lost)

    def may_renew(self) -> bool:
        """Return whether a 401 may be followed by a new token: once a request."""
        first, self._renewed = not self._renewed, True
        return first

    def finish(self, response: RawResponse) -> Reply | float:
        """Return the reply that the request ends with, or the seconds to wait before a retry."""
        status, headers, body = response
        milliseconds = (time.perf_counter() - self._started) * 1000
        sent = self.content or b""
        if 300 <= status < 400 and status != NOT_MODIFIED:
            raise PermanentError(
                self._message(
                    f"answered {status}, a redirect, which is never followed with credentials; "
                    "check the base URL"
                )
            )
        quota = status == TOO_MANY_REQUESTS or isinstance(self._fault, QuotaUsedUp)
        decision = self._decide(TOO_MANY_REQUESTS if quota else status, headers)
        if decision.retry or decision.outcome_unknown:
            return self._delay(decision, summary(status, headers, body, sent), quota=quota)
        if not 200 <= status < 300:
            return Reply(status, headers, body, milliseconds, self._where, sent=sent)
        self._policy.clock.observe(headers, self._sent_at, datetime.now(UTC))
        if self._fault is not None:
            return self._unusable(status, self._fault)
        return Reply(status, headers, body, milliseconds, self._where, self._value, sent)

    def _unusable(self, status: int, error: ValueError) -> float:
        """Handle a success whose body can't be used; return the seconds to wait, or raise.

        A read is repeated. A request with an effect may have taken effect: where repeating it does
        not bring a usable body, its outcome is unknown, and never a failure.
        """
        self._uncertain = self._has_effect
        decision = decide_unusable(
            self.method, idempotent=self._idempotent, has_effect=self._has_effect
        )
        kind = "an unusable body" if self._has_effect else "malformed JSON"
        return self._delay(
            decision, f"answered {status} with {kind}: {vendor_text(str(error), 200)}"
        )

    def oversized(self, limit: int) -> LockstepError:
        """Log a response of more than ``limit`` bytes, and return the error for it."""
        what = f"answered more than {limit} bytes"
        self._log(0, {}, what, is_lost=False)
        if self._has_effect:
            return OutcomeUnknown(self._message(f"{what}; the {self.method} may have taken effect"))
        return self.permanent(what)

    def permanent(self, what: str) -> PermanentError:
        """Return the error that ends a request which no retry would help."""
        return PermanentError(self._message(f"{what}; trying again won't help"))

    def _decide(
        self, status: int | None, headers: Mapping[str, str], *, effect_possible: bool = True
    ) -> Decision:
        return decide(
            self.method,
            status,
            headers,
            idempotent=self._idempotent,
            effect_possible=effect_possible,
        )

    def _delay(self, decision: Decision, what: str, *, quota: bool = False) -> float:
        """Return the seconds before the next attempt, or raise what the request ends with."""
        if decision.outcome_unknown:
            raise OutcomeUnknown(
                self._message(f"{what}; {decision.reason}, so it isn't sent again before a look-up")
            )
        elapsed = time.perf_counter() - self._first_sent_at
        if quota:
            delay = self._budget.next_wait(decision, self._number)
            if delay is not None and is_too_long(delay):
                delay = None
        else:
            delay = self._budget.next_failure(decision, elapsed)
        if delay is not None:
            if quota:
                note_wait(self._policy.limiter.bucket, delay)
            return delay
        message = self._message(
            f"{what}; {decision.reason}; given up after {self._number} tries in "
            f"{elapsed:.0f} s, trying again later may help"
        )
        if self._uncertain:
            raise OutcomeUnknown(message, retry_after=decision.delay)
        if quota:
            bucket = self._policy.limiter.bucket
            raise RateLimited(message, retry_after=decision.delay, bucket=bucket)
        raise TransientError(message, retry_after=decision.delay)

    def _message(self, what: str) -> str:
        correlation = f" [{self._correlation_id}]" if self._correlation_id else ""
        return f"{self._where} {what}{correlation}"

    def _log(self, status: int, headers: Mapping[str, str], error: str, *, is_lost: bool) -> None:
        if self._write_log is None or not self._has_effect:
            return
        self._write_log(
            Exchange(
                at=datetime.now(UTC),
                system=self._policy.system,
                method=self.method,
                endpoint=self.path,
                status=status,
                milliseconds=(time.perf_counter() - self._started) * 1000,
                attempt=self._number,
                correlation_id=self._correlation_id,
                trace_id=request_id(headers),
                error=error,
                is_lost=is_lost,
            )
        )
