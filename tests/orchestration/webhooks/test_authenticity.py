"""The webhook endpoint refuses what the system itself has not signed, just now, for this store."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from orchestration.webhooks.app import build_app
from tests.orchestration.webhooks.senders import (
    OLD_SECRET,
    PUSH,
    SECRET,
    Served,
    endpoint,
    event,
    listening,
    pushed,
    served,
    signed,
)


def test_any_changed_byte_is_refused(server: Served) -> None:
    """Whatever is changed on the way in body, id, time or signature, nothing is stored."""
    body = event()
    good = signed(body, message_id="msg_00000000000000000000000000000001")
    statuses = [
        server.post(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :], good).status_code
        for at in range(0, len(body), 7)
    ]
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        value = good[name]
        for at in range(
            3 if name == "webhook-signature" else 0,
            len(value) - (2 if name == "webhook-signature" else 0),
            4,
        ):
            other = "1" if value[at] != "1" else "2"
            statuses.append(
                server.post(body, good | {name: value[:at] + other + value[at + 1 :]}).status_code
            )
    statuses += [
        server.post(body, good | {"webhook-timestamp": stamp}).status_code
        for stamp in (good["webhook-timestamp"] + suffix for suffix in (".0", "0", "e0"))
    ]
    assert Counter(statuses).keys() == {401}
    assert server.stored() == []
    assert server.post(body, good).status_code == 200


def test_requests_not_signed_by_the_scheme_are_refused(server: Served) -> None:
    """Missing, empty and malformed credentials are the same as none."""
    body = event()
    changes = (
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,not base64 at all"},
        {"webhook-signature": "v2,AAAA"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "9" * 30},
        {"webhook-id": "a b"},
        {"webhook-id": ""},
    )
    answers = [
        server.post(body, {}),
        *(server.post(body, signed(body) | change) for change in changes),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert "WWW-Authenticate" in answers[0].headers
    assert server.stored() == []


def test_a_wrong_secret_or_another_systems_scheme_is_refused(server: Served) -> None:
    """A signature is valid for one secret and one system."""
    body = event()
    assert server.post(body, signed(body, "a-guess")).json()["error"] == "forged"
    assert server.post(body, pushed(body)).json()["error"] == "unsigned"
    assert server.post(body, signed(body), PUSH).json()["error"] == "unsigned"
    assert server.post(body, pushed(body, "a-guess"), PUSH).json()["error"] == "forged"
    assert server.stored() == []


def test_a_time_outside_the_window_is_refused(server: Served) -> None:
    """A recorded request is refused after five minutes, and so is a postdated one."""
    body, order = event(), b'{"OrderId": "1"}'
    for age in (302, 86_400, -302):
        assert server.post(body, signed(body, age=age)).json()["error"] == "stale"
        assert server.post(order, pushed(order, age=age), PUSH).json()["error"] == "stale"
    for age in (295, -295):
        assert server.post(body, signed(body, age=age)).status_code == 200
        assert server.post(order, pushed(order, age=age), PUSH).status_code == 200


def test_a_signed_webhook_of_another_store_is_refused(server: Served) -> None:
    """One app's secret may serve many stores."""
    assert server.post(event(store="s2")).status_code == 403
    assert server.stored() == []


def test_two_secrets_are_valid_during_a_rotation(
    server: Served, database: str, tmp_path: Path
) -> None:
    """A rotation loses no event, and the old secret is refused once it is removed."""
    body = event()
    assert [
        server.post(body, signed(body, secret)).status_code for secret in (SECRET, OLD_SECRET)
    ] == [200, 200]
    with endpoint(
        tmp_path, database, platform={"client_secret": {"file": str(tmp_path / "hook")}}
    ) as after:
        assert [
            after.post(body, signed(body, secret)).status_code for secret in (SECRET, OLD_SECRET)
        ] == [200, 401]


def test_a_secret_of_our_own_in_a_header_is_required_besides_the_signature(
    database: str, tmp_path: Path
) -> None:
    """A sender that knows the app's secret but not ours is refused."""
    (tmp_path / "key").write_text("sesame")
    (tmp_path / "key").chmod(0o600)
    platform = {
        "client_secret": {"file": str(tmp_path / "hook")},
        "hook_secret": {"file": str(tmp_path / "key")},
    }
    with endpoint(tmp_path, database, platform=platform) as server:
        body = event()
        assert server.post(body).json()["error"] == "forged"
        assert server.post(body, signed(body) | {"X-Lockstep-Key": "sesam"}).status_code == 401
        assert server.post(body, signed(body) | {"X-Lockstep-Key": "sesame"}).status_code == 200


def test_a_missing_secret_is_an_error_at_the_start(database: str, tmp_path: Path) -> None:
    """Not at the first webhook of the night."""
    installation = listening(tmp_path)
    (tmp_path / "hook").unlink()
    with (
        pytest.raises(Exception, match="hook"),
        served(build_app(installation, database), database),
    ):
        pass
