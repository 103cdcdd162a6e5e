"""What an answer means: business errors and the used-up quota inside HTTP 200."""

from __future__ import annotations

import httpx
import orjson
import pytest

from domain.errors import AccessRefused, PermanentError, TransientError
from resources.oms.extensiv.client import fetch, open_envelope, path_of, quota_reader, rejection
from resources.oms.extensiv.settings import ExtensivCodes
from tests.resources.oms.extensiv.samples import always, client_of, ok, refused

CODES = ExtensivCodes()


def test_a_business_error_in_a_200_is_an_error() -> None:
    """Its text is in ``message``, or in ``status_message`` as of old, with details beside it."""
    for name in ("message", "status_message"):
        body = {"success_code": False, "error_code": "Invalid", name: "bad ship_zip"}
        answer = open_envelope(orjson.dumps(body | {"error_response": "5 digits"}))
        assert answer.is_refused
        assert answer.text == "bad ship_zip; 5 digits"
    problem = rejection(answer, {"ship_zip": "x", "items": [{"item": "A"}]}).problems[0]
    assert (problem.code, problem.field) == ("oms_invalid", "ship_zip")


@pytest.mark.parametrize("body", [b"<html>", b"", b"{}", b"[]", b'{"response": 1}', b"[" * 5000])
def test_a_body_without_success_code_is_no_answer(body: bytes) -> None:
    """It neither confirms nor refuses."""
    with pytest.raises(ValueError, match=r"."):
        open_envelope(body)


def test_a_used_up_quota_in_a_200_is_waited_for() -> None:
    """And is not a failure of the call."""
    answers = iter([refused("RateLimit", "slow down"), refused("RateLimit", "slow down"), ok([1])])
    answer, _ = fetch(client_of(lambda _: next(answers)), CODES, "/x")
    assert bytes(answer.response) == b"[1]"


def test_refused_credentials_are_no_fault_of_a_record() -> None:
    """By the status, or by the words of a 200."""
    for answer in (
        httpx.Response(401, content=b'{"success_code": false}'),
        httpx.Response(403),
        refused("Invalid", "Invalid API credentials"),
    ):
        with pytest.raises(AccessRefused):
            fetch(client_of(always(answer)), CODES, "/x")


def test_an_empty_and_a_foreign_answer_differ() -> None:
    """An empty success may be a moment's fault; another system's page is the address's."""
    with pytest.raises(TransientError):
        fetch(client_of(lambda _: httpx.Response(200)), CODES, "/x")
    with pytest.raises(PermanentError):
        fetch(client_of(lambda _: httpx.Response(404, content=b"<html>")), CODES, "/x")


def test_ids_are_encoded_in_paths() -> None:
    """An id may hold any character."""
    assert path_of("/orders/{cust_ref}", cust_ref="A/1 #+?%") == "/orders/A%2F1%20%23%2B%3F%25"


def test_the_header_corrects_the_bucket() -> None:
    """It refills by one each 0.6 s; anything but a count is ignored."""
    read = quota_reader(100)
    state = read({"x-cartrover-api-minute-hits-remaining": "40"})
    assert state is not None
    assert (state.left, state.reset_seconds) == (40, 36.0)
    assert read({}) is None
    assert read({"x-cartrover-api-minute-hits-remaining": "-1"}) is None


def test_the_code_of_a_refusal_is_short_and_plain_whatever_the_account_answers() -> None:
    """It is a key of counts and advice, and is shown in tables."""
    for code, wanted in (("Invalid", "oms_invalid"), ("9" * 400, "oms_" + "9" * 40), ("é", "oms_")):
        body = {"success_code": False, "error_code": code, "message": "no"}
        answer = open_envelope(orjson.dumps(body))
        [problem] = rejection(answer, {}).problems
        assert problem.code == (wanted if wanted != "oms_" else "oms_refused")


def test_only_true_is_a_success() -> None:
    """In each form that JSON and forms have for it, and in no other."""
    for code, is_success in ((True, True), ("true", True), (1, True), ("--1", False), ("", False)):
        answer = open_envelope(orjson.dumps({"success_code": code}))
        assert answer.is_refused is not is_success, code
