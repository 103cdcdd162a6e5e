"""How the Integration Manager is called, and what its answers mean.

HTTP 200 does not mean that all is well: business errors come with ``success_code: false``, and a
used-up quota as the error ``RateLimit`` (oms.md, section 2.2).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from domain.errors import AccessRefused, PermanentError, Problem, RecordRejected, TransientError
from domain.parsing.text import without_values
from domain.parsing.vendor_documents import folded, text_of
from domain.policies import SecretRef
from domain.ports import QuotaLedger
from resources.http.auth import StaticHeader
from resources.http.client import ApiClient
from resources.http.clock import SourceClock
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import HeaderReader, Limiter, QuotaState
from resources.http.redaction import (
    personal_values_in,
    register_secret,
    vendor_text,
)
from resources.http.reply import QuotaUsedUp, Reply
from resources.oms.extensiv.payload import Envelope
from resources.oms.extensiv.settings import ExtensivCodes, ExtensivSettings

KIND = "extensiv"
LEFT_HEADER = "x-cartrover-api-minute-hits-remaining"
TRACE_HEADER = "x-cartrover-process-id"
MINUTE = 60.0
RATE_LIMIT = "ratelimit"
_ENVELOPE = msgspec.json.Decoder(Envelope)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw] | None)
_FIELD = re.compile(r"[a-z][a-z0-9_]+")
LONGEST_CODE = 40
ADVICE = "Correct it at its origin or in Extensiv's configuration, then retry."


@dataclass(frozen=True, slots=True)
class Policies:
    """How the account is called: by the cart's key, for new orders, and by the merchant's key."""

    cart: ClientPolicy
    creating: ClientPolicy
    """The cart's key without the account's quota, which new orders do not use."""
    merchant: ClientPolicy


@dataclass(frozen=True, slots=True)
class Answer:
    """An opened envelope."""

    response: msgspec.Raw
    cust_ref: str = ""
    """Of a new order, whose answer is flat."""
    error_code: str = ""
    text: str = ""
    """Why it was refused; empty if it was not."""

    @property
    def is_refused(self) -> bool:
        """Return whether it is a business error."""
        return bool(self.text)

    def says(self, words: Sequence[str]) -> bool:
        """Return whether the refusal has one of these texts."""
        text = folded(self.text)
        return self.is_refused and any(folded(word) in text for word in words)


def build_policies(
    settings: ExtensivSettings, secrets: Callable[[SecretRef], str], quota: QuotaLedger
) -> Policies:
    """Build what all clients of one account share; raises ``PermanentError`` for a missing key."""
    clock, bucket = SourceClock(), settings.identity.bucket
    calls = Limiter(
        quota,
        bucket,
        quota=settings.calls_per_minute,
        window_seconds=MINUTE,
        reader=quota_reader(settings.calls_per_minute),
    )
    orders = Limiter(
        quota, f"{bucket}/orders", quota=settings.orders_per_second, window_seconds=1.0
    )
    cart = _basic(settings.cart_user, secrets(settings.cart_key))
    merchant = _basic(settings.merchant_user, secrets(settings.merchant_key))

    def policy(auth: StaticHeader, limiter: Limiter) -> ClientPolicy:
        return ClientPolicy(
            system=KIND,
            base_url=settings.base_url,
            auth=auth,
            limiter=limiter,
            timeout=settings.timeout,
            clock=clock,
        )

    return Policies(policy(cart, calls), policy(cart, orders), policy(merchant, calls))


def quota_reader(quota: int) -> HeaderReader:
    """Return what reads the header with the calls left: the bucket refills evenly."""

    def read(headers: Mapping[str, str]) -> QuotaState | None:
        text = headers.get(LEFT_HEADER, "").strip()
        if not text.isascii() or not text.isdigit():
            return None
        left = min(int(text[:9]), quota)
        return QuotaState(quota, left, (quota - left) * MINUTE / quota, MINUTE)

    return read


def _basic(user: str, key: str) -> StaticHeader:
    encoded = base64.b64encode(f"{user}:{key}".encode()).decode()
    for secret in (key, encoded):
        register_secret(secret)
    return StaticHeader("Authorization", f"Basic {encoded}")


def path_of(template: str, **values: str) -> str:
    """Fill in a path; ids may hold any character, so they are percent-encoded."""
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", quote(value, safe=""))
    return template


def open_envelope(body: bytes) -> Answer:
    """Parse a body; raises ``ValueError`` if it is not an envelope, ``QuotaUsedUp`` for that error.

    An object without ``success_code`` is none: it neither confirms nor refuses.
    """
    try:
        envelope = _ENVELOPE.decode(body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if envelope.success_code is None:
        raise ValueError("the answer has no success_code")
    if text_of(envelope.success_code).casefold() in ("true", "1"):
        return Answer(envelope.response, text_of(envelope.cust_ref))
    code = text_of(envelope.error_code)
    parts = (envelope.message or envelope.status_message, envelope.error_response)
    text = "; ".join(text_of(part) for part in parts if part) or "no reason was given"
    if folded(code) == RATE_LIMIT:
        raise QuotaUsedUp(vendor_text(text))
    return Answer(envelope.response, "", code, text)


def interpret(reply: Reply, codes: ExtensivCodes) -> Answer:
    """Return what an answer means, a business error included.

    Raises ``AccessRefused`` for refused credentials, which no record causes and no retry changes,
    and ``PermanentError`` for what is not an answer of the account.
    """
    if reply.status in (401, 403):
        raise AccessRefused(f"{reply.error_summary()}; {_key_advice()}")
    answer = reply.value if isinstance(reply.value, Answer) else _opened(reply)
    if answer.says(codes.access):
        raise AccessRefused(f"{reply.where} was refused: {answer.text}; {_key_advice()}")
    if not answer.is_refused:
        return answer
    text = vendor_text(without_values(answer.text, personal_values_in(reply.sent)))
    return Answer(answer.response, "", answer.error_code, text or "no reason was given")


def _opened(reply: Reply) -> Answer:
    """Return the refusal in a reply without a decoded body; raises if it holds none."""
    if reply.ok:
        raise TransientError(f"{reply.where} answered {reply.status} without a body")
    try:
        answer = open_envelope(reply.body)
    except ValueError:
        raise _no_answer(reply) from None
    if not answer.is_refused:
        raise _no_answer(reply)
    return answer


def fetch(
    client: ApiClient, codes: ExtensivCodes, path: str, **params: str | int
) -> tuple[Answer, Reply]:
    """Make a read; a refusal is returned, since a missing record is one."""
    reply = client.request("GET", path, params=params or None, decode=open_envelope)
    return interpret(reply, codes), reply


def fetch_one(
    client: ApiClient, codes: ExtensivCodes, path: str, **params: str | int
) -> bytes | None:
    """Read one record, ``None`` if the account has none.

    Raises ``PermanentError`` if the read is refused for another reason.
    """
    answer, reply = fetch(client, codes, path, **params)
    if answer.says(codes.not_found):
        return None
    if answer.is_refused:
        raise refused_read(reply, answer)
    return bytes(answer.response)


def refused_read(reply: Reply, answer: Answer) -> PermanentError:
    """Return the error of a read that was refused for another reason than a missing record."""
    return PermanentError(
        f"{reply.where} was refused: {answer.error_code} {answer.text} (process id "
        f"{trace_of(reply) or 'unknown'}); trying again won't help: "
        "check paths, lists and codes in the oms section"
    )


def rows_of(answer: Answer, where: str) -> list[bytes]:
    """Return the rows of a list; raises ``TransientError`` if the response is none."""
    try:
        return [bytes(row) for row in _ROWS.decode(answer.response) or []]
    except (ValueError, RecursionError) as error:
        raise TransientError(
            f"{where}: the response of a list is not a list ({error}); trying again may help"
        ) from error


def rejection(answer: Answer, sent: Mapping[str, object]) -> RecordRejected:
    """Return the rejection for a refused write, with the field that the refusal names."""
    items = sent.get("items")
    line = items[0] if isinstance(items, list) and items else {}
    known = {*sent, *(line if isinstance(line, dict) else {})}
    named = next((word for word in _FIELD.findall(answer.text) if word in known), "")
    code = f"oms_{_plain(answer.error_code) or 'refused'}"
    return RecordRejected(Problem(code, named or "order", answer.text, ADVICE))


def _plain(error_code: str) -> str:
    """Return the vendor's code of an error in the form of our codes, whatever it holds."""
    return "".join(char for char in folded(error_code) if char.isascii())[:LONGEST_CODE]


def trace_of(reply: Reply) -> str:
    """Return the vendor's id of an exchange, which its support asks for."""
    return reply.headers.get(TRACE_HEADER, "")[:100]


def _no_answer(reply: Reply) -> PermanentError:
    return PermanentError(
        f"{reply.error_summary()}; the body is not an answer of the account: "
        "check base_url and paths"
    )


def _key_advice() -> str:
    return (
        "check cart_user and cart_key (a key of the level Cart), merchant_user and merchant_key "
        "(a key of the level Merchant)"
    )
