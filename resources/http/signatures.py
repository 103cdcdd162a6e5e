"""Verifies webhooks: Standard Webhooks by its library, and a configurable HMAC scheme.

Both check the time first and then compare in constant time, and both require the time and the id
to be signed: unsigned ones could be changed on the way.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from standardwebhooks import Webhook, WebhookVerificationError

from domain.exchange import WebhookRefused
from domain.policies import Config, SecretRef

WINDOW = timedelta(minutes=5)
"""How far a sender's clock may differ, and how long a recorded request can be replayed."""
MESSAGE_ID = re.compile(r"[\x21-\x7e]{1,200}")
_SECONDS = re.compile(r"[0-9]{9,11}", re.ASCII)
_MILLISECONDS = re.compile(r"[0-9]{12,14}", re.ASCII)
_PARTS = re.compile(r"(\{[a-z_]*\})")
_KNOWN = ("{body}", "{timestamp}", "{id}")
ID, TIME, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class HmacScheme(Config):
    """How a sender signs its requests."""

    secret: SecretRef
    old_secret: SecretRef | None = None
    """Accepted as well while the sender's secret is being replaced."""
    header: str = "X-Signature"
    algorithm: Literal["sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    """Comes before the signature in its header, such as ``sha256=``."""
    template: str = "{body}"
    """What is signed, such as ``{timestamp}.{body}``; ``{body}`` must be, ``{id}`` can be."""
    timestamp_header: str | None = None
    """Unix time in seconds or milliseconds, or ISO 8601 with a zone; part of ``template``."""
    id_header: str | None = None
    """The message's id, equal for each repetition; part of ``template``.

    Without it a digest of the signed content identifies the message.
    """
    window: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(hours=1))] = WINDOW

    @model_validator(mode="after")
    def _all_is_signed(self) -> Self:
        parts = _PARTS.findall(self.template)
        if unknown := [part for part in parts if part not in _KNOWN]:
            raise ValueError(f"template: {unknown[0]} is none of {', '.join(_KNOWN)}")
        if parts.count("{body}") != 1:
            raise ValueError("template: the body must be signed, once")
        for header, name in ((self.timestamp_header, "timestamp"), (self.id_header, "id")):
            if (header is None) == (f"{{{name}}}" in parts):
                raise ValueError(
                    f"{name}_header and {{{name}}} in the template belong together: "
                    "what is not signed proves nothing"
                )
        return self


class HmacVerifier:
    """Verifies requests by a scheme and its secrets."""

    def __init__(self, scheme: HmacScheme, secrets: Sequence[str]) -> None:
        self._scheme = scheme
        self._keys = [secret.encode() for secret in secrets]

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the message's id; raises ``WebhookRefused``. Header names are in lower case."""
        scheme = self._scheme
        given = headers.get(scheme.header.lower(), "")
        stamp = _header(headers, scheme.timestamp_header)
        message_id = _header(headers, scheme.id_header)
        if not given.startswith(scheme.prefix) or not given:
            raise WebhookRefused(
                "unsigned", f"the header {scheme.header} has no signature of the configured form"
            )
        if scheme.timestamp_header is not None:
            check_time(stamp, scheme.window)
        if scheme.id_header is not None and not MESSAGE_ID.fullmatch(message_id):
            raise WebhookRefused("unsigned", f"the header {scheme.id_header} has no message id")
        signed = self._signed(
            {"{body}": body, "{timestamp}": stamp.encode(), "{id}": message_id.encode()}
        )
        offered = given.removeprefix(scheme.prefix).encode()
        # All keys are tried, so that the duration doesn't show which one matches.
        matches = [hmac.compare_digest(self._signature(key, signed), offered) for key in self._keys]
        if not any(matches):
            raise WebhookRefused("forged", "the signature does not match")
        return message_id or hashlib.blake2b(signed, digest_size=16).hexdigest()

    def _signed(self, values: Mapping[str, bytes]) -> bytes:
        return b"".join(
            values.get(part, part.encode()) for part in _PARTS.split(self._scheme.template)
        )

    def _signature(self, key: bytes, signed: bytes) -> bytes:
        digest = hmac.new(key, signed, self._scheme.algorithm).digest()
        return digest.hex().encode() if self._scheme.encoding == "hex" else base64.b64encode(digest)


class StandardVerifier:
    """Verifies requests by Standard Webhooks; ``secrets`` are plain, not in base64."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._hooks = [Webhook(secret.encode()) for secret in secrets]

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the message's id; raises ``WebhookRefused``. Header names are in lower case."""
        message_id, stamp, signatures = (headers.get(name, "") for name in (ID, TIME, SIGNATURE))
        if not MESSAGE_ID.fullmatch(message_id) or not stamp or not signatures:
            raise WebhookRefused("unsigned", f"the headers {ID}, {TIME} and {SIGNATURE} are needed")
        # The library accepts fractions, signs and spaces, which are signed as another text.
        if not _SECONDS.fullmatch(stamp):
            raise WebhookRefused("stale", f"the header {TIME} is not a time in whole seconds")
        check_time(stamp, WINDOW)
        matches = [_matches(hook, headers, body) for hook in self._hooks]
        if not any(matches):
            raise WebhookRefused("forged", "the signature does not match")
        return message_id


def check_time(stamp: str, window: timedelta) -> None:
    """Raise ``WebhookRefused`` where a request's time is outside the window around now."""
    moment = _moment(stamp)
    if moment is None or abs(datetime.now(UTC) - moment) > window:
        raise WebhookRefused(
            "stale", f"the request's time is not within {window.total_seconds():.0f} s of now"
        )


def _moment(stamp: str) -> datetime | None:
    try:
        if _SECONDS.fullmatch(stamp):
            return datetime.fromtimestamp(int(stamp), UTC)
        if _MILLISECONDS.fullmatch(stamp):
            return datetime.fromtimestamp(int(stamp) / 1000, UTC)
        moment = datetime.fromisoformat(stamp)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo is not None else None


def _header(headers: Mapping[str, str], name: str | None) -> str:
    return headers.get(name.lower(), "") if name else ""


def _matches(hook: Webhook, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        hook.verify(body, dict(headers), json_parse=False)
    # ValueError: a signature without a version or not in base64, a body that isn't UTF-8.
    except (WebhookVerificationError, ValueError):
        return False
    return True
