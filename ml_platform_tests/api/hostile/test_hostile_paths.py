"""Hostile names in the place of each parameter of each route, and of the path itself: nothing outside is shown."""

import itertools
import json
import logging
import re
from collections.abc import Iterator, Sequence

import pytest

from ml_platform_tests.api.hostile.names import CANARY_FILE, hostile_names, in_a_path
from ml_platform_tests.api.hostile.sending import Sent, send
from ml_platform_tests.api.hostile.service import CANARY, HostileService
from ml_platform_tests.api.hostile.wire import head, posted

_LOG = logging.getLogger(__name__)
PAGES = (
    *("/models/{name}", "/models/{name}/report", "/models/{name}/monitoring", "/static/{name}"),
    *("/models/example/monitoring/{name}", "/runbooks/{name}", "/incidents/{name}"),
    *("/login{name}", "/{name}", "{name}"),
)
"""Paths that the OpenAPI does not have."""
QUERIES = ("model", "user_id", "after", "from", "to", "limit", "{name}")
_PARAMETER = re.compile(r"\{\w+\}")
_BODY = json.dumps({"inputs": []}).encode()
EXPECTED = frozenset({400, 404, 405, 413, 422, 431})


def routes(service: HostileService) -> list[tuple[str, str]]:
    """The method and the path of each route with a parameter."""
    paths = json.loads(service.get(b"/openapi.json").body)["paths"]
    return [
        (method.upper(), path)
        for path, ways in paths.items()
        for method in ways
        if _PARAMETER.search(path)
    ]


def requests(service: HostileService, names: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """Each name in each place, as it is and encoded, with where that is."""
    written = [each for name in names for each in in_a_path(name)]
    for (method, path), name in itertools.product(routes(service), written):
        before, after = _PARAMETER.split(path)
        target = before.encode() + name + after.encode()
        if method == "POST":
            yield f"{method} {path}: {name[:80]!r}", posted(target, _BODY, service.headers)
        else:
            yield f"{method} {path}: {name[:80]!r}", head(b"GET", target, service.headers)
    for path, name in itertools.product(PAGES, written):
        target = path.encode().replace(b"{name}", name)
        yield f"GET {path}: {name[:80]!r}", head(b"GET", target, service.page_headers)
    for query, name in itertools.product(QUERIES, written):
        target = b"/api/ml/predictions?" + query.encode() + b"=" + name
        yield f"?{query}: {name[:80]!r}", head(b"GET", target, service.headers)


def fault_of(sent: Sent) -> str:
    """What is wrong with an answer to a hostile name; empty where nothing is."""
    status, body = sent.answer.status, sent.answer.body
    if CANARY.encode() in body or b"root:" in body or b"Traceback" in body:
        return "it shows what it must not"
    if status in EXPECTED or status == 0:
        return ""
    if status == 503 and sent.what.startswith("GET /api/ml/runs/"):
        return ""  # a name that could be a run's, and no Dagster runs here
    is_harmless = sent.what.startswith("?") or _names_a_route(sent.what)
    return "" if status == 200 and is_harmless else f"status {status}"


def _names_a_route(what: str) -> bool:
    """Whether a name leaves the path that of a route without it: only a query or a fragment, or nothing."""
    return bool(re.search(r": b'(example)?([?# ].*)?'$", what)) or what.endswith("b'/'")


@pytest.mark.timeout(300)
def test_no_name_leads_out_of_the_home(service: HostileService) -> None:
    names = hostile_names(str(service.folder / CANARY_FILE))
    assert len(set(names)) >= 60
    before = service.files()
    answered = send(service, list(requests(service, names)))
    wrong = [f"{sent.what}: {fault}" for sent in answered if (fault := fault_of(sent))]
    _LOG.info("%d names, %d requests", len(names), len(answered))
    assert "\n".join(wrong) == ""
    assert service.files() == before, "a file was made or changed"


def test_every_route_with_a_parameter_is_asked(service: HostileService) -> None:
    assert len(routes(service)) >= 12
    assert all(len(_PARAMETER.findall(path)) == 1 for _, path in routes(service))
