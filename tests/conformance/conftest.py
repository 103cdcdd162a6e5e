"""Every registered connector, each test with a simulated system of its own."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources import oms, platforms
from resources.http.retries import RetryPolicy
from sandbox.app import RunningSandbox
from tests.conformance.systems import Simulated, SimulatedOms, SimulatedStore

STORES = [f"platforms.{kind}" for kind in sorted(platforms.REGISTRY)]
TENANTS = [f"oms.{kind}" for kind in sorted(oms.REGISTRY)]
REFUNDING = [
    f"platforms.{kind}"
    for kind, connector in sorted(platforms.REGISTRY.items())
    if "refunds" in connector.targets
]
CUSTOMERS = [
    f"platforms.{kind}:Customers"
    for kind, connector in sorted(platforms.REGISTRY.items())
    if "customers" in connector.sources
]
"""The same stores, with their customers as the records that change."""
PRODUCTS = [
    f"platforms.{kind}:Products"
    for kind, connector in sorted(platforms.REGISTRY.items())
    if "products" in connector.sources
]
"""The same stores, with their products as the records that change."""
RETURNS = [
    f"oms.{kind}:Returns"
    for kind, connector in sorted(oms.REGISTRY.items())
    if "returns" in connector.sources
]
"""The same tenants, with their returns as the records that change."""


OBJECTS = ["platforms.salesforce:StockObject", "platforms.salesforce:Shelf"]
"""The same org, whose stock is in custom objects of both forms."""


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits between attempts to hundredths of a second."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)


def _made(name: str, sandbox: RunningSandbox, folder: Path) -> Simulated:
    place, _, kind = name.partition(":")
    module = importlib.import_module(f"tests.conformance.{place}")
    made: Simulated = getattr(module, kind or "System")(sandbox, folder)
    return made


@pytest.fixture(params=STORES + TENANTS + CUSTOMERS + PRODUCTS + RETURNS)
def system(
    request: pytest.FixtureRequest, sandbox: RunningSandbox, tmp_path: Path
) -> Iterator[Simulated]:
    """Each system of either side, as a source."""
    made = _made(request.param, sandbox, tmp_path)
    yield made
    made.close()


@pytest.fixture(params=STORES + TENANTS)
def writable(
    request: pytest.FixtureRequest, sandbox: RunningSandbox, tmp_path: Path
) -> Iterator[Simulated]:
    """Each system of either side, with orders that can be written to."""
    made = _made(request.param, sandbox, tmp_path)
    yield made
    made.close()


@pytest.fixture(params=STORES + OBJECTS)
def store_of_stock(
    request: pytest.FixtureRequest, sandbox: RunningSandbox, tmp_path: Path
) -> Iterator[SimulatedStore]:
    """Each platform's store, with each place that it may have its stock in."""
    made = _made(request.param, sandbox, tmp_path)
    assert isinstance(made, SimulatedStore)
    yield made
    made.close()


@pytest.fixture(params=STORES)
def store(
    request: pytest.FixtureRequest, sandbox: RunningSandbox, tmp_path: Path
) -> Iterator[SimulatedStore]:
    """Each platform's store."""
    made = _made(request.param, sandbox, tmp_path)
    assert isinstance(made, SimulatedStore)
    yield made
    made.close()


@pytest.fixture(params=REFUNDING)
def refunding(
    request: pytest.FixtureRequest, sandbox: RunningSandbox, tmp_path: Path
) -> Iterator[SimulatedStore]:
    """Each platform's store that gives money back."""
    made = _made(request.param, sandbox, tmp_path)
    assert isinstance(made, SimulatedStore)
    yield made
    made.close()


@pytest.fixture(params=TENANTS)
def tenant(
    request: pytest.FixtureRequest, sandbox: RunningSandbox, tmp_path: Path
) -> Iterator[SimulatedOms]:
    """Each OMS's tenant."""
    made = _made(request.param, sandbox, tmp_path)
    assert isinstance(made, SimulatedOms)
    yield made
    made.close()
