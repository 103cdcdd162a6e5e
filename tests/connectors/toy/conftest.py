"""The toy is registered for the tests of this folder alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from resources import oms
from resources.facts import fact_fields
from tests.connectors.toy.adapter import CONNECTOR
from tests.connectors.toy.settings import KIND


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register the toy for one test; what was made of the registry meanwhile is made again."""
    monkeypatch.setitem(oms.REGISTRY, KIND, CONNECTOR)
    fact_fields.cache_clear()
    yield
    fact_fields.cache_clear()
