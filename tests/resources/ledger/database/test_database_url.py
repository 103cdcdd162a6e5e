"""``DATABASE_URL``: no part of its password is shown, however it is written."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import PermanentError
from orchestration.local.processes import free_port
from resources.http.redaction import mask
from resources.ledger.database.embedded import database_url

ROOT = Path(__file__).resolve().parents[4]
COMMANDS = ("migrate", "status", "doctor", "db status", "demo")
IN_FORKS = """
import os, sys, traceback
from importlib import import_module
from pathlib import Path
from orchestration.cli import root

for module, _ in root.COMMANDS.values():
    import_module(f"orchestration.cli.{module.partition(':')[0]}")
folder, commands, urls = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
for number, url, command in ((n, u, c) for n, u in enumerate(urls) for c in commands):
    if child := os.fork():
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        Path(folder, f"{number} {command}.code").write_text(str(status))
        continue
    os.environ["DATABASE_URL"] = url
    with Path(folder, f"{number} {command}").open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.argv = ["lockstep", *command.split()]
    code = 0
    try:
        root.main()
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
"""
"""Runs each command in a fork of a process that has imported all of them, which takes seconds.

A fork ends at once, since to take all these modules down takes a second, too.
"""
UNREADABLE = (
    "Hunter2@Sesame7",
    "Hunter2/Sesame7",
    "Hunter2@Sesame7/Walrus9",
    "Hunter2/Sesame7@Walrus9",
    "Hunter2#Sesame7@Walrus9",
    "Hunter2?Sesame7@Walrus9",
    "Hunter2?Sesame7/Walrus9",
    "Hunter2?Sesame7=Walrus9@Otter55",
    "Hunter2:Sesame7/Walrus9",
    "Hunter2@Sesame7?Walrus9#Otter55",
    "Hunter2%ZZSesame7",
    "Hunter2 Sesame7",
    "@Hunter2",
    "Hunter2@",
)
READABLE = ("Hunter2#Sesame7", "Hunter2?Sesame7", "Hunter2:Sesame7", "Hunter2%40Sesame7%2FWalrus9")


def parts(password: str) -> list[str]:
    """Return the words of a password; each of them would give much of it away."""
    words = "".join(ch if ch.isalnum() else " " for ch in password).split()
    return [word for word in words if len(word) > 3]


@pytest.mark.parametrize("password", UNREADABLE)
@pytest.mark.parametrize("host", ["db.example.com:5432", "127.0.0.1", ""])
def test_a_url_with_an_unencoded_password_is_refused_without_any_part_of_it(
    monkeypatch: pytest.MonkeyPatch, password: str, host: str
) -> None:
    """Otherwise the rest of the password is taken for a host, a port or a database, and shown."""
    monkeypatch.setenv("DATABASE_URL", f"postgresql://lockstep:{password}@{host}/sync")
    with pytest.raises(PermanentError, match="%40 for @") as raised:
        database_url()
    chain = [str(raised.value), str(raised.value.__cause__), str(raised.value.__context__)]
    assert not [part for part in parts(password) if part in "".join(chain)]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://lockstep:Hunter2",  # the host is missing: the password would be the port
        "postgresql+psycopg://lockstep:Hunter2@host/sync",
        "mysql://lockstep:Hunter2@host/sync",
        "host=127.0.0.1 password=Hunter2",
        "lockstep:Hunter2@host/sync",
        "Hunter2",
    ],
)
def test_what_is_no_such_url_is_not_quoted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """A password can be anywhere in it."""
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(PermanentError) as raised:
        database_url()
    assert "Hunter2" not in str(raised.value)


@pytest.mark.parametrize("password", READABLE)
def test_a_password_that_can_be_read_is_masked_in_both_forms(
    monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """As it was typed, and as it is: drivers quote either."""
    url = f"postgresql://lockstep:{password}@127.0.0.1:1/sync"
    monkeypatch.setenv("DATABASE_URL", url)
    assert database_url() == url
    real = password.replace("%40", "@").replace("%2F", "/")
    shown = mask(f"could not open {url} with {real}")
    assert not [part for part in parts(password) if part in shown]


@pytest.mark.parametrize(
    "url",
    [
        "postgres://host/sync",
        "postgresql://",
        "postgresql://lockstep@host:5432/sync?sslmode=require",
        "postgresql://postgres:@/lockstep?host=/run/a folder".replace(" ", "%20"),
        "postgresql://a:b@one:5432,two:5433/sync?target_session_attrs=read-write",
        "postgresql://a:b@[::1]:5432/sync",
    ],
)
def test_good_urls_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Sockets, several hosts, IPv6, no password."""
    monkeypatch.setenv("DATABASE_URL", url)
    assert database_url() == url


@given(st.lists(st.text("abcXYZ789", min_size=4, max_size=8), min_size=2, max_size=4), st.data())
def test_no_password_of_any_characters_is_shown(words: list[str], data: st.DataObject) -> None:
    """Whatever separates its words, the URL is refused, or the whole password is masked."""
    separators = [data.draw(st.sampled_from("@/#?:%&= ")) for _ in pairwise(words)]
    password = words[0] + "".join(map("".join, zip(separators, words[1:], strict=True)))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DATABASE_URL", f"postgresql://lockstep:{password}@localhost:1/sync")
        try:
            shown = mask(database_url())
        except PermanentError as error:
            shown = str(error)
    assert not [word for word in words if word in shown]


@pytest.mark.slow(seconds=10)
def test_no_command_prints_a_part_of_the_password(tmp_path: Path) -> None:
    """Neither on stdout nor on stderr nor in a file that it leaves."""
    home = tmp_path / "home"
    home.mkdir()
    commands = [*COMMANDS, f"up --port {free_port()}"]
    passwords = UNREADABLE[2:3]  # with both characters that are mistyped most
    urls = [f"postgresql://lockstep:{each}@127.0.0.1:1/sync" for each in passwords]
    environment = os.environ | {
        "DATABASE_URL": urls[0],  # when the commands' modules are imported, too
        "LOCKSTEP_HOME": str(home),
        "LOCKSTEP_CONNECTIONS": str(ROOT / "docs/connections.example.yaml"),
        "DAGSTER_HOME": str(home),
        "PYTHONPATH": str(ROOT),
    }
    started = subprocess.run(
        [sys.executable, "-c", IN_FORKS, str(tmp_path), ",".join(commands), *urls],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        env=environment,
        timeout=600,
    )
    left = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    around = started.stdout + started.stderr + left.decode(errors="replace")
    secret = [part for password in passwords for part in parts(password)]
    assert not [part for part in secret if part in around], around
    for command in (f"{number} {name}" for number in range(len(urls)) for name in commands):
        shown = (tmp_path / command).read_text()
        code = int((tmp_path / f"{command}.code").read_text())
        assert code != 0, command
        assert "DATABASE_URL" in shown, command
        assert not [part for part in secret if part in shown], shown


def test_the_embedded_servers_own_url_passes(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names a socket's folder, and is what ``lockstep db url`` prints for other tools."""
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    assert database_url() == postgres_url
