"""The simulated Extensiv Integration Manager account."""

from __future__ import annotations

from sandbox.oms.extensiv.account import ExtensivAccount

__all__ = ["ExtensivAccount"]
