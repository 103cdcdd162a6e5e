"""Captured requests of agents to canonical ones. Pure."""

from __future__ import annotations

from domain.addressing.addresses import AddressRules
from domain.builders.actions import WrittenAction, WrittenAddress, build
from domain.exchange import Mapped
from domain.parsing.payload import Decoded
from domain.parsing.problems import DocumentProblems
from domain.parsing.scalars import UnreadableValue
from domain.records.actions import ActionRequest
from resources.platforms.salesforce.actions.payload import ADDRESS, NAMES, REQUESTS, Request

PATHS = NAMES | {f"address.{part}": field for part, field in ADDRESS.items()}
PATHS |= {
    "address.country_iso2": "Country__c",
    "address.zip": "Postal_Code__c",
    "address.street": "Street__c",
}


def to_request(payload: bytes, rules: AddressRules) -> Mapped[ActionRequest]:
    """Map one capture. Raises ``RecordRejected`` with all problems, in the object's names."""
    try:
        return _mapped(REQUESTS.decode(payload), rules)
    except UnreadableValue:
        return _mapped(REQUESTS.check(payload), rules)


def _mapped(decoded: Decoded[Request], rules: AddressRules) -> Mapped[ActionRequest]:
    document = decoded.document
    profile = document.created_by.profile if document.created_by is not None else None
    address = {part: getattr(document, part) or "" for part in ADDRESS}
    written = WrittenAction(
        action_id=document.id or "",
        order=document.order or "",
        kind=document.kind or "",
        line=document.line or "",
        quantity=document.quantity,
        hold=document.hold or "",
        node=document.node or "",
        comment=document.comment or "",
        address=WrittenAddress(**address) if any(address.values()) else None,
        requested_by=document.created_by_id or "",
        permission_set=(profile.name if profile is not None else "") or "",
        requested_at=document.created_date,
    )
    return build(written, DocumentProblems(decoded.problems), rules, PATHS)
