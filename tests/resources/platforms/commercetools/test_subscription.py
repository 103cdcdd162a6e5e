"""The subscription that writes a project's events to the connection's queue."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from domain.errors import AccessRefused, PermanentError
from resources.platforms.commercetools.adapter import Commercetools
from tests.resources.platforms.commercetools.conftest import Open
from tests.resources.platforms.commercetools.projects import settings
from tests.sandbox.simulated_project import Project

Json = dict[str, Any]
URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/acme.fifo"
KEY = "lockstep-acme-fifo"
KEYS = {"access_key": {"env": "SEND_KEY"}, "secret_key": {"env": "SEND_SECRET"}}


def queue(url: str = URL, **subscription: Any) -> Json:
    """Return the section of a queue whose subscription is Lockstep's."""
    return {"url": url, "subscription": subscription}


def subscriptions(project: Project) -> list[Json]:
    """Return all subscriptions of the project."""
    found: list[Json] = project.query("/subscriptions").json()["results"]
    return found


def kinds(subscription: Json) -> list[str]:
    """Return the types of resources whose changes are sent."""
    return [change["resourceTypeId"] for change in subscription["changes"]]


def ensure(store: Commercetools) -> list[str]:
    """Create or correct the subscription; a second time changes nothing, and it is healthy."""
    assert store.events is not None
    lines = store.events.ensure()
    assert store.events.ensure() == []
    assert [check.ok for check in store.events.state()] == [True]
    return lines


def test_a_subscription_is_created_once(project: Project, open_store: Open) -> None:
    """With the resources that the streams need, and commercetools' own user for the queue."""
    streams = {"streams": ["orders", "customers"]}
    store = open_store(streams, queue=queue())
    assert store.events is not None
    assert [(c.name, c.ok) for c in store.events.state()] == [(f"subscription {KEY}", False)]
    assert subscriptions(project) == []
    assert ensure(store) == [f"subscription {KEY}: created"]
    assert ensure(open_store(streams, queue=queue())) == []
    [made] = subscriptions(project)
    assert (made["key"], kinds(made)) == (KEY, ["customer", "order"])
    assert made["destination"] == {
        "type": "SQS", "queueUrl": URL, "region": "eu-central-1", "authenticationMode": "IAM",
    }  # fmt: skip


def test_keys_of_its_own_are_sent_where_they_are_named(project: Project, open_store: Open) -> None:
    """Both, or none."""
    ensure(open_store(queue=queue(**KEYS)))
    [made] = subscriptions(project)
    assert made["destination"]["authenticationMode"] == "Credentials"
    assert made["destination"]["accessSecret"] == f"sandbox-secret-{project.name}"
    with pytest.raises(ValidationError, match="or neither"):
        settings(queue=queue(access_key={"env": "SEND_KEY"}))


@pytest.mark.parametrize(
    ("wrong", "corrected"),
    [
        ({"changes": [{"resourceTypeId": "product"}]}, "resources"),
        ({"messages": [{"resourceTypeId": "order", "types": ["OrderCreated"]}], "changes": []},
         "resources"),
        ({"status": "ConfigurationErrorDeliveryStopped"}, "destination"),
        ({"status": "ConfigurationError", "changes": [{"resourceTypeId": "product"}]},
         "destination, resources"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_corrected(
    project: Project, open_store: Open, wrong: Json, corrected: str
) -> None:
    """And what others have added to it stays."""
    store = open_store(queue=queue())
    ensure(store)
    project.set(f"subscriptions/{KEY}", wrong)
    assert store.events is not None
    assert [check.ok for check in store.events.state()] == [False]
    assert ensure(store) == [f"subscription {KEY}: corrected ({corrected})"]
    [found] = subscriptions(project)
    assert {"order", *(c["resourceTypeId"] for c in wrong.get("changes", ()))} == set(kinds(found))
    assert found["status"] == "Healthy"


def test_messages_of_all_types_are_enough(project: Project, open_store: Open) -> None:
    """A subscription that an operator has made so needs no change."""
    store = open_store(queue=queue())
    ensure(store)
    project.set(f"subscriptions/{KEY}", {"changes": [], "messages": [{"resourceTypeId": "order"}]})
    assert ensure(store) == []


def test_a_subscription_to_another_queue_is_not_touched(project: Project, open_store: Open) -> None:
    """It may be another connection's; a key of its own makes a second one."""
    ensure(open_store(queue=queue()))
    before = subscriptions(project)
    other = URL.replace("eu-central-1", "us-east-1")
    store = open_store(queue=queue(other))
    assert store.events is not None
    [check] = store.events.state()
    assert (check.ok, "another queue" in check.detail) == (False, True)
    with pytest.raises(PermanentError, match=r"platform\.queue\.subscription\.key"):
        store.events.ensure()
    assert subscriptions(project) == before
    ensure(open_store(queue=queue(other, key="second")))
    assert len(subscriptions(project)) == 2


def test_what_lockstep_can_not_correct_is_shown(project: Project, open_store: Open) -> None:
    """Commercetools has suspended it, or the API client lacks the scope."""
    store = open_store(queue=queue())
    ensure(store)
    project.set(f"subscriptions/{KEY}", {"status": "ManuallySuspended"})
    assert store.events is not None
    assert store.events.ensure() == []
    [check] = store.events.state()
    assert (check.ok, check.detail) == (False, "ManuallySuspended")
    assert "support" in check.advice
    project.set("settings", {"scopes": ["view_orders"]})
    refused = open_store(queue=queue())
    assert refused.events is not None
    with pytest.raises(AccessRefused, match="manage_subscriptions"):
        refused.events.ensure()
    assert not {c.name: c.ok for c in refused.preflight()}["scope manage_subscriptions"]


def test_a_queue_without_the_section_is_left_alone(project: Project, open_store: Open) -> None:
    """Its subscription is the operator's."""
    store = open_store(queue={"url": URL})
    assert store.events is not None
    assert (store.events.ensure(), store.events.state()) == ([], [])
    assert subscriptions(project) == []
