"""The token of an account: got by e-mail and password, and sent as it is in one header."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import msgspec

from domain.errors import AccessRefused, TransientError
from resources.http.auth import FetchedToken, TokenMissing, is_sendable
from resources.http.redaction import error_text, register_secret
from resources.http.urls import checked_base_url
from resources.oms.anchanto.settings import AnchantoSettings

_FIELDS = msgspec.json.Decoder(dict[str, object])
ADVICE = "check email, password, base_url and wire.paths.login"


class LoginTokens(FetchedToken):
    """The token of one user."""

    def __init__(
        self,
        settings: AnchantoSettings,
        password: str,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        register_secret(password)
        self._settings, self._password = settings, password
        url = checked_base_url("anchanto", settings.base_url) + settings.wire.paths.login
        super().__init__(
            "anchanto", url, timeout=settings.timeout, transport=transport, clock=clock
        )

    def _header(self, token: str) -> dict[str, str]:
        names = self._settings.wire.headers
        return {names.token: f"{names.token_prefix}{token}"}

    def _fetch(self) -> tuple[str, float]:
        fields = self._settings.wire.fields
        user = {"email": self._settings.email, "password": self._password}
        response = self._post(json=fields.outgoing("login", {"api_user": user}))
        what = self._answered(response)
        if not response.is_success:
            raise AccessRefused(f"{what}: {error_text(response.content)}; {ADVICE}")
        try:
            answer = _FIELDS.decode(response.content)
        except (ValueError, RecursionError) as error:
            raise TransientError(
                f"{what} without a JSON object; trying again later may help"
            ) from error
        token = answer.get(fields.name("login", "jwt"))
        if not is_sendable(token):
            raise TokenMissing(f"{what} without a token; {ADVICE}")
        return token, self._settings.token_lifetime.total_seconds()
