"""Material beside the project: official specs and real public data that are not part of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_path(relative: str) -> Path:
    """Return a path in ``../shared`` (or ``LOCKSTEP_SHARED``); skip the test if it is missing."""
    root = Path(os.environ.get("LOCKSTEP_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    path = root / relative
    if not path.exists():
        pytest.skip(f"needs {relative} of the shared folder (set LOCKSTEP_SHARED)")
    return path
