"""A running webhook endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.orchestration.webhooks.senders import Served, endpoint


@pytest.fixture
def server(database: str, tmp_path: Path) -> Iterator[Served]:
    """A running endpoint of the connection ``acme``."""
    with endpoint(tmp_path, database) as running:
        yield running
