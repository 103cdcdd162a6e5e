"""dlt as a contestant: its REST source into the same Postgres, with CSV loader files of 5,000 rows.

Runs in ``.venv-bench`` with nothing of Lockstep. Arguments: the API's base URL, its token, the
database URL, ``flat`` or ``nested``, the warm-up day, and the measured day. Flat keeps lists as
JSON in one wide table; nested is dlt's default, one table per list.
"""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
os.environ["DATA_WRITER__FILE_MAX_ITEMS"] = "5000"
os.environ["NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS"] = "5000"

import dlt
from dlt.sources.rest_api import rest_api_source

sys.path.insert(0, str(Path(__file__).parent))
import worker

PAGE = 250
INCLUDE = "consignments.line_items,fees"
"""What Lockstep asks for, too: each order with its lines, addresses and fees."""


def _source(url: str, token: str, day: date, *, nested: bool) -> Any:
    resource = {
        "name": "orders",
        "primary_key": "id",
        "write_disposition": "append",
        "endpoint": {
            "path": "v2/orders",
            "params": {
                "min_date_modified": f"{day}T00:00:00Z",
                "max_date_modified": f"{day}T23:59:59Z",
                "include": INCLUDE,
                "limit": PAGE,
                "sort": "id:asc",
            },
            "paginator": {
                "type": "page_number",
                "base_page": 1,
                "total_path": None,
                "stop_after_empty_page": True,
            },
            "response_actions": [{"status_code": 204, "action": "ignore"}],  # the end of a V2 list
        },
    }
    client = {"base_url": url, "headers": {"X-Auth-Token": token}}
    source = rest_api_source({"client": client, "resources": [resource]})
    if not nested:
        source.max_table_nesting = 0
    return source


def main() -> None:
    """Take part in one round."""
    url, token, database, shape = sys.argv[1:5]
    warm_up, day = map(date.fromisoformat, sys.argv[5:7])
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            f"rivals_{shape}",
            pipelines_dir=folder,
            dataset_name=f"dlt_{shape}",
            destination=dlt.destinations.postgres(database),
        )

        def load(partition: date) -> int:
            source = _source(url, token, partition, nested=shape == "nested")
            info = pipeline.run(source, loader_file_format="csv")
            info.raise_on_failed_jobs()
            with pipeline.sql_client() as client:
                query = "SELECT count(*) FROM orders WHERE _dlt_load_id = ANY(%s)"
                return int(client.execute_sql(query, info.loads_ids)[0][0])

        worker.run(lambda: load(warm_up), lambda: load(day))


if __name__ == "__main__":
    main()
