"""Tokens by client credentials or a signed assertion; sessions and what they may do.

Source: platforms.md 3.1, and the vendor's page of the JWT bearer flow; its refusals' words are
those that users of it report. An answer has ``instance_url``, and no lifetime.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import Any
from urllib.parse import parse_qs

import orjson

from sandbox.kit.refused import Refused
from sandbox.platforms.salesforce.clock import Clock
from sandbox.platforms.salesforce.replies import ODD, error, json_reply, oauth_error
from sandbox.platforms.salesforce.signature import decoded, is_signed
from sandbox.system import Request, Response

Json = dict[str, Any]
LOGIN = "https://login.salesforce.com"
"""The audience of all production orgs, besides their own address."""
LONGEST = 300
"""Seconds for which an assertion may be valid: clients in use sign for three minutes and a bit."""
JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Access:
    """The app of an org, and the sessions of its integration user."""

    def __init__(self, org: str, clock: Clock) -> None:
        self._org, self._clock = org, clock
        self.client_id, self.client_secret = "lockstep", f"sandbox-secret-{org}"
        self.username = "sync@example.com"
        self.public_key = ""
        """PEM, of the certificate that the app has; without one it takes no assertion."""
        self.approved = True
        """The app is pre-authorised for the integration user."""
        self.scope = "api"
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
            if (fault := self._fault_of(request, form.get("assertion", ""))) is not None:
                return oauth_error(*fault)
        else:
            return oauth_error("unsupported_grant_type", "grant type not supported")
        session = f"00D{secrets.token_hex(6)}!{secrets.token_urlsafe(32)}"
        self.sessions.add(session)
        return json_reply(
            {
                "access_token": session,
                "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
                "scope": self.scope,
                "instance_url": self._address(request),
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

    def _address(self, request: Request) -> str:
        return f"http://{request.headers.get('host', '127.0.0.1')}/salesforce/{self._org}"

    def _fault_of(self, request: Request, assertion: str) -> tuple[str, str] | None:
        """Return the error of an assertion, and its description."""
        signed, _, signature = assertion.rpartition(".")
        try:
            algorithm, claim = (orjson.loads(decoded(part)) for part in signed.split("."))
            is_known = algorithm["alg"] == "RS256" and claim["iss"] == self.client_id
            left = float(claim["exp"]) - self._clock.seconds()
            audience, user = str(claim["aud"]), claim["sub"]
        except ODD:
            return "invalid_grant", "invalid assertion"
        if not is_known:
            return "invalid_client_id", "client identifier invalid"
        if not self.public_key or not is_signed(self.public_key, signed.encode(), signature):
            return "invalid_grant", "invalid assertion"
        if not 0 < left <= LONGEST:
            return "invalid_grant", "expired authorization code"
        if audience not in (LOGIN, self._address(request)):
            return "invalid_grant", "audience is invalid"
        if user != self.username or not self.approved:
            return "invalid_grant", "user hasn't approved this consumer"
        return None

    def check(self, request: Request) -> None:
        """Refuse a call without a valid session."""
        kind, _, session = request.headers.get("authorization", "").partition(" ")
        if kind not in ("Bearer", "OAuth") or session not in self.sessions:
            raise Refused(error(401, "INVALID_SESSION_ID", "Session expired or invalid"))
