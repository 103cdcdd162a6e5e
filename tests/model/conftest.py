"""A world for all programs of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.model.world import World, opened


@pytest.fixture(scope="module")
def world(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Open a world; its time and its transports are undone afterwards."""
    with opened(postgres_url, tmp_path_factory.mktemp("secrets")) as made:
        yield made
