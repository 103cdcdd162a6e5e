"""The id of a customer at the OMS: one rule for customers, and for the orders that name them.

An order may be sent before its customer or after it: neither waits for the other, since both have
the same id for it. Pure.
"""

from __future__ import annotations

from domain.policies import OrdersPolicy


def customer_id_at_oms(policy: OrdersPolicy, store_id: str) -> str:
    """Return the id that a registered customer of the store has at the OMS.

    It has the prefix of orders' ids, which no other connection to the OMS's organisation starts
    with: the stores of two connections may both have a customer 12.
    """
    return f"{policy.order_id_prefix}{store_id}"
