"""Alerts by Apprise's services, and to several targets."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from pydantic import ValidationError

from domain.connections import Alerts
from domain.errors import PermanentError, TransientError
from domain.exchange import Alert
from resources.notifications import (
    AppriseNotifier,
    Notifiers,
    WebhookNotifier,
    build_notifier,
)
from tests.sensors.receiver import Receiver, receiver

__all__ = ["receiver"]

ALERT = Alert("A title", "A text", {"job": "sync_acme"})
UNREACHABLE = "json://user:hush@127.0.0.1:9/a-secret-path"


def apprise_url(receiver: Receiver) -> str:
    """Return the receiver's address in Apprise's form for JSON posts."""
    return receiver.url.replace("http://", "json://")


def test_an_apprise_url_selects_its_service(receiver: Receiver) -> None:
    """Title, text and facts arrive by the service that the scheme names."""
    AppriseNotifier(apprise_url(receiver)).send(ALERT)
    (posted,) = receiver.posted
    assert (posted["title"], posted["message"]) == ("A title", "A text\njob: sync_acme")


def test_a_service_that_fails_is_a_transient_error_without_its_address(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Apprise returns false and logs the host; the sensor needs an error, without any of it."""
    receiver.status = 500
    for url in (apprise_url(receiver), UNREACHABLE):
        with caplog.at_level(logging.DEBUG), pytest.raises(TransientError) as caught:
            AppriseNotifier(url).send(ALERT)
        assert not any(word in str(caught.value) for word in ("secret", "hush", "127.0.0.1"))
    assert not [record for record in caplog.records if record.name == "apprise"]


@pytest.mark.parametrize(
    "url",
    [
        "nonsense://user:hush@example.com",
        "json://example.com/hush",
        "mailto://user:hush@example.com",
        "jsons://example.com/hush?verify=no",
        "jsons://",
    ],
)
def test_an_unknown_or_unencrypted_service_is_refused(url: str) -> None:
    """An alert leaves this machine encrypted, and the error doesn't show the address."""
    with pytest.raises(PermanentError, match="alerts") as caught:
        AppriseNotifier(url)
    assert "hush" not in str(caught.value)


def test_an_encrypted_service_is_accepted() -> None:
    """E-mail over TLS, a chat and a pager."""
    for url in (
        "mailtos://user:hush@example.com",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "pagerduty://integration@key",
    ):
        AppriseNotifier(url)


def test_an_alert_goes_to_every_target_and_fails_only_where_none_takes_it(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """A broken target must not make the others repeat an alert; its failure is logged."""
    broken = AppriseNotifier(UNREACHABLE)
    Notifiers([broken, WebhookNotifier(receiver.url)]).send(ALERT)
    assert len(receiver.posted) == 1
    assert "could not be sent by json" in caplog.text
    assert "secret" not in caplog.text
    with pytest.raises(TransientError):
        Notifiers([broken, broken]).send(ALERT)


def test_alerts_name_one_target_or_several(tmp_path: Path, receiver: Receiver) -> None:
    """By ``url`` or by ``urls``, each by reference; https stays an incoming webhook."""
    (tmp_path / "chat").write_text(receiver.url)
    (tmp_path / "mail").write_text("mailtos://user:hush@example.com")
    (tmp_path / "slack").write_text("https://hooks.slack.com/services/T1/A1/hush")
    chat, mail, slack = ({"file": str(tmp_path / name)} for name in ("chat", "mail", "slack"))
    kinds = [
        (Alerts.model_validate({"url": chat}), WebhookNotifier),
        (Alerts.model_validate({"url": mail}), AppriseNotifier),
        (Alerts.model_validate({"url": slack}), WebhookNotifier),
        (Alerts.model_validate({"urls": [chat, mail]}), Notifiers),
    ]
    for settings, kind in kinds:
        assert isinstance(build_notifier(settings), kind)
    for wrong in ({}, {"urls": []}, {"url": chat, "urls": [mail]}):
        with pytest.raises(ValidationError):
            Alerts.model_validate(wrong)
