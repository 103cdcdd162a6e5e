"""How a client proves who it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Auth(Protocol):
    """Credentials of one remote system; used from several threads at once."""

    def headers(self) -> dict[str, str]:
        """Return the headers to send; fetches a token first where one is needed, which may take a network call."""
        ...

    def held(self) -> dict[str, str] | None:
        """Return the headers to send if they are at hand, ``None`` where a token must be fetched first; never waits."""
        ...

    def refused(self, sent: Mapping[str, str]) -> bool:
        """Take note of a 401 to a call that carried ``sent``: drop that token; True if one more try may help.

        A token that has been renewed since then is kept, so that many calls refused together fetch one token.
        """
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

    def held(self) -> dict[str, str]:
        """Return the one header."""
        return self._headers

    def refused(self, sent: Mapping[str, str]) -> bool:
        """Tell that the same token would be refused again."""
        del sent
        return False


class NoAuth:
    """A system that asks for no credentials."""

    def headers(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def held(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def refused(self, sent: Mapping[str, str]) -> bool:
        """Tell that there is nothing to renew."""
        del sent
        return False
