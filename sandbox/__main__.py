"""``python -m sandbox --port 0 --state DIR``: run the simulated systems until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from sandbox.app import LIMITED, UNLIMITED, SandboxServer, Settings


async def serve(port: int, state: Path | None, settings: Settings) -> None:
    """Run the server, print its address, and write the state on SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    server = SandboxServer(state, settings)
    url = await server.start(port)
    print(f"sandbox listening on {url}", flush=True)
    await stopping.wait()
    await server.stop()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Simulated commerce stores and order management systems.",
    )
    parser.add_argument(
        "--port", type=int, default=0, help="port on 127.0.0.1; 0 picks a free one (default)"
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=None,
        help="folder for snapshots: read at start, written at exit",
    )
    parser.add_argument(
        "--unlimited",
        action="store_true",
        help="no limits to the rate of requests, for load tests; by default those of small plans",
    )
    arguments = parser.parse_args()
    settings = UNLIMITED if arguments.unlimited else LIMITED
    asyncio.run(serve(arguments.port, arguments.state, settings))


if __name__ == "__main__":
    main()
