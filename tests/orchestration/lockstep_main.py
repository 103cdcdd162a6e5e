"""``python -m tests.orchestration.lockstep_main``: the command line in the tests' interpreter."""

from __future__ import annotations

from orchestration.cli import main

main()
