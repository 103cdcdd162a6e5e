"""The configuration refuses combinations that can't work, and names the setting."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.connections import Alerts, Connection, Installation, Retention, SystemSection, Webhooks
from domain.policies import Config, OrdersPolicy, SecretRef, ShipmentsPolicy

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (SecretRef, {}, "exactly one place"),
        (SecretRef, {"env": "A", "file": "/run/a"}, "exactly one place"),
        (OrdersPolicy, {"hold_statuses": {12: " "}}, "names no hold type for status 12"),
        (ShipmentsPolicy, {"milestone_statuses": {"shiped": 2}}, "milestone_statuses.shiped"),
        (Webhooks, {"destination": "https://a.example:8443"}, "port 443 only"),
        (Webhooks, {"destination": "http://a.example"}, "webhooks need https"),
        (Alerts, {}, "either url, or urls"),
        (Retention, {"record": 10 * DAY}, "record must not be kept for less time"),
        (Retention, {"record": 10 * DAY, "capture": 20 * DAY}, "record must not be kept for less"),
        (SecretRef, {"env": "A", "name": "B"}, "Extra inputs are not permitted"),
    ],
)
def test_a_combination_that_cannot_work_is_refused(
    model: type[Config], values: dict[str, Any], message: str
) -> None:
    """At the start, not when the setting is first used."""
    with pytest.raises(ValidationError, match=message):
        model.model_validate(values)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (SecretRef, {"env": "A"}),
        (Webhooks, {"destination": "https://a.example:443/lockstep/"}),
        (Webhooks, {"destination": "http://127.0.0.1:8000"}),
        (Alerts, {"url": {"env": "A"}}),
        (Retention, {"record": 20 * DAY, "capture": 20 * DAY}),
        (Retention, {"capture": 20 * DAY}),
    ],
)
def test_a_combination_that_works_is_accepted(model: type[Config], values: dict[str, Any]) -> None:
    """The control of the above."""
    assert model.model_validate(values)


def test_webhooks_of_each_system_have_their_own_url() -> None:
    """A trailing slash of the destination is ignored."""
    webhooks = Webhooks(destination="https://a.example/lockstep/")
    assert webhooks.url("acme", "oms") == "https://a.example/lockstep/hooks/acme/oms"


def test_the_first_partition_starts_at_midnight_utc() -> None:
    """Whatever the time zone of the machine."""
    section = SystemSection(kind="any")
    installation = Installation(
        start_date=date(2026, 3, 1),
        connections={"acme": Connection(platform=section, oms=section)},
    )
    assert installation.start == datetime(2026, 3, 1, tzinfo=UTC)
