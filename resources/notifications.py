"""Tells people: one POST to an incoming webhook, as chat systems, pagers and e-mail gateways offer them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import httpx
import orjson

from domain.connections import Alerts
from domain.errors import PermanentError, TransientError
from domain.exchange import Alert
from resources.secrets import resolve

TIMEOUT_SECONDS = 10.0


class WebhookNotifier:
    """Posts ``{"text": ..., "lockstep": {...}}``: chat systems show the text, anything else finds the fields beside it.

    The address is itself a secret (whoever knows it can post), so it is never in an error.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if not parts.hostname or (
            parts.scheme != "https" and not _is_local(parts.scheme, parts.hostname)
        ):
            raise PermanentError(
                "alerts: the url must be an https address; set the variable or file that alerts.url names to one"
            )
        self._url = url

    def send(self, alert: Alert) -> None:
        """Post the alert. Raises ``TransientError`` where a later try may help, ``PermanentError`` where the address is refused."""
        body = {
            "text": f"{alert.title}\n{alert.text}",
            "lockstep": {"title": alert.title, "text": alert.text, **alert.facts},
        }
        try:
            with httpx.Client(
                timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
            ) as http:
                answer = http.post(
                    self._url,
                    content=orjson.dumps(body),
                    headers={"Content-Type": "application/json"},
                )
        except httpx.HTTPError as error:
            raise TransientError(
                f"alerts: the alert {alert.title!r} could not be sent ({type(error).__name__}); it is tried again"
            ) from None
        if answer.is_success:
            return
        message = f"alerts: the alert {alert.title!r} was answered with {answer.status_code}"
        if (
            answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
            or answer.status_code == httpx.codes.TOO_MANY_REQUESTS
        ):
            raise TransientError(f"{message}; it is tried again")
        raise PermanentError(
            f"{message}; another try won't help: check the address that alerts.url names"
        )


def notifier(settings: Alerts) -> WebhookNotifier:
    """Return the notifier of an installation. Raises ``PermanentError`` for a missing or unfit address."""
    return WebhookNotifier(resolve(settings.url))


def _is_local(scheme: str, host: str) -> bool:
    try:
        return scheme == "http" and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
