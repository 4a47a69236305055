"""Hostile bodies to every route that reads one, and what breaks HTTP itself: refused, and nothing grows."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from ml_platform_tests.api.hostile.bodies import VALID, WITHOUT_BODY, cases
from ml_platform_tests.api.hostile.framing import BODY, PATH, framed
from ml_platform_tests.api.hostile.sending import Sent, exchange, send
from ml_platform_tests.api.hostile.service import CANARY, HostileService
from ml_platform_tests.api.hostile.wire import head, posted

pytestmark = pytest.mark.timeout(300)
_LOG = logging.getLogger(__name__)
EVERY = 8
"""Of the pieces, each so manieth stands in the place of a value: all, 24,000 bodies, take most of a minute."""
EXACTLY = {
    "a byte too many": 413,
    "content-encoding b'gzip'": 415,
    "content-encoding b'GZIP'": 415,
    "content-type b'text/plain'": 415,
    "spaces": 400,
}
"""What each route answers to these."""
MOST_MEGABYTES = 50.0
"""What the worker may grow by."""
NEED_DAGSTER = ("/api/ml/models/train", "/api/ml/models/train-all", "/api/ml/retrain")
"""Routes that launch runs: a body that can be used is answered by 503, since no Dagster runs here."""


def fault_of(sent: Sent) -> str:
    """What is wrong with an answer to a hostile body; empty where nothing is."""
    path, answer = sent.what.partition(": ")[0], sent.answer
    if b"Traceback" in answer.body or CANARY.encode() in answer.body:
        return "a trace, or the canary"
    if answer.status in (200, 202):
        json.loads(answer.body)
        return ""
    if not 400 <= answer.status < 500 and not (answer.status == 503 and path in NEED_DAGSTER):
        return f"status {answer.status}"
    return "" if answer.is_problem else f"status {answer.status} without a problem document"


def given(answered: list[Sent]) -> set[str]:
    """The ids of all predictions that were given."""
    found = set[str]()
    for sent in answered:
        if sent.answer.status == 200:
            said = json.loads(sent.answer.body)
            rows = [
                said,
                *said.get("answers", ()),
                *(x["answer"] for x in said.get("suggestions", ())),
            ]
            found.update(row["prediction_id"] for row in rows if "prediction_id" in row)
    return found


def test_no_body_breaks_the_service(service: HostileService) -> None:
    """Each body is refused with a problem, or answered and in the log; none grows the worker."""
    asked = [
        (
            f"{case.path}: {case.what}",
            posted(case.path.encode(), case.body, {**service.headers, **case.headers}),
        )
        for case in cases(EVERY)
    ]
    assert len(asked) >= 1_000
    answered = send(service, asked[::3])
    before = service.megabytes()
    answered += send(service, asked)
    grown = service.megabytes() - before
    wrong = [
        f"{sent.what}: {fault}: {sent.answer.body[:200]!r}"
        for sent in answered
        if (fault := fault_of(sent))
    ]
    ids = given(answered)
    _LOG.info("%d bodies, %d predictions; grown by %.1f MB", len(asked), len(ids), grown)
    assert "\n".join(wrong) == ""
    status = {sent.what: sent.answer.status for sent in answered}
    for path in {path.partition("#")[0] for path in VALID}:
        found = {what: status[f"{path}: {what}"] for what in EXACTLY}
        assert (path, found) == (path, EXACTLY)
    assert len(ids) > 200
    assert service.set_aside() == [], "answers that PostgreSQL does not take"
    assert ids <= service.logged()
    assert grown < MOST_MEGABYTES


def test_every_route_that_reads_a_body_gets_them(service: HostileService) -> None:
    paths = json.loads(service.get(b"/openapi.json").body)["paths"]
    wanted = {path for path, ways in paths.items() if "post" in ways}
    sent = {path.partition("#")[0].replace("/models/example/", "/models/{name}/") for path in VALID}
    sent = {path.replace("/models/texts/", "/models/{name}/") for path in sent}
    sent = {path.replace("/alerts/none/", "/alerts/{incident_id}/") for path in sent}
    assert sent | set(WITHOUT_BODY) == wanted


def test_what_is_no_http_is_refused_and_closed(service: HostileService) -> None:
    asked = list(framed(service.headers))
    before = service.megabytes()

    def one(case: tuple[str, bytes]) -> Sent:
        return Sent(case[0], exchange(service, case[1]))

    with ThreadPoolExecutor(len(asked)) as threads:
        answered = list(threads.map(one, asked))
    grown = service.megabytes() - before
    wrong = [
        f"{sent.what}: {fault}: {sent.answer.body[:200]!r}"
        for sent in answered
        if sent.answer.status and (fault := fault_of(sent))
    ]
    _LOG.info("%d broken requests; grown by %.1f MB", len(asked), grown)
    assert "\n".join(wrong) == ""
    assert grown < MOST_MEGABYTES


def test_a_key_in_a_trailer_is_no_key(service: HostileService) -> None:
    """A proxy in front does not see trailers as headers: what it guards must not come in by them."""
    begun = head(
        b"POST", PATH, {b"content-type": b"application/json", b"transfer-encoding": b"chunked"}
    )
    trailer = b"".join(name + b": " + value + b"\r\n" for name, value in service.headers.items())
    chunks = b"%x\r\n%s\r\n0\r\n" % (len(BODY), BODY)
    assert exchange(service, begun + chunks + trailer + b"\r\n").status == 401


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (
            "/api/ml/predict",
            {"model": "texts", "features": {"tool": "a\0b", "operation": "c"}},
            "features.tool",
        ),
        ("/api/ml/predict", {"model": "example", "features": {"x": 1.0}, "row_id": "\0"}, "row_id"),
        (
            "/api/ml/predict",
            {"model": "example", "features": {"x": 1.0}, "user_id": "\0"},
            "user_id",
        ),
        ("/api/ml/anomaly/detect", {"session_id": "s\0"}, "session_id"),
        ("/api/ml/anomaly/detect", {"session_id": "\0", "features": {"x": 1.0}}, "session_id"),
        ("/api/ml/outcomes", {"prediction_id": "0" * 32, "label": "\0"}, "label"),
    ],
)
def test_a_text_with_nul_is_refused_by_its_name(
    service: HostileService, path: str, body: object, field: str
) -> None:
    """PostgreSQL stores the character in no text: such a row would send its whole group of the log to the disk."""
    answer = service.post(path.encode(), json.dumps(body).encode())
    assert answer.status == 422
    assert field in "".join(json.loads(answer.body)["errors"])
    assert service.set_aside() == []
