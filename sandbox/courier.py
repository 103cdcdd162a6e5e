"""Sends webhooks as vendors do: at least once, in any order, retried until answered with 2xx."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import aiohttp

RETRIES = (60.0, 180.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21600.0, 50400.0, 86400.0)
"""Seconds between attempts (platforms.md 1.10)."""
TIMEOUT = 10.0
BLOCK_WINDOW, BLOCK_CALLS, BLOCK_SHARE, BLOCK_SECONDS = 120.0, 100, 0.9, 180.0
"""Sending pauses when the success rate in the window falls below this, given enough calls."""
REMEMBERED = 500_000
"""How many ids of acknowledged messages are kept."""

Message = tuple[dict[str, str], bytes]


class Courier:
    """Sends the webhooks of one system; use it inside an event loop.

    ``counts`` and ``acknowledged`` report the outcomes.
    """

    def __init__(self, *, blocks: bool = True) -> None:
        self.counts: Counter[str] = Counter()
        self.acknowledged: deque[str] = deque(maxlen=REMEMBERED)
        """Ids of the messages answered with 2xx; a message that was sent twice may appear twice."""
        self.blocked_until = 0.0
        self._blocks = blocks
        self._results: deque[tuple[float, bool]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.configure({})

    def configure(self, options: dict[str, Any]) -> dict[str, Any]:
        """Set the options for messages from now on and return all of them.

        Options that are not given take the vendor's defaults: ``retries`` (seconds), ``delay`` (up
        to so many seconds, which reorders), the probabilities ``duplicates`` and ``losses``, the
        random ``seed``, and ``block_seconds``, the pause for a receiver that fails too often.
        """
        known: dict[str, Any] = {
            "retries": list(RETRIES),
            "delay": 0.0,
            "duplicates": 0.0,
            "losses": 0.0,
            "seed": 0,
            "block_seconds": BLOCK_SECONDS,
        }
        if unknown := set(options) - set(known):
            raise ValueError(f"unknown options: {', '.join(sorted(unknown))}")
        self.options = known | options
        self._dice = random.Random(self.options["seed"])
        return self.options

    def control(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer a control call: set the options, if any are given, and report what was sent."""
        return {
            "options": self.configure(options) if options else self.options,
            "counts": dict(self.counts),
        }

    def send(
        self, url: str, name: str, message: Callable[[], Message], given_up: Callable[[], None]
    ) -> None:
        """Send one message, built again for each attempt; ``given_up`` is called after the last."""
        self.counts["events"] += 1
        if self._dice.random() < self.options["losses"]:
            self.counts["lost"] += 1
            return
        for _ in range(1 + (self._dice.random() < self.options["duplicates"])):
            delay = self._dice.random() * self.options["delay"]
            task = asyncio.get_running_loop().create_task(
                self._deliver(url, name, message, given_up, delay)
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(
        self,
        url: str,
        name: str,
        message: Callable[[], Message],
        given_up: Callable[[], None],
        delay: float,
    ) -> None:
        for pause in (delay, *self.options["retries"]):
            if pause:
                await asyncio.sleep(pause)
            if time.monotonic() < self.blocked_until:
                continue
            ok = await self._post(url, *message())
            self.counts["acknowledged" if ok else "failed"] += 1
            self._record_result(ok=ok)
            if ok:
                self.acknowledged.append(name)
                return
        self.counts["given_up"] += 1
        given_up()

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> bool:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT)
            self._session = aiohttp.ClientSession(
                timeout=timeout, connector=aiohttp.TCPConnector(limit=16)
            )
        try:
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _record_result(self, *, ok: bool) -> None:
        """Record a result, and pause sending when too many fail."""
        now = time.monotonic()
        self._results.append((now, ok))
        while self._results[0][0] < now - BLOCK_WINDOW:
            self._results.popleft()
        enough = len(self._results) >= BLOCK_CALLS
        if (
            self._blocks
            and enough
            and sum(good for _, good in self._results) < BLOCK_SHARE * len(self._results)
        ):
            self.blocked_until = now + self.options["block_seconds"]
            self._results.clear()

    async def close(self) -> None:
        """Cancel pending messages and close the connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None
