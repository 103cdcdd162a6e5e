"""Checks of a preflight, which end in a line each, whatever a system answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from domain.errors import LockstepError
from domain.exchange import Check
from domain.policies import InventoryPolicy, SecretRef
from resources.http.client import ApiClient
from resources.http.reply import Reply
from resources.secrets import permission_warning

MAX_SKEW = 120
"""Seconds: the default overlap of live windows, beyond which records could be missed."""
_DENIED = frozenset({401, 403})

Finding: TypeAlias = tuple[bool, str, str]
"""Whether it holds, what was seen, and what to do if it does not hold."""


def finding_of(name: str, run: Callable[[], Finding]) -> Check:
    """Run a check that says itself whether it holds, and what to do."""
    try:
        ok, detail, advice = run()
    except LockstepError as error:
        ok, detail, advice = False, str(error), "see the message"
    return Check(name, ok, detail, "" if ok else advice)


def result_of(name: str, check: Callable[[], str], advice: str) -> Check:
    """Run a check that returns what it saw, or raises."""
    try:
        return Check(name, True, check())
    except LockstepError as error:
        return Check(name, False, str(error), advice)


def secret_file(secret: SecretRef) -> Finding:
    """Check that a secret's file is not open to other users."""
    warning = permission_warning(secret)
    return warning is None, warning or "not open to others", "chmod 600 the file"


def clock(server: float | None) -> Finding:
    """Compare clocks; ``server``: the system's in seconds since 1970, ``None`` if not stated."""
    if server is None:
        return True, "accepted; the answer has no time to compare clocks by", ""
    skew = time.time() - server
    return (
        abs(skew) <= MAX_SKEW,
        f"accepted; this machine's clock differs by {skew:+.0f} s",
        "set this machine's clock by NTP: windows of changed orders depend on it",
    )


def dated(reply: Reply) -> float | None:
    """Return the time of an answer's header, in seconds since 1970."""
    try:
        return parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except ValueError:
        return None


def stock_locations(
    policy: InventoryPolicy, known: Collection[str], noun: str, advice: str
) -> Finding:
    """Look for the store's locations that a policy names; ``advice`` is on how to add one."""
    wanted = [policy.store_location] if policy.mode == "aggregate" else list(policy.nodes.values())
    missing = sorted(code for code in wanted if code not in known)
    names = ", ".join(sorted(known)) or "none"
    detail = f"{len(known)} known: {names}"
    if missing:
        detail = f"no {noun} {', '.join(missing)}; known: {names}"
    return not missing, detail[:500], advice


@dataclass(frozen=True, slots=True)
class Probe:
    """One right, and the harmless call by which it is tried."""

    scope: str
    right: str
    """``read`` or ``write``."""
    method: str
    path: str
    body: Mapping[str, object] | None = None
    of_nothing: bool = False
    """The call is about a record that does not exist: with the right, it is refused otherwise."""

    def granted(self, http: ApiClient) -> tuple[bool, Reply]:
        """Return whether the right is granted, and the system's answer."""
        reply = http.request(self.method, self.path, json=self.body, idempotent=True)
        return reply.ok or (self.of_nothing and reply.status not in _DENIED), reply
