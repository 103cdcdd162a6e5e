"""Lockstep's own form of a request: what is read of it, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.addressing.addresses import AddressRules
from domain.builders.actions import encode, is_own_form, to_request
from domain.errors import RecordRejected
from domain.records.actions import ActionRequest
from domain.schemas.actions import action_problems

GOOD: dict[str, Any] = {
    "action_id": "A1",
    "order": "#1001",
    "kind": "Cancel",
    "requested_by": "agent-7",
    "permission_set": "phone",
    "requested_at": "2026-11-27T12:00:00+01:00",
}
PLACE = {"street_1": "9 Elm", "city": "Dallas", "state": "Texas", "postcode": "75201"}


def read(**changes: Any) -> ActionRequest:
    """Return the request of a form."""
    return to_request(encode(GOOD | changes), AddressRules()).record


def problems(**changes: Any) -> set[tuple[str, str]]:
    """Return code and field of why a form is refused."""
    with pytest.raises(RecordRejected) as refused:
        read(**changes)
    return {(problem.code, problem.field) for problem in refused.value.problems}


def test_a_form_becomes_a_request() -> None:
    """With the order's number as it is written on a document, and a time in UTC."""
    request = read(line=" 101 ", quantity="2", comment="too\nlate")
    assert (request.source_id, request.kind, request.line_id) == ("1001", "cancel", "101")
    assert (request.quantity, request.permission) == (Decimal(2), "cancel_line")
    assert request.requested_at.isoformat() == "2026-11-27T11:00:00+00:00"
    assert "\n" not in request.comment
    assert read(quantity=1.5, line="1").quantity == Decimal("1.5")
    assert is_own_form(encode(GOOD))
    assert not is_own_form(b'{"Id": "a", "lockstep": 1}')


def test_an_address_is_normalised() -> None:
    """By the connection's rules; its problems are below ``address``."""
    request = read(kind="reroute", address=PLACE | {"country_code": "us", "phone": "512-555-0100"})
    assert request.address is not None
    assert (request.address.subdivision, request.address.country) == ("US-TX", "US")
    assert request.permission == "reroute_address"
    assert problems(kind="reroute", address=PLACE) == {("country_missing", "address.country_iso2")}
    unusable = {("action_address_unusable", "address")}
    assert problems(kind="reroute", address={"first_name": "Jo"}) == unusable
    assert problems(kind="reroute", address=PLACE | {"city": "x" * 1_000}) == unusable
    bad = PLACE | {"country_code": "US", "state": "Nowhere"}
    assert (
        to_request(encode(GOOD | {"kind": "reroute", "address": bad}), AddressRules())
        .warnings[0]
        .field
        == "address.state"
    )


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"kind": "explode"}, {("action_kind_unknown", "kind")}),
        ({"quantity": "1"}, {("action_part_unfit", "quantity")}),
        ({"quantity": "0", "line": "1"}, {("action_part_unfit", "quantity")}),
        ({"quantity": "many", "line": "1"}, {("malformed_value", "quantity")}),
        ({"kind": "hold", "line": "1"}, {("action_part_unfit", "line")}),
        ({"hold": "X"}, {("action_part_unfit", "hold")}),
        ({"node": "DC2"}, {("action_part_unfit", "address")}),
        ({"kind": "reroute"}, {("action_part_unfit", "address")}),
        (
            {"kind": "reroute", "node": "D", "address": PLACE | {"country_code": "US"}},
            {("action_part_unfit", "address")},
        ),
        ({"requested_at": "yesterday"}, {
            ("date_invalid", "requested_at"), ("action_field_missing", "requested_at")}),
        ({"order": "a\x00b"}, {("invalid_value", "source_id")}),
        ({"order": [1]}, {("malformed_value", "order"), ("action_field_missing", "order")}),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(changes: Any, found: Any) -> None:
    """All problems at once, each with its field: what was meant is not guessed."""
    assert problems(**changes) == found


@pytest.mark.parametrize("name", ["action_id", "order", "requested_by", "permission_set"])
def test_a_request_needs_its_fields(name: str) -> None:
    """One that is absent is named."""
    assert problems(**{name: ""}) == {("action_field_missing", name)}


def test_what_is_no_object_is_refused() -> None:
    """As any document."""
    for payload in (b"[]", b"{", b'"x"', b"\xff"):
        with pytest.raises(RecordRejected):
            to_request(payload, AddressRules())


def test_a_batch_is_checked() -> None:
    """Ids are unique, and each request has what its kind needs."""
    good = read()
    assert action_problems([good]) == {}
    assert {p[0].code for p in action_problems([good, good]).values()} == {"action_id_duplicate"}
    odd = ActionRequest(
        action_id="B",
        source_id="1",
        kind="hold",
        node="N",
        requested_by="x",
        permission_set="y",
        requested_at=good.requested_at,
    )
    assert action_problems([good, odd])[1][0].code == "action_part_missing"
