"""Records that an operator asks for by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from assets.streams.requested import capture_orders
from domain.errors import PermanentError
from tests.assets import documents
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow


def test_a_change_that_lies_in_the_future_is_not_captured_by_name(scene: Scene) -> None:
    """The store's clock is days ahead: no run could take what has no partition yet."""
    scene.place(documents.order(1, datetime.now(UTC) + timedelta(days=2)))
    assert scene.lockstep is not None
    with pytest.raises(PermanentError, match="ahead of this machine's"):
        capture_orders(scene.lockstep.sync(NAME, "run"), scene.installation.start, ["1"])
    assert scene.sql("SELECT 1 FROM sync.capture") == []
