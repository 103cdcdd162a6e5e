"""A scene for sensors: the same as for assets."""

from __future__ import annotations

from tests.assets.conftest import scene, short_waits

__all__ = ["scene", "short_waits"]
