"""The token endpoint and the bearer check (oms.md 1.1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from urllib.parse import parse_qs

from sandbox.oms.manhattan.envelope import Refused, error, plain
from sandbox.oms.manhattan.settings import Settings
from sandbox.system import Request, Response

UNAUTHORIZED = 401


class Tokens:
    """Tokens, valid until they expire by wall time (not the tenant's clock) or are dropped."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.issued = 0
        self.valid_until: dict[str, float] = {}

    def issue(self, request: Request, settings: Settings) -> Response:
        """Answer ``POST /oauth/token`` for the password and client_credentials grants."""
        form = {
            name: values[0]
            for name, values in parse_qs(
                request.body.decode("utf-8", "replace"), keep_blank_values=True
            ).items()
        }
        if _basic(request.headers.get("authorization", "")) != (
            settings.client_id,
            settings.client_secret,
        ):
            return _denied("invalid_client", "Bad client credentials")
        grant = form.get("grant_type")
        if grant not in ("password", "client_credentials"):
            return plain(
                {
                    "error": "unsupported_grant_type",
                    "error_description": f"Unsupported grant type: {grant}",
                },
                400,
            )
        if grant == "password" and (form.get("username"), form.get("password")) != (
            settings.username,
            settings.password,
        ):
            return _denied("unauthorized", "Bad credentials")
        self.issued += 1
        token = hashlib.blake2b(
            f"{self.instance}:{self.issued}".encode(), digest_size=24
        ).hexdigest()
        self.valid_until[token] = time.time() + settings.token_seconds
        return plain(
            {
                "access_token": token,
                "token_type": "bearer",
                "expires_in": settings.token_seconds,
                "scope": "omni",
            }
        )

    def check(self, request: Request) -> None:
        """Accept a call with a valid bearer token; raises Refused (401) for any other."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self.valid_until.get(token.strip(), 0.0) <= time.time():
            # The same answer for unknown and expired: a caller must not learn which tokens exist.
            raise Refused(
                error("invalid_token", "The access token is missing, unknown or expired"),
                status=UNAUTHORIZED,
            )

    def expire_all(self) -> int:
        """Drop every token, as a restart of the vendor's auth server does."""
        dropped = len(self.valid_until)
        self.valid_until.clear()
        return dropped


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, secret


def _denied(code: str, description: str) -> Response:
    return plain({"error": code, "error_description": description}, UNAUTHORIZED)
