"""Orders in the form of a seed, which every simulated store takes (sandbox/seed/documents.py)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from sandbox.platforms.bigcommerce.documents import Ids, complete
from tests.assets import documents

Json = dict[str, Any]


def seed_order(
    number: int, moment: datetime, lines: Sequence[tuple[str, int]], **changes: Any
) -> Json:
    """Return a whole order of ``lines`` (SKU, units), with all its amounts."""
    person = documents.PERSON | {"email": f"shopper-{number}@example.com"}
    given = documents.order(number, moment, lines, **({"billing_address": person} | changes))
    charge = {
        "event": "purchase",
        "method": "credit_card",
        "amount": str(documents.total_of(given)),
        "gateway": "stripe",
        "gateway_transaction_id": f"ch_{number}",
        "date_created": moment.isoformat(),
    }
    return completed(given | {"transactions": [charge]}, moment)


def completed(given: Json, moment: datetime) -> Json:
    """Return an order with the amounts that follow from its lines."""
    made = complete(given, Ids(), int(moment.timestamp()))
    seed: Json = made["order"] | {name: rows for name, rows in made.items() if name != "order"}
    stamps = dict.fromkeys(("date_created", "date_modified"), format_datetime(moment))
    for line in seed["products"]:
        line["address_index"] = 0
    seed |= stamps
    return seed
