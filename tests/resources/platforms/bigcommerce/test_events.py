"""Registering a store's webhooks."""

from __future__ import annotations

import httpx
import pytest

from domain.errors import PermanentError, TransientError
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import HASH, platform

DESTINATION = "https://hooks.example.com/hooks/acme/platform"
SECRETS = {"client_secret": {"env": "X"}}


def states(shop: Shop, **settings: object) -> dict[str, tuple[bool, str]]:
    """Return what the store says of each webhook."""
    store = platform(shop.url, **SECRETS, **settings)
    found = {check.name: (check.ok, check.detail) for check in store.webhook_state(DESTINATION)}
    store.close()
    return found


def ensured(shop: Shop, destination: str = DESTINATION, **settings: object) -> list[str]:
    """Register, and return what was done."""
    store = platform(shop.url, **{**SECRETS, **settings})
    try:
        return store.ensure_webhooks(destination)
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
    blocked = {check.name: check for check in store.webhook_state(dead)}["webhook destination"]
    store.close()
    assert not blocked.ok
    assert "blocked by the store" in blocked.detail
    assert httpx.get(f"{shop.url}/_sandbox/health").is_success
