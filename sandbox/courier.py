"""Sends webhooks as vendors do: at least once, in no certain order, again and again until somebody answers 2xx, and then no more."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import aiohttp

RETRIES = (60.0, 180.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21600.0, 50400.0, 86400.0)
"""Seconds between tries (platforms.md 1.10)."""
TIMEOUT = 10.0
BLOCK_WINDOW, BLOCK_CALLS, BLOCK_SHARE, BLOCK_SECONDS = 120.0, 100, 0.9, 180.0
"""Below this share of successes in the window, once there were so many calls, nothing is sent for a while."""
REMEMBERED = 500_000
"""Acknowledged messages whose names are kept."""

Message = tuple[dict[str, str], bytes]


class Courier:
    """Sends the webhooks of one system; ``counts`` and ``acknowledged`` tell what became of them. Use within an event loop."""

    def __init__(self, *, blocks: bool = True) -> None:
        self.counts: Counter[str] = Counter()
        self.acknowledged: deque[str] = deque(maxlen=REMEMBERED)
        """Names of the messages that somebody answered with 2xx; of a message sent twice, perhaps twice."""
        self.blocked_until = 0.0
        self._blocks = blocks
        self._results: deque[tuple[float, bool]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.behave({})

    def behave(self, habits: dict[str, Any]) -> dict[str, Any]:
        """Take habits for messages from now on, and return all of them; those that are not named are the vendor's own.

        ``retries`` in seconds, ``delay`` of at most so many seconds (which reorders), the probabilities ``duplicates`` and ``losses``, and
        the ``seed`` of the dice; ``block_seconds`` is how long nothing is sent to somebody who fails too often.
        """
        known: dict[str, Any] = {
            "retries": list(RETRIES),
            "delay": 0.0,
            "duplicates": 0.0,
            "losses": 0.0,
            "seed": 0,
            "block_seconds": BLOCK_SECONDS,
        }
        if unknown := set(habits) - set(known):
            raise ValueError(f"unknown habits: {', '.join(sorted(unknown))}")
        self.habits = known | habits
        self._dice = random.Random(self.habits["seed"])
        return self.habits

    def control(self, habits: dict[str, Any]) -> dict[str, Any]:
        """Answer a control call: take habits, unless there are none, and tell what was sent."""
        return {
            "habits": self.behave(habits) if habits else self.habits,
            "counts": dict(self.counts),
        }

    def send(
        self, url: str, name: str, message: Callable[[], Message], given_up: Callable[[], None]
    ) -> None:
        """Send one message, which is made anew for each try; ``given_up`` is called when the last try failed."""
        self.counts["events"] += 1
        if self._dice.random() < self.habits["losses"]:
            self.counts["lost"] += 1
            return
        for _ in range(1 + (self._dice.random() < self.habits["duplicates"])):
            delay = self._dice.random() * self.habits["delay"]
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
        for pause in (delay, *self.habits["retries"]):
            if pause:
                await asyncio.sleep(pause)
            if time.monotonic() < self.blocked_until:
                continue
            ok = await self._post(url, *message())
            self.counts["acknowledged" if ok else "failed"] += 1
            self._judge(ok=ok)
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

    def _judge(self, *, ok: bool) -> None:
        """Note a result, and send nothing for a while where too many fail."""
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
            self.blocked_until = now + self.habits["block_seconds"]
            self._results.clear()

    async def close(self) -> None:
        """Give up what is under way, and close the connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None
