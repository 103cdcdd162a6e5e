"""What an operator approves by a retry with a reason, in any stream."""

from __future__ import annotations

from assets.streams.returns.refund import HELD as HELD_REFUNDS
from domain.rules.pricing import HELD as HELD_PRICES

HELD = (*HELD_REFUNDS, *HELD_PRICES)
"""Codes of rejections whose retry with a reason sends what they hold back."""
