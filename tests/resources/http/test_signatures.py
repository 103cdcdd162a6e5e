"""The two signature schemes, on their own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.exchange import WebhookRefused
from resources.http.signatures import HmacScheme, HmacVerifier, StandardVerifier

KEY, BODY = "the key", b'{"OrderId":"1"}'


def scheme(**fields: Any) -> HmacScheme:
    """Return a scheme."""
    return HmacScheme.model_validate({"secret": {"env": "X"}} | fields)


def verifier(**fields: Any) -> HmacVerifier:
    """Return what verifies by a scheme with the one key."""
    return HmacVerifier(scheme(**fields), [KEY])


def digest(signed: bytes, algorithm: str = "sha256") -> bytes:
    """Sign by the standard library."""
    return hmac.new(KEY.encode(), signed, algorithm).digest()


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, {"x-signature": digest(BODY).hex()}),
        (
            {"header": "X-Hub-Signature-256", "prefix": "sha256="},
            {"x-hub-signature-256": f"sha256={digest(BODY).hex()}"},
        ),
        (
            {"encoding": "base64", "header": "X-Hmac"},
            {"x-hmac": base64.b64encode(digest(BODY)).decode()},
        ),
        ({"algorithm": "sha512"}, {"x-signature": digest(BODY, "sha512").hex()}),
        (
            {"template": "v0:{id}:{body}", "id_header": "X-Id"},
            {"x-id": "m1", "x-signature": digest(b"v0:m1:" + BODY).hex()},
        ),
    ],
)
def test_the_usual_forms_of_hmac_are_a_matter_of_configuration(
    fields: dict[str, Any], headers: dict[str, str]
) -> None:
    """Hex or base64, with or without a prefix or an id; another key is refused."""
    assert verifier(**fields).verify(headers, BODY)
    with pytest.raises(WebhookRefused) as refused:
        HmacVerifier(scheme(**fields), ["another key"]).verify(headers, BODY)
    assert refused.value.reason == "forged"
    with pytest.raises(WebhookRefused) as refused:
        verifier(**fields).verify(
            {name: value for name, value in headers.items() if name == "x-id"}, BODY
        )
    assert refused.value.reason == "unsigned"


@pytest.mark.parametrize("form", ["seconds", "milliseconds", "iso"])
def test_a_signed_time_must_be_near_in_each_of_its_forms(form: str) -> None:
    """Within five minutes by default, and in a form that can be parsed."""
    timed = verifier(template="{timestamp}.{body}", timestamp_header="X-Timestamp")

    def attempt(age: float) -> str:
        moment = time.time() - age
        stamp = {
            "seconds": str(int(moment)),
            "milliseconds": str(int(moment * 1000)),
            "iso": datetime.fromtimestamp(moment, UTC).isoformat(),
        }[form]
        return timed.verify(
            {"x-timestamp": stamp, "x-signature": digest(f"{stamp}.".encode() + BODY).hex()}, BODY
        )

    assert attempt(200) != attempt(100), "without an id, the signed content identifies the message"
    for age in (310, -310, 10**6):
        with pytest.raises(WebhookRefused, match="300 s"):
            attempt(age)
    for stamp in ("", "yesterday", "2026-03-01T10:00:00", "1e9", "-1", "9" * 14):
        with pytest.raises(WebhookRefused) as refused:
            timed.verify(
                {"x-timestamp": stamp, "x-signature": digest(f"{stamp}.".encode() + BODY).hex()},
                BODY,
            )
        assert refused.value.reason == "stale"


@pytest.mark.parametrize(
    "fields",
    [
        {"template": "{timestamp}"},
        {"template": "{body}{body}"},
        {"template": "{nonce}.{body}"},
        {"timestamp_header": "X-Timestamp"},
        {"id_header": "X-Id"},
        {"template": "{timestamp}.{body}"},
        {"window": "PT2H"},
    ],
)
def test_a_scheme_that_would_not_protect_is_refused(fields: dict[str, Any]) -> None:
    """A time or an id that is not signed could be changed on the way."""
    with pytest.raises(ValidationError):
        scheme(**fields)


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "x-signature"]),
        st.text(max_size=60),
    ),
    st.binary(),
)
def test_whatever_the_headers_hold_is_refused_and_never_a_crash(
    headers: dict[str, str], body: bytes
) -> None:
    """The only errors are refusals."""
    for checked in (StandardVerifier([KEY]), verifier(), verifier(encoding="base64", prefix="v1=")):
        with pytest.raises(WebhookRefused):
            checked.verify(headers, body)


@settings(max_examples=200)
@given(st.text(max_size=40), st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_is_always_refused(text: str, place: int, change: int) -> None:
    """Wherever in the body it is."""
    body = text.encode()
    message_id, stamp = "m1", str(int(time.time()))
    signature = base64.b64encode(
        hmac.new(KEY.encode(), f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    ).decode()
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature} v1,AAAA",
    }
    assert StandardVerifier(["an older key", KEY]).verify(headers, body) == message_id
    at = place % (len(body) + 1)
    changed = body[:at] + bytes([(body[at] if at < len(body) else 0) ^ change]) + body[at + 1 :]
    with pytest.raises(WebhookRefused):
        StandardVerifier(["an older key", KEY]).verify(headers, changed)
