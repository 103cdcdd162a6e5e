"""The command line ``lockstep``."""

from __future__ import annotations

from orchestration.cli.root import main

__all__ = ["main"]
