"""``python -m tests.orchestration.lockstep_main``: the command line by the interpreter that runs the tests."""

from __future__ import annotations

from orchestration.cli import main

main()
