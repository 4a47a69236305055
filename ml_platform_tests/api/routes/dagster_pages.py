"""Dagster's pages as far as the service asks them, over HTTP: runs in memory, and answers that are none."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Pages:
    """What the pages were asked for, and what they answer."""

    port: int = 0
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: list[str | None] = field(default_factory=list)
    status: int = 200
    body: bytes = b""
    """Sent in place of an answer unless it is empty."""

    def answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The answer to one of the three questions."""
        if "launchRun" in query:
            return {"launchRun": self._launched(variables["run"])}
        if "runsOrError" in query:
            return {"runsOrError": {"__typename": "Runs", "results": self._found(**variables)}}
        return {"runOrError": self._shown(variables["id"])}

    def _launched(self, run: dict[str, Any]) -> dict[str, Any]:
        name = run["selector"]["jobName"]
        if name == "train_untrained":
            return {"__typename": "PipelineNotFoundError", "message": f"no job {name}"}
        run_id = str(uuid.uuid4())
        self.runs[run_id] = {"status": "QUEUED", **run}
        return {"__typename": "LaunchRunSuccess", "run": {"runId": run_id}}

    def _found(self, filter: dict[str, Any]) -> list[dict[str, str]]:
        statuses = filter.get("statuses")
        return [
            {"runId": run_id, "status": run["status"]}
            for run_id, run in reversed(self.runs.items())
            if all(tag in run["executionMetadata"]["tags"] for tag in filter["tags"])
            and (statuses is None or run["status"] in statuses)
        ]

    def _shown(self, run_id: str) -> dict[str, Any]:
        if run_id not in self.runs:
            return {"__typename": "RunNotFoundError"}
        run = self.runs[run_id]
        return {
            "__typename": "Run",
            "runId": run_id,
            "jobName": run["selector"]["jobName"],
            "status": run["status"],
            "startTime": 1777636800.0,
            "endTime": None,
            "tags": run["executionMetadata"]["tags"],
            "stepStats": [{"status": "SUCCESS"}, {"status": "IN_PROGRESS"}],
            "executionPlan": {"steps": [{"key": "a"}, {"key": "b"}, {"key": "c"}]},
        }


@contextmanager
def dagster_pages() -> Iterator[Pages]:
    """Pages on a free port of this machine, for as long as the block runs."""
    pages = Pages()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            pages.tokens.append(self.headers.get("authorization"))
            sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = pages.body or json.dumps({"data": pages.answer(**sent)}).encode()
            self.send_response(pages.status)
            self.send_header("content-length", str(len(body)))
            self.send_header("location", f"http://127.0.0.1:{pages.port}/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pages.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield pages
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
