"""How one remote system is called: one policy that both HTTP clients share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from resources.http.auth import TokenProvider
from resources.http.clock import SourceClock
from resources.http.rate_limit import Limiter
from resources.http.retries import RetryPolicy
from resources.http.urls import checked_base_url


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPolicy:
    """Where a system's requests go, with which credentials, and within which quota and bounds.

    Raises ``PermanentError`` for a base URL that would send credentials unencrypted.
    """

    system: str
    """Names the system in errors and in the message log."""
    base_url: str
    """Where requests go, unless ``address`` says so."""
    auth: TokenProvider
    limiter: Limiter
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeout: float = 30.0
    """Seconds for one attempt."""
    margin: float = 5.0
    """Seconds that a request may act beyond its time-out, in queues of the system itself."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request, besides those of ``default_headers``."""
    address: Callable[[], str] | None = None
    """Returns the base URL of a system that states it with a token; may fetch one first."""
    clock: SourceClock = field(default_factory=SourceClock)
    """Learns the system's time from each response; clients of one host share it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", checked_base_url(self.system, self.base_url))

    def url(self, path: str) -> str:
        """Return the URL of a path below the system's present base URL."""
        return (self.base_url if self.address is None else self.address()) + path

    @property
    def acts_for(self) -> float:
        """Return after how many seconds a request without an answer can no longer take effect."""
        return self.timeout + self.margin

    @property
    def default_headers(self) -> dict[str, str]:
        """Return the headers of every request: what is accepted, who asks, and the policy's own."""
        return {
            "Accept": "application/json",
            "User-Agent": f"Lockstep/{_release()}",
            **self.headers,
        }


@lru_cache
def _release() -> str:
    try:
        return version("lockstep")
    except PackageNotFoundError:
        return "dev"
