"""What an operator decides about rejections."""

from __future__ import annotations

import psycopg

from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.work_queue import RejectionFilter
from tests.assets.scene import NAME, Scene


def retry(scene: Scene, stream: str, *source_ids: str, reason: str = "the cause is gone") -> None:
    """Retry the open rejections of records, as ``lockstep rejections retry`` does."""
    with psycopg.connect(scene.database, autocommit=True) as db:
        found = work_queue.find(db, RejectionFilter(connection=NAME, stream=stream))
        chosen = [row for row in found if not source_ids or row.source_id in source_ids]
        operator_actions.begin_retry(db, chosen, "ann", "as_captured", reason)
