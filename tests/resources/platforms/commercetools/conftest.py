"""A simulated project for each test, and connectors to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from resources.http.rate_limit import LocalQuota
from resources.http.retries import RetryPolicy
from resources.platforms.commercetools.adapter import Commercetools, build
from sandbox.app import RunningSandbox
from tests.resources.platforms.commercetools.projects import connection, settings
from tests.sandbox.simulated_project import Project

Open = Callable[..., Commercetools]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits between attempts to hundredths of a second."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)


@pytest.fixture
def project(sandbox: RunningSandbox) -> Project:
    """A project of its own."""
    return Project(sandbox.url, f"p{uuid4().hex[:10]}")


@pytest.fixture
def open_store(project: Project) -> Iterator[Open]:
    """Build connectors to the project by changed settings and sections."""
    opened: list[Commercetools] = []

    def make(sections: dict[str, Any] | None = None, **changes: Any) -> Commercetools:
        chosen = settings(
            project_key=project.name,
            region=None,
            api_url=project.url,
            auth_url=project.url,
            requests_per_second=100_000,
            **changes,
        )
        secret = f"sandbox-secret-{project.name}"
        built = build(chosen, connection(**(sections or {})), lambda _: secret, LocalQuota())
        assert isinstance(built, Commercetools)
        opened.append(built)
        return built

    yield make
    for one in opened:
        one.close()
