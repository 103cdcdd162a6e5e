"""The archive: one Parquet file for each view and day, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import psycopg
import pyarrow.parquet as pq
import pytest

from assets.archive import KEY, archive_day, lost_days
from assets.chain.partitions import RANGE_TAGS
from domain.connections import Retention
from domain.errors import PermanentError, TransientError
from orchestration.definitions import build
from resources.ledger import history
from resources.ledger.privacy.retention import retire
from tests.assets.dagster_run import QUIET
from tests.assets.documents import PERSON, order
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

DAY = date(2026, 1, 2)


def archived(database: str, folder: Path, day: date = DAY) -> dict[str, int]:
    """Archive a day; return the rows of each view."""
    with psycopg.connect(database, autocommit=True) as db:
        return {one.view: one.rows for one in archive_day(db, folder, day)}


def fill(database: str, rows: int) -> None:
    """Put stock levels of the day into the ledger."""
    with psycopg.connect(database, autocommit=True) as db:
        db.execute("SELECT sync.ensure_month(%s)", (DAY,))
        db.execute(
            """INSERT INTO sync.stock_level
                   (source_day, capture_id, connection, sku, node, available, infinite, observed_at)
            SELECT %s, gen_random_uuid(), 'acme', 'SKU-' || n, md5(n::text), n + 0.1234, false,
            '2026-01-02T03:04:05Z'
               FROM generate_series(1, %s) n""",
            (DAY, rows),
        )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte; skipped if none may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here (needs root)")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_day_is_written_and_read_back(scene: Scene, tmp_path: Path) -> None:
    """The asset writes every view's rows of the day: exact amounts, UTC times, nothing personal."""
    scene.place_many([1, 2, 3])
    scene.run("orders")
    folder = tmp_path / "archive"
    assert scene.lockstep is not None
    scene.lockstep.installation = scene.installation.model_copy(update={"archive": folder})
    day = scene.yesterday.isoformat()
    job = build(scene.installation, scene.lockstep).resolve_job_def("archive")

    result = job.execute_in_process(instance=scene.instance, partition_key=day, run_config=QUIET)

    [event] = result.asset_materializations_for_node("history__archive")
    assert event.metadata["rows: orders"].value == 3
    table = pq.read_table(folder / "view=orders" / f"day={day}" / "part.parquet", partitioning=None)
    assert [row["order_id"] for row in table.to_pylist()] == ["1", "2", "3"]
    assert table["total"][0].as_py() == Decimal("35.0000")
    assert str(table.schema.field("settled_at").type) == "timestamp[us, tz=UTC]"
    assert set(map(str, pq.read_table(folder / "view=order_lines")["day"].to_pylist())) == {
        day
    }  # the folder's name is a column
    found = b"".join(
        str(pq.read_table(file, partitioning=None).to_pylist()).encode()
        for file in folder.rglob("*.parquet")
    )
    for name in ("first_name", "last_name", "street_1", "phone", "email"):
        assert str(PERSON[name]).encode() not in found


def test_writing_a_day_again_gives_the_same_files(database: str, tmp_path: Path) -> None:
    """A repetition replaces each file by the same bytes, and clears what a dead run left behind."""
    fill(database, 50)
    first = archived(database, tmp_path)
    assert first["stock"] == 50
    assert first["orders"] == 0  # no rows is a file without rows, not a missing file
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.parquet")}
    (tmp_path / "view=stock" / f"day={DAY}" / ".part.parquet.1.tmp").write_bytes(b"half")

    assert archived(database, tmp_path) == first
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_many_rows_are_written_in_bounded_groups(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows come from a server-side cursor, group by group: memory does not grow with the day."""
    monkeypatch.setattr("assets.archive.BATCH", 1_000)
    fill(database, 2_500)
    archived(database, tmp_path)
    file = pq.ParquetFile(tmp_path / "view=stock" / f"day={DAY}" / "part.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)] == [
        1_000,
        1_000,
        500,
    ]


def test_a_full_disk_leaves_the_old_file_whole(database: str, small_disk: Path) -> None:
    """A full disk is a transient error, leaves no partial file, and keeps the day's earlier one."""
    fill(database, 100)
    archived(database, small_disk)
    file = small_disk / "view=stock" / f"day={DAY}" / "part.parquet"
    before = file.read_bytes()
    fill(database, 40_000)

    with pytest.raises(TransientError, match="No space left on device"):
        archived(database, small_disk)

    assert file.read_bytes() == before
    assert [one.name for one in file.parent.iterdir()] == ["part.parquet"]


def test_a_limit_on_a_files_size_is_a_full_disk_too(database: str, tmp_path: Path) -> None:
    """The same without root, by a limit on the size of files: transient, and nothing is left."""
    fill(database, 40_000)
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "from datetime import date; from pathlib import Path; import psycopg\n"
        "from assets.archive import archive_day; from domain.errors import TransientError\n"
        "try:\n"
        "    db = psycopg.connect(sys.argv[1], autocommit=True)\n"
        "    archive_day(db, Path(sys.argv[2]), date(2026, 1, 2))\n"
        "except TransientError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, database, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "File too large" in done.stdout
    assert [
        file for file in tmp_path.rglob("*") if file.is_file() and "view=stock" in str(file)
    ] == []


def test_a_folder_that_can_not_be_written_is_no_matter_of_another_try(
    database: str, tmp_path: Path
) -> None:
    """A file where the folder should be: a person has to look."""
    (tmp_path / "archive").write_text("not a folder")
    with pytest.raises(PermanentError, match="set archive: to another folder"):
        archived(database, tmp_path / "archive")


def test_only_closed_days_have_a_partition(scene: Scene) -> None:
    """Today is not over: it has no partition yet, and the schedule asks for yesterday's."""
    definitions = build(scene.installation, scene.lockstep)  # type: ignore[arg-type]
    partitions = definitions.resolve_asset_graph().get(KEY).partitions_def
    assert partitions is not None
    assert partitions.get_last_partition_key() == scene.yesterday.isoformat()
    schedule = definitions.get_repository_def().get_schedule_def("archive")
    context = dg.build_schedule_context(scheduled_execution_time=scene.moment(scene.today, 3))
    [request] = schedule(context)  # type: ignore[misc, union-attr]
    assert request.partition_key == scene.yesterday.isoformat()


def test_a_day_that_changes_after_its_night_is_archived_again(scene: Scene, tmp_path: Path) -> None:
    """Such as one that was captured days later, after an outage, or whose order was stuck."""
    before = scene.today - timedelta(days=5)
    scene.place(*(order(n, scene.moment(before)) for n in (1, 2)))
    scene.run("orders", first=before, last=before, steps=("captured",))
    scene.run("orders", first=before - timedelta(days=1), last=before - timedelta(days=1))
    first = scene.installation.start_date

    def due() -> list[date]:
        with psycopg.connect(scene.database, autocommit=True) as db:
            return history.days_to_archive(db, first, scene.today)

    assert due() == [before - timedelta(days=1), before]
    for day in due():
        archived(scene.database, tmp_path, day)
    assert due() == []
    scene.run("orders", first=before, last=before)
    assert due() == [before]
    assert archived(scene.database, tmp_path, before)["orders"] == 2
    assert due() == []

    scene.run("orders", first=before - timedelta(days=1), last=before)
    definitions = build(scene.installation, scene.lockstep)  # type: ignore[arg-type]
    schedule = definitions.get_repository_def().get_schedule_def("archive")
    context = dg.build_schedule_context(scheduled_execution_time=scene.moment(scene.today, 3))
    [yesterday, again] = schedule(context)  # type: ignore[misc, union-attr]
    assert yesterday.partition_key == scene.yesterday.isoformat()
    span = (before - timedelta(days=1)).isoformat(), before.isoformat()
    assert tuple(again.tags[tag] for tag in RANGE_TAGS) == span


def test_what_retention_has_removed_stays_in_the_archive(database: str, tmp_path: Path) -> None:
    """A day that is materialized again later would have lost its rows for good."""
    fill(database, 50)
    archived(database, tmp_path)
    kept = Retention(capture=timedelta(days=30), record=timedelta(days=60))
    with psycopg.connect(database, autocommit=True) as db:
        retire(db, kept, DAY + timedelta(days=120))
        history_of = db.execute("SELECT count(*) FROM history.stock").fetchone()
    assert history_of == (0,)
    assert archived(database, tmp_path)["stock"] == 50
    place = tmp_path / "view=stock" / f"day={DAY}" / "part.parquet"
    assert pq.read_metadata(place).num_rows == 50
    assert archived(database, tmp_path / "another")["stock"] == 0


def test_days_whose_files_are_gone_are_archived_again_before_they_are_removed(
    scene: Scene, tmp_path: Path
) -> None:
    """The setting names another folder, or its disk was lost: the rows would be nowhere."""
    scene.place_many([1])
    scene.run("orders", first=scene.yesterday)
    assert scene.lockstep is not None

    def archive_in(folder: Path, day: date) -> None:
        scene.lockstep.installation = scene.installation.model_copy(  # type: ignore[union-attr]
            update={"archive": folder}
        )
        job = build(scene.lockstep.installation, scene.lockstep).resolve_job_def("archive")  # type: ignore[union-attr, arg-type]
        job.execute_in_process(
            instance=scene.instance, partition_key=day.isoformat(), run_config=QUIET
        )

    def due() -> list[date]:
        with psycopg.connect(scene.database, autocommit=True) as db:
            return history.days_to_archive(db, scene.installation.start_date, scene.today)

    before = scene.yesterday - timedelta(days=1)
    for day in (before, scene.yesterday):
        archive_in(tmp_path / "one", day)
    scene.sql_write("DELETE FROM sync.batch")  # as retention does with its rows, which come first
    assert due() == []

    archive_in(tmp_path / "two", before)
    assert due() == [scene.yesterday], "it is in no file of the folder"
    why = scene.sql("SELECT sync.why_unarchived(array_agg(source_day)) FROM sync.unarchived")
    assert why == [(f"the archive lacks {scene.yesterday}, or its last changes",)]
    archive_in(tmp_path / "two", scene.yesterday)
    assert due() == []


def test_an_archive_on_another_machine_is_not_lost(database: str, tmp_path: Path) -> None:
    """Where its folder does not exist at all, nothing is known of its files."""
    archived(database, tmp_path / "archive")
    with psycopg.connect(database, autocommit=True) as db:
        assert lost_days(db, tmp_path / "nowhere") == []
        assert lost_days(db, tmp_path / "archive") == []
        assert lost_days(db, tmp_path) == [DAY]


def test_retention_waits_for_days_whose_files_are_gone(database: str, tmp_path: Path) -> None:
    """Only what is in the archive may be removed, and it was there once."""
    fill(database, 50)
    archived(database, tmp_path / "one")
    kept = Retention(capture=timedelta(days=30), record=timedelta(days=60))

    def left() -> int:
        with psycopg.connect(database, autocommit=True) as db:
            history.note_lost(db, lost_days(db, tmp_path))
            retire(db, kept, DAY + timedelta(days=120))
            [(number,)] = db.execute("SELECT count(*) FROM history.stock").fetchall()
        return int(number)

    assert left() == 50
    archived(database, tmp_path)
    assert left() == 0
    assert archived(database, tmp_path)["stock"] == 50
