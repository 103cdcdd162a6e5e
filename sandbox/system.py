"""The interface between a simulated remote system and the sandbox server.

The server (``app.py``) owns sockets, faults and persistence; a system owns the vendor's paths,
auth, paging, errors and state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(slots=True)
class Request:
    """One HTTP request as the server received it; ``path`` starts after the instance's prefix."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(slots=True)
class Response:
    """One HTTP answer; ``body`` is sent unchanged."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class System(Protocol):
    """One instance of a remote system (a BigCommerce store, a Manhattan tenant)."""

    kind: str
    """``bigcommerce`` or ``manhattan``: first part of the mount path."""
    instance: str
    """Store hash or tenant id: second part of the mount path."""

    def handle(self, request: Request) -> Response:
        """Answer a vendor API call; synchronous, since the event loop is the only writer."""
        ...

    def control(self, request: Request) -> Response:
        """Answer a control call, below ``/_sandbox/{kind}/{instance}/``."""
        ...

    async def close(self) -> None:
        """Cancel background work."""
        ...

    def snapshot(self) -> bytes:
        """Serialise the whole state, so that a restart continues where it stopped."""
        ...

    def restore(self, state: bytes) -> None:
        """Restore a state from ``snapshot``."""
        ...
