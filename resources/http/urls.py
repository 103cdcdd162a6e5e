"""Where requests may go: credentials are sent over TLS and to the configured host only."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import urlsplit

import httpx

from domain.errors import PermanentError


def checked_base_url(system: str, url: str) -> str:
    """Return the URL without a trailing slash.

    Raises ``PermanentError`` if credentials would be sent unencrypted or stand in the URL.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("https", "http") or parts.query or parts.username:
        raise PermanentError(
            f"{system}: the base URL must be like https://host/path, "
            "without user, password or query"
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise PermanentError(
            f"{system}: the base URL http://{parts.hostname} must be https, "
            "or credentials are sent unencrypted"
        )
    return url.rstrip("/")


def checked_path(system: str, path: str) -> str:
    """Return a path that stays below the base URL.

    Raises ``PermanentError`` for one that would change the host, such as ``@host/``.
    """
    if not path.startswith("/"):
        raise PermanentError(
            f"{system}: the path {path[:80]!r} does not start with a slash, "
            "so the request could go to another host"
        )
    return path


def is_within(url: str, domains: Collection[str]) -> bool:
    """Return whether a URL's host is one of some domains, or below one."""
    host = (urlsplit(url).hostname or "").casefold()
    return any(host == each or host.endswith(f".{each}") for each in map(str.casefold, domains))


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, the only one that may be called without TLS."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@lru_cache
def tls_context() -> ssl.SSLContext:
    """Return the TLS settings of all httpx clients: each of its own costs 27 ms of CPU."""
    return httpx.create_ssl_context(trust_env=False)
