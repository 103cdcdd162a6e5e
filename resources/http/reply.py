"""What a request is answered with: the response of an attempt, and the reply at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import orjson

from domain.errors import PermanentError
from resources.http.redaction import error_text, request_id

MISSING: Any = object()
Decoder: TypeAlias = Callable[[bytes], Any]


class QuotaUsedUp(ValueError):
    """A decoder's finding that a 2xx body is a refusal for want of quota: nothing was done."""


class RawResponse(NamedTuple):
    """What one attempt brought; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """The response that a request ends with; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    milliseconds: float
    where: str = ""
    """System, method and endpoint, for messages."""
    value: Any = MISSING
    """The body as the client decoded it, if it did."""
    sent: bytes = b""
    """The request's body; personal values in it are removed from messages."""

    @property
    def ok(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the decoded body (``None`` if empty).

        Raises ``PermanentError`` on malformed JSON.
        """
        if self.value is not MISSING:
            return self.value
        if not self.body:
            return None
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise PermanentError(
                f"{self.where} answered {self.status} with a body that isn't JSON "
                f"({len(self.body)} bytes)"
            ) from None

    def error_summary(self) -> str:
        """Return status, request id and the vendor's messages in one redacted line."""
        return f"{self.where} {summary(self.status, self.headers, self.body, self.sent)}"


def summary(status: int, headers: Mapping[str, str], body: bytes, sent: bytes) -> str:
    """Return status, request id and the vendor's messages in one redacted line."""
    vendor_id = request_id(headers)
    text = error_text(body, sent=sent)
    return (
        f"answered {status}"
        + (f" (request id {vendor_id})" if vendor_id else "")
        + (f": {text}" if text else "")
    )


def decoded(
    body: bytes, headers: Mapping[str, str], decode: Decoder | None, *, is_needed: bool
) -> Any:
    """Return the decoded body; raises ``ValueError`` if malformed.

    An empty body is decoded where one ``is_needed``: only a read that is answered "no content" does
    without one, and stands for an empty list. Any other success without a body was cut off. Without
    a decoder, a response that isn't JSON is left alone.
    """
    if decode is not None:
        try:
            return decode(body) if body or is_needed else None
        except RecursionError as error:  # nested a thousand deep, which no system needs
            raise ValueError("nested too deep") from error
    return orjson.loads(body) if body and "json" in headers.get("content-type", "") else MISSING
