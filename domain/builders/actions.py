"""Lockstep's own form of an agent's request: what the command line, jobs and files write. Pure.

It is captured as written, like a record of a store, so that a request can be audited and validated
again. ``FORM``, its first field, distinguishes it from the documents of stores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, get_args

import msgspec
from msgspec import field

from domain.addressing.addresses import Address, AddressRules, RawAddress, normalise_address
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped
from domain.parsing.payload import Document, PayloadAdvice, PayloadDecoder
from domain.parsing.problems import DocumentProblems
from domain.parsing.scalars import UnreadableValue, WrittenAmount, WrittenTime, amount_of, moment_of
from domain.parsing.text import clean_text
from domain.records.actions import ActionKind, ActionRequest
from domain.records.record import InvalidRecord

FORM = "lockstep_action"
FILE = "unreadable_file"
LONGEST_COMMENT = 500
LONGEST_ADDRESS = 1_000
ADVICE = "send the request again with the right value and a new id"
KINDS: tuple[str, ...] = get_args(ActionKind)
PLACE = ("street_1", "city", "postcode", "country_code", "country_name")
"""Fields of which an address has at least one."""
FACTS = frozenset(
    (
        f"{FORM} fault used_id action_id order kind line quantity hold node requested_by "
        "permission_set requested_at"
    ).split()
)
"""The form's fields that hold facts; every other counts as personal."""


class WrittenAddress(Document):
    """An address as someone wrote it."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    street_1: str = ""
    street_2: str = ""
    city: str = ""
    state: str = ""
    postcode: str = ""
    country_code: str = ""
    country_name: str = ""
    phone: str = ""
    email: str = ""


class WrittenAction(Document):
    """A request as someone wrote it."""

    form: int = field(default=1, name=FORM)
    file: str = field(default="", name=FILE)
    """The file of a request that can't be read, with ``fault``: what is wrong with it."""
    fault: str = ""
    used_id: str = ""
    """The id of a row of a file that another row has, too."""
    action_id: str = ""
    order: str = ""
    kind: str = ""
    line: str = ""
    quantity: WrittenAmount = None
    hold: str = ""
    node: str = ""
    address: WrittenAddress | None = None
    comment: str = ""
    requested_by: str = ""
    permission_set: str = ""
    requested_at: WrittenTime = None


_DECODER = PayloadDecoder(
    WrittenAction,
    "a request",
    PayloadAdvice("send the request again; report it if it comes back", ADVICE),
)


def is_own_form(payload: bytes) -> bool:
    """Return whether a payload is of this form."""
    return FORM.encode() in payload[:40]


def encode(fields: Mapping[str, Any]) -> bytes:
    """Return the payload of a request; ``None`` and empty fields are left out."""
    given = {name: value for name, value in fields.items() if value not in (None, "", {})}
    return msgspec.json.encode({FORM: 1, **given})


def to_request(payload: bytes, rules: AddressRules) -> Mapped[ActionRequest]:
    """Map a request of this form. Raises ``RecordRejected`` with all of its problems."""
    decoded = _DECODER.decode(payload)
    try:
        return build(decoded.document, DocumentProblems(decoded.problems), rules)
    except UnreadableValue:
        decoded = _DECODER.check(payload)
        return build(decoded.document, DocumentProblems(decoded.problems), rules)


def build(
    written: WrittenAction,
    problems: DocumentProblems,
    rules: AddressRules,
    paths: Mapping[str, str] = MappingProxyType({}),
) -> Mapped[ActionRequest]:
    """Return the request of what was written. Raises ``RecordRejected`` with all problems.

    For stores' own forms, too: a connector fills in what it has read of its document, and
    ``paths`` are the document's names of the fields.
    """
    found = DocumentProblems()
    request = _built(written, found, rules, is_read=not problems.problems)
    problems.problems += [_at(problem, paths) for problem in found.in_order()]
    problems.warnings += [_at(problem, paths) for problem in found.warnings]
    if problems.problems or request is None:
        raise RecordRejected(*problems.in_order())
    return Mapped(request, tuple(problems.warnings))


def _at(problem: Problem, paths: Mapping[str, str]) -> Problem:
    return replace(problem, field=paths.get(problem.field, problem.field))


def _built(
    written: WrittenAction, problems: DocumentProblems, rules: AddressRules, *, is_read: bool
) -> ActionRequest | None:
    """Return the request, ``None`` if there are problems."""
    if written.used_id:
        message = f"another row read with {written.file} has the same id and different content"
        problems.reject("action_id_reused", "action_id", message, ADVICE, written.used_id)
        return None
    if written.fault:
        message = f"the file {written.file} is {written.fault}"
        problems.reject("payload_malformed", "", message, "correct the file and send it again")
        return None
    for name in ("action_id", "order", "requested_by", "permission_set", "requested_at"):
        if not getattr(written, name):
            problems.reject("action_field_missing", name, f"the request has no {name}", ADVICE)
    kind = written.kind.strip().casefold()
    if kind not in KINDS:
        known = ", ".join(KINDS)
        message = f"a request is one of {known}"
        problems.reject("action_kind_unknown", "kind", message, ADVICE, written.kind)
    address = _address(written, problems, rules)
    _check_parts(kind, written, address is not None or written.address is not None, problems)
    moment = moment_of(written.requested_at)
    if is_read and not problems.problems and moment is not None:
        try:
            return _request(written, kind, address, moment)
        except InvalidRecord as error:
            problems.reject("invalid_value", error.field, error.message, ADVICE)
    return None


def _request(
    written: WrittenAction, kind: str, address: Address | None, moment: datetime
) -> ActionRequest:
    """Return the request of one that was checked; raises ``InvalidRecord``."""
    return ActionRequest(
        action_id=written.action_id.strip(),
        source_id=written.order.strip().removeprefix("#"),
        kind=msgspec.convert(kind, ActionKind),
        line_id=written.line.strip() or None,
        quantity=_quantity(written),
        hold=written.hold.strip(),
        address=address,
        node=written.node.strip(),
        comment=clean_text(written.comment)[:LONGEST_COMMENT],
        requested_by=written.requested_by.strip(),
        permission_set=written.permission_set.strip(),
        requested_at=moment,
    )


def _quantity(written: WrittenAction) -> Decimal | None:
    return amount_of(written.quantity) if written.quantity not in (None, "") else None


def _check_parts(
    kind: str, written: WrittenAction, has_address: bool, problems: DocumentProblems
) -> None:
    """Refuse parts that the kind of request does not have: what was meant would be a guess."""

    def unfit(field: str, message: str) -> None:
        problems.reject("action_part_unfit", field, message, ADVICE)

    has_quantity = written.quantity not in (None, "")
    if has_quantity and not written.line.strip():
        unfit("quantity", "a quantity needs a line")
    if has_quantity and amount_of(written.quantity) <= 0:
        unfit("quantity", "the quantity to cancel is not above zero")
    if kind != "cancel" and (written.line.strip() or has_quantity):
        unfit("line", "only a cancellation can name a line")
    if kind not in ("hold", "release") and written.hold.strip():
        unfit("hold", "only hold and release name a hold type")
    if kind == "reroute" and has_address == bool(written.node.strip()):
        unfit("address", "a reroute names an address or a node, not both")
    if kind != "reroute" and (has_address or written.node.strip()):
        unfit("address", "only a reroute names an address or a node")


def _address(
    written: WrittenAction, problems: DocumentProblems, rules: AddressRules
) -> Address | None:
    if written.address is None:
        return None
    parts = msgspec.structs.asdict(written.address)
    if sum(map(len, parts.values())) > LONGEST_ADDRESS:
        message = f"the address has more than {LONGEST_ADDRESS} characters"
        problems.reject("action_address_unusable", "address", message, ADVICE)
        return None
    if not any(parts[name].strip() for name in PLACE):
        message = "the address has no street, city or postal code"
        problems.reject("action_address_unusable", "address", message, ADVICE)
        return None
    result = normalise_address(RawAddress(**parts), rules)
    problems.problems += [_under(problem) for problem in result.problems]
    problems.warnings += [_under(problem) for problem in result.warnings]
    return result.address


def _under(problem: Problem) -> Problem:
    return replace(problem, field=f"address.{problem.field}", advice=ADVICE)
