"""What a foreign page can do to Dagster's server through a visitor's browser: without the guard, and with it.

`python -m benchmarks.foreign_pages` starts `ml-platform up` on a home of its own, and beside it the plain
`dagster-webserver` on the same instance; sends both the same foreign requests, websockets included, by the standard
library; and prints the answers. MLflow's server is asked as well. The mutation that is sent is a real one of
Dagster's (`wipeAssets`, of an asset that does not exist).
"""

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

WIPE = 'mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["nothing"]}}]) { __typename } }'
BY_ADDRESS = f"/graphql?query={urllib.parse.quote(WIPE)}"
JSON_BODY = json.dumps({"query": WIPE}).encode()
JSON = {"Content-Type": "application/json"}
FOREIGN = "http://evil.example"
REQUESTS = (
    ("a GET mutation, as an image sends it", "GET", BY_ADDRESS, {}, None),
    ("the same with a foreign Origin", "GET", BY_ADDRESS, {"Origin": FOREIGN}, None),
    ("the same with a foreign Host", "GET", BY_ADDRESS, {"Host": "evil.example"}, None),
    ("a form's POST, foreign Origin", "POST", BY_ADDRESS, {"Origin": FOREIGN}, b""),
    ("a POST of JSON, foreign Origin", "POST", "/graphql", {**JSON, "Origin": FOREIGN}, JSON_BODY),
    (
        "a POST of JSON, foreign Host",
        "POST",
        "/graphql",
        {**JSON, "Host": "evil.example"},
        JSON_BODY,
    ),
    ("its own POST of JSON", "POST", "/graphql", JSON, JSON_BODY),
)


def main() -> None:
    """Print a table: the request, the plain server's answer, the guarded one's."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        arguments = ["up", "--home", str(home), "--port", str(free_port())]
        up = start([str(Path(sys.executable).with_name("ml-platform")), *arguments], os.environ)
        try:
            addresses = read_addresses(up)
            plain_port = free_port()
            plain = start_plain(home, plain_port)
            try:
                print_table(plain_port, port_of(addresses["Dagster"]))
                print_mlflow(port_of(addresses["MLflow"]))
            finally:
                plain.terminate()
                plain.wait(30)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)


def start(
    command: list[str], environment: "os._Environ[str] | dict[str, str]"
) -> "subprocess.Popen[str]":
    """A process whose standard output is read here."""
    return subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def read_addresses(up: "subprocess.Popen[str]") -> dict[str, str]:
    """The addresses that `ml-platform up` prints."""
    assert up.stdout is not None
    address_by_name: dict[str, str] = {}
    for line in up.stdout:
        name, _, address = line.partition(" ")
        address_by_name[name] = address.strip()
        if "Ctrl-C" in line:
            return address_by_name
    raise SystemExit("`ml-platform up` ended")


def start_plain(home: Path, port: int) -> "subprocess.Popen[str]":
    """Dagster's own server on an instance without the guard (one of its own, which is enough for its HTTP side)."""
    dagster_home = home.parent / "plain"
    dagster_home.mkdir()
    (dagster_home / "empty.py").write_text("import dagster\ndefs = dagster.Definitions()\n")
    command = [str(Path(sys.executable).with_name("dagster-webserver")), "-h", "127.0.0.1"]
    plain = start(
        [*command, "-p", str(port), "-f", str(dagster_home / "empty.py")],
        {**os.environ, "DAGSTER_HOME": str(dagster_home)},
    )
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if status(port, "GET", "/server_info", {}, None) == 200:
                return plain
        except OSError:
            time.sleep(0.3)
    raise SystemExit("the plain server did not start")


def print_table(plain: int, guarded: int) -> None:
    """The answers of both to every request, and to a websocket."""
    print(f"{'request':<42}{'plain':>8}{'guarded':>9}")
    for name, method, path, headers, body in REQUESTS:
        answers = [status(port, method, path, headers, body) for port in (plain, guarded)]
        print(f"{name:<42}{answers[0]:>8}{answers[1]:>9}")
    for name, headers in (
        ("a websocket, foreign Origin", {"Origin": FOREIGN}),
        ("a websocket, foreign Host", {"Host": "evil.example"}),
        ("its own websocket", {}),
    ):
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
            "Sec-WebSocket-Protocol": "graphql-ws",
        }
        answers = [
            status(port, "GET", "/graphql", {**upgrade, **headers}, None)
            for port in (plain, guarded)
        ]
        print(f"{name:<42}{answers[0]:>8}{answers[1]:>9}")


def print_mlflow(port: int) -> None:
    """The answers of MLflow's own check."""
    create, body = "/api/2.0/mlflow/experiments/create", b'{"name": "foreign"}'
    for name, headers in (("Host", {"Host": "evil.example"}), ("Origin", {"Origin": FOREIGN})):
        answer = status(port, "POST", create, {**JSON, **headers}, body)
        print(f"{f'MLflow: a POST of JSON, foreign {name}':<50}{answer:>9}")


def status(port: int, method: str, path: str, headers: dict[str, str], body: bytes | None) -> int:
    """The HTTP status of one request to a port of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def port_of(address: str) -> int:
    """The port of a printed address."""
    port = re.search(r":(\d+)", address.removeprefix("http:"))
    assert port is not None
    return int(port.group(1))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
