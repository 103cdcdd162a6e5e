"""Where the material shared beside the project lies: official specs and real public data that are not part of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_path(relative: str) -> Path:
    """Return the path below ``../shared`` (or ``LOCKSTEP_SHARED``); skip the test, with the reason, where it is absent."""
    root = Path(os.environ.get("LOCKSTEP_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    path = root / relative
    if not path.exists():
        pytest.skip(
            f"needs {relative} of the shared folder, which is not beside this checkout (set LOCKSTEP_SHARED)"
        )
    return path
