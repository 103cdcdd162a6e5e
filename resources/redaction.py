"""What of a remote answer may enter an error, a log line or the message log: the vendor's own messages, masked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import orjson

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
_EMAIL = re.compile(r"[^\s@,;:<>\"']+@[^\s@,;:<>\"']+")
_TOKEN = re.compile(r"\b(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{24,}\b")
_DIGITS = re.compile(r"\+?\d(?:[ ().-]{0,2}\d){6,}")
_REQUEST_IDS = ("x-request-id", "request-id", "x-trace-id", "trace_id", "x-b3-traceid", "x-correlation-id")


def masked(text: str) -> str:
    """Return the text with e-mail addresses, phone and card numbers (runs of more than six digits) and tokens hidden."""
    if "@" in text:
        text = _EMAIL.sub("***@***", text)
    text = _TOKEN.sub("***", text)
    return _DIGITS.sub(lambda found: "***" + found.group()[-2:], text)


def error_text(body: bytes, max_length: int = 400) -> str:
    """Return the vendor's error messages in a body, masked, or the body's size where it holds none that can be told apart."""
    if not body:
        return ""
    try:
        told = list(dict.fromkeys(_told(orjson.loads(body), said=False)))
    except orjson.JSONDecodeError:
        return f"({len(body)} bytes that aren't JSON)"
    text = masked("; ".join(told))
    if not text:
        return f"({len(body)} bytes without a message)"
    return text if len(text) <= max_length else text[: max_length - 3] + "..."


def request_id(headers: Mapping[str, str]) -> str:
    """Return the id under which the vendor knows the exchange, or an empty text."""
    return next((headers[name][:100] for name in _REQUEST_IDS if headers.get(name)), "")


def _told(value: object, *, said: bool, depth: int = 0) -> Iterator[str]:
    if depth > 6:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _told(inner, said=said or str(key).lower() in _TOLD, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value[:20]:
            yield from _told(inner, said=said, depth=depth + 1)
    elif said and isinstance(value, str) and value.strip():
        yield value.strip()
