"""``python -m benchmarks.rivals``: Lockstep's capture + validation beside dlt's REST source.

All contestants read the same orders from the same sandbox into the same PostgreSQL server, each
round in a fresh process and a fresh database, in alternating order. Lockstep checks, normalises and
keeps the exact bytes of what it reads; dlt loads it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
from psycopg import sql
from sqlalchemy import make_url

from benchmarks.rig import START, STORE, Rig, let_run, rig
from benchmarks.rivals.report import Contestant, Round, markdown, ratios, table, write
from orchestration.settings import VARIABLE
from resources.ledger.database.migrate import migrate

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
TOKEN = f"sandbox-token-{STORE}"
WARM_UP_ORDERS = 500
WARM_UP_DAY, DAY = START + timedelta(days=1), START + timedelta(days=2)
LOCKSTEP, FLAT, NESTED = "Lockstep", "dlt flat", "dlt nested"
CONTESTANTS = (LOCKSTEP, FLAT, NESTED)


def main() -> None:
    """Run the rounds, print the table, write the page, and end with one line of medians."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rivals", description="Lockstep beside dlt, on the same orders."
    )
    parser.add_argument("--orders", type=int, default=10_000, help="orders a round (10,000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each contestant (3)")
    parser.add_argument("--dlt-python", type=Path, default=ROOT / ".venv-bench/bin/python")
    parser.add_argument("--no-page", action="store_true", help="leave docs/performance.md alone")
    arguments = parser.parse_args()
    with rig() as on:
        on.control(f"bigcommerce/{STORE}/settings", {"quota": 1_000_000})
        articles = on.seed_catalogue()
        on.seed_orders(articles, WARM_UP_ORDERS, WARM_UP_DAY, 1001)
        first = 1001 + WARM_UP_ORDERS
        on.seed_orders(articles, arguments.orders, DAY, first)
        # The same requests as dlt: lists of orders with their lines, and no call per order.
        os.environ[VARIABLE] = str(on.write_installation(fetch_transactions="never"))
        size = _served_size(on)
        rounds: dict[str, list[Round]] = {name: [] for name in CONTESTANTS}
        for number in range(arguments.rounds):
            order = CONTESTANTS if number % 2 == 0 else CONTESTANTS[::-1]
            for name in order:
                result = _round(on, name, f"rivals_{number}", arguments.dlt_python)
                if result.orders != arguments.orders:
                    raise SystemExit(f"{name} stored {result.orders} of {arguments.orders} orders")
                rounds[name].append(result)
                print(f"round {number + 1} {name}: {result.speed:,.0f} orders/s", flush=True)
    contestants = [Contestant(name, rounds[name]) for name in CONTESTANTS]
    print(table(contestants))
    if not arguments.no_page:
        write(PAGE, markdown(contestants, arguments.orders, size))
    print(ratios(contestants[0], contestants[1]))


def _round(on: Rig, name: str, database: str, dlt_python: Path) -> Round:
    """Let one contestant work in a fresh process and a fresh database."""
    shape = name.rsplit(maxsplit=1)[-1].lower()
    url = _fresh_database(on.database, f"{database}_{shape}")
    days = [str(WARM_UP_DAY), str(DAY)]
    if name == LOCKSTEP:
        migrate(url)
        let_run(url)
        command = [sys.executable, "-m", "benchmarks.rivals.lockstep_worker", url, *days]
    else:
        api = f"{on.url}/bigcommerce/{STORE}/stores/{STORE}/"
        script = str(Path(__file__).with_name("dlt_worker.py"))
        command = [str(dlt_python), script, api, TOKEN, _with_host(url), shape, *days]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise SystemExit(f"{name} did not get ready")
        before = on.cpu()
        process.stdin.write("go\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        used = on.cpu().since(before)
        process.stdin.write("end\n")
        process.stdin.flush()
    if process.returncode != 0 or not answer:
        raise SystemExit(f"{name} ended with exit code {process.returncode}")
    result = json.loads(answer)
    return Round(result["orders"], result["wall"], result["cpu"], used.postgres)


def _fresh_database(server: str, name: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _with_host(url: str) -> str:
    """Return the URL with a host, as dlt requires; a socket folder in the query overrides it."""
    parsed = make_url(url)
    return parsed.set(host=parsed.host or "localhost").render_as_string(hide_password=False)


def _served_size(on: Rig) -> float:
    """Return the average size in bytes of an order as the store serves it."""
    params = {"include": "consignments.line_items,fees", "limit": "250", "page": "1"}
    url = f"{on.url}/bigcommerce/{STORE}/stores/{STORE}/v2/orders"
    reply = httpx.get(url, params=params, headers={"X-Auth-Token": TOKEN}, timeout=60)
    return len(reply.raise_for_status().content) / len(reply.json())


if __name__ == "__main__":
    main()
