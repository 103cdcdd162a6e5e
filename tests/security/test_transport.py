"""Requests and credentials go to the configured hosts only, over verified TLS."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from domain.errors import PermanentError
from resources.http.async_client import AsyncApiClient
from resources.http.auth import StaticHeader
from resources.http.client import ApiClient
from resources.http.oauth import OAuthGrant, OAuthTokens
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.oms.manhattan.settings import ManhattanSettings

pytestmark = pytest.mark.slow

SECRET = "planted-secret-1"


@pytest.fixture
def limiter() -> Limiter:
    """Make a quota that never runs out."""
    return Limiter(LocalQuota(), "t", quota=100_000, window_seconds=30)


@contextmanager
def server(
    answer: Callable[[BaseHTTPRequestHandler], None], context: ssl.SSLContext | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Run a server on this machine; yield its port and its requests, headers included."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {dict(self.headers)}")
            answer(self)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        running.socket = context.wrap_socket(running.socket, server_side=True)
    thread = threading.Thread(
        target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield running.server_address[1], asked
    finally:
        running.shutdown()
        running.server_close()


def fine(request: BaseHTTPRequestHandler) -> None:
    """Answer with a token, whatever was requested."""
    request.send_response(200)
    request.send_header("Content-Type", "application/json")
    request.end_headers()
    request.wfile.write(b'{"access_token": "t-1", "expires_in": 60}')


def elsewhere(port: int) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return an answer that redirects to another server."""

    def redirect(request: BaseHTTPRequestHandler) -> None:
        request.send_response(307)
        request.send_header("Location", f"http://localhost:{port}{request.path}")
        request.send_header("Content-Length", "0")
        request.end_headers()

    return redirect


def policy(base: str, limiter: Limiter) -> ClientPolicy:
    """Return how a system at a base URL is called."""
    auth = StaticHeader("X-Auth-Token", SECRET)
    return ClientPolicy(system="t", base_url=base, auth=auth, limiter=limiter)


def read(base: str, limiter: Limiter, path: str = "/orders") -> None:
    """Read with the synchronous client."""
    client = ApiClient(policy(base, limiter))
    try:
        client.request("GET", path)
    finally:
        client.close()


def push(base: str, limiter: Limiter, path: str = "/orders") -> None:
    """Write with the asynchronous client."""

    async def send() -> None:
        async with AsyncApiClient(policy(base, limiter)) as client:
            await client.request("POST", path, body=b"{}", idempotent=True)

    asyncio.run(send())


def token(base: str, limiter: Limiter) -> None:
    """Fetch a token."""
    del limiter
    grant = OAuthGrant(
        system="t",
        token_url=f"{base}/oauth/token",
        client_id="client",
        client_secret=SECRET,
        form={"grant_type": "client_credentials"},
        fallback_seconds=60,
    )
    auth = OAuthTokens(grant)
    try:
        auth.headers()
    finally:
        auth.close()


CLIENTS = pytest.mark.parametrize("call", [read, push, token])


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Make a self-signed certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here to make a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@CLIENTS
def test_a_self_signed_certificate_is_refused(
    call: Callable[[str, Limiter], None], limiter: Limiter, self_signed: ssl.SSLContext
) -> None:
    """No credential is sent to an unverified server, and there is no retry."""
    with (
        server(fine, self_signed) as (port, asked),
        pytest.raises(PermanentError, match="certificate isn't trusted"),
    ):
        call(f"https://localhost:{port}", limiter)
    assert asked == []


@CLIENTS
def test_a_redirect_is_not_followed_with_credentials(
    call: Callable[[str, Limiter], None], limiter: Limiter
) -> None:
    """No request is sent to the host that a redirect names."""
    with (
        server(fine) as (other, asked),
        server(elsewhere(other)) as (port, first),
        pytest.raises(PermanentError),
    ):
        call(f"http://127.0.0.1:{port}", limiter)
    assert len(first) == 1
    assert asked == []


@pytest.mark.parametrize("call", [read, push])
def test_a_path_can_not_name_another_host(
    call: Callable[[str, Limiter, str], None], limiter: Limiter
) -> None:
    """``https://store`` and ``@elsewhere/`` would be a user at another host."""
    with server(fine) as (port, asked), pytest.raises(PermanentError, match="another host"):
        call("http://127.0.0.1:1", limiter, f"@127.0.0.1:{port}/orders")
    assert asked == []


def test_proxies_and_netrc_of_the_environment_are_not_used(
    limiter: Limiter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An environment variable must not redirect credentials."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login mallory password stolen\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with server(fine) as (proxy, diverted), server(fine) as (port, asked):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy}")
        for call in (read, push, token):
            call(f"http://127.0.0.1:{port}", limiter)  # type: ignore[operator]
    assert diverted == []
    assert len(asked) == 3
    assert "Basic bWFsbG9yeT" not in " ".join(asked)


def settings(**changes: object) -> ManhattanSettings:
    """Return settings of a tenant."""
    base: dict[str, object] = {
        "base_url": "https://acme.omni.manh.com",
        "token_url": "https://acme-auth.omni.manh.com/oauth/token",
        "client_id": "c",
        "client_secret": {"env": "S"},
        "grant": "client_credentials",
        "organization": "ACME",
    }
    return ManhattanSettings.model_validate(base | changes)


def test_credentials_go_to_the_tenants_domain_or_to_a_host_that_is_named() -> None:
    """A URL on another domain is refused unless its host is listed in the settings."""
    settings()
    settings(inventory_base_url="https://omni-acme.omni.manh.com")
    for name, url in (
        ("token_url", "https://acme-auth.omni.manh.com.evil.example/oauth/token"),
        ("inventory_base_url", "https://manh.com"),
    ):
        with pytest.raises(ValidationError, match="is not in the domain of base_url"):
            settings(**{name: url})
    settings(token_url="https://login.acme.example/token", hosts=["login.acme.example"])


def test_verification_can_not_be_switched_off() -> None:
    """No line of code disables it."""
    root = Path(__file__).resolve().parents[2]
    for folder in ("domain", "resources", "assets", "sensors", "orchestration"):
        for file in (root / folder).rglob("*.py"):
            text = file.read_text("utf-8")
            for switch in (
                "verify=False",
                "ssl=False",
                "CERT_NONE",
                "check_hostname = False",
                "_create_unverified_context",
            ):
                assert switch not in text, f"{file}: {switch}"
