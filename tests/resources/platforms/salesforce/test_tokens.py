"""How the connector gets its tokens, and what it says where it gets none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import PermanentError
from domain.exchange import Check
from domain.values import Window
from resources.http import oauth
from resources.platforms.salesforce.auth import OF_ASSERTIONS, OF_SECRETS, OTHERWISE, advice_on
from tests.resources.platforms.salesforce.conftest import Shop, Wire
from tests.resources.platforms.salesforce.orgs import settings
from tests.rsa_keys import pem_of, public_pem_of

LOGIN = "https://login.salesforce.com"
SIGNED: dict[str, Any] = {
    "client_secret": None,
    "private_key": {"env": "SALESFORCE_KEY"},
    "username": "sync@example.com",
    "audience": LOGIN,
}


def failed(wire: Wire, **changes: Any) -> list[Check]:
    """Return the checks that fail of a connector that signs."""
    checks = wire.open(**SIGNED | changes).preflight()
    return [check for check in checks if not check.ok]


@pytest.fixture
def signed(wire: Wire) -> Wire:
    """Return an org whose app has the certificate of our key."""
    wire.secret = pem_of()
    wire.org.control("settings", {"public_key": public_pem_of()})
    wire.org.control("locations", [{"ExternalReference": "default"}])
    return wire


def test_a_signed_assertion_opens_the_org(signed: Wire) -> None:
    """At the My Domain, or at a login host that leads to it."""
    assert failed(signed) == []
    assert failed(signed, login_url=LOGIN) == []


def test_a_user_of_another_org_is_refused(signed: Wire) -> None:
    """At a common login host the user selects the org, which must be the connection's."""
    [check] = failed(signed, login_url=LOGIN, my_domain="https://other.my.salesforce.com")
    assert check.name == "credentials and clock"
    assert "acme.my.salesforce.com" in check.detail
    assert "not an https address in login.salesforce.com, other.my.salesforce.com" in check.detail
    assert signed.calls == []


def test_an_assertion_is_for_the_my_domain_by_default(open_shop: Callable[..., Shop]) -> None:
    """Over a socket: new apps take no other audience."""
    shop = open_shop(**SIGNED | {"audience": None}, secret=pem_of())
    shop.control("settings", {"public_key": public_pem_of()})
    shop.place("1001")
    [page] = shop.connector.sources["orders"].fetch(
        Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))
    )
    assert len(page.records) == 1


@pytest.mark.parametrize(
    ("org", "ours", "advice"),
    [
        ({"public_key": "other"}, {}, "private_key must be the key of the cert"),
        ({"approved": False}, {}, "pre-authorise the app for platform.username"),
        ({}, {"username": "other@example.com"}, "pre-authorise the app for platform.username"),
        ({}, {"audience": "https://test.salesforce.com"}, "set platform.audience"),
        ({}, {"client_id": "another"}, "must be the consumer key"),
    ],
)
def test_the_preflight_names_what_is_wrong(
    signed: Wire, org: dict[str, Any], ours: dict[str, Any], advice: str
) -> None:
    """Where no token is given, and nothing of the key."""
    if "public_key" in org:
        org = {"public_key": public_pem_of(org["public_key"])}
    signed.org.control("settings", org)
    [check] = failed(signed, **ours)
    assert check.name == "credentials and clock"
    assert advice in check.detail
    assert "PRIVATE" not in check.detail


@pytest.mark.parametrize("offset", [-7_200, 7_200])
def test_a_wrong_clock_of_this_machine_costs_a_second_attempt(signed: Wire, offset: int) -> None:
    """The assertion is signed again by the org's time; the preflight still names the clock."""
    signed.org.control("settings", {"clock_offset_s": offset})
    connector = signed.open(**SIGNED)
    assert list(connector.sources["orders"].read(["nothing"])) is not None
    [check] = failed(signed)
    assert "clock differs" in check.detail
    assert "NTP" in check.advice


def test_an_assertion_that_stays_expired_is_refused(
    signed: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An org that does not say its time can't correct ours."""
    signed.org.control("settings", {"clock_offset_s": 7_200})
    monkeypatch.setattr(oauth, "parsedate_to_datetime", _no_date)
    [check] = failed(signed)
    assert "expired" in check.detail
    assert "NTP" in check.detail


def _no_date(_text: str) -> None:
    raise ValueError


def test_rights_beyond_the_api_are_a_warning(signed: Wire) -> None:
    """The connection works anyway."""
    signed.org.control("settings", {"scope": "api full id web"})
    checks = {check.name: check for check in signed.open(**SIGNED).preflight()}
    assert checks["scopes beyond need"].ok
    assert "full, web" in checks["scopes beyond need"].detail


def test_a_key_that_is_none_is_said_before_a_call(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    """And not repeated."""
    wire.secret = "-----BEGIN RSA PRIVATE KEY-----\nhush-hush\n-----END RSA PRIVATE KEY-----"
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(PermanentError, match="private_key") as found,
    ):
        wire.open(**SIGNED)
    assert "hush" not in str(found.value) + caplog.text
    assert wire.calls == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client_secret": {"env": "S"}}, "one of client_secret"),
        ({"private_key": None}, "one of client_secret"),
        ({"username": None}, "private_key needs username"),
        ({"scope": "api"}, "scope"),
        ({"private_key": None, "client_secret": {"env": "S"}}, "belong to private_key"),
        ({"audience": "login.salesforce.com"}, "audience"),
    ],
)
def test_settings_of_two_ways_are_not_mixed(changes: dict[str, Any], reason: str) -> None:
    """One credential, and what belongs to it."""
    with pytest.raises(ValueError, match=reason):
        settings(**SIGNED | changes)


@pytest.mark.parametrize(
    ("table", "text", "words"),
    [
        (OF_SECRETS, "invalid_grant; no client credentials user enabled", "run-as user"),
        (OF_SECRETS, "invalid_client; invalid client credentials", "client_secret"),
        (OF_SECRETS, "invalid_grant; request not supported on this domain", "My Domain"),
        (OF_ASSERTIONS, "app_not_found; External client app is not installed", "My Domain"),
        (OF_ASSERTIONS, "server_error", OTHERWISE),
    ],
)
def test_a_refusal_has_its_own_advice(
    table: tuple[tuple[str, str], ...], text: str, words: str
) -> None:
    """By the words that the vendor uses, and without them a general one."""
    assert words in advice_on(text, table)


def test_a_key_that_is_exchanged_at_the_org_first_stops_the_run_and_no_record(signed: Wire) -> None:
    """The session has ended, and no new token is given; with the new key the same call goes on."""
    signed.org.place("1001")
    connector = signed.open(**SIGNED)
    source = connector.sources["orders"]
    window = Window(datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    assert [len(page.records) for page in source.fetch(window)] == [1]
    signed.org.control("settings", {"public_key": public_pem_of("theirs")})
    signed.org.control("expire", {})
    with pytest.raises(PermanentError) as raised:
        list(source.fetch(window))
    assert "key" in str(raised.value)
    signed.secret = pem_of("theirs")
    again = signed.open(**SIGNED).sources["orders"]
    assert [len(page.records) for page in again.fetch(window)] == [1]
