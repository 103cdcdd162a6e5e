"""``python -m benchmarks.webhooks``: throughput, losses and refusals of the webhook endpoint.

Three processes on this machine: ``lockstep webhooks`` as an operator starts it, PostgreSQL, and
this sender. Events are signed by the scheme's description and sent at a steady rate; at the end the
inbox is compared with what was acknowledged, id by id.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import httpx
import orjson
import psutil
import psycopg

from orchestration.local import sandbox_process
from orchestration.local.processes import free_port
from resources.ledger.database import embedded
from resources.ledger.database.migrate import migrate

NAME = STORE = "bench"
GUESS = "a guess"
SECRET = f"sandbox-client-secret-{STORE}"
LEAST_RATE = 500
BAD = 200
"""Requests of each bad kind."""
SENDERS = 64

Signed = tuple[str, dict[str, str], bytes]


@dataclass
class Tally:
    """The outcomes of the requests that were sent."""

    acknowledged: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    seconds: float = 0.0


def event(number: int, *, age: float = 0, secret: str = SECRET, padding: int = 0) -> Signed:
    """Return a message's id, headers and body."""
    message_id, stamp = f"msg_{number:032d}", str(int(time.time() - age))
    content = {
        "created_at": int(time.time()),
        "store_id": "1000",
        "producer": f"stores/{STORE}",
        "scope": "store/order/updated",
        "hash": "0" * 40,
        "data": {"type": "order", "id": number},
        "padding": "x" * padding,
    }
    body = orjson.dumps(content)
    digest = hmac.new(
        secret.encode(), f"{message_id}.{stamp}.".encode() + body, hashlib.sha256
    ).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return (
        message_id,
        {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": signature},
        body,
    )


async def post(session: aiohttp.ClientSession, url: str, message: Signed, tally: Tally) -> None:
    """Send one message."""
    message_id, headers, body = message
    started = time.perf_counter()
    try:
        async with session.post(url, data=body, headers=headers) as answer:
            status = answer.status
    except aiohttp.ClientError:
        status = 0
    tally.milliseconds.append((time.perf_counter() - started) * 1000)
    tally.statuses[status] += 1
    if status == 200:
        tally.acknowledged.add(message_id)


async def flood(url: str, rate: float, seconds: float, duplicates: float) -> Tally:
    """Send ``rate`` events a second, some of them twice; 0 has no limit."""
    tally, dice = Tally(), random.Random(1)
    started = time.perf_counter()
    numbers = iter(range(1, 10**9))

    async def sender(session: aiohttp.ClientSession) -> None:
        while True:
            number = next(numbers)
            due = started + number / rate if rate else time.perf_counter()
            if max(due, time.perf_counter()) - started >= seconds:
                return
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            message = event(number)
            for _ in range(1 + (dice.random() < duplicates)):
                await post(session, url, message, tally)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=SENDERS)) as session:
        await asyncio.gather(*(sender(session) for _ in range(SENDERS)))
    tally.seconds = time.perf_counter() - started
    return tally


async def attack(url: str) -> dict[str, Tally]:
    """Send requests that must be refused; return the outcomes of each kind."""
    first = 10**9
    bad: dict[str, list[Signed]] = {
        "forged": [event(first + n, secret=GUESS) for n in range(BAD)],
        "changed": [
            (i, h, b.replace(b"updated", b"created"))
            for i, h, b in (event(2 * first + n) for n in range(BAD))
        ],
        "stale": [event(3 * first + n, age=301 + n) for n in range(BAD)],
        "ahead": [event(4 * first + n, age=-305 - n) for n in range(BAD)],
        "oversized": [event(5 * first + n, padding=256 * 1024) for n in range(BAD // 4)],
        "unsigned": [(i, {}, b) for i, _, b in (event(6 * first + n) for n in range(BAD))],
    }
    tallies = {kind: Tally() for kind in bad}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=SENDERS)) as session:
        for kind, messages in bad.items():
            await asyncio.gather(
                *(post(session, url, message, tallies[kind]) for message in messages)
            )
    return tallies


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, str, psutil.Process]]:
    """Run the endpoint in its own process; yield its address, its database and the process."""
    os.environ["LOCKSTEP_HOME"] = str(folder)
    os.environ.pop("DATABASE_URL", None)
    database = embedded.start(folder / "postgres")
    migrate(database)
    port = free_port()
    sandbox_process.configure(
        NAME, STORE, datetime.now(UTC).date(), "http://127.0.0.1:1", f"http://127.0.0.1:{port}"
    )
    environment = {**os.environ, "LOCKSTEP_CONNECTIONS": str(folder / "connections.yaml")}
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "webhooks", "--port", str(port)],
        env=environment,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, process)
        yield url, database, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)
        embedded.stop(folder / "postgres")


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the endpoint answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit("the endpoint did not start")


def report(rate: float, tally: Tally, stored: set[str], cpu: float, bad: dict[str, Tally]) -> bool:
    """Print the figures; return whether they meet the requirements."""
    sent, lost = sum(tally.statuses.values()), len(tally.acknowledged - stored)
    per_second = len(tally.acknowledged) / tally.seconds
    cuts = statistics.quantiles(tally.milliseconds, n=100)
    offered = f"{rate:g}/s" if rate else "as fast as answered"
    print(f"offered {offered} for {tally.seconds:.0f} s, {SENDERS} connections")
    row = {
        "sent": sent,
        "acknowledged": tally.statuses[200],
        "distinct": len(tally.acknowledged),
        "stored": len(stored),
        "lost": lost,
        "events/s": round(per_second),
        "p50 ms": round(cuts[49], 1),
        "p95 ms": round(cuts[94], 1),
        "p99 ms": round(cuts[98], 1),
        "CPU s": round(cpu, 1),
    }
    print("".join(f"{name:>{len(name) + 3}}" for name in row))
    print("".join(f"{value:>{len(name) + 3}}" for name, value in row.items()))
    refused = True
    for kind, of_kind in bad.items():
        total, accepted = (
            sum(of_kind.statuses.values()),
            len(of_kind.acknowledged & stored) + len(of_kind.acknowledged),
        )
        share = (
            sum(number for status, number in of_kind.statuses.items() if 400 <= status < 500)
            / total
        )
        refused &= accepted == 0 and share == 1
        statuses = ", ".join(f"{s}: {n}" for s, n in sorted(of_kind.statuses.items()))
        print(f"  {kind:<10} {total:>5} sent, {share:.0%} refused ({statuses})")
    enough = per_second >= 0.98 * min(rate or LEAST_RATE, LEAST_RATE)
    return (
        enough
        and lost == 0
        and stored == tally.acknowledged
        and tally.statuses[200] == sent
        and refused
    )


def main() -> None:
    """Measure; exit 1 if an event was lost, a bad one stored, or the rate not reached."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.webhooks",
        description="Throughput and refusals of the webhook endpoint.",
    )
    parser.add_argument("--seconds", type=float, default=20, help="how long events are sent")
    parser.add_argument(
        "--rate",
        type=float,
        default=LEAST_RATE,
        help="events a second; 0 sends as fast as answers come",
    )
    parser.add_argument(
        "--duplicates", type=float, default=0.02, help="share of events that are sent twice"
    )
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="lockstep-bench-") as name,
        running(Path(name)) as (url, database, process),
    ):
        hook = f"{url}/hooks/{NAME}/platform"
        before = sum(process.cpu_times()[:2])
        tally = asyncio.run(flood(hook, arguments.rate, arguments.seconds, arguments.duplicates))
        cpu = sum(process.cpu_times()[:2]) - before
        bad = asyncio.run(attack(hook))
        with psycopg.connect(database) as db:
            stored = {message_id for (message_id,) in db.execute("SELECT event_id FROM sync.inbox")}
        good = report(arguments.rate, tally, stored, cpu, bad)
    print("ok" if good else "FAILED")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
