"""Files of requests: each row is captured once, also one that can't be read."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest

from domain.errors import PermanentError
from resources import action_folder
from resources.action_folder import FolderRequests


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files be read as soon as they are written."""
    monkeypatch.setattr(action_folder, "QUIET_SECONDS", 0.0)


def rows(folder: FolderRequests) -> list[dict[str, object]]:
    """Return the payloads of all rows."""
    return [msgspec.json.decode(row.payload) for some in folder.read() for row in some]


def test_a_csv_has_a_request_a_row(tmp_path: Path) -> None:
    """With its own id, or one that it keeps when it is read again; an address is an object."""
    file = tmp_path / "a.csv"
    file.write_text(
        "\ufeffaction_id,order,kind,address_city,address_street_1\n"
        "A1,1001,reroute,Dallas,9 Elm\n,1002,hold,,\n,,,,\n",
        "utf-8",
    )
    folder = FolderRequests(tmp_path)
    assert folder.has_any()
    first, second = rows(folder)
    assert first["action_id"] == "A1"
    assert first["address"] == {"city": "Dallas", "street_1": "9 Elm"}
    assert second["action_id"] == rows(folder)[1]["action_id"]
    assert str(second["action_id"]).startswith("file-")
    assert "requested_at" in second
    folder.take()
    assert not folder.has_any()
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["a.csv"]
    file.write_text("order,kind\n1,hold\n")
    assert len(rows(folder)) == 1
    folder.take()
    assert sorted(path.name for path in (tmp_path / "taken").iterdir()) == ["a-2.csv", "a.csv"]


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85"])
def test_a_row_ends_at_line_ends_only(tmp_path: Path, mark: str) -> None:
    """Text from a web page may hold other separators of lines: no half of its row is a request."""
    street = f"9 Elm{mark}Flat 2"
    header = "action_id,order,kind,address_street_1,address_city\r\n"
    (tmp_path / "a.csv").write_text(f"{header}A1,1,reroute,{street},Dallas\r\n", "utf-8")
    (tmp_path / "b.jsonl").write_text(f'{{"action_id": "B1", "reason": "{street}"}}\r\n', "utf-8")
    first, second = rows(FolderRequests(tmp_path))
    assert first["address"] == {"street_1": street, "city": "Dallas"}
    assert (second["action_id"], second["reason"]) == ("B1", street)


def test_a_file_that_still_grows_stays(tmp_path: Path) -> None:
    """What was read of it is known when it is read again."""
    file = tmp_path / "a.jsonl"
    file.write_text('{"order": 1}\n\n{"order"\n[1]\n')
    folder = FolderRequests(tmp_path)
    found = rows(folder)
    assert found[0]["order"] == 1
    assert [row.get("line_of_file") for row in found[1:]] == ['{"order"', "[1]"]
    file.write_text(file.read_text() + '{"order": 2}\n')
    folder.take()
    assert folder.has_any()
    again = rows(folder)
    assert [row["action_id"] for row in again[:3]] == [row["action_id"] for row in found]


def test_a_file_that_cannot_be_read_is_one_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It becomes a rejection, and the other files go on."""
    monkeypatch.setattr(action_folder, "MOST_ROWS", 2)
    monkeypatch.setattr(action_folder, "MOST_BYTES", 300)
    (tmp_path / "a.csv").write_bytes(b"order\n\xff\n")
    (tmp_path / "b.csv").write_text('order\n"1"x"\n')
    (tmp_path / "c.csv").write_text("order\n1\n2\n3\n")
    (tmp_path / "d.jsonl").write_text("x" * 301)
    (tmp_path / "e.txt").write_text("not ours")
    (tmp_path / ".f.csv").write_text("hidden")
    assert [row["fault"] for row in rows(FolderRequests(tmp_path))] == [
        "not UTF-8",
        "not CSV",
        "more than 2 rows",
        "more than 300 bytes",
    ]
    with pytest.raises(PermanentError, match=r"actions\.folder"):
        FolderRequests(tmp_path / "absent").has_any()


def test_a_file_that_was_changed_just_now_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last row may be half written: without its quantity it is another request."""
    monkeypatch.setattr(action_folder, "QUIET_SECONDS", 30.0)
    file = tmp_path / "a.csv"
    file.write_text("order,kind,line,quantity\n1,cancel,101")
    folder = FolderRequests(tmp_path)
    assert (folder.has_any(), rows(folder)) == (False, [])
    folder.take()
    assert file.exists()
    for age in (31, -7200):
        os.utime(file, (time.time() - age,) * 2)
        assert (folder.has_any(), len(rows(folder))) == (True, 1)


def test_a_file_that_changes_while_it_is_read_yields_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a change that keeps its size."""
    file = tmp_path / "a.csv"
    file.write_text("order,kind\n1,hold\n")
    read = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        content = read(path)
        os.utime(path, (1, 1))
        return content

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    folder = FolderRequests(tmp_path)
    assert rows(folder) == []
    folder.take()
    assert file.exists()


def test_the_check_of_a_folder_says_what_is_missing(tmp_path: Path) -> None:
    """Not there, or readable only: rows would be captured again and again, and never put away."""
    check = FolderRequests(tmp_path / "absent").check()
    assert (check.ok, "No such file" in check.detail) == (False, True)
    (tmp_path / "a.csv").write_text("order,kind\n1,hold\n")
    assert FolderRequests(tmp_path).check().detail == "files that wait: 1"
    (tmp_path / "taken").write_text("a file where the folder should be")
    check = FolderRequests(tmp_path).check()
    assert (check.ok, "taken can't be written" in check.detail) == (False, True)


def test_a_file_that_can_not_be_put_away_is_an_error_with_advice(tmp_path: Path) -> None:
    """Its rows are captured, and known when it is read again."""
    (tmp_path / "a.csv").write_text("order,kind\n1,hold\n")
    (tmp_path / "taken").write_text("")
    folder = FolderRequests(tmp_path)
    assert len(rows(folder)) == 1
    with pytest.raises(PermanentError, match=r"a\.csv can't be moved to taken: File exists\. Let"):
        folder.take()
    assert len(rows(folder)) == 1


def test_a_file_that_vanishes_or_can_not_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is left alone, the other one is a request that can't be read, by its own reason."""
    gone, closed = tmp_path / "a.csv", tmp_path / "b.csv"
    gone.write_text("order,kind\n1,hold\n")
    closed.write_text("order,kind\n1,hold\n")
    known = action_folder._state

    def state(path: Path) -> object:
        return None if path == gone else known(path)

    def read_bytes(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    folder = FolderRequests(tmp_path)
    monkeypatch.setattr(folder, "_files", lambda: [gone, closed])
    monkeypatch.setattr(action_folder, "_state", state)
    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert [row["fault"] for row in rows(folder)] == ["not to be opened (Permission denied)"]


def test_an_id_that_two_rows_have_is_that_of_the_first(tmp_path: Path) -> None:
    """In one file or in two; the same row again is the same request."""
    (tmp_path / "a.csv").write_text("action_id,order,kind\nF1,1,hold\nF1,2,cancel\nF1,1,hold\n")
    (tmp_path / "b.jsonl").write_text('{"action_id": "F1", "order": 1, "kind": "release"}\n')
    (tmp_path / "c.csv").write_text("action_id,order,kind\nF1,1,hold\n")
    for place, path in enumerate(sorted(tmp_path.iterdir()), 1):
        os.utime(path, (place, place))
    found = rows(FolderRequests(tmp_path))
    assert [(row.get("order"), row.get("used_id")) for row in found] == [
        ("1", None), (None, "F1"), ("1", None), (None, "F1"), ("1", None),
    ]  # fmt: skip
    assert len({row["action_id"] for row in found}) == 3
    assert rows(FolderRequests(tmp_path)) == found
