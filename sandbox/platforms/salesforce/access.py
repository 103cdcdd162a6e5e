"""Tokens by client credentials or a signed assertion; sessions and what they may do.

Source: platforms.md 3.1. An answer has ``instance_url``, and no lifetime.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import Any
from urllib.parse import parse_qs

import orjson

from sandbox.kit.refused import Refused
from sandbox.platforms.salesforce.replies import error, json_reply, oauth_error
from sandbox.system import Request, Response

Json = dict[str, Any]
JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Access:
    """The app of an org, and the sessions of its integration user."""

    def __init__(self, org: str) -> None:
        self._org = org
        self.client_id, self.client_secret = "lockstep", f"sandbox-secret-{org}"
        self.username = "sync@example.com"
        self.sessions: set[str] = set()
        self.denied: list[str] = []
        """Objects that the integration user can't see."""

    def token(self, request: Request) -> Response:
        """Answer ``POST /services/oauth2/token``."""
        form = {
            name: values[0]
            for name, values in parse_qs(request.body.decode(errors="replace")).items()
        }
        grant = form.get("grant_type", "")
        if grant == "client_credentials":
            if not self._is_client(request, form):
                return oauth_error("invalid_client", "invalid client credentials")
        elif grant == JWT:
            if (fault := self._fault_of(form.get("assertion", ""))) is not None:
                return oauth_error("invalid_grant", fault)
        else:
            return oauth_error("unsupported_grant_type", "grant type not supported")
        session = f"00D{secrets.token_hex(6)}!{secrets.token_urlsafe(32)}"
        self.sessions.add(session)
        host = request.headers.get("host", "127.0.0.1")
        return json_reply(
            {
                "access_token": session,
                "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
                "scope": "api",
                "instance_url": f"http://{host}/salesforce/{self._org}",
                "id": "https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA",
                "token_type": "Bearer",
                "issued_at": "1767225600000",
            }
        )

    def _is_client(self, request: Request, form: Json) -> bool:
        given = f"{form.get('client_id', '')}:{form.get('client_secret', '')}"
        kind, _, encoded = request.headers.get("authorization", "").partition(" ")
        if kind == "Basic":
            try:
                given = base64.b64decode(encoded).decode()
            except ValueError:
                return False
        return hmac.compare_digest(
            given.encode(), f"{self.client_id}:{self.client_secret}".encode()
        )

    def _fault_of(self, assertion: str) -> str | None:
        """Return what is wrong with an assertion; signatures are for others to check."""
        try:
            header, claims, signature = assertion.split(".")
            algorithm = orjson.loads(_decoded(header)).get("alg")
            claim = orjson.loads(_decoded(claims))
        except (ValueError, AttributeError):
            return "invalid assertion"
        if algorithm != "RS256" or not signature:
            return "invalid assertion"
        if claim.get("iss") != self.client_id:
            return "invalid client credentials"
        if claim.get("sub") != self.username:
            return "user hasn't approved this consumer"
        return None

    def check(self, request: Request) -> None:
        """Refuse a call without a valid session."""
        kind, _, session = request.headers.get("authorization", "").partition(" ")
        if kind not in ("Bearer", "OAuth") or session not in self.sessions:
            raise Refused(error(401, "INVALID_SESSION_ID", "Session expired or invalid"))


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
