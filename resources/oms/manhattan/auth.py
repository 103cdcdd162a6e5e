"""OAuth tokens of Manhattan Active Omni: fetched with the client's credentials, renewed before they expire and once after a 401."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import httpx

from domain.errors import AccessRefused, PermanentError, TransientError
from resources.http.attempts import is_certificate_fault
from resources.http.client import checked_base_url
from resources.http.redaction import error_text, hide
from resources.http.retries import TEMPORARY

RENEW_AT = 0.8
"""Share of its lifetime after which a token is renewed: clocks differ, and a call takes time."""
_REFUSALS = frozenset({400, 401, 403})


class TokenAuth:
    """A bearer token and where it comes from; used from several threads at once. Never shows a credential."""

    def __init__(
        self,
        token_url: str,
        client: tuple[str, str],
        form: Mapping[str, str],
        *,
        fallback_seconds: int,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = checked_base_url("manhattan", token_url)
        self._client, self._form, self._fallback, self._clock = (
            client,
            dict(form),
            fallback_seconds,
            clock,
        )
        self._http = httpx.Client(
            timeout=timeout, transport=transport, follow_redirects=False, trust_env=False
        )
        self.scope = ""
        """What the last token's answer says that it may be used for; empty where it says nothing (RFC 6749, 5.1)."""
        self._lock = threading.Lock()
        self._token: tuple[dict[str, str], float] | None = None
        """The bearer header and when to renew it: one value, so that a reader without the lock sees both of one token."""

    def __repr__(self) -> str:
        return f"TokenAuth({self._url!r}, ***)"

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def headers(self) -> dict[str, str]:
        """Return the bearer header. Raises ``PermanentError`` for refused credentials, ``TransientError`` where the server fails."""
        with self._lock:
            if (headers := self.held()) is not None:
                return headers
            token, lifetime = self._fetch()
            hide(token)
            headers = {"Authorization": f"Bearer {token}"}
            self._token = headers, self._clock() + lifetime * RENEW_AT
            return headers

    def held(self) -> dict[str, str] | None:
        """Return the bearer header where a token is held that need not be renewed yet."""
        token = self._token
        return token[0] if token is not None and self._clock() < token[1] else None

    def refused(self, sent: Mapping[str, str]) -> bool:
        """Drop the token that was sent, unless it has been replaced since; the next call fetches one, which may help."""
        with self._lock:
            if self._token is not None and self._token[0]["Authorization"] == sent.get(
                "Authorization"
            ):
                self._token = None
        return True

    def _fetch(self) -> tuple[str, float]:
        where = f"manhattan: POST {self._url}"
        try:
            answer = self._http.post(
                self._url,
                data=self._form,
                auth=self._client,
                headers={"Accept": "application/json"},
            )
        except httpx.HTTPError as error:
            if is_certificate_fault(error):
                raise PermanentError(
                    f"{where} failed: the server's certificate isn't trusted; another try won't help"
                ) from error
            raise TransientError(
                f"{where} failed ({type(error).__name__}); a later try may help"
            ) from error
        if answer.status_code in TEMPORARY or answer.status_code == 429:
            raise TransientError(
                f"{where} answered {answer.status_code}: {error_text(answer.content)}; a later try may help"
            )
        if answer.status_code in _REFUSALS:
            advice = "check grant, client_id, client_secret, username and password"
            raise AccessRefused(
                f"{where} answered {answer.status_code}: {error_text(answer.content)}; {advice}"
            )
        return self._read(answer, where)

    def _read(self, answer: httpx.Response, where: str) -> tuple[str, float]:
        try:
            body = answer.json() if answer.is_success else None
        except ValueError:
            body = None
        fields: dict[str, object] = body if isinstance(body, dict) else {}
        token, scope = fields.get("access_token"), fields.get("scope")
        self.scope = scope[:300] if isinstance(scope, str) else ""
        if (
            not isinstance(token, str)
            or not token
            or not token.isascii()
            or not token.isprintable()
        ):
            raise PermanentError(
                f"{where} answered {answer.status_code} without an access_token; check token_url"
            )
        try:
            lifetime = float(str(fields.get("expires_in") or self._fallback))
        except ValueError:
            lifetime = float(self._fallback)
        return token, max(0.0, lifetime)
