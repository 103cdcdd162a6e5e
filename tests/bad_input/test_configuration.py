"""Bad ``connections.yaml`` files: each fault has file and line, no secret is shown."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import orjson
import pytest
import yaml

from orchestration.settings import ConfigurationError, load, project_root
from tests.bad_input.counts import CONFIGURATION
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import is_showable
from tests.orchestration.test_settings import GOOD

pytestmark = pytest.mark.slow(seconds=25)

PLANTED = "hunter2-planted-secret"
LINES = GOOD.splitlines()
SECTIONS = {
    "orders": {
        "export_statuses": [11],
        "hold_statuses": {"12": "Fraud"},
        "uom_rules": {"A": {"uom": "EA", "factor": 2}},
        "item_ttl": "PT1H",
    },
    "inventory": {
        "mode": "by_node",
        "nodes": {"DC1": "default"},
        "interval": "PT60S",
        "sku_buffers": {"A": 1},
    },
    "shipments": {"milestone_statuses": {"shipped": 2}},
    "addresses": {"country": "warn"},
    "streams": ["orders"],
    "overlap": "PT2M",
}
PIECES = (
    "\t",
    "\x00",
    "\x1b[31m",
    "- - -",
    "&a [*a]",
    "*b",
    "!!python/object/apply:os.system ['true']",
    "? [",
    "{{",
    "'",
    '"',
    "\u2028",
    "%",
    "@",
    "<<: *x",
    ": :",
    "2026-02-30",
    "!!int x",
    "!!binary $",
    "0o9",
    "9" * 5_000,
    "1e999",
    ".nan",
    "!!timestamp x",
    "\ufeff",
    "...",
    "---",
)


def outcome_of(file: Path, content: bytes, hidden: str = "") -> str:
    """Load a configuration; return whether it was accepted or refused."""
    file.write_bytes(content)
    try:
        installation = load(file)
    except ConfigurationError as error:
        _is_listed(str(error), file, hidden)
        return "refused"
    assert installation.connections or b"connections" not in content or installation.model_dump()
    return "accepted"


def _is_listed(message: str, file: Path, hidden: str) -> None:
    for line in message.split("\n"):
        assert line.startswith(str(file)), line
        assert is_showable(line[len(str(file)) :][:500]), line
        assert len(line) < 1_000
    assert not hidden or hidden not in message


def of_lines(random: Random) -> bytes:
    """Change lines: repeat, drop, move, indent or cut them, or insert foreign text."""
    lines = list(LINES)
    for _ in range(random.choice((1, 1, 2, 3))):
        at = random.randrange(len(lines))
        kind = random.randrange(6)
        if kind == 0:
            lines.insert(at, lines[at])
        elif kind == 1:
            del lines[at]
        elif kind == 2:
            lines.insert(random.randrange(len(lines)), lines.pop(at))
        elif kind == 3:
            lines[at] = " " * random.randrange(9) + lines[at].lstrip()
        elif kind == 4:
            lines[at] = lines[at][: random.randrange(len(lines[at]) + 1)]
        else:
            cut = random.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:cut] + random.choice(PIECES) + lines[at][cut:]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("form", ["values", "lines"])
def test_every_bad_configuration_is_accepted_or_refused_with_file_and_line(
    tmp_path: Path, form: str
) -> None:
    """Wrong values in the tree and broken YAML; the only error is the one that lists the faults."""
    document = yaml.safe_load(GOOD)
    document["start_date"] = "2026-01-01"
    document["connections"]["acme_us"] |= SECTIONS
    mutator = Mutator([orjson.dumps(document)])
    outcomes: Counter[str] = Counter()
    for number in range(CONFIGURATION // 2):
        seed = 6_000_000 + number
        content = mutator.payload(seed).body if form == "values" else of_lines(Random(seed))
        try:
            outcomes[outcome_of(tmp_path / "connections.yaml", content)] += 1
        except BaseException as error:
            raise AssertionError(
                f"seed {seed}, {form}: {type(error).__name__}: {error}\n{content[:2000]!r}"
            ) from error
    assert outcomes.total() == CONFIGURATION // 2
    assert outcomes["refused"] > outcomes.total() // 3


@pytest.mark.parametrize(
    "place",
    [
        "token: {env: ACME_TOKEN}",
        "client_secret: {env: ACME_SECRET}",
        "password: {file: /run/secrets/acme}",
    ],
)
def test_a_secret_that_was_written_into_the_file_is_never_shown(tmp_path: Path, place: str) -> None:
    """As text, in a list, as a key, and in an object of the wrong form."""
    name = place.partition(":")[0]
    for form in (
        "{s}",
        "[{s}]",
        "{{env: {s}, file: {s}}}",
        "{{{s}: 1}}",
        "{{value: {s}}}",
        "{{env: [{s}]}}",
        "{{file: {{a: {s}}}}}",
        "&x {s}",
    ):
        text = GOOD.replace(place, f"{name}: {form.format(s=PLANTED)}")
        assert outcome_of(tmp_path / "connections.yaml", text.encode(), PLANTED) == "refused", form


def test_a_repeated_connection_is_refused(tmp_path: Path) -> None:
    """YAML would use the last one silently."""
    file = tmp_path / "connections.yaml"
    file.write_text(GOOD + GOOD.partition("connections:\n")[2])
    with pytest.raises(ConfigurationError, match=rf"{file}:19: acme_us: duplicate key"):
        load(file)


def test_documents_that_expand_are_refused_in_bounded_time(
    tmp_path: Path,
) -> None:
    """Aliases of aliases, lists in lists, a mapping of itself, a hundred thousand faults."""
    laughs = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)
    )
    for text in (
        laughs,
        "[" * 300_000,
        "a:\n " + "{x: [" * 40_000,
        "a: &a {b: *a}",
        "connections: &c {x: *c}",
        "connections: [" + "1," * 20_000 + "]",
        "x: 1\n" * 3_000,
    ):
        assert outcome_of(tmp_path / "connections.yaml", text.encode()) == "refused"


def test_the_documented_example_is_accepted(tmp_path: Path) -> None:
    """The control: the others are refused for their faults."""
    assert (
        outcome_of(
            tmp_path / "connections.yaml",
            (project_root() / "docs" / "connections.example.yaml").read_bytes(),
        )
        == "accepted"
    )
