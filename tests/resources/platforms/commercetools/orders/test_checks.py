"""What a preflight says of the states of workflows that the settings name."""

from __future__ import annotations

from typing import Any

import pytest

from domain.exchange import Check
from resources.platforms.commercetools.adapter import Commercetools
from tests.resources.platforms.commercetools.conftest import Open
from tests.sandbox.simulated_project import Project

Json = dict[str, Any]
NAMED: Json = {"canceled": ["dropped"], "on_hold": ["waiting"]}


def checks(store: Commercetools) -> dict[str, Check]:
    """Return the checks of a preflight, by name."""
    return {check.name: check for check in store.preflight()}


def test_the_named_states_have_to_exist(project: Project, open_store: Open) -> None:
    """Those of payments are others; without settings nothing is asked for."""
    assert "workflow states" not in checks(open_store())
    project.set("states", [{"key": "dropped"}, {"key": "waiting", "type": "PaymentState"}])
    found = checks(open_store(workflow_states=NAMED))["workflow states"]
    assert (found.ok, found.detail.rpartition(" ")[2]) == (False, "waiting")
    project.set("states", [{"key": "waiting-2"}])
    named = NAMED | {"on_hold": ["waiting-2"]}
    assert checks(open_store(workflow_states=named))["workflow states"].ok


@pytest.mark.parametrize("holds", [True, False])
def test_states_on_hold_want_a_hold_type(
    project: Project, open_store: Open, *, holds: bool
) -> None:
    """Without one an order that the OMS has already is not held."""
    project.set("states", [{"key": "dropped"}, {"key": "waiting"}])
    orders = {"hold_statuses": {"OnHold": "Backorder"}} if holds else {}
    store = open_store({"orders": orders}, workflow_states=NAMED)
    found = checks(store)["workflow states"]
    assert found.ok
    assert found.detail.startswith("WARNING") != holds


def test_reading_states_needs_a_scope(project: Project, open_store: Open) -> None:
    """Only where states are named."""
    project.set("settings", {"scopes": ["manage_orders", "view_payments"]})
    assert "scope view_states" not in checks(open_store())
    assert not checks(open_store(workflow_states=NAMED))["scope view_states"].ok
