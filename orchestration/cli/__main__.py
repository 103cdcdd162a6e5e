"""``python -m orchestration.cli``: the command line by the interpreter at hand, for the processes that ``lockstep up`` starts."""

from __future__ import annotations

from orchestration.cli.root import main

main()
