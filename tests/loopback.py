"""HTTP to servers on loopback: clients that load no certificates, which takes 30 ms for each."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts no server, so that these clients can use plain HTTP only."""


def client(base_url: str = "", **more: Any) -> httpx.Client:
    """Return a client that waits for 30 seconds; the caller closes it."""
    more = {"timeout": 30.0, "trust_env": False} | more
    return httpx.Client(base_url=base_url, verify=NO_CERTIFICATES, **more)


def request(method: str, url: str, **more: Any) -> httpx.Response:
    """Make one request on a connection of its own."""
    with client() as http:
        return http.request(method, url, **more)
