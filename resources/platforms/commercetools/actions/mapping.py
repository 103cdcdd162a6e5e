"""Agents' requests in a custom field of orders: JSON, in the names of Lockstep's own form. Pure.

What is captured of an order is its id and the field's text as it was written: the rest of the
order has nothing to do with the request, and names a person.
"""

from __future__ import annotations

import msgspec

from domain.addressing.addresses import AddressRules
from domain.builders.actions import encode, to_request
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped
from domain.identity import content_digest, is_id
from domain.records.actions import ActionRequest

ADVICE = "write the request into the field again, as JSON with another id"
BETWEEN = "/"
"""Between the order's id and the request's own in the id of an action."""
LONGEST_OWN = 100


class Captured(msgspec.Struct, frozen=True):
    """A captured request: the order, and the field's text."""

    id: str
    request: str


_CAPTURED = msgspec.json.Decoder(Captured)


def own_id(text: str) -> str:
    """Return a request's own id: the one that it states, else a digest of its text."""
    stated = fields_of(text).get("id")
    own = str(stated).strip() if isinstance(stated, str | int) else ""
    if own and len(own) <= LONGEST_OWN and is_id(own) and BETWEEN not in own:
        return own
    return content_digest(text.encode(errors="replace")).hex()


def fields_of(text: str) -> dict[str, object]:
    """Return the fields of a text; none if it is not a JSON object."""
    try:
        found = msgspec.json.decode(text.encode(errors="replace"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def action_id(order_id: str, text: str) -> str:
    """Return the id of an action, which no other order's request has."""
    return f"{order_id}{BETWEEN}{own_id(text)}"


def capture_of(order_id: str, text: str) -> bytes:
    """Return what is captured of a request."""
    return msgspec.json.encode(Captured(order_id, text))


def to_action(payload: bytes, rules: AddressRules) -> Mapped[ActionRequest]:
    """Map one capture. Raises ``RecordRejected`` with all problems."""
    try:
        captured = _CAPTURED.decode(payload)
    except (ValueError, RecursionError):
        raise _unreadable("the capture can't be read") from None
    fields = fields_of(captured.request)
    if not fields:
        raise _unreadable("the field holds no JSON object")
    fields.pop("id", None)
    known = {"action_id": action_id(captured.id, captured.request), "order": captured.id}
    return to_request(encode(fields | known), rules)


def _unreadable(message: str) -> RecordRejected:
    return RecordRejected(Problem("payload_malformed", "custom.fields", message, ADVICE))
