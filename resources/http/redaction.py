"""Redaction: which parts of a response may appear in errors, log lines and the message log."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import orjson

from domain.parsing.text import printable, without_values
from domain.personal import is_personal, personal_values

_MESSAGE_KEYS = frozenset(
    {
        "message",
        "messages",
        "title",
        "detail",
        "details",
        "error",
        "errors",
        "error_description",
        "description",
        "code",
        "reason",
        "exceptions",
    }
)
"""Where vendors put their messages; everything else in a body may be a customer's data."""
_MAX_TEXT = 2_000
_MIN_SECRET = 4
"""Shorter values are not secrets, and removing them would remove words."""
_MAX_SECRETS = 1_000
_MAX_DEPTH, _MAX_ITEMS = 6, 20
"""Of a body that is searched for messages."""
_secrets: dict[str, None] = {}
_longest_first: list[list[str]] = []
"""One list of the secrets; it is replaced as a whole, since other threads are going through it."""
_EMAIL = re.compile(r"[^\s@,;:<>\"']+@[^\s@,;:<>\"']+")
_TOKEN = re.compile(r"\b(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{24,}\b")
_DIGITS = re.compile(r"\+?\d(?:[ ().-]{0,2}\d){6,}")
_REQUEST_IDS = (
    "x-request-id",
    "request-id",
    "x-trace-id",
    "trace_id",
    "x-b3-traceid",
    "x-correlation-id",
)
_OWN_REQUEST_IDS = ("-request-id", "-process-id")


def register_secret(secret: str) -> None:
    """Have ``mask`` remove this secret, also where a vendor repeats it; kept in this process."""
    if len(secret) < _MIN_SECRET or secret in _secrets:
        return
    _secrets[secret] = None
    while len(_secrets) > _MAX_SECRETS:  # tokens expire, so the oldest go first
        del _secrets[next(iter(_secrets))]
    # Not compiled to a pattern: each new token would take tens of milliseconds once there are many.
    _longest_first[:] = [sorted(_secrets, key=len, reverse=True)]


def personal_values_in(sent: bytes) -> set[str]:
    """Return the personal values of a request's body, which errors may repeat."""
    try:
        return personal_values(orjson.loads(sent)) if sent else set()
    except orjson.JSONDecodeError:
        return set()


def mask(text: str) -> str:
    """Return the text without e-mail addresses, phone and card numbers, tokens and secrets.

    Numbers are runs of more than six digits. Only the first 2,000 characters are looked at and
    returned: the patterns' cost grows with the square of a word's length.
    """
    if len(text) > _MAX_TEXT:
        # Cut at a word, since half an address or number would not be recognised.
        text = text[:_MAX_TEXT].rpartition(" ")[0]
    for secrets in _longest_first:
        for secret in secrets:
            text = text.replace(secret, "***")
    if "@" in text:
        text = _EMAIL.sub("***@***", text)
    text = _TOKEN.sub("***", text)
    return _DIGITS.sub(lambda found: "***" + found.group()[-2:], text)


def vendor_text(text: str, max_length: int = 400) -> str:
    """Return a vendor's words masked, as one bounded, printable line for logs and tables."""
    return printable(mask(" ".join(text.split())), max_length)


def error_text(body: bytes, max_length: int = 400, sent: bytes = b"") -> str:
    """Return the vendor's error messages in a body, masked, or its size if it has none.

    ``sent`` is the request's body: vendors quote it, and its personal values are removed.
    """
    if not body:
        return ""
    try:
        messages = list(dict.fromkeys(_messages(orjson.loads(body), inside=False)))
    except orjson.JSONDecodeError:
        return f"({len(body)} bytes that aren't JSON)"
    text = vendor_text(without_values("; ".join(messages), personal_values_in(sent)), max_length)
    return text or f"({len(body)} bytes without a message)"


def request_id(headers: Mapping[str, str]) -> str:
    """Return the vendor's id of the exchange, or an empty text.

    Vendors have standard names for it, or one of their own (``x-vendor-process-id``).
    """
    own = [name for name in headers if name.endswith(_OWN_REQUEST_IDS)]
    return next((headers[name][:100] for name in (*_REQUEST_IDS, *own) if headers.get(name)), "")


def _messages(value: object, *, inside: bool, depth: int = 0) -> Iterator[str]:
    """Yield the texts ``inside`` a key for messages, except values of personal fields."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if is_personal(str(key)) and not isinstance(inner, dict | list):
                continue
            is_message = inside or str(key).lower() in _MESSAGE_KEYS
            yield from _messages(inner, inside=is_message, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value[:_MAX_ITEMS]:
            yield from _messages(inner, inside=inside, depth=depth + 1)
    elif inside and isinstance(value, str) and value.strip():
        yield value.strip()
