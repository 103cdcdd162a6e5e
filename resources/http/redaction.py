"""What of a remote answer may enter an error, a log line or the message log: the vendor's own messages, masked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

import orjson

from domain.personal import is_personal, personal_values
from domain.text import printable

_TOLD = frozenset(
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
"""Keys under which vendors explain themselves; everything else of a body may be a customer's data."""
_LONGEST = 2_000
_SHORTEST = 4
"""A secret of fewer characters is none, and hiding it would blot out words."""
_MOST_SECRETS = 1_000
_secrets: dict[str, None] = {}
_secret_pattern: list[re.Pattern[str]] = []
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


def hide(secret: str) -> None:
    """Never show this secret: a vendor that repeats it in an error must not bring it into a log. Kept in this process only."""
    if len(secret) < _SHORTEST or secret in _secrets:
        return
    _secrets[secret] = None
    while len(_secrets) > _MOST_SECRETS:  # tokens come and go
        del _secrets[next(iter(_secrets))]
    longest_first = sorted(_secrets, key=len, reverse=True)
    _secret_pattern[:] = [re.compile("|".join(map(re.escape, longest_first)))]


def hidden(text: str, values: Collection[str]) -> str:
    """Return the text without these values of a person, as whole words and in any case; single letters stay."""
    words = sorted((value for value in values if len(value) > 1), key=len, reverse=True)
    if not words:
        return text
    return re.sub(
        rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", "***", text, flags=re.IGNORECASE
    )


def private_to(sent: bytes) -> set[str]:
    """Return what of a request's body is about a person: an error that repeats it must not show it."""
    try:
        return personal_values(orjson.loads(sent)) if sent else set()
    except orjson.JSONDecodeError:
        return set()


def masked(text: str) -> str:
    """Return the text with e-mail addresses, phone and card numbers (runs of more than six digits) and tokens hidden.

    Of more than 2,000 characters only the first words are looked at and returned: the patterns' cost grows with the square of a word.
    """
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rpartition(" ")[
            0
        ]  # a half of an address or number would not be known for one
    for pattern in _secret_pattern:
        text = pattern.sub("***", text)
    if "@" in text:
        text = _EMAIL.sub("***@***", text)
    text = _TOKEN.sub("***", text)
    return _DIGITS.sub(lambda found: "***" + found.group()[-2:], text)


def told_text(text: str, max_length: int = 400) -> str:
    """Return a vendor's words masked, in one visible line and bounded: they end up in logs, terminals and tables."""
    return printable(masked(" ".join(text.split())), max_length)


def error_text(body: bytes, max_length: int = 400, sent: bytes = b"") -> str:
    """Return the vendor's error messages in a body, masked, or the body's size where it holds none that can be told apart.

    ``sent`` is the request's body: vendors quote it, and what is personal in it is hidden.
    """
    if not body:
        return ""
    try:
        told = list(dict.fromkeys(_told(orjson.loads(body), said=False)))
    except orjson.JSONDecodeError:
        return f"({len(body)} bytes that aren't JSON)"
    text = told_text(hidden("; ".join(told), private_to(sent)), max_length)
    return text or f"({len(body)} bytes without a message)"


def request_id(headers: Mapping[str, str]) -> str:
    """Return the id under which the vendor knows the exchange, or an empty text."""
    return next((headers[name][:100] for name in _REQUEST_IDS if headers.get(name)), "")


def _told(value: object, *, said: bool, depth: int = 0) -> Iterator[str]:
    if depth > 6:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if is_personal(str(key)) and not isinstance(inner, dict | list):
                continue
            yield from _told(inner, said=said or str(key).lower() in _TOLD, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value[:20]:
            yield from _told(inner, said=said, depth=depth + 1)
    elif said and isinstance(value, str) and value.strip():
        yield value.strip()
