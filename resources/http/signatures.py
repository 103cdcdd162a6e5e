"""Verifies who sent a webhook: Standard Webhooks by its library, and an HMAC scheme whose particulars are configured.

Both look at the time first and then compare in constant time, and both sign what they rely on: a time or an id that anybody could change
would protect nothing.
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

from domain.connections import Config, SecretRef
from domain.exchange import HookRefused

WINDOW = timedelta(minutes=5)
"""How far a sender's clock may differ either way, and for how long a recorded request is worth anything to whoever replays it."""
MESSAGE_ID = re.compile(r"[\x21-\x7e]{1,200}")
_SECONDS = re.compile(r"[0-9]{9,11}", re.ASCII)
_MILLISECONDS = re.compile(r"[0-9]{12,14}", re.ASCII)
_PARTS = re.compile(r"(\{[a-z_]*\})")
_KNOWN = ("{body}", "{timestamp}", "{id}")
ID, TIME, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class HmacScheme(Config):
    """How a sender signs its pushes; every particular is the sender's own."""

    secret: SecretRef
    old_secret: SecretRef | None = None
    """Accepted beside ``secret`` while the sender's is being replaced."""
    header: str = "X-Signature"
    algorithm: Literal["sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    """What stands before the signature in its header, such as ``sha256=``."""
    template: str = "{body}"
    """What is signed: ``{body}``, and as far as the sender signs them ``{timestamp}`` and ``{id}``, as in ``{timestamp}.{body}``."""
    timestamp_header: str | None = None
    """Unix time in seconds or milliseconds, or ISO 8601 with a zone; must be a part of ``template``."""
    id_header: str | None = None
    """The message's id, equal for each repetition; must be a part of ``template``. Without it the signed content tells repetitions."""
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
                    f"{name}_header and {{{name}}} in the template belong together: what is not signed proves nothing"
                )
        return self


class HmacVerifier:
    """Verifies requests by a scheme and its secrets."""

    def __init__(self, scheme: HmacScheme, secrets: Sequence[str]) -> None:
        self._scheme = scheme
        self._keys = [secret.encode() for secret in secrets]

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the message's id. Raises ``HookRefused``; ``headers`` by names in lower case."""
        scheme = self._scheme
        given = headers.get(scheme.header.lower(), "")
        stamp = _header(headers, scheme.timestamp_header)
        message_id = _header(headers, scheme.id_header)
        if not given.startswith(scheme.prefix) or not given:
            raise HookRefused(
                "unsigned", f"the header {scheme.header} has no signature of the configured form"
            )
        if scheme.timestamp_header is not None:
            check_time(stamp, scheme.window)
        if scheme.id_header is not None and not MESSAGE_ID.fullmatch(message_id):
            raise HookRefused("unsigned", f"the header {scheme.id_header} has no message id")
        signed = self._signed(
            {"{body}": body, "{timestamp}": stamp.encode(), "{id}": message_id.encode()}
        )
        offered = given.removeprefix(scheme.prefix).encode()
        # All keys are tried, whichever fits: the time tells nothing.
        fits = [hmac.compare_digest(self._signature(key, signed), offered) for key in self._keys]
        if not any(fits):
            raise HookRefused("forged", "the signature does not fit")
        return message_id or hashlib.blake2b(signed, digest_size=16).hexdigest()

    def _signed(self, values: Mapping[str, bytes]) -> bytes:
        return b"".join(
            values.get(part, part.encode()) for part in _PARTS.split(self._scheme.template)
        )

    def _signature(self, key: bytes, signed: bytes) -> bytes:
        digest = hmac.new(key, signed, self._scheme.algorithm).digest()
        return digest.hex().encode() if self._scheme.encoding == "hex" else base64.b64encode(digest)


class StandardVerifier:
    """Verifies requests by the Standard Webhooks scheme; ``secrets`` as the sender knows them, not yet in base64."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._hooks = [Webhook(secret.encode()) for secret in secrets]

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the message's id. Raises ``HookRefused``; ``headers`` by names in lower case."""
        message_id, stamp, signatures = (headers.get(name, "") for name in (ID, TIME, SIGNATURE))
        if not MESSAGE_ID.fullmatch(message_id) or not stamp or not signatures:
            raise HookRefused("unsigned", f"the headers {ID}, {TIME} and {SIGNATURE} are needed")
        if not _SECONDS.fullmatch(
            stamp
        ):  # the library takes fractions, signs and blanks, which sign as another text
            raise HookRefused("stale", f"the header {TIME} is no time in whole seconds")
        check_time(stamp, WINDOW)
        fits = [_fits(hook, headers, body) for hook in self._hooks]
        if not any(fits):
            raise HookRefused("forged", "the signature does not fit")
        return message_id


def check_time(stamp: str, window: timedelta) -> None:
    """Raise ``HookRefused`` where a request's time lies further from now than the window, either way."""
    moment = _moment(stamp)
    if moment is None or abs(datetime.now(UTC) - moment) > window:
        raise HookRefused(
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


def _fits(hook: Webhook, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        hook.verify(body, dict(headers), json_parse=False)
    except (
        WebhookVerificationError,
        ValueError,
    ):  # ValueError: signatures without a version, no base64, a body that is no UTF-8
        return False
    return True
