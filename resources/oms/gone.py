"""Orders that were sent, and that the OMS no longer has."""

from __future__ import annotations

from domain.errors import Problem


def order_gone(field: str, order_id: str, refusal: str = "") -> Problem:
    """Return why an order can be neither changed nor canceled; ``field`` has its id."""
    reason = f"; it refused the change: {refusal}" if refusal else "."
    return Problem(
        "order_gone_at_oms",
        field,
        f"The OMS no longer has the order {order_id}, which was sent to it{reason}",
        "If it was deleted there on purpose, discard the rejection. If it is still to be "
        "fulfilled (the OMS was restored from a backup, say), retry the rejection: the OMS is "
        "asked once more, and gets the whole order if it lacks it, or nothing if the store has "
        "canceled it.",
        order_id,
    )
