"""Where alerts go: an incoming webhook, or any service that Apprise knows (e-mail, chat, pagers).

A target's address is itself a secret, since anyone who has it can post there, so no error and no
log line contains it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx
import orjson

from domain.connections import Alerts
from domain.errors import LockstepError, PermanentError, TransientError
from domain.exchange import Alert
from domain.ports import Notifier
from resources.http.urls import is_loopback, tls_context
from resources.secrets import resolve

TIMEOUT_SECONDS = 10.0
_ADVICE = "set the variable or file that alerts names to an https address or an Apprise URL"

logger = logging.getLogger(__name__)


class WebhookNotifier:
    """Posts ``{"text": ..., "lockstep": {...}}`` to an incoming webhook.

    Chat systems show the text; other receivers find the fields beside it.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        local = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if not parts.hostname or (parts.scheme != "https" and not local):
            raise PermanentError(f"alerts: the url must be an https address; {_ADVICE}")
        self._url = url

    def send(self, alert: Alert) -> None:
        """Post the alert.

        Raises ``TransientError`` if trying again may help, ``PermanentError`` if the address
        is refused.
        """
        body = {
            "text": f"{alert.title}\n{alert.text}",
            "lockstep": {"title": alert.title, "text": alert.text, **alert.facts},
        }
        try:
            with httpx.Client(
                timeout=TIMEOUT_SECONDS,
                follow_redirects=False,
                trust_env=False,
                verify=tls_context(),
            ) as http:
                response = http.post(
                    self._url,
                    content=orjson.dumps(body),
                    headers={"Content-Type": "application/json"},
                )
        except httpx.HTTPError as error:
            raise TransientError(
                f"alerts: the alert {alert.title!r} could not be sent ({type(error).__name__}); "
                "it is tried again"
            ) from None
        if response.is_success:
            return
        message = f"alerts: the alert {alert.title!r} was answered with {response.status_code}"
        if response.is_server_error or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise TransientError(f"{message}; it is tried again")
        raise PermanentError(
            f"{message}; trying again won't help: check the address that alerts names"
        )


class AppriseNotifier:
    """Sends by one of Apprise's services, chosen by the URL's scheme: ``mailtos``, ``slack``, ...

    Apprise is imported here: its hundred services take half a second and 18 MB, in a process that
    may never send an alert.
    """

    def __init__(self, url: str) -> None:
        # Its own log lines contain hosts and paths, which are secrets in many of these URLs.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        from apprise import Apprise, AppriseAsset, NotifyBase  # noqa: PLC0415

        self._scheme = urlsplit(url).scheme
        service = Apprise.instantiate(
            url,
            asset=AppriseAsset(app_id="Lockstep", async_mode=False, storage_mode="memory"),
            suppress_exceptions=True,
        )
        if not isinstance(service, NotifyBase):
            raise PermanentError(
                f"alerts: Apprise does not accept the URL with the scheme {self._scheme!r}; "
                f"{_ADVICE}"
            )
        if not _is_encrypted(self._scheme, service) and not is_loopback(str(service.host)):
            raise PermanentError(
                f"alerts: {self._scheme} would send without verified encryption; take the "
                f"service's encrypted scheme, without verify=no"
            )
        self._service = service

    def send(self, alert: Alert) -> None:
        """Send the alert; raises ``TransientError`` if the service did not take it."""
        facts = "".join(f"\n{name}: {value}" for name, value in alert.facts.items())
        if not self._service.notify(body=alert.text + facts, title=alert.title):
            # Apprise doesn't report whether trying again later may help.
            raise TransientError(
                f"alerts: the alert {alert.title!r} could not be sent by {self._scheme}; "
                "it is tried again"
            )


class Notifiers:
    """Sends each alert to several targets.

    An alert that reached one target counts as sent, or a broken target would make the others
    repeat it with every retry; the failure of the others is logged.
    """

    def __init__(self, targets: Sequence[Notifier]) -> None:
        self._targets = targets

    def send(self, alert: Alert) -> None:
        """Send the alert; raises the first target's error where no target took it."""
        errors: list[LockstepError] = []
        for target in self._targets:
            try:
                target.send(alert)
            except LockstepError as error:
                errors.append(error)
        if len(errors) == len(self._targets):
            raise errors[0]
        for failure in errors:
            logger.warning("%s (another target has it)", failure)


def build_notifier(settings: Alerts) -> Notifier:
    """Build the notifier of an installation.

    Raises ``PermanentError`` for a missing or unusable address.
    """
    refs = (settings.url,) if settings.url is not None else settings.urls
    targets = [_build_target(resolve(ref)) for ref in refs]
    return targets[0] if len(targets) == 1 else Notifiers(targets)


def _build_target(url: str) -> Notifier:
    """Build the notifier of one URL; ``https`` is always an incoming webhook."""
    scheme = urlsplit(url).scheme
    if scheme in ("", "http", "https"):
        return WebhookNotifier(url)
    return AppriseNotifier(url)


def _is_encrypted(scheme: str, service: object) -> bool:
    """Return whether a service verifies the server, and encrypts if it has the choice."""
    plain, secure = (_schemes(service, name) for name in ("protocol", "secure_protocol"))
    downgraded = scheme in plain and bool(secure) and not getattr(service, "secure", False)
    return bool(getattr(service, "verify_certificate", True)) and not downgraded


def _schemes(service: object, attribute: str) -> tuple[str, ...]:
    value = getattr(service, attribute, None) or ()
    return (value,) if isinstance(value, str) else tuple(value)
