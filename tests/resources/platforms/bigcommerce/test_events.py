"""Registering a store's webhooks."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
from standardwebhooks import Webhook

from domain.errors import PermanentError, TransientError
from domain.exchange import WebhookRefused
from resources.http.rate_limit import LocalQuota
from resources.platforms.bigcommerce.adapter import BigCommerce, build
from resources.platforms.bigcommerce.events import build_receiver
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import (
    HASH,
    Json,
    connection,
    feed_of,
    platform,
    settings,
)

DESTINATION = "https://hooks.example.com/hooks/acme/platform"
SECRETS = {"client_secret": {"env": "X"}}


def states(shop: Shop, **settings: object) -> dict[str, tuple[bool, str]]:
    """Return what the store says about each webhook."""
    store = platform(shop.url, **SECRETS, **settings)
    found = {check.name: (check.ok, check.detail) for check in feed_of(store).state(DESTINATION)}
    store.close()
    return found


def ensured(shop: Shop, destination: str = DESTINATION, **settings: object) -> list[str]:
    """Register, and return what was done."""
    store = platform(shop.url, **{**SECRETS, **settings})
    try:
        return feed_of(store).ensure(destination)
    finally:
        store.close()


def test_webhooks_are_registered_once_and_switched_on_again(shop: Shop) -> None:
    """Missing, active, switched off by the store, active again; a correct one is not changed."""
    assert states(shop)["webhook store/order/*"] == (False, "missing")
    assert ensured(shop) == ["webhook store/order/*: registered"]
    assert ensured(shop) == []
    assert states(shop)["webhook store/order/*"] == (True, "active")
    shop.control("POST", "hooks", {"switch_off": True})
    assert states(shop)["webhook store/order/*"] == (False, "switched off")
    assert ensured(shop) == ["webhook store/order/*: was switched off, is active again"]
    [hook] = shop.read("v3/hooks")["data"]
    assert (hook["destination"], hook["is_active"], hook["headers"]) == (DESTINATION, True, {})


def test_a_changed_secret_reaches_the_store_and_other_hooks_are_left_alone(shop: Shop) -> None:
    """The header's secret is updated; webhooks of other apps and destinations are left alone."""
    ensured(shop)
    ensured(shop, "https://other.example.com/hooks/acme/platform")
    assert ensured(shop, hook_secret={"env": "Y"}) == [
        "webhook store/order/*: was other headers, is active again"
    ]
    assert ensured(
        shop, hook_secret={"env": "Y"}, hook_scopes=["store/order/*", "store/shipment/*"]
    ) == ["webhook store/shipment/*: registered"]
    headers = {
        (hook["destination"], hook["scope"]): hook["headers"]
        for hook in shop.read("v3/hooks")["data"]
    }
    assert headers == {
        (DESTINATION, "store/order/*"): {"X-Lockstep-Key": f"sandbox-token-{HASH}"},
        (DESTINATION, "store/shipment/*"): {"X-Lockstep-Key": f"sandbox-token-{HASH}"},
        ("https://other.example.com/hooks/acme/platform", "store/order/*"): {},
    }


def test_what_the_store_does_not_accept_is_reported(shop: Shop) -> None:
    """No client secret or another port is permanent; an outage is worth another try."""
    with pytest.raises(PermanentError, match="client_secret"):
        ensured(shop, client_secret=None)
    with pytest.raises(PermanentError, match=r"422.*443"):
        ensured(shop, "https://hooks.example.com:8443/")
    shop.fault(kind="drop_after", method="POST", path="/v3/hooks", times=1)
    with pytest.raises(TransientError):
        ensured(shop)
    assert ensured(shop) == [], "the lost answer was of a call that had taken effect"


def test_a_destination_that_the_store_has_blocked_is_named(shop: Shop) -> None:
    """After too many failures a store sends nothing for a while."""
    dead = "http://127.0.0.1:9/hooks/acme/platform"
    ensured(shop, dead)
    shop.control("POST", "hooks", {"retries": []})
    shop.place(*({"id": number} for number in range(1, 121)))
    counts = {}
    for _ in range(200):
        counts = shop.control("POST", "hooks", {})["counts"]
        if counts.get("failed", 0) >= 100:
            break
    assert counts["failed"] >= 100
    store = platform(shop.url, **SECRETS)
    blocked = {check.name: check for check in feed_of(store).state(dead)}["webhook destination"]
    store.close()
    assert not blocked.ok
    assert "blocked by the store" in blocked.detail
    assert httpx.get(f"{shop.url}/_sandbox/health").is_success


def answering(*answers: httpx.Response) -> BigCommerce:
    """Return a store that gives these answers, one after the other."""
    left = list(answers)
    transport = httpx.MockTransport(lambda _: left.pop(0))
    built = build(
        settings(**SECRETS), connection(), lambda _: "client-secret", LocalQuota(), transport
    )
    assert isinstance(built, BigCommerce)
    return built


HOOKS = httpx.Response(200, json={"data": []})


def blocking(*domains: tuple[str, object]) -> Json:
    """Return what the store says about blocked addresses, with the seconds left of each."""
    return {"blocked_domains": [{"destination": url, "time_left": left} for url, left in domains]}


@pytest.mark.parametrize(
    ("admin", "detail"),
    [
        ({}, "not blocked"),
        ({"blocked_domains": None}, "not blocked"),
        (blocking(("https://other.example.com", 60)), "not blocked"),
        (
            blocking(("https://hooks.example.com", "90"), ("https://hooks", 30)),
            "blocked by the store for 90 s more, since too many calls failed",
        ),
        (blocking(("https://hooks.example.com", None)), "not blocked"),
    ],
)
def test_a_block_counts_while_it_lasts_and_for_the_own_address_only(
    admin: object, detail: str
) -> None:
    """The longest of several; another app's block is its own affair."""
    with closing(answering(HOOKS, httpx.Response(200, json={"data": admin}))) as reader:
        *_, found = feed_of(reader).state(DESTINATION)
    assert (found.name, found.ok, found.detail) == (
        "webhook destination",
        detail == "not blocked",
        detail,
    )


@pytest.mark.parametrize(
    ("admin", "message"),
    [
        ({}, "without data"),
        ({"data": {"blocked_domains": [None]}}, "a domain without a name"),
        ({"data": {"blocked_domains": [{"time_left": 5}]}}, "a domain without a name"),
        ({"data": {"blocked_domains": [{"destination": 7}]}}, "a domain without a name"),
        (
            {"data": {"blocked_domains": [{"destination": "https://hooks", "time_left": "soon"}]}},
            "a time that can't be read",
        ),
    ],
)
def test_an_unreadable_list_of_blocked_addresses_is_an_error(admin: object, message: str) -> None:
    """It must not look like a store that sends."""
    with (
        closing(answering(HOOKS, httpx.Response(200, json=admin))) as reader,
        pytest.raises(PermanentError, match=message),
    ):
        feed_of(reader).state(DESTINATION)


def test_a_webhook_without_an_id_is_an_error() -> None:
    """It could not be changed, and may not be taken for a missing one."""
    hook = {"scope": "store/order/*", "destination": DESTINATION, "is_active": True}
    listed = httpx.Response(200, json={"data": [hook]})
    with (
        closing(answering(listed, HOOKS)) as reader,
        pytest.raises(PermanentError, match="one without an id"),
    ):
        feed_of(reader).state(DESTINATION)


KEYS = {"X": "client-secret", "OLD": "the-one-before", "Y": "hook-secret"}


def received(body: object, headers: dict[str, str] | None = None, **changes: Any) -> Any:
    """Receive a body that the store has signed."""
    receiver = build_receiver(
        settings(**{**SECRETS, **changes}), connection(), lambda secret: KEYS[str(secret.env)]
    )
    assert receiver is not None
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    now = datetime.now(UTC)
    signature = Webhook(KEYS["X"].encode()).sign("msg_1", now, content.decode())
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    return receiver.receive(signed | (headers or {}), content)


def message(scope: object = "store/order/updated", /, **data: Any) -> dict[str, Any]:
    """Return an event as the store sends it."""
    return {"producer": f"stores/{HASH}", "scope": scope, "data": data, "created_at": 1_773_900_000}


@pytest.mark.parametrize(
    ("scope", "data", "order_id"),
    [
        ("store/order/updated", {"type": "order", "id": 250}, "250"),
        ("store/order/updated", {"id": "250"}, "250"),
        ("store/channel/7/order/created", {"id": 250.0}, "250"),
        ("store/order/transaction/created", {"order_id": 250, "id": 9}, "250"),
        ("store/order/metafield/created", {"id": 9, "resource_id": 250}, "250"),
        ("store/shipment/created", {"orderId": 250, "id": 9}, "250"),
        ("store/shipment/created", {"id": 9}, None),
        ("store/order/message/created", {"type": "message", "id": 9}, None),
        ("store/cart/created", {"id": 9}, None),
    ],
)  # fmt: skip
def test_an_event_names_its_order(scope: str, data: Json, order_id: str | None) -> None:
    """Where the vendor documents it; an event about something else is acknowledged."""
    found = received(message(scope, **data))
    assert [(each.source_id, each.scope, each.event_id) for each in found] == (
        [(order_id, scope, "msg_1")] if order_id else []
    )


@pytest.mark.parametrize(
    ("body", "reason", "text"),
    [
        (b"[]", "malformed", "not a JSON object"),
        (b"{", "malformed", "not a JSON object"),
        (message() | {"data": 7}, "malformed", "no object data"),
        (message() | {"data": []}, "malformed", "no object data"),
        (message(id=1) | {"producer": "stores/other"}, "foreign", "another store"),
        (message(id=1) | {"producer": None}, "foreign", "another store"),
        (message(7, id=1), "malformed", "no scope"),
        (message("store", id=1), "malformed", "no scope"),
        (message("store/order/updated\n", id=1), "malformed", "no scope"),
        *[
            (message(id=bad), "malformed", "data.id is not an id")
            for bad in (True, 1.5, "", "a b", [], "../1")
        ],
    ],
)
def test_a_signed_message_of_another_form_is_refused(body: object, reason: str, text: str) -> None:
    """The signature shows who sent it, not that it can be used."""
    with pytest.raises(WebhookRefused, match=text) as refused:
        received(body)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("created_at", "shown"),
    [
        (1_773_900_000, "2026-03-19T06:00:00+00:00"),
        (0, "1970-01-01T00:00:00+00:00"),
        *[(bad, None) for bad in (None, True, -1, 10**15, "soon", 1.5, [])],
    ],
)
def test_the_time_of_an_event_is_only_shown(created_at: object, shown: str | None) -> None:
    """A bad one is no reason to lose the event."""
    [found] = received(message(id=250) | {"created_at": created_at})
    assert found.source_id == "250"
    assert (found.occurred_at and found.occurred_at.isoformat()) == shown


def test_the_header_that_the_hook_was_registered_with_is_checked() -> None:
    """With a configured secret only; its text is compared exactly, and none of it is shown."""
    for headers in ({}, {"x-lockstep-key": ""}, {"x-lockstep-key": "hook-secret "}):
        with pytest.raises(WebhookRefused, match="X-Lockstep-Key does not hold") as refused:
            received(message(id=250), headers, hook_secret={"env": "Y"})
        assert refused.value.reason == "forged"
        assert "hook-secret" not in str(refused.value)
    assert received(message(id=250), {"x-lockstep-key": "hook-secret"}, hook_secret={"env": "Y"})
    assert received(message(id=250), {"x-lockstep-key": "anything"})


def test_a_store_without_a_client_secret_receives_no_webhooks() -> None:
    """Unsigned events could be anybody's; with the secret before, those still count."""
    assert build_receiver(settings(), connection(), lambda _: "s") is None
    changed = {"client_secret": {"env": "OLD"}, "old_client_secret": {"env": "X"}}
    assert len(received(message(id=250), **changed)) == 1
    with pytest.raises(WebhookRefused) as refused:
        received(message(id=250), client_secret={"env": "OLD"})
    assert refused.value.reason == "forged"
