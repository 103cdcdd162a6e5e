"""The envelope around every answer."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.errors import PermanentError, TransientError
from resources.http.reply import Reply
from resources.oms.manhattan.client import open_envelope, problem_code, read_answer, write_answer


def reply_of(body: Any, status: int = 200) -> Reply:
    """Build an answer."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Reply(status, {}, content, 1.0, "manhattan: POST /save")


def entry(kind: str, code: str = "INVALID_ITEM", **more: Any) -> dict[str, Any]:
    """Build one message."""
    return {"Type": kind, "Code": code, "Description": "No such item", **more}


def test_an_error_inside_a_success_is_an_error() -> None:
    """In the envelope's list and in the one inside the data, be that one object or several."""
    outside = {"success": True, "data": None, "messages": {"Message": [entry("ERROR")], "Size": 1}}
    inside = {
        "success": True,
        "data": {"OrderId": "1", "Messages": {"Message": [entry("ERROR")]}},
        "messages": {"Message": []},
    }
    listed = {"success": True, "data": [{"Messages": {"Message": [entry("ERROR")]}}, {}]}
    assert [
        len(open_envelope(orjson.dumps(body)).errors) for body in (outside, inside, listed)
    ] == [1, 1, 1]


def test_warnings_are_kept_and_name_the_line() -> None:
    """An operator needs to know which line an entry is about."""
    message = entry(
        "WARNING",
        "ShippingRestriction",
        ErrorField="ShippingMethodId",
        BusinessKeys={"OrderId": "T-1", "OrderLineId": "2"},
    )
    answer = write_answer(reply_of({"success": True, "data": {"Messages": {"Message": [message]}}}))
    (warning,) = answer.warnings()
    assert answer.errors == ()
    assert (warning.code, warning.field) == (
        "oms_shipping_restriction",
        "OrderLine[2].ShippingMethodId",
    )
    assert warning.value == "OrderId T-1, OrderLineId 2"


def test_a_refusal_without_a_reason_is_a_refusal() -> None:
    """``success: false`` counts even where no message is of type ERROR."""
    (error,) = open_envelope(
        b'{"success": false, "messageKey": "no_access", "message": "Nope", "messages": null}'
    ).errors
    assert (error.code, error.description) == ("no_access", "Nope")
    assert (
        len(
            open_envelope(
                orjson.dumps({"success": False, "messages": {"Message": [entry("INFO")]}})
            ).errors
        )
        == 1
    )


@pytest.mark.parametrize("status", [401, 403])
def test_missing_access_is_no_fault_of_a_record(status: int) -> None:
    """It stops the batch instead of rejecting a thousand orders one by one."""
    with pytest.raises(PermanentError):
        write_answer(
            reply_of(
                {"success": False, "messages": {"Message": [entry("ERROR", "invalid_token")]}},
                status,
            )
        )


def test_a_refused_write_has_its_errors_whatever_its_status() -> None:
    """The vendor's HTTP status of a business error is not known, so the body decides."""
    assert (
        write_answer(reply_of({"success": False, "messages": {"Message": [entry("ERROR")]}}, 400))
        .errors[0]
        .code
        == "INVALID_ITEM"
    )


def test_a_page_that_is_not_from_the_oms_stops_the_batch() -> None:
    """A proxy's error page means a wrong address, not a wrong record."""
    with pytest.raises(PermanentError, match="base_url"):
        write_answer(reply_of(b"<html>", 404))


def test_an_unreadable_success_may_be_retried() -> None:
    """Whether or not the save took effect, it is an upsert, so a retry does no harm."""
    with pytest.raises(TransientError):
        write_answer(reply_of(b'{"success": tru'))


def test_a_refused_read_is_a_wrong_setting() -> None:
    """The query, the view or a permission is wrong, and a retry would not help."""
    with pytest.raises(PermanentError, match="VIEW_NOT_FOUND"):
        read_answer(
            reply_of({"success": True, "messages": {"Message": [entry("ERROR", "VIEW_NOT_FOUND")]}})
        )


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("ORD::NotFound", "oms_ord_not_found"),
        ("INVALID_UOM", "oms_invalid_uom"),
        (None, "oms_refused"),
    ],
)
def test_codes_become_snake_case(code: str | None, ours: str) -> None:
    """They are counted and filtered like our own codes."""
    assert problem_code(code) == ours


def test_thousands_of_errors_are_summarised() -> None:
    """The first ones, in one printable line, and the number of the others."""
    body = {
        "success": False,
        "messages": {"Message": [entry("ERROR", Description="no\n\x1b[2J" + "x" * 9_000)] * 3_000},
    }
    with pytest.raises(PermanentError) as caught:
        read_answer(reply_of(body))
    assert str(caught.value).isprintable()
    assert "and 2995 more" in str(caught.value)
    assert len(str(caught.value)) < 4_000
