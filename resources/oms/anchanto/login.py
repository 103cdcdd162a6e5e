"""The token of an account: got by e-mail and password, and sent as it is in one header."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import httpx
import msgspec

from domain.errors import AccessRefused, PermanentError, TransientError
from resources.http.auth import RENEW_AT
from resources.http.redaction import error_text, register_secret
from resources.http.retries import TEMPORARY, TOO_MANY_REQUESTS, is_certificate_fault
from resources.http.urls import checked_base_url, tls_context
from resources.oms.anchanto.settings import AnchantoSettings

_FIELDS = msgspec.json.Decoder(dict[str, object])
ADVICE = "check email, password, base_url and wire.paths.login"


class LoginTokens:
    """``resources.http.auth.TokenProvider``; used from several threads."""

    def __init__(
        self,
        settings: AnchantoSettings,
        password: str,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        register_secret(password)
        self._settings, self._password, self._clock = settings, password, clock
        self._url = checked_base_url("anchanto", settings.base_url) + settings.wire.paths.login
        self._http = httpx.Client(
            timeout=settings.timeout,
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            verify=tls_context(),
        )
        self._lock = threading.Lock()
        self._token: tuple[dict[str, str], float] | None = None
        """The header and when to renew it, in one value that is read without the lock."""

    def __repr__(self) -> str:
        return f"LoginTokens({self._url!r}, ***)"

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def headers(self) -> dict[str, str]:
        """Return the header with the token.

        Raises ``AccessRefused`` for a refused login, ``TransientError`` where the account fails.
        """
        with self._lock:
            if (known := self.cached()) is not None:
                return known
            token = self._fetch()
            register_secret(token)
            names = self._settings.wire.headers
            headers = {names.token: f"{names.token_prefix}{token}"}
            lifetime = self._settings.token_lifetime.total_seconds()
            self._token = headers, self._clock() + lifetime * RENEW_AT
            return headers

    def cached(self) -> dict[str, str] | None:
        """Return the header where the token need not be renewed yet."""
        token = self._token
        return token[0] if token is not None and self._clock() < token[1] else None

    def invalidate(self, sent: Mapping[str, str]) -> bool:
        """Drop the token that was sent, unless it has been replaced since; return true."""
        name = self._settings.wire.headers.token
        with self._lock:
            token = self._token
            if token is not None and token[0][name] == sent.get(name):
                self._token = None
        return True

    def _fetch(self) -> str:
        where = f"anchanto: POST {self._url}"
        user = {"email": self._settings.email, "password": self._password}
        body = self._settings.wire.fields.outgoing("login", {"api_user": user})
        try:
            response = self._http.post(self._url, json=body, headers={"Accept": "application/json"})
        except httpx.HTTPError as error:
            if is_certificate_fault(error):
                raise PermanentError(
                    f"{where} failed: the server's certificate isn't trusted; "
                    "trying again won't help"
                ) from error
            raise TransientError(
                f"{where} failed ({type(error).__name__}); trying again later may help"
            ) from error
        what = f"{where} answered {response.status_code}"
        if response.status_code in TEMPORARY or response.status_code == TOO_MANY_REQUESTS:
            raise TransientError(
                f"{what}: {error_text(response.content)}; trying again later may help"
            )
        if not response.is_success:
            raise AccessRefused(f"{what}: {error_text(response.content)}; {ADVICE}")
        try:
            fields = _FIELDS.decode(response.content)
        except (ValueError, RecursionError) as error:
            raise TransientError(
                f"{what} without a JSON object; trying again later may help"
            ) from error
        token = fields.get(self._settings.wire.fields.name("login", "jwt"))
        if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
            raise PermanentError(f"{what} without a token; {ADVICE}")
        return token
