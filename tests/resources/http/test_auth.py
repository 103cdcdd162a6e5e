"""Tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest

from domain.errors import AccessRefused, PermanentError, RateLimited, TransientError
from resources.http.client import ApiClient
from resources.http.oauth import OAuthGrant, OAuthTokens
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota

Handler = Callable[[httpx.Request], httpx.Response]


class Issuer:
    """A token endpoint that counts, and a clock."""

    def __init__(self, expires_in: object = 100) -> None:
        self.requests: list[httpx.Request] = []
        self.now = 0.0
        self.expires_in = expires_in

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Issue the next token."""
        self.requests.append(request)
        body = {"access_token": f"token-{len(self.requests)}"}
        return httpx.Response(
            200, json=body if self.expires_in is None else {**body, "expires_in": self.expires_in}
        )


def auth_of(handler: Handler, clock: Callable[[], float] = lambda: 0.0) -> OAuthTokens:
    """Build a token provider for an endpoint."""
    form = {"grant_type": "password", "username": "sync", "password": "hush"}
    url = "https://acme-auth.omni.manh.com/oauth/token"
    grant = OAuthGrant(
        system="manhattan",
        token_url=url,
        client_id="id",
        client_secret="secret",
        form=form,
        fallback_seconds=50,
    )
    return OAuthTokens(grant, transport=httpx.MockTransport(handler), clock=clock)


def test_the_password_grant_is_sent_as_a_form_with_basic_credentials() -> None:
    """As the vendor documents it."""
    issuer = Issuer()
    assert auth_of(issuer).headers() == {"Authorization": "Bearer token-1"}
    assert issuer.requests[0].content == b"grant_type=password&username=sync&password=hush"
    assert issuer.requests[0].headers["authorization"] == "Basic aWQ6c2VjcmV0"


@pytest.mark.parametrize(("expires_in", "renewed_at"), [(100, 80.0), (None, 40.0), ("100", 80.0)])
def test_a_token_is_renewed_at_four_fifths_of_its_life(
    expires_in: object, renewed_at: float
) -> None:
    """Before it expires during a request; by the settings where no lifetime is stated."""
    issuer = Issuer(expires_in)
    auth = auth_of(issuer, lambda: issuer.now)
    auth.headers()
    issuer.now = renewed_at - 0.1
    assert auth.headers() == {"Authorization": "Bearer token-1"}
    issuer.now = renewed_at
    assert auth.headers() == {"Authorization": "Bearer token-2"}


def test_a_refused_token_is_dropped() -> None:
    """A revoked token is replaced by the next request."""
    auth = auth_of(Issuer())
    sent = auth.headers()
    assert auth.invalidate(sent)
    assert auth.cached() is None
    assert auth.headers() == auth.cached() == {"Authorization": "Bearer token-2"}


def test_calls_that_are_refused_together_fetch_one_token() -> None:
    """A refusal of the old token that arrives after its renewal keeps the new one."""
    issuer = Issuer()
    auth = auth_of(issuer)
    old = auth.headers()
    with ThreadPoolExecutor(8) as pool:
        renewed = list(pool.map(lambda _: auth.invalidate(old) and auth.headers(), range(40)))
    assert renewed == [{"Authorization": "Bearer token-2"}] * 40
    assert len(issuer.requests) == 2


def test_threads_share_one_token() -> None:
    """Eight threads that start together fetch one token."""
    issuer = Issuer()
    auth = auth_of(issuer)
    with ThreadPoolExecutor(8) as pool:
        assert {
            sent["Authorization"] for sent in pool.map(lambda _: auth.headers(), range(40))
        } == {"Bearer token-1"}
    assert len(issuer.requests) == 1


def test_refused_credentials_are_permanent_and_stay_out_of_the_message() -> None:
    """The error names what to check, and shows neither secret nor password."""
    auth = auth_of(
        lambda _: httpx.Response(
            401, json={"error": "invalid_client", "error_description": "Bad client credentials"}
        )
    )
    with pytest.raises(PermanentError, match="Bad client credentials") as caught:
        auth.headers()
    assert not any(word in str(caught.value) + repr(auth) for word in ("hush", "secret'", "sync"))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failing_token_server_is_transient(status: int) -> None:
    """A later try may help."""
    with pytest.raises(TransientError):
        auth_of(lambda _: httpx.Response(status)).headers()


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b'{"access_token": 5}', b'{"access_token": "a\\nb"}']
)
def test_an_answer_without_a_token_is_permanent(body: bytes) -> None:
    """The URL is another service's; a token that could inject a header is refused."""
    with pytest.raises(PermanentError, match="token_url"):
        auth_of(lambda _: httpx.Response(200, content=body)).headers()


def test_one_answer_that_was_spoilt_on_its_way_is_no_fault_of_the_configuration() -> None:
    """It would be a permanent error of whatever was asked for next, such as one order's outcome."""
    answers = [b"<html>", b'{"access_token": "t"}']
    auth = auth_of(lambda _: httpx.Response(200, content=answers.pop(0)))
    assert auth.headers() == {"Authorization": "Bearer t"}


class Bodies(httpx.SyncByteStream):
    """A body without end that counts the chunks that were read of it."""

    def __init__(self) -> None:
        self.read, self.closed = 0, False

    def __iter__(self) -> Iterator[bytes]:
        """Yield chunks forever."""
        while True:
            self.read += 1
            yield b"x" * 1024

    def close(self) -> None:
        """Record that the connection was given back."""
        self.closed = True


def test_a_refused_request_is_repeated_with_a_new_token_and_its_body_is_not_read() -> None:
    """Otherwise httpx would read a refusal's body without a bound."""
    refusal, sent = Bodies(), list[str]()

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["authorization"])
        if len(sent) == 1:
            return httpx.Response(401, stream=refusal)
        return httpx.Response(200, json={"ok": True})

    policy = ClientPolicy(
        system="s",
        base_url="https://s.test",
        auth=auth_of(Issuer()),
        limiter=Limiter(LocalQuota(), "s", quota=100, window_seconds=30),
    )
    client = ApiClient(policy, transport=httpx.MockTransport(handle))
    assert client.request("POST", "/orders", json={"a": 1}).json() == {"ok": True}
    assert sent == ["Bearer token-1", "Bearer token-2"]
    assert (refusal.read, refusal.closed) == (0, True)


def test_each_request_with_another_token_takes_a_permit_of_the_quota() -> None:
    """The system counts the refused request, too."""
    quota = LocalQuota()
    limiter = Limiter(quota, "s", quota=2, window_seconds=600, max_wait=0.1)
    policy = ClientPolicy(
        system="s", base_url="https://s.test", auth=auth_of(Issuer()), limiter=limiter
    )
    client = ApiClient(policy, transport=httpx.MockTransport(lambda _: httpx.Response(401)))
    assert client.request("GET", "/orders").status == 401
    with pytest.raises(RateLimited):
        client.request("GET", "/orders")


def addressed(*addresses: object) -> OAuthTokens:
    """Build a provider whose tokens come with these addresses of the API, one after another."""
    rest = iter(addresses)

    def issue(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"access_token": "t", "instance_url": next(rest)})

    grant = OAuthGrant(
        system="acme",
        token_url="https://login.example.com/token",
        client_id="id",
        client_secret="secret",
        form={"grant_type": "client_credentials"},
        fallback_seconds=100,
        address_field="instance_url",
        address_domains=("api.example.com",),
    )
    return OAuthTokens(grant, transport=httpx.MockTransport(issue), clock=lambda: 0.0)


@pytest.mark.parametrize(
    "address",
    ["https://login.example.com", "https://eu7.api.example.com/", "https://API.example.com"],
)
def test_requests_go_to_the_address_that_came_with_the_token(address: str) -> None:
    """In both clients by the policy's one answer; a renewed token may have another address."""
    auth = addressed(address, "https://eu8.api.example.com")
    limiter = Limiter(LocalQuota(), "b", quota=10, window_seconds=1.0)
    policy = ClientPolicy(
        system="acme",
        base_url="https://login.example.com",
        auth=auth,
        limiter=limiter,
        address=lambda: f"{auth.address()}/v1",
    )
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(401 if len(asked) == 1 else 200, json={})

    client = ApiClient(policy, transport=httpx.MockTransport(answer))
    client.request("GET", "/orders")
    client.request("GET", "/orders")
    first = f"{httpx.URL(address)}".rstrip("/")
    assert asked == [f"{first}/v1/orders"] * 2 + ["https://eu8.api.example.com/v1/orders"]


@pytest.mark.parametrize(
    "address",
    ["https://example.org", "https://api.example.com.evil.org", "http://api.example.com",
     "https://evilapi.example.com", "https://user:pw@api.example.com", "", None, 7],
)  # fmt: skip
def test_credentials_are_sent_to_no_foreign_address(address: object) -> None:
    """Whatever the token's server says; nothing is sent there."""
    with pytest.raises(PermanentError, match="instance_url"):
        addressed(address).address()


class Clocked:
    """An endpoint that takes what was signed at its own time, two hours ahead or not."""

    def __init__(self, ahead: float = 7_200.0, *, strict: bool = True) -> None:
        self.ahead, self.strict = ahead, strict
        self.forms: list[str] = []
        self.headers: list[httpx.Headers] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Refuse another time."""
        self.forms.append(request.content.decode())
        self.headers.append(request.headers)
        now = 1_767_225_600 + self.ahead
        dated = {"date": format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)}
        if self.strict and f"at={int(now)}" not in self.forms[-1]:
            body = {"error": "invalid_grant", "error_description": "expired"}
            return httpx.Response(400, json=body, headers=dated)
        return httpx.Response(200, json={"access_token": "token-of-an-assertion"}, headers=dated)


def signing(handler: Handler, wall: Callable[[], float] = lambda: 1_767_225_600.0) -> OAuthTokens:
    """Build a provider that signs the time."""
    grant = OAuthGrant(
        system="salesforce",
        token_url="https://acme.my.salesforce.com/token",
        client_id="id",
        form={"grant_type": "assertion"},
        signed=lambda now: {"at": str(int(now))},
        fallback_seconds=50,
        advice=lambda text: f"look up {text}",
    )
    return OAuthTokens(grant, transport=httpx.MockTransport(handler), wall=wall)


def test_an_assertion_is_sent_without_basic_credentials() -> None:
    """It proves who the client is."""
    endpoint = Clocked(ahead=0)
    signing(endpoint).headers()
    assert endpoint.forms == ["grant_type=assertion&at=1767225600"]
    assert "authorization" not in endpoint.headers[0]


def test_an_assertion_refused_for_its_time_is_signed_by_the_servers_clock() -> None:
    """Once, and from then on at first."""
    endpoint = Clocked()
    tokens = signing(endpoint)
    sent = tokens.headers()
    assert [form[-10:] for form in endpoint.forms] == ["1767225600", "1767232800"]
    tokens.invalidate(sent)
    tokens.headers()
    assert len(endpoint.forms) == 3


def test_a_clock_that_was_set_meanwhile_is_noticed() -> None:
    """What a refusal has shown once does not count forever."""
    wall = [1_767_225_600.0]
    endpoint = Clocked()
    tokens = signing(endpoint, lambda: wall[0])
    sent = tokens.headers()
    wall[0] += 7_200.0
    tokens.invalidate(sent)
    tokens.headers()
    assert [form[-10:] for form in endpoint.forms] == [
        "1767225600",
        "1767232800",
        "1767240000",
        "1767232800",
    ]


@pytest.mark.parametrize("dated", [{"date": "Thu, 01 Jan 2026 00:00:02 GMT"}, {"date": "?"}, {}])
def test_an_assertion_refused_for_another_reason_is_not_repeated(dated: dict[str, str]) -> None:
    """The clocks agree, or it is unknown; the advice is the system's own."""
    calls: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(400, json={"error": "invalid_grant"}, headers=dated)

    with pytest.raises(AccessRefused, match="look up invalid_grant"):
        signing(refuse).headers()
    assert len(calls) == 1
