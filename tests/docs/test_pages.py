"""The documentation points to what exists: pages, anchors, commands, options and make targets."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from orchestration.cli.root import lockstep
from tests.docs.pages import PAGES, ROOT, anchors, links, name_of, quoted_commands

PLACEHOLDER = re.compile(r"[A-Z]+")
"""``lockstep COMMAND`` stands for any command."""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_resolves(page: Path) -> None:
    """The linked file exists, and so does the heading of an anchor."""
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target)
        ):
            broken.append(link)
    assert not broken


def test_the_index_lists_every_page() -> None:
    """A page that the reading order leaves out is found by chance only."""
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    records = ROOT / "docs" / "adr"
    missing = [page for page in PAGES if page not in listed and page.parent != records]
    assert [name_of(page) for page in missing if page != index] == []


def test_every_decision_record_is_listed() -> None:
    """Records are numbered without gaps, and the list of decisions has each of them."""
    folder = ROOT / "docs" / "adr"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))
    assert set(records) <= set(links(folder / "README.md"))


def test_every_picture_is_shown() -> None:
    """A picture that no page shows is not renewed."""
    pictures = {path.name for path in (ROOT / "docs" / "images").iterdir()}
    assert pictures == {Path(link).name for page in PAGES for link in links(page)} & pictures


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_quoted_command_exists(page: Path) -> None:
    """Commands, their subcommands and their options are those of the command line."""
    problems = [
        f"{command}: {problem}"
        for command in quoted_commands(page, "lockstep")
        if (problem := _problem(command)) and page.name != "CHANGELOG.md"
    ]
    assert not problems


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_quoted_test_exists(page: Path) -> None:
    """A page that gives a test as its proof names one that runs."""
    if page.name != "CHANGELOG.md":
        quoted = re.findall(r"`((?:tests/[\w/]+/)?test_\w+\.py)`", page.read_text())
        assert [name for name in quoted if not any((ROOT / "tests").rglob(Path(name).name))] == []
        assert [name for name in quoted if "/" in name and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_quoted_make_target_exists(page: Path) -> None:
    """``make`` has each target that a page names."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    quoted = {command.split()[1] for command in quoted_commands(page, "make")}
    assert {name for name in quoted if re.fullmatch(r"[a-z-]+", name)} <= targets


def _problem(text: str) -> str:
    """Return what the command line does not know of a quoted command, or an empty text."""
    command: click.Command = lockstep
    context = click.Context(lockstep)
    known = _options(lockstep)
    for word in _words(text)[1:]:
        if word.startswith("-"):
            if word.partition("=")[0] not in known:
                return f"no option {word}"
        elif isinstance(command, click.Group):
            if PLACEHOLDER.fullmatch(word):
                return ""
            found = [command.get_command(context, name) for name in word.split("|")]
            if None in found:
                return f"no command {word}"
            command = found[0] or command
            known = _options(command)
    return ""


def _words(text: str) -> list[str]:
    """Split a command as a shell does; brackets around optional parts are left out."""
    plain = re.sub(r"(?<=\s)\[|\](?=\s|$)", "", text)
    return shlex.split(plain, posix="'" in plain or '"' in plain)


def _options(command: click.Command) -> set[str]:
    """Return the options of a command."""
    names = {"-h", "--help"}
    for parameter in command.params:
        names |= {*parameter.opts, *parameter.secondary_opts}
    return names


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("lockstep sttus", "no command sttus"),
        ("lockstep rejections shw 42", "no command shw"),
        ("lockstep status --nope", "no option --nope"),
        ("lockstep rejections list|show --json", ""),
        ("lockstep replay acme_us --dry-run", ""),
        ("lockstep COMMAND --help", ""),
    ],
)
def test_an_unknown_command_or_option_is_found(text: str, problem: str) -> None:
    """The check above would otherwise pass on anything."""
    assert _problem(text) == problem
