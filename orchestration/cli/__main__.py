"""``python -m orchestration.cli``: the command line for processes of ``lockstep up``."""

from __future__ import annotations

from orchestration.cli.root import main

main()
