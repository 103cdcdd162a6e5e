"""Reads ``connections.yaml``.

Every error names the file, the line, the path in it, the value, and what is allowed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from domain.connections import Connection, Installation
from domain.errors import PermanentError
from domain.parsing.text import printable
from domain.rules.collisions import collisions
from resources import oms, platforms
from resources.ledger.database.embedded import home
from resources.systems import (
    endpoints_of,
    missing_of,
    settings_of,
    unusable_settings,
    unusable_statuses,
)

FILE_NAME = "connections.yaml"
VARIABLE = "LOCKSTEP_CONNECTIONS"
LONGEST_KEY, LONGEST_VALUE, LONGEST_MESSAGE, MOST_FAULTS = 200, 100, 600, 50
DEEPEST = 60
_BRACKET = re.compile(r"[\[\]{}]")
SECRET_BY_PLACE = (
    "name the place of a secret, never the secret itself: {env: VARIABLE} or {file: PATH}"  # noqa: S105 - a sentence
)
_SECRET_NAMES = {"token", "client_secret", "password", "secret", "api_key", "private_key"}

FieldPath = tuple[int | str, ...]
Fault = tuple[FieldPath, str]
"""Where in the file, and what is wrong there."""


class ConfigurationError(PermanentError):
    """``connections.yaml`` can't be used; the message lists every error in it."""


def project_root() -> Path:
    """Return the project's folder."""
    return Path(__file__).resolve().parents[1]


def connections_path() -> Path:
    """Return the file in use.

    ``LOCKSTEP_CONNECTIONS``, else the project's own, else the sandbox's that ``lockstep`` wrote.
    """
    if configured := os.environ.get(VARIABLE):
        return Path(configured)
    for candidate in (project_root() / FILE_NAME, home() / FILE_NAME):
        if candidate.exists():
            return candidate
    raise ConfigurationError(
        f"There is no {FILE_NAME} in {project_root()}, and {VARIABLE} is not set. Copy "
        "docs/connections.example.yaml there and fill it in, or run 'lockstep db start' "
        "(or 'make demo', 'make up') for a connection between sandbox systems."
    )


def load(path: Path | None = None) -> Installation:
    """Read and validate the file. Raises ``ConfigurationError`` with all errors."""
    file = path or connections_path()
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file}: can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{file}: not UTF-8 text (at byte {error.start}); save it as UTF-8"
        ) from error
    return parse(text, str(file))


def parse(text: str, name: str = FILE_NAME) -> Installation:
    """Validate the text of a ``connections.yaml``; errors call the file ``name``."""
    content, tree = _loaded(text, name)
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"{name}:1: the file must hold a mapping with the key 'connections'"
        )
    try:
        installation = Installation.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(_listed(name, tree, _faults(error, ()))) from None
    faults: list[Fault] = []
    for connection_name, connection in installation.connections.items():
        found = _section_faults(connection_name, connection)
        place: FieldPath = ("connections", connection_name, "streams")
        faults += found or [(place, text) for text in missing_of(connection)]
        if not found:
            faults += [
                (("connections", connection_name, *path), text)
                for path, text in (*unusable_statuses(connection), *unusable_settings(connection))
            ]
    if not faults:
        endpoints = {n: endpoints_of(c) for n, c in installation.connections.items()}
        faults = [(("connections", *place), text) for place, text in collisions(endpoints)]
    if faults:
        raise ConfigurationError(_listed(name, tree, faults))
    return installation


def _loaded(text: str, name: str) -> tuple[object, yaml.Node | None]:
    """Return the content and the tree of a YAML text.

    Raises ``ConfigurationError`` if it is not valid YAML or has a duplicate key.
    """
    if (line := _too_deep(text)) is not None:
        raise ConfigurationError(
            f"{name}:{line}: brackets are nested more than {DEEPEST} levels deep"
        )
    try:
        tree = yaml.compose(text, yaml.SafeLoader)
        faults = _repeated(tree, name)
        content = yaml.safe_load(text) if not faults else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}" if mark else ""
        reason = printable(str(getattr(error, "problem", None) or error), LONGEST_VALUE)
        raise ConfigurationError(f"{name}{place}: not valid YAML: {reason}") from None
    except (ValueError, OverflowError, RecursionError, LookupError) as error:
        # Such as 2026-02-30, a number of 5,000 digits, or endlessly nested lists.
        deep = isinstance(error, RecursionError)
        reason = "nested too deeply" if deep else printable(str(error), LONGEST_VALUE)
        raise ConfigurationError(f"{name}: not valid YAML: a value is invalid: {reason}") from None
    if faults:
        raise ConfigurationError("\n".join(faults))
    return content, tree


def _too_deep(text: str) -> int | None:
    """Return the line where brackets are nested too deeply, if there is one.

    The parser's cost grows with the square of the depth.
    """
    depth = 0
    for found in _BRACKET.finditer(text):
        depth += 1 if found.group() in "[{" else -1
        if depth > DEEPEST:
            return text.count("\n", 0, found.start()) + 1
    return None


def _repeated(tree: yaml.Node | None, name: str) -> list[str]:
    """Return an error for each duplicate key in a mapping.

    YAML takes the last one, so the first would be lost silently.
    """
    faults: list[str] = []
    waiting, seen = [tree], set[int]()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                waiting.append(value)
                if isinstance(key, yaml.ScalarNode):
                    if key.value in keys:
                        place = (
                            f"{name}:{key.start_mark.line + 1}: {printable(key.value, LONGEST_KEY)}"
                        )
                        faults.append(f"{place}: duplicate key; remove one")
                    keys.add(key.value)
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
    return sorted(faults)


def _section_faults(name: str, connection: Connection) -> list[Fault]:
    """Validate both connectors' own settings."""
    faults: list[Fault] = []
    for side, section, registry in (
        ("platform", connection.platform, platforms.REGISTRY),
        ("oms", connection.oms, oms.REGISTRY),
    ):
        path: FieldPath = ("connections", name, side)
        try:
            settings_of(section, registry)
        except ValidationError as error:
            faults += _faults(error, path)
        except PermanentError as error:
            faults.append(((*path, "kind"), str(error)))
    return faults


def _faults(error: ValidationError, prefix: FieldPath) -> list[Fault]:
    found = []
    for fault in error.errors(include_url=False, include_context=False):
        message, place = fault["msg"], fault["loc"]
        if fault["type"] == "extra_forbidden" and _SECRET_NAMES & set(map(str, place[:-1])):
            message, place = SECRET_BY_PLACE, place[:-1]
        elif fault["type"] == "extra_forbidden":
            message = "unknown setting; check the spelling"
        elif fault["type"] == "missing":
            message = "this setting is required"
        elif fault["type"] == "model_type" and "SecretRef" in fault["msg"]:
            # A secret written here by mistake must not reach a log as well.
            message = SECRET_BY_PLACE
        elif not isinstance(fault["input"], dict | list) and not _SECRET_NAMES & set(
            map(str, fault["loc"])
        ):
            message = f"{message}; the value is {_value_of(fault['input'])}"
        found.append(((*prefix, *place), message))
    return found


def _listed(name: str, tree: yaml.Node | None, faults: Sequence[Fault]) -> str:
    lines = []
    for path, message in faults[:MOST_FAULTS]:
        place = printable(".".join(map(str, path)), LONGEST_KEY) or "file"
        lines.append(f"{name}:{_line(tree, path)}: {place}: {printable(message, LONGEST_MESSAGE)}")
    if len(faults) > MOST_FAULTS:
        lines.append(f"{name}: and {len(faults) - MOST_FAULTS} more")
    return "\n".join(lines)


def _value_of(value: object) -> str:
    try:
        return printable(repr(value), LONGEST_VALUE)
    except ValueError:  # Python refuses to print numbers of more than 4,300 digits
        return "a number of thousands of digits"


def _line(tree: yaml.Node | None, path: Sequence[int | str]) -> int:
    """Return the line of the deepest part of ``path`` that is in the file."""
    node: Any = tree
    line = 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            match = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if match is None:
                break
            line, node = match[0].start_mark.line + 1, match[1]
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value)
        ):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
