"""``python -m benchmarks.dictionary FILE``: train a dictionary for the ledger's compression.

The samples are documents of the sandbox, captured, mapped and delivered. Every value is masked that
fewer than a fifth of the documents share: the dictionary learns names of fields, not persons.
A dictionary that was in use is never replaced (resources/ledger/database/compression.py).
"""

from __future__ import annotations

import argparse
import random
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
import zstandard

from assets.delivery.partition import deliver_partition
from assets.delivery.request import DeliveryRequest
from assets.pipeline.capture import capture
from assets.pipeline.validate import validate
from assets.streams.registry import STREAMS
from benchmarks.rig import NAME, STORE, Rig, rig
from domain.values import Partition
from resources.ledger.database.compression import decompress
from resources.ledger.tables import TABLES

SIZE = 16_384
ORDERS = 1_000
OF_A_KIND = 1_000
"""Samples of one column and stream."""
SHARED = 0.2
"""A value that so large a share of the documents has at the same place is part of the structure."""
SEED = 7

Leaf = tuple[tuple[str, ...], str]


def samples(on: Rig) -> Iterator[list[bytes]]:
    """Yield documents of each kind that the ledger stores."""
    on.control(f"bigcommerce/{STORE}/settings", {"quota": 1_000_000})
    lockstep = on.lockstep(fetch_transactions="authorized")
    today = datetime.now(UTC).date()
    ordered = today - timedelta(days=1)
    on.seed_orders(on.seed_catalogue(), ORDERS, ordered, 1_001)
    sync = lockstep.sync(NAME, "dictionary")
    for name, day in (("orders", ordered), ("shipments", today), ("inventory", today)):
        if name == "shipments":
            on.control(f"manhattan/{STORE}/advance", {"to": "day", "seed": SEED})
        stream, partition = STREAMS[name], Partition.of_day(day)
        capture(sync, stream, partition, partition.window, is_live=False)
        validate(sync, stream, partition, everything=True)
        deliver_partition(sync, stream, DeliveryRequest(partition, again=True, force=False))
    lockstep.close()
    with psycopg.connect(on.database) as db:
        for table in TABLES:
            for column in table.columns:
                if column.personal:
                    for name in STREAMS:
                        rows = db.execute(
                            f"SELECT {column.name} FROM sync.{table.name} "  # noqa: S608 - declared
                            f"WHERE stream = %s AND {column.name} IS NOT NULL LIMIT {OF_A_KIND}",
                            (name,),
                        )
                        yield [decompress(frame) for (frame,) in rows]


def masked(documents: Sequence[bytes], dice: random.Random) -> list[bytes]:
    """Return documents of one kind with random values instead of those that few of them share."""
    parsed = [orjson.loads(document) for document in documents]
    seen: Counter[Leaf] = Counter()
    for document in parsed:
        seen.update(set(_leaves(document, ())))
    shared = {leaf for leaf, number in seen.items() if number >= SHARED * len(parsed)}
    return [orjson.dumps(_mask(document, (), shared, dice)) for document in parsed]


def _leaves(node: Any, path: tuple[str, ...]) -> Iterator[Leaf]:
    if isinstance(node, dict):
        for key, part in node.items():
            yield from _leaves(part, (*path, key))
    elif isinstance(node, list):
        for part in node:
            yield from _leaves(part, (*path, "[]"))
    else:
        yield path, str(node)


def _mask(node: Any, path: tuple[str, ...], shared: set[Leaf], dice: random.Random) -> Any:
    if isinstance(node, dict):
        return {key: _mask(part, (*path, key), shared, dice) for key, part in node.items()}
    if isinstance(node, list):
        return [_mask(part, (*path, "[]"), shared, dice) for part in node]
    if node is None or isinstance(node, bool) or (path, str(node)) in shared:
        return node
    if isinstance(node, str):
        return "".join(dice.choices(string.ascii_letters, k=len(node)))
    number = dice.randrange(10 ** min(len(str(node)), 15))
    return number if isinstance(node, int) else number / 100


def main() -> None:
    """Train and write the file; print what it saves."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dictionary")
    parser.add_argument("file", type=Path)
    file: Path = parser.parse_args().file
    if file.exists():
        parser.error(f"{file} exists; stored payloads need it, so choose another name")
    with rig() as on:
        kinds = [kind for kind in samples(on) if kind]
    dice = random.Random(SEED)
    trained = zstandard.train_dictionary(
        SIZE, [sample for kind in kinds for sample in masked(kind, dice)]
    )
    file.write_bytes(trained.as_bytes())
    plain = zstandard.ZstdCompressor(level=3)
    better = zstandard.ZstdCompressor(level=1, dict_data=trained)
    for kind in kinds:
        sizes = [
            sum(map(len, kind)) / len(kind),
            *(sum(len(c.compress(one)) for one in kind) / len(kind) for c in (plain, better)),
        ]
        print(
            "{:>6,.0f} bytes a document, {:>6,.0f} as zstd, {:>6,.0f} with the dictionary: ".format(
                *sizes
            ),
            kind[0][:40],
        )


if __name__ == "__main__":
    main()
