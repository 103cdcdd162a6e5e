"""The alignment of the store's catalog with the OMS's item master: look-ups, comparison, report.

It changes neither system. Items are looked up by the store's SKUs, and remembered as for orders
(``orders.item_ttl``); an item master that can be listed is read as a whole, which also shows what
the store lacks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta

import orjson

from assets.chain.keys import LIVE
from assets.streams.catalog.store_items import all_items, master_items
from domain.connections import CATALOG, Connection
from domain.identity import content_digest
from domain.rules.alignment import MATCHED, MEANINGS, Finding, align
from resources.ledger.session import Session
from resources.sync import Sync

SKUS_AT_ONCE = 500
OF_ONE_RUN = timedelta(minutes=1)
"""Between two alignments of one run, which may deliver many partitions."""


def align_where_due(sync: Sync) -> Mapping[str, int]:
    """Compare the catalog with the item master if that is due; return the counts by kind.

    After a live run it is due once ``catalog.align_interval`` has passed, after any other at once;
    in one run of many partitions once a minute. Empty if it is not due, or if the catalog was
    not read as a whole yet: most of it would seem to be missing in the store.
    """
    with sync.ledger.session(sync.name, CATALOG, sync.run_id) as session:
        last = session.alignments.last()
        interval = sync.connection.catalog.align_interval if sync.trigger == LIVE else timedelta(0)
        if last.run_id == sync.run_id:
            interval = max(interval, OF_ONE_RUN)
        if last.aligned_at is not None and session.now() - last.aligned_at < interval:
            return {}
        if session.products.read_at() is None:
            return {}
        return compare(sync, session)


def compare(sync: Sync, session: Session) -> Mapping[str, int]:
    """Compare the catalog with the item master, and store what was found."""
    is_listed = sync.item_master.lists_all
    since = session.now()
    if is_listed:
        all_items(sync, session)
    else:
        since -= sync.connection.orders.item_ttl
    # Also where all were listed: a page may have missed one.
    for skus in session.products.unknown_skus(since):
        for start in range(0, len(skus), SKUS_AT_ONCE):
            found = master_items(sync.item_master, skus[start : start + SKUS_AT_ONCE])
            session.catalog.put_oms_items(found.values())
    policy, orders = sync.connection.catalog, sync.connection.orders
    counts: Counter[str] = Counter({MATCHED: 0, **dict.fromkeys(MEANINGS, 0)})
    alignments = session.alignments
    with (
        sync.ledger.session(sync.name, CATALOG) as stored,
        sync.ledger.session(sync.name, CATALOG) as listed,
        session.transaction(),
        stored.transaction(),
        listed.transaction(),
    ):
        entries = stored.alignments.entries(policy.attributes)
        items = listed.alignments.items(since)
        compared = align(entries, items, orders, is_listed=is_listed)
        alignments.replace_findings(_counted(compared, counts))
        created_by = items_policy(sync.connection)
        if policy.create_items:
            alignments.make_due_what_is_missing()
            alignments.make_due_what_is_ours(created_by)
        alignments.note(counts, is_listed=is_listed, run_id=sync.run_id, policy=created_by)
    return counts


def items_policy(connection: Connection) -> str:
    """Return a digest of the settings that decide what created items hold; empty: none are."""
    catalog, orders = connection.catalog, connection.orders
    if not catalog.create_items:
        return ""
    rules = {sku: rule.model_dump(mode="json") for sku, rule in orders.uom_rules.items()}
    basis = [catalog.attributes, orders.uom, rules]
    return content_digest(orjson.dumps(basis, option=orjson.OPT_SORT_KEYS)).hex()


def _counted(found: Iterator[object], counts: Counter[str]) -> Iterator[Finding]:
    """Count what is found, and yield what an operator should know."""
    for one in found:
        if isinstance(one, Finding):
            counts[one.kind] += 1
            yield one
        else:
            counts[MATCHED] += 1
