"""Launches every job through the API of Dagster's UI while `ml-platform up` runs, and a command beside them.

`python -m benchmarks.dagster_jobs --home DIR`: DIR is a home in which something was run. A job must end as
SUCCESS; beside each, `ml-platform status` starts and ends, and must leave the servers of the run alone.
Prints a table: job, status, seconds, and the exit code of the command beside it.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from ml_platform.defs.versions import VERSION_JOBS
from ml_platform_tests.end_to_end.command import start

_SELECTOR = {"repositoryLocationName": "ml_platform", "repositoryName": "__repository__"}
_JOBS = """query($selector: RepositorySelector!) { repositoryOrError(repositorySelector: $selector)
    { ... on Repository { jobs { name partitionKeysOrError { ... on PartitionKeys { partitionKeys } } } } } }"""
_LAUNCH = """mutation($run: ExecutionParams!) { launchRun(executionParams: $run)
    { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
      ... on RunConfigValidationInvalid { errors { message } } } }"""
_STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


def main() -> int:
    """Launch each job in turn; exit code 1 if one did not succeed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, default=3899)
    parser.add_argument(
        "--jobs", help="Names, with commas between them (default: every one that needs no config)."
    )
    parser.add_argument("--seconds", type=int, default=900, help="Longest wait for one job.")
    options = parser.parse_args()
    supervisor = start(options.home, "up", "--port", str(options.port))
    try:
        _wait_until_up(supervisor)
        api = _Api(options.port)
        jobs = api.jobs()
        chosen = (
            options.jobs.split(",") if options.jobs else sorted(jobs.keys() - set(VERSION_JOBS))
        )
        return max(_one(api, options, name, jobs[name]) for name in chosen)
    finally:
        supervisor.send_signal(signal.SIGINT)
        supervisor.communicate(timeout=60)


class _Api:
    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/graphql"

    def ask(self, query: str, **variables: Any) -> Any:
        request = urllib.request.Request(
            self._url,
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            return json.loads(response.read())["data"]

    def jobs(self) -> dict[str, str | None]:
        """The newest partition of each job, ``None`` for one without partitions."""
        listed = self.ask(_JOBS, selector=_SELECTOR)["repositoryOrError"]["jobs"]
        keys = {job["name"]: job["partitionKeysOrError"]["partitionKeys"] for job in listed}
        return {
            name: found[-1] if found else None for name, found in keys.items() if name[0] != "_"
        }

    def launch(self, job: str, partition: str | None) -> str:
        run: dict[str, Any] = {"selector": {**_SELECTOR, "jobName": job}, "mode": "default"}
        if partition is not None:
            run["executionMetadata"] = {"tags": [{"key": "dagster/partition", "value": partition}]}
        answer = self.ask(_LAUNCH, run=run)["launchRun"]
        if "run" not in answer:
            raise SystemExit(f"{job} was not launched: {answer}")
        return str(answer["run"]["runId"])

    def status(self, run: str) -> str:
        return str(self.ask(_STATUS, id=run)["runOrError"]["status"])


def _wait_until_up(supervisor: "subprocess.Popen[str]") -> None:
    assert supervisor.stdout is not None
    for line in supervisor.stdout:
        if "Ctrl-C" in line:
            return
    raise SystemExit(f"`up` ended: {supervisor.communicate()[1]}")


def _one(api: _Api, options: argparse.Namespace, job: str, partition: str | None) -> int:
    began = time.monotonic()
    run = api.launch(job, partition)
    beside, status = None, ""
    while time.monotonic() - began < options.seconds:
        status = api.status(run)
        if status == "STARTED" and beside is None:
            beside = start(options.home, "status")
            beside.communicate(timeout=120)
        if status in ("SUCCESS", "FAILURE", "CANCELED"):
            break
        time.sleep(1.0)
    code = beside.returncode if beside else None
    print(f"{job:<36} {status:<8} {time.monotonic() - began:6.0f} s  status beside it: {code}")
    sys.stdout.flush()
    return int(status != "SUCCESS" or bool(code))


if __name__ == "__main__":
    sys.exit(main())
