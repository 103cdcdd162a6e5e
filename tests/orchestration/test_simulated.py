"""The simulated systems that local commands start: found by the kinds of a connection."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from domain.connections import Connection, Installation
from domain.errors import LockstepError, PermanentError
from orchestration.local import sandbox_process
from orchestration.local.simulated import (
    PAIR,
    SIMULATED,
    Pair,
    Place,
    pair_named,
    pair_of,
    pairs,
    simulated,
)
from resources import oms, platforms
from resources.systems import secret_refs, settings_of
from sandbox.app import SYSTEMS
from sandbox.platforms.bigcommerce import ratelimit

START = date(2026, 1, 1)


def written(file: Path) -> Connection:
    """Return the connection ``demo`` of a file."""
    return Installation.model_validate(yaml.safe_load(file.read_text())).connections["demo"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for the sandbox's configuration."""
    monkeypatch.setenv("LOCKSTEP_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("webhooks", [None, "http://127.0.0.1:1"])
def test_the_connection_that_is_written_names_the_systems_that_are_started(
    home: Path, webhooks: str | None
) -> None:
    """Its sections are what the connectors take, and each of its secrets is there."""
    file = sandbox_process.configure("demo", "shop", START, "http://127.0.0.1:2", webhooks)
    connection = written(file)
    pair = pair_of(connection)
    assert pair == PAIR
    assert pair.paths("shop") == (f"{PAIR.store}/shop", f"{PAIR.oms}/shop")
    sections = (connection.platform, platforms.REGISTRY), (connection.oms, oms.REGISTRY)
    for section, registry in sections:
        settings = settings_of(section, registry)
        references = [reference for _, reference in secret_refs(settings)]
        assert references
        for reference in references:
            assert reference.file is not None
            assert reference.file.is_relative_to(home)
            assert reference.file.read_text().startswith("sandbox-")
    assert (connection.webhooks is None) is (webhooks is None)


@pytest.mark.parametrize("kind", SIMULATED)
def test_a_kind_of_the_registry_can_be_started_and_connected(kind: str) -> None:
    """The sandbox has it, and a connector takes its section."""
    assert kind in SYSTEMS
    place = Place("http://127.0.0.1:2", "shop", Path("/secrets"))
    section = {"kind": kind, **simulated(kind).section(place)}
    registry = platforms.REGISTRY if kind in platforms.REGISTRY else oms.REGISTRY
    side = "platform" if kind in platforms.REGISTRY else "oms"
    other = {"oms": PAIR.oms} if side == "platform" else {"platform": PAIR.store}
    [(rest, instead)] = other.items()
    connection = Connection.model_validate({side: section, rest: {"kind": instead}})
    assert settings_of(getattr(connection, side), registry).identity
    named = {
        ref.file.name
        for _, ref in secret_refs(settings_of(getattr(connection, side), registry))
        if ref.file
    }
    pair = Pair(kind, PAIR.oms) if side == "platform" else Pair(PAIR.store, kind)
    assert named <= sandbox_process.secrets_of(pair, "shop").keys()


def test_a_connection_to_a_system_that_is_not_simulated_is_refused() -> None:
    """With what can be done."""
    connection = Connection.model_validate(
        {"platform": {"kind": PAIR.store}, "oms": {"kind": "elsewhere"}}
    )
    with pytest.raises(PermanentError, match="'elsewhere'.*lockstep connect"):
        pair_of(connection)


def test_every_connector_can_be_simulated_and_every_pair_is_known() -> None:
    """Also a connector that comes later; the pair that is run by default is the first."""
    assert SIMULATED.keys() == platforms.REGISTRY.keys() | oms.REGISTRY.keys()
    assert len(pairs()) == len(platforms.REGISTRY) * len(oms.REGISTRY)
    assert pairs()[0] == PAIR
    assert len({pair.connection for pair in pairs()}) == len(pairs())
    for pair in pairs():
        assert pair_named("/".join(pair)) == pair
    with pytest.raises(PermanentError, match="no pair 'manhattan/bigcommerce'.*there are"):
        pair_named("manhattan/bigcommerce")


@pytest.mark.parametrize("pair", pairs())
def test_a_pair_is_written_with_its_streams_and_the_webhooks_that_it_sends(
    home: Path, pair: Pair
) -> None:
    """Where neither system sends any, there is no endpoint to wait for."""
    file = sandbox_process.configure(
        "demo", "shop", START, "http://127.0.0.1:2", "http://127.0.0.1:1", pair, ["orders"]
    )
    connection = written(file)
    assert pair_of(connection) == pair
    assert connection.streams == ("orders",)
    sends = any(simulated(kind).with_events is not None for kind in pair)
    assert (connection.webhooks is not None) is sends


def test_what_a_demo_has_synced_is_synced_live_afterwards(home: Path) -> None:
    """Otherwise assets of its other streams would stay in the catalog without a definition."""
    every = ["orders", "shipments", "inventory", "returns", "prices"]
    sandbox_process.configure("demo", "demo", START, "http://127.0.0.1:2", streams=every)
    file = sandbox_process.configure("demo", "demo", START, "http://127.0.0.1:2")
    connection = written(file)
    assert list(connection.streams) == every
    assert connection.prices.first_price == "send"


def test_a_demo_with_another_number_of_orders_is_refused_in_the_same_home(home: Path) -> None:
    """Its stock would be that of two sets; another connection is filled as it likes."""
    for _ in range(2):
        sandbox_process.keep_count(["demo", "demo_salesforce_extensiv"], 400)
    with pytest.raises(
        LockstepError, match=r"with 400 orders .* --count 400, or set LOCKSTEP_HOME"
    ):
        sandbox_process.keep_count(["demo_bigcommerce_extensiv", "demo"], 100)
    sandbox_process.keep_count(["demo_bigcommerce_extensiv"], 100)


def test_a_demos_store_is_no_gentler_than_a_small_shops() -> None:
    """The plan's quota, stock that is taken off at an order, and levels that show later."""
    settings = SIMULATED["bigcommerce"].settings
    assert settings["quota"] == ratelimit.QUOTA
    assert settings["deduct_stock_on_order"] is True
    assert settings["inventory_delay_ms"] == 1_000
