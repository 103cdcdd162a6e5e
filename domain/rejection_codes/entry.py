"""What a rejection code means: its class, the broken rule, and the settings that could help."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

RejectionClass = Literal[
    "value",
    "missing",
    "duplicate",
    "mapping",
    "permission",
    "rate_limit",
    "connection",
    "business_rule",
]
"""What is at fault, and so who can fix it.

``value``, ``missing`` and ``duplicate``: the record. ``mapping``: the configuration or Lockstep.
``permission``, ``rate_limit`` and ``connection``: access to the target, or to a part of the source.
``business_rule``: the target refused the record.
"""
CLASSES: tuple[str, ...] = get_args(RejectionClass)


class Entry(NamedTuple):
    """The meaning of a code; ``fixed_by`` lists settings as ``section`` or ``section.setting``."""

    category: RejectionClass
    rule: str
    fixed_by: tuple[str, ...] = ()
