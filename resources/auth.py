"""How a client proves who it is."""

from __future__ import annotations

from typing import Protocol


class Auth(Protocol):
    """Credentials of one remote system; used from several threads at once."""

    def headers(self) -> dict[str, str]:
        """Return the headers to send; fetches a token first where one is needed, which may take a network call."""
        ...

    def refused(self) -> bool:
        """Take note of a 401: drop the token; True if one more try with a new one may help."""
        ...


class StaticHeader:
    """A token that doesn't expire, sent in one header."""

    def __init__(self, name: str, value: str) -> None:
        self._headers = {name: value}

    def __repr__(self) -> str:
        return f"StaticHeader({next(iter(self._headers))!r}, ***)"

    def headers(self) -> dict[str, str]:
        """Return the one header."""
        return self._headers

    def refused(self) -> bool:
        """Tell that the same token would be refused again."""
        return False


class NoAuth:
    """A system that asks for no credentials."""

    def headers(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def refused(self) -> bool:
        """Tell that there is nothing to renew."""
        return False
