"""The simulated Anchanto OMS account."""

from __future__ import annotations

from sandbox.oms.anchanto.account import AnchantoAccount

__all__ = ["AnchantoAccount"]
