"""Bad arguments end with a sentence and exit code 2 (usage) or 1 (fault), never a traceback."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import click
import orjson
import pytest
from click.testing import CliRunner, Result

from domain.errors import PermanentError
from orchestration.cli.root import COMMANDS, lockstep
from resources.ledger.captures import edits
from tests.bad_input.counts import COMMAND_LINE
from tests.bad_input.mutations import Mutator
from tests.orchestration.test_settings import GOOD
from tests.resources.platforms.bigcommerce.stores import order

pytestmark = pytest.mark.slow

INVOKED, EDITS = COMMAND_LINE // 10, COMMAND_LINE * 3 // 10
VALUES = (
    "",
    " ",
    "0",
    "-1",
    "1",
    "42",
    "9" * 19,
    "9" * 400,
    "1e9",
    "NaN",
    "0x10",
    "٣",
    "1_000",
    "a\nb",
    "\x1b[31m",
    "\udcff",
    "\udc80x",
    "😀",
    "שלום",
    "\u202eevil",
    "'; DROP TABLE sync.rejection; --",
    "%s",
    "{0}",
    "x" * 100_000,
    "2026-02-30",
    "2026-01-01",
    "0001-01-01",
    "9999-12-31",
    "12026-01-01",
    "2026-01-01T00:00:00",
    "999999w",
    "3d",
    "-3d",
    "999999999d",
    "٣d",
    "acme_us",
    "ACME US",
    "../../etc/passwd",
    "orders",
    "orders,",
    ",,",
    "orders,orders",
    "a=b",
    "=",
    "a",
    "a[=1",
    "a[99999999999999999999].b=1",
    "a.b.c.d.e=",
    "[0]=1",
    "a[-1]=2",
    "..=1",
    "a=" + "[" * 2_000,
    "--help-me",
    "--",
    "-",
    "@file",
    "true",
    "mapping",
    "open",
    "all",
)
READ_ONLY = (
    ("rejections", "list"),
    ("rejections", "show"),
    ("trace",),
    ("status",),
    ("replay", "--dry-run"),
)


def words_of(random: Random, command: click.Command) -> list[str]:
    """Return arguments for a command: its own options with bad values, and a few unknown ones."""
    given: list[str] = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument) and random.random() < 0.8:
            given += [
                random.choice(VALUES)
                for _ in range(
                    random.choice((1, 1, 2)) if parameter.nargs < 0 else max(1, parameter.nargs)
                )
            ]
        elif isinstance(parameter, click.Option) and random.random() < 0.35:
            given.append(random.choice(parameter.opts))
            given += [] if parameter.is_flag else [random.choice(VALUES)]
    if random.random() < 0.2:
        given.insert(random.randrange(len(given) + 1), random.choice(VALUES))
    return given


def commands() -> dict[tuple[str, ...], click.Command]:
    """Return every command by its path."""
    context = click.Context(lockstep)
    found: dict[tuple[str, ...], click.Command] = {}
    for name in COMMANDS:
        command = lockstep.get_command(context, name)
        assert command is not None
        below = command.commands if isinstance(command, click.Group) else {}
        found |= {(name, inner): one for inner, one in below.items()} or {(name,): command}
    return found


def is_sentence(message: str) -> bool:
    """Return whether a message is safe in a terminal."""
    return 0 < len(message) <= 2_500 and all(ch == "\n" or ch.isprintable() for ch in message)


def test_every_bad_argument_is_accepted_or_refused_with_a_sentence() -> None:
    """The parser of each command, with values of all kinds for each of its options."""
    known, outcomes = list(commands().items()), Counter[str]()
    for number in range(COMMAND_LINE - INVOKED - EDITS):
        seed = 8_000_000 + number
        random = Random(seed)
        path, command = random.choice(known)
        given = words_of(random, command)
        try:
            command.make_context(" ".join(path), list(given))
            outcomes["accepted"] += 1
        except click.exceptions.Exit:
            outcomes["accepted"] += 1
        except click.UsageError as error:
            outcomes["refused" if error.format_message().strip() else "no message"] += 1
        except BaseException as error:
            raise AssertionError(
                f"seed {seed}: {path} {given!r:.500}: {type(error).__name__}: {error}"
            ) from error
    assert outcomes.keys() == {"refused", "accepted"}
    assert outcomes.total() == COMMAND_LINE - INVOKED - EDITS
    assert min(outcomes["accepted"], outcomes["refused"]) > COMMAND_LINE // 10


PATHS = (
    "id",
    "consignments.shipping[0].zip",
    "consignments.shipping[0].line_items[=501].quantity",
    "billing_address.email",
    "nothing",
    "a..b",
    "",
    ".",
    "[",
    "]",
    "[0]",
    "[-1].id",
    "consignments.shipping[99999999999999999999].zip",
    "consignments[0]",
    "order.id",
    "x" * 5_000,
    "a." * 3_000,
    "🙂",
    "a\nb",
    "\x1b[2J",
    "consignments.shipping[=]",
    "consignments.shipping[=99].zip",
    "billing_address",
    "fees",
    "total_inc_tax.x",
    "\udcff",
)
ASSIGNED = (
    *VALUES,
    "1",
    "null",
    "true",
    "[]",
    "{}",
    "1e400",
    "NaN",
    '"x"',
    "[" * 100_000,
    "\x00",
    "01",
    "9" * 5_000,
)


def test_every_bad_edit_of_a_record_is_planned_or_refused_with_a_sentence() -> None:
    """Unknown paths and wrong types, on good and bad payloads; a planned edit can be applied."""
    mutator = Mutator([orjson.dumps(order())])
    outcomes: Counter[str] = Counter()
    for number in range(EDITS):
        seed = 11_000_000 + number
        random = Random(seed)
        payload = mutator.payload(seed).body if random.random() < 0.3 else orjson.dumps(order())
        wanted = [
            f"{random.choice(PATHS)}={random.choice(ASSIGNED)}"
            if random.random() < 0.9
            else random.choice(ASSIGNED)
        ]
        try:
            planned = edits.plan(payload, wanted, "1001")
        except PermanentError as error:
            outcomes[
                "refused"
                if is_sentence(str(error))
                else f"seed {seed}: {wanted!r:.300}: {str(error)[:300]!r}"
            ] += 1
            continue
        except BaseException as error:
            raise AssertionError(
                f"seed {seed}: {wanted!r:.300}: {type(error).__name__}: {error}"
            ) from error
        after = edits.applied(payload, planned)
        assert is_json(after) or not is_json(payload), f"seed {seed}: {wanted!r:.300}"
        assert "\\u0000" not in edits.encoded(planned), "jsonb does not accept it"
        outcomes["planned"] += 1
    assert outcomes.keys() == {"refused", "planned"}
    assert outcomes.total() == EDITS
    assert min(outcomes["refused"], outcomes["planned"]) > EDITS // 50


def is_json(payload: bytes) -> bool:
    """Return whether a payload is strict JSON."""
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError:
        return False
    return True


@pytest.fixture
def configured(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation of one connection with an empty ledger."""
    file = tmp_path / "connections.yaml"
    file.write_text(GOOD)
    monkeypatch.setenv("LOCKSTEP_CONNECTIONS", str(file))
    monkeypatch.setenv("DATABASE_URL", database)


@pytest.mark.usefixtures("configured")
def test_read_only_commands_survive_any_argument() -> None:
    """Exit code 0, 1 or 2 with a message, also for values that Postgres can't store."""
    known = commands()
    exits: Counter[int] = Counter()
    for number in range(INVOKED):
        seed = 9_000_000 + number
        random = Random(seed)
        path = random.choice(READ_ONLY)
        command = known[path[:1] if path[:1] in known else path]
        given = [*path, *words_of(random, command)]
        if any(word in given for word in ("--help", "-h")):
            given = [*path]
        result = CliRunner().invoke(lockstep, given, prog_name="lockstep")
        complaint = broken(result)
        assert complaint == "", f"seed {seed}: {given!r:.600}: {complaint}"
        exits[result.exit_code] += 1
    assert exits.total() == INVOKED
    assert exits[2] > 0
    assert exits[0] > 0


def broken(result: Result) -> str:
    """Return what is wrong with how a command ended."""
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return f"{type(result.exception).__name__}: {result.exception}"
    if result.exit_code not in (0, 1, 2):
        return f"exit code {result.exit_code}"
    if result.exit_code and not result.output.strip():
        return "it failed without a message"
    return "" if is_sentence(result.stderr or "none") else f"it says {result.stderr[:500]!r}"
