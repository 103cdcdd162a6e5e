"""Jobs of the Bulk API 2.0: CSV that is written row by row, and queries whose results are CSV.

Source: platforms.md 3.3 (states, headers, locators). What the vendor leaves open is decided so that
two clients in use work: a job is worked off at the first look after its upload is complete, and a
header with an unknown field fails it as a whole. Jobs are not in the sandbox's saved state.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING, Any

from sandbox.kit.refused import Refused
from sandbox.platforms.salesforce.replies import json_reply, parsed, refuse
from sandbox.platforms.salesforce.schema import OBJECTS
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.salesforce.org import Org

Json = dict[str, Any]
INGEST, QUERY = "ingest", "query"
WRITES = ("insert", "update", "upsert", "delete")
READS = ("query", "queryAll")
OPEN, UPLOADED, DONE, FAILED, ABORTED = (
    "Open", "UploadComplete", "JobComplete", "Failed", "Aborted",
)  # fmt: skip
DELIMITERS = {
    "COMMA": ",", "SEMICOLON": ";", "PIPE": "|", "TAB": "\t", "CARET": "^", "BACKQUOTE": "`",
}  # fmt: skip
NULL = "#N/A"
"""A cell that empties its field; an empty one leaves it as it is."""
PAGE = 50_000
"""Rows of results where a call does not say how many."""


@dataclass
class Job:
    """One job; ``results`` are of the rows of an ingest job, in their order."""

    info: Json
    content: str = ""
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    results: list[Json] = field(default_factory=list)


class Bulk:
    """The jobs of one org."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._jobs: dict[tuple[str, str], Job] = {}

    def answer(self, request: Request, kind: str, rest: list[str]) -> Response:
        """Answer a call below ``/jobs/{ingest|query}``."""
        if kind not in (INGEST, QUERY):
            raise _missing()
        if not rest:
            if request.method != "POST":
                raise refuse(405, "METHOD_NOT_ALLOWED", "a job is made by POST")
            return self._made(kind, parsed(request.body))
        job = self._jobs.get((kind, rest[0]))
        if job is None:
            raise _missing()
        match request.method, rest[1:]:
            case "GET", []:
                self._work_off(kind, job)
                return json_reply(job.info)
            case "PATCH", []:
                return self._moved(job, parsed(request.body).get("state", ""))
            case "DELETE", []:
                del self._jobs[kind, rest[0]]
                return Response(204)
            case "PUT", ["batches"] if kind == INGEST:
                return self._uploaded(job, request.body)
            case "GET", ["results"] if kind == QUERY:
                return self._read(job, request)
            case "GET", [name] if kind == INGEST:
                return self._results(job, name)
        raise _missing()

    def _made(self, kind: str, body: Json) -> Response:
        operation, name = body.get("operation"), body.get("object", "")
        if operation not in (WRITES if kind == INGEST else READS):
            raise refuse(400, "INVALIDJOB", f"Unable to find operation {operation}")
        if kind == INGEST and name not in OBJECTS:
            raise refuse(400, "INVALIDJOB", f"InvalidEntity: {name} is not supported")
        key = body.get("externalIdFieldName")
        if operation == "upsert" and key not in OBJECTS[name].external_ids:
            raise refuse(400, "INVALIDJOB", f"InvalidJob : Field name not found : {key}")
        number = f"750{len(self._jobs) + 1:012d}AAA"
        info: Json = {
            "id": number, "operation": operation, "state": OPEN if kind == INGEST else UPLOADED,
            "contentType": "CSV", "apiVersion": 66.0, "concurrencyMode": "Parallel",
            "columnDelimiter": body.get("columnDelimiter", "COMMA"),
            "lineEnding": body.get("lineEnding", "LF"),
            "createdDate": self._org.clock.now(), "numberRecordsProcessed": 0,
            "numberRecordsFailed": 0,
        }  # fmt: skip
        if kind == INGEST:
            path = f"services/data/v66.0/jobs/{INGEST}/{number}/batches"
            info |= {"object": name, "externalIdFieldName": key, "contentUrl": path}
        job = Job(info)
        if kind == QUERY:
            self._select(job, str(body.get("query", "")))
        self._jobs[kind, number] = job
        return json_reply(info)

    def _moved(self, job: Job, state: str) -> Response:
        if state not in (UPLOADED, ABORTED) or job.info["state"] not in (OPEN, UPLOADED):
            raise refuse(400, "INVALIDJOBSTATE", f"a job can't go {job.info['state']} -> {state}")
        job.info["state"] = state
        return json_reply(job.info)

    # -- writes

    def _uploaded(self, job: Job, body: bytes) -> Response:
        if job.info["state"] != OPEN or job.content:
            raise refuse(400, "INVALIDJOBSTATE", "a job takes one upload, while it is open")
        job.content = body.decode("utf-8-sig")
        return Response(201)

    def _work_off(self, kind: str, job: Job) -> None:
        if job.info["state"] != UPLOADED:
            return
        job.info["state"] = DONE
        if kind == QUERY:
            job.info["numberRecordsProcessed"] = len(job.rows)
            return
        delimiter = DELIMITERS[job.info["columnDelimiter"]]
        job.columns, *job.rows = list(csv.reader(StringIO(job.content), delimiter=delimiter)) or [
            []
        ]
        known = OBJECTS[job.info["object"]].fields
        if unknown := [name for name in job.columns if name not in known]:
            message = f"InvalidBatch : Field name not found : {unknown[0]}"
            job.info |= {"state": FAILED, "errorMessage": message}
            return
        job.results = [self._written(job, row) for row in job.rows]
        failed = sum(not each["success"] for each in job.results)
        job.info |= {"numberRecordsProcessed": len(job.rows), "numberRecordsFailed": failed}

    def _written(self, job: Job, row: list[str]) -> Json:
        name, operation = job.info["object"], job.info["operation"]
        cells = dict(zip(job.columns, row, strict=True))
        if operation == "delete":
            return self._org.writes.deleted(cells.get("Id", ""))
        kind = OBJECTS[name]
        values = {
            each: None if text == NULL else _value(kind.type_of(each), text)
            for each, text in cells.items()
            if text
        }
        if operation == "update" and "Id" not in values:
            error = {"statusCode": "MISSING_ARGUMENT", "message": "Id not specified", "fields": []}
            return {"success": False, "errors": [error]}
        return self._org.writes.row(values, name, job.info["externalIdFieldName"] or "")

    def _results(self, job: Job, name: str) -> Response:
        pairs = list(zip(job.results, job.rows, strict=False))
        match name.lower():
            case "successfulresults":
                good = ([r["id"], _text(r.get("created", job.info["operation"] == "insert")), *row]
                        for r, row in pairs if r["success"])  # fmt: skip
                return _csv(["sf__Id", "sf__Created", *job.columns], good)
            case "failedresults":
                bad = (["", _reason(r), *row] for r, row in pairs if not r["success"])
                return _csv(["sf__Id", "sf__Error", *job.columns], bad)
            case "unprocessedrecords":
                return _csv(job.columns, job.rows[len(job.results) :])
        raise _missing()

    # -- queries

    def _select(self, job: Job, text: str) -> None:
        """Run the query of a job; it takes no sub-queries."""
        if "(SELECT" in text.upper().replace("( ", "("):
            message = "Failed to process query: FUNCTIONALITY_NOT_ENABLED: no relationship queries"
            job.info |= {"state": FAILED, "errorMessage": message}
            return
        page = self._org.queries.run(text, "", deleted=job.info["operation"] == "queryAll")
        records = list(page["records"])
        while not page["done"]:
            page = self._org.queries.more(page["nextRecordsUrl"].rpartition("/")[2])
            records += page["records"]
        asked = text.partition(" FROM ")[0].partition(" ")[2]
        job.columns = [name.strip() for name in asked.split(",")]
        job.rows = [[_text(_at(record, name)) for name in job.columns] for record in records]

    def _read(self, job: Job, request: Request) -> Response:
        if job.info["state"] != DONE:
            raise refuse(400, "INVALIDJOBSTATE", "the results are not complete yet")
        start = int(request.query.get("locator", ["0"])[0])
        end = start + int(request.query.get("maxRecords", [str(PAGE)])[0])
        rows = job.rows[start:end]
        answer = _csv(job.columns, rows)
        answer.headers["Sforce-NumberOfRecords"] = str(len(rows))
        answer.headers["Sforce-Locator"] = str(end) if end < len(job.rows) else "null"
        return answer


def _missing() -> Refused:
    return refuse(404, "NOT_FOUND", "The requested resource does not exist")


def _value(kind: str, text: str) -> Any:
    if kind == "boolean":
        return text.lower() in ("true", "1")
    return float(text) if kind == "double" else text


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _at(record: Json, path: str) -> Any:
    """Return a field of a record, or of one of its parents."""
    value: Any = record
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _reason(result: Json) -> str:
    error = result["errors"][0]
    return f"{error['statusCode']}:{error['message']}:{','.join(error['fields'])} --"


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Response:
    text = StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return Response(200, text.getvalue().encode(), {"Content-Type": "text/csv"})
