"""The simulated Manhattan Active Omni tenant."""

from __future__ import annotations

from sandbox.oms.manhattan.tenant import ManhattanTenant

__all__ = ["ManhattanTenant"]
