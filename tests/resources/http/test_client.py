"""The decision after an attempt, and the synchronous client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import msgspec
import pytest

from domain.errors import PermanentError, TransientError
from domain.exchange import Exchange, OutcomeUnknown
from resources.http.auth import StaticHeader
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.http.redaction import error_text, mask
from resources.http.reply import Reply
from resources.http.retries import RetryPolicy, decide, named_delay

QUICK = RetryPolicy(attempts=3, total_seconds=5, base=0.001, cap=0.002)
Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler, retry: RetryPolicy = QUICK, **more: Any) -> ApiClient:
    """Build a client over a handler instead of a network."""
    policy = ClientPolicy(
        system="shop",
        base_url="https://shop.test/v2",
        auth=StaticHeader("X-Auth-Token", "s3cret"),
        limiter=Limiter(LocalQuota(), "shop", quota=100_000, window_seconds=30),
        retry=retry,
    )
    return ApiClient(policy, transport=httpx.MockTransport(handler), **more)


def answers(*given: httpx.Response | Exception) -> tuple[Handler, list[httpx.Request]]:
    """Return a handler that gives one response after another, and its list of requests."""
    queue: Iterator[httpx.Response | Exception] = iter(given)
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        answer = next(queue)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handle, seen


def test_a_request_carries_credentials_user_agent_and_correlation_id() -> None:
    """They are on every request."""
    handle, seen = answers(httpx.Response(200, json={"a": 1}))
    reply = client(handle).request("GET", "/orders", params={"limit": 2}, correlation_id="ord-1")
    assert reply.json() == {"a": 1}
    assert seen[0].url == "https://shop.test/v2/orders?limit=2"
    assert seen[0].headers["x-auth-token"] == "s3cret"
    assert seen[0].headers["x-correlation-id"] == "ord-1"
    assert seen[0].headers["user-agent"].startswith("Lockstep/")


def test_a_read_is_tried_again_until_it_succeeds() -> None:
    """A failing server and a lost connection are retried."""
    handle, seen = answers(
        httpx.Response(503), httpx.ReadError("lost"), httpx.Response(200, json=[])
    )
    assert client(handle).request("GET", "/orders").status == 200
    assert len(seen) == 3


def test_a_read_that_keeps_failing_ends_as_transient() -> None:
    """The attempts are bounded, and the message names system, endpoint and status."""
    handle, seen = answers(*[httpx.Response(500, headers={"X-Request-Id": "req-7"})] * 3)
    with pytest.raises(
        TransientError,
        match=r"shop: GET /orders answered 500 \(request id req-7\).*trying again later may help",
    ):
        client(handle).request("GET", "/orders")
    assert len(seen) == 3


def test_a_malformed_answer_to_a_read_is_asked_for_again() -> None:
    """Half a JSON document is a transfer's fault, not the data's."""
    cut = httpx.Response(200, content=b'[{"id": 1', headers={"Content-Type": "application/json"})
    handle, seen = answers(cut, httpx.Response(200, json=[1]))
    assert client(handle).request("GET", "/orders").json() == [1]
    assert len(seen) == 2


@pytest.mark.parametrize(
    "fault", [httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("dropped"), httpx.Response(502)]
)
def test_a_post_that_may_have_taken_effect_is_not_sent_twice(
    fault: httpx.Response | Exception,
) -> None:
    """A lost response to a POST leaves its outcome unknown until a look-up."""
    handle, seen = answers(fault, httpx.Response(201))
    with pytest.raises(OutcomeUnknown, match="look-up"):
        client(handle).request("POST", "/orders/1/shipments", json={})
    assert len(seen) == 1


@pytest.mark.parametrize(
    "fault", [httpx.ConnectError("refused"), httpx.Response(429, headers={"Retry-After": "0"})]
)
def test_a_post_that_was_never_processed_is_sent_again(fault: httpx.Response | Exception) -> None:
    """A refused connection and a 429 had no effect."""
    handle, seen = answers(fault, httpx.Response(201, json={}))
    assert client(handle).request("POST", "/orders/1/shipments", json={}).status == 201
    assert len(seen) == 2


def test_a_post_declared_idempotent_is_sent_again() -> None:
    """An upsert may be repeated whatever its method."""
    handle, seen = answers(httpx.ReadTimeout("slow"), httpx.Response(200, json={}))
    assert client(handle).request("POST", "/order/save", json={}, idempotent=True).ok
    assert len(seen) == 2


def test_waiting_for_the_quota_is_not_a_failed_attempt() -> None:
    """More 429s than attempts succeed in the end; a wait beyond its own bound fails."""
    spent = httpx.Response(429, headers={"X-Rate-Limit-Time-Reset-Ms": "0"})
    handle, seen = answers(*[spent] * 4, httpx.Response(200, json=[]))
    quick = RetryPolicy(attempts=1, total_seconds=1, base=0.001, quota_seconds=20)
    limited = client(handle, retry=quick)
    assert limited.request("GET", "/orders").ok
    assert len(seen) == 5
    handle, seen = answers(httpx.Response(429, headers={"Retry-After": "3600"}))
    with pytest.raises(TransientError) as raised:
        client(handle).request("GET", "/orders")
    assert raised.value.retry_after == 3600


def test_an_answer_that_no_retry_would_change_is_returned() -> None:
    """404 and 422 are returned, with their text for the caller."""
    handle, seen = answers(httpx.Response(422, json={"title": "no", "customer": "Jane"}))
    reply = client(handle).request("PUT", "/x", json={})
    assert (reply.status, len(seen)) == (422, 1)
    assert reply.error_summary() == "shop: PUT /x answered 422: no"


def test_a_refused_token_is_renewed_once() -> None:
    """After a 401 one more attempt is made if the credentials can be renewed, and no third."""

    class Renewing:
        tokens = 0

        def headers(self) -> dict[str, str]:
            return {"Authorization": f"Bearer {self.tokens}"}

        cached = headers

        def invalidate(self, sent: Mapping[str, str]) -> bool:
            assert sent == self.headers()
            self.tokens += 1
            return True

    sent: list[str] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["authorization"])
        return httpx.Response(401)

    limiter = Limiter(LocalQuota(), "shop", quota=100, window_seconds=30)
    policy = ClientPolicy(system="s", base_url="https://s.test", auth=Renewing(), limiter=limiter)
    renewing = ApiClient(policy, transport=httpx.MockTransport(refuse))
    assert renewing.request("GET", "/x").status == 401
    assert sent == ["Bearer 0", "Bearer 1"]


def test_a_redirect_is_not_followed() -> None:
    """Credentials are never sent to where a response points."""
    handle, seen = answers(httpx.Response(302, headers={"Location": "https://evil.test/"}))
    with pytest.raises(PermanentError, match="redirect"):
        client(handle).request("GET", "/x")
    assert len(seen) == 1


@pytest.mark.parametrize(
    "url", ["http://shop.test", "ftp://shop.test", "https://u:p@shop.test", "shop.test"]
)
def test_a_base_url_that_would_leak_credentials_is_refused(url: str) -> None:
    """Only https is allowed, and http to this machine."""
    limiter = Limiter(LocalQuota(), "s", quota=1, window_seconds=1)
    with pytest.raises(PermanentError):
        ClientPolicy(system="s", base_url=url, auth=StaticHeader("a", "b"), limiter=limiter)
    ClientPolicy(
        system="s", base_url="http://127.0.0.1:1/x", auth=StaticHeader("a", "b"), limiter=limiter
    )


def test_an_oversized_answer_is_cut_off() -> None:
    """Memory is bounded whatever the server sends."""
    handle, _ = answers(httpx.Response(200, content=b"x" * 100))
    with pytest.raises(PermanentError, match="more than 10 bytes"):
        client(handle, max_bytes=10).request("GET", "/x")


def test_only_writes_are_logged_and_without_the_body() -> None:
    """The log has one entry per attempt of a request that changes something."""
    log: list[Exchange] = []
    handle, _ = answers(
        httpx.Response(200),
        httpx.Response(500, json={"message": "mail jane@example.com"}),
        httpx.Response(200),
    )
    logged = client(handle, log=log.append)
    logged.request("GET", "/x")
    logged.request("PUT", "/x", json={"secret": "s"}, correlation_id="c")
    assert [(entry.method, entry.status, entry.attempt, entry.error) for entry in log] == [
        ("PUT", 500, 1, "mail ***@***"),
        ("PUT", 200, 2, ""),
    ]


def test_the_decision_follows_status_and_effect() -> None:
    """The table of decisions, branch by branch."""
    cases = [
        # method, status, idempotent, effect possible -> retry, unknown
        ("GET", None, True, True, True, False),
        ("POST", None, False, True, False, True),
        ("POST", None, False, False, True, False),
        ("POST", 429, False, True, True, False),
        ("POST", 423, False, True, True, False),
        ("POST", 500, False, True, False, True),
        ("PUT", 504, True, True, True, False),
        ("PUT", 501, True, True, False, False),
        ("PUT", 507, True, True, False, False),
        ("GET", 404, True, True, False, False),
        ("GET", 200, True, True, False, False),
    ]
    for method, status, idempotent, possible, retry, unknown in cases:
        decision = decide(method, status, {}, idempotent=idempotent, effect_possible=possible)
        assert (decision.retry, decision.outcome_unknown) == (retry, unknown), (method, status)


def test_every_form_of_a_named_delay_is_parsed() -> None:
    """Seconds, a date, and BigCommerce's milliseconds."""
    assert named_delay({"retry-after": "7"}) == 7
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < (named_delay({"retry-after": soon}) or 0) <= 60
    assert named_delay({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert named_delay({"x-rate-limit-time-reset-ms": "1500"}) == 1.5
    assert named_delay({"x-rate-limit-time-reset-ms": "\u00b2"}) is None
    assert named_delay({"retry-after": "soon", "x-retry-after": "2"}) == 2
    assert named_delay({}) is None


def test_an_error_text_keeps_the_message_and_hides_the_person() -> None:
    """Only the vendor's own messages are kept, with e-mails, numbers and tokens masked."""
    body = (
        b'{"title": "Order of jane@x.com, +1 212-555-0100", "order": {"name": "Jane Doe"},'
        b' "errors": {"sku": "unknown SKU-1"}}'
    )
    text = error_text(body)
    assert text == "Order of ***@***, ***00; unknown SKU-1"
    assert error_text(b"<html>Jane</html>") == "(17 bytes that aren't JSON)"
    assert mask("token abcDEF123456abcDEF123456abcdef") == "token ***"


def test_a_reply_that_is_no_json_says_where_it_came_from() -> None:
    """A caller that expects JSON gets an error with system and endpoint."""
    with pytest.raises(PermanentError, match="shop: GET /x answered 200"):
        Reply(200, {}, b"<html>", 1.0, "shop: GET /x").json()


def test_a_vendors_words_are_one_visible_line() -> None:
    """No line break, no escape and no thousands of characters get into logs and tables."""
    text = error_text(b'{"title":"no\\n\\u001b[2Jforged ' + b"a-" * 500_000 + b'"}')
    assert text.startswith("no \\x1b[2Jforged")
    assert text.isprintable()
    assert len(text) <= 400


def test_an_answer_that_is_nested_too_deep_is_malformed() -> None:
    """It is requested again like any other unreadable response."""
    handle, _ = answers(*[httpx.Response(200, content=b"[" * 5_000)] * 9)
    with pytest.raises(TransientError, match="malformed JSON"):
        client(handle).request("GET", "/x", decode=msgspec.json.Decoder(list[msgspec.Raw]).decode)
