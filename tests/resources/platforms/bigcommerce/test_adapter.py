"""What the connector says of itself: preflight, statuses, registry."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from domain.milestones import Milestone
from resources.http.rate_limit import LocalQuota
from resources.platforms import REGISTRY
from resources.platforms.bigcommerce.adapter import build
from resources.platforms.bigcommerce.statuses import MILESTONE_STATUS, STATUSES
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import HASH, connection, platform, settings


def test_the_preflight_names_what_is_wrong(shop: Shop) -> None:
    """A good store passes; a wrong clock, location and channel are named, as is a bad token."""
    good = platform(shop.url)
    assert all(check.ok for check in good.preflight())
    good.close()
    shop.control("POST", "settings", {"clock_offset_s": 900})
    wrong = platform(shop.url, channel_id=77, sections={"inventory": {"store_location": "MOON"}})
    failed = {check.name: check for check in wrong.preflight() if not check.ok}
    assert set(failed) == {"credentials and clock"}
    wrong.close()
    shop.control("POST", "settings", {"clock_offset_s": 0})
    wrong = platform(shop.url, channel_id=77, sections={"inventory": {"store_location": "MOON"}})
    failed = {check.name: check for check in wrong.preflight() if not check.ok}
    assert set(failed) == {"locations", "channel"}
    assert "no location MOON; known: BCLOC, default" in failed["locations"].detail
    wrong.close()
    shop.control("POST", "settings", {"token": "other"})
    refused = platform(shop.url)
    assert [check.name for check in refused.preflight() if not check.ok] == [
        "credentials and clock"
    ]
    refused.close()


def test_statuses_and_milestones_are_complete() -> None:
    """Every status, every milestone, and the connection's overrides."""
    assert sorted(STATUSES) == list(range(15))
    assert set(MILESTONE_STATUS) == set(Milestone)
    assert all(status is None or status in STATUSES for status in MILESTONE_STATUS.values())
    plain = build(settings(), connection(), lambda _: "t", LocalQuota())
    own = build(
        settings(),
        connection(shipments={"milestone_statuses": {"released": None, "packed": 8}}),
        lambda _: "t",
        LocalQuota(),
    )
    assert (
        plain.shipments.status_for(Milestone.SHIPPED),
        plain.shipments.status_for(Milestone.RELEASED),
    ) == ("2", "9")
    assert (
        own.shipments.status_for(Milestone.RELEASED),
        own.shipments.status_for(Milestone.PACKED),
    ) == (None, "8")


def test_the_registry_validates_and_builds() -> None:
    """A misspelt key is an error; the built connector knows its store and channel."""
    connector = REGISTRY["bigcommerce"]
    section = {"kind": "bigcommerce", "store_hash": HASH, "token": {"env": "T"}, "channel_id": 3}
    built = connector.build(
        connector.settings.model_validate(section), connection(), lambda _: "t", LocalQuota()
    )
    assert (built.kind, str(built.identity)) == (
        "bigcommerce",
        f"bigcommerce store {HASH}, channel 3",
    )
    assert built.targets["inventory"].operations["stock"].batch == 2000
    with pytest.raises(ValueError, match="chanel_id"):
        connector.settings.model_validate(section | {"chanel_id": 3})


def test_a_carrier_is_named_in_one_way() -> None:
    """BigCommerce takes a tracking carrier or a provider; the setting that is given wins."""
    assert settings(tracking_carriers={"ups": "ups"}, shipping_providers={"dhl": "dhl"})
    with pytest.raises(ValidationError, match="fedex is in tracking_carriers and in"):
        settings(tracking_carriers={"ups": "", "fedex": "f"}, shipping_providers={"fedex": "x"})


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ({}, {}, True),
        ({"channel_id": 1}, {"channel_id": 1}, True),
        ({"channel_id": 1}, {"channel_id": 2}, False),
        ({"channel_id": 1}, {}, True),
        ({"store_hash": "acme1"}, {"store_hash": "ACME1"}, True),
        ({}, {"api_base": "https://proxy.example.com/bc"}, True),
        ({}, {"store_hash": "acme2"}, False),
    ],
)
def test_two_sections_share_a_store_by_its_hash_and_channel(
    one: dict[str, Any], other: dict[str, Any], overlap: bool
) -> None:
    """Whatever address it is called at: two connections must not send each other's orders."""
    assert settings(**one).identity.overlaps(settings(**other).identity) is overlap
