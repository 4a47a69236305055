"""One row a request: who answers, what is logged of it, what is refused."""

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from ml_platform.adapters.serving.answer_days import AnswerDays
from ml_platform.api.bounded_threads import BoundedThreads
from ml_platform.assignment.split import Arm, grown_to
from ml_platform.models.artifact_kinds import is_artifact_kind, register_artifact_kind
from ml_platform.serving.keys import Scope
from ml_platform.serving.router import rollout_salt
from ml_platform.serving.table import ServedRollout
from ml_platform_tests.api.services import FEATURES, LEAST, MODEL, Home, served, slow_artifact
from ml_platform_tests.api.slow_scorer import SLOW

LATER = datetime.now(UTC) + timedelta(hours=1)


def in_service(home, what):
    """Run ``what(served)`` with a worker of the home."""

    async def run():
        async with served(home) as service:
            return await what(service)

    return asyncio.run(run())


def test_an_answer_is_logged_with_who_gave_it(home):
    key = home.key("ada")

    async def ask(service):
        return (await service.ask(key, {**LEAST, "row_id": "e1"})).json()

    answer = in_service(home, ask)
    assert (answer["prediction"], answer["confidence"]) == ("a", 0.9)
    assert (answer["version"], answer["arm"], answer["fallback"]) == ("1", "champion", False)
    (row,) = home.rows(
        "prediction_id, model, version, arm, origin, user_id, key_id, row_id, prediction, data_version"
    )
    assert row == (
        answer["prediction_id"],
        *(MODEL, "1", "champion", "served", "ada", home.keys[0].key_id, "e1", "a", "data"),
    )
    assert uuid.UUID(answer["prediction_id"]).version == 7
    ((features, scores),) = home.rows("features, scores", "answer_payloads")
    assert features.replace(" ", "") == '{"tool":"editor","operation":"save"}'
    assert scores == "[0.9,0.1]"


def test_rules_answer_without_a_champion_and_say_so(home):
    home.serve(champion=None)
    key = home.key()

    async def ask(service):
        return (await service.ask(key)).json()

    answer = in_service(home, ask)
    assert (answer["version"], answer["arm"], answer["confidence"]) == ("rules@0", "rules", 0.6)
    assert (answer["fallback"], answer["cause"]) == (True, "no version is in production")


def test_a_promotion_and_a_rollback_are_followed_by_version_and_not_by_cache(home):
    key = home.key()
    first, second = home.models[MODEL].champion, home.version("2", 0.2)

    async def ask(service):
        answers = [await service.ask(key), await service.ask(key)]
        for champion in (second, first):
            home.serve(champion=champion)
            await service.follows()
            answers.append(await service.ask(key))
        return [answer.json() for answer in answers]

    answers = in_service(home, ask)
    assert [answer["version"] for answer in answers] == ["1", "1", "2", "1"]
    assert [answer["prediction"] for answer in answers] == ["a", "a", "b", "a"]
    assert [answer.get("cached", False) for answer in answers] == [False, True, False, True]


def test_a_champion_that_cannot_be_loaded_leaves_the_last_good_one(home):
    key = home.key()
    broken = home.version("2", 0.2)
    (home.folder / broken.artifact_path / "rules.json").write_text("{}")

    async def ask(service):
        home.serve(champion=broken)
        await service.follows()
        return (await service.ask(key)).json()

    answer = in_service(home, ask)
    assert (answer["version"], answer["arm"]) == ("1", "champion")
    assert answer["cause"] == "the version in production cannot be loaded"
    assert home.rows("version, failed_version") == [("1", "2")]


def test_without_a_good_one_the_rules_answer(home):
    key = home.key()
    broken = home.version("2", 0.2)
    (home.folder / broken.artifact_path / "rules.json").unlink()
    home.serve(champion=broken)

    async def ask(service):
        return (await service.ask(key)).json()

    answer = in_service(home, ask)
    assert (answer["version"], answer["cause"]) == (
        "rules@0",
        "the version in production cannot be loaded",
    )


def rolled_out(home: Home, share: float, version, until: datetime | None = LATER) -> dict[Arm, str]:
    """Begin a rollout; a user of each arm."""
    home.serve(rollout=ServedRollout(version, share, 0.05, until))
    split = grown_to(rollout_salt(MODEL, version.version), share, 0.05)
    users = {split.arm_of(f"u{number}"): f"u{number}" for number in range(200)}
    return users


def test_users_of_a_rollout_stay_in_their_arm(home):
    key = home.key("service")
    users = rolled_out(home, 0.3, home.version("2", 0.2))

    async def ask(service):
        found = {}
        for arm, user in users.items():
            answer = (await service.ask(key, {**LEAST, "user_id": user})).json()
            found[arm] = (answer["version"], answer["arm"])
        return found

    assert in_service(home, ask) == {
        Arm.TREATMENT: ("2", "canary"),
        Arm.CONTROL: ("1", "control"),
        Arm.NEITHER: ("1", "champion"),
    }


def test_a_lease_that_has_run_out_sends_everybody_to_the_champion(home):
    key = home.key("service")
    past = datetime.now(UTC) - timedelta(seconds=1)
    user = rolled_out(home, 0.3, home.version("2", 0.2), past)[Arm.TREATMENT]

    async def ask(service):
        return (await service.ask(key, {**LEAST, "user_id": user})).json()

    answer = in_service(home, ask)
    assert (answer["version"], answer["arm"]) == ("1", "champion")


@pytest.mark.parametrize("fault", ["nan", "missing", "other features"])
def test_a_canary_that_fails_leaves_the_answer_to_the_champion(home, fault):
    key = home.key("service")
    more = ("weather",) if fault == "other features" else ()
    canary = home.version("2", float("nan") if fault == "nan" else 0.2, *more)
    if fault == "missing":
        (home.folder / canary.artifact_path / "rules.json").unlink()
    user = rolled_out(home, 0.3, canary)[Arm.TREATMENT]

    async def ask(service):
        return (await service.ask(key, {**LEAST, "user_id": user})).json()

    answer = in_service(home, ask)
    assert (answer["version"], answer["prediction"]) == ("1", "a")
    assert answer["cause"] == "the version being rolled out failed on this request"
    assert home.rows("version, failed_version") == [("1", "2")]


def test_the_same_request_is_answered_once(home):
    key, other = home.key("ada"), home.key("bob")

    async def ask(service):
        first = await service.ask(key, Idempotency_Key="k1")
        again = await service.ask(key, Idempotency_Key="k1")
        of_bob = await service.ask(other, Idempotency_Key="k1")
        changed = await service.ask(key, {**LEAST, "row_id": "x"}, Idempotency_Key="k1")
        service.worker.answering._repeats = type(service.worker.answering._repeats)(10)
        of_another_worker = await service.ask(key, Idempotency_Key="k1")
        return first, again, of_bob, changed, of_another_worker

    first, again, of_bob, changed, of_another_worker = in_service(home, ask)
    assert first.content == again.content == of_another_worker.content
    assert of_bob.json()["prediction_id"] != first.json()["prediction_id"]
    assert changed.status_code == 409
    assert len(home.rows()) == 2


def test_the_same_request_at_the_same_time_is_answered_once(home):
    key = home.key()

    async def ask(service):
        return await asyncio.gather(*(service.ask(key, Idempotency_Key="k") for _ in range(8)))

    answers = in_service(home, ask)
    assert len({answer.json()["prediction_id"] for answer in answers}) == 1
    assert len(home.rows()) == 1


def test_a_request_that_was_answered_before_is_answered_even_if_it_would_be_refused_now(home):
    key = home.key()

    async def ask(service):
        first = await service.ask(key, Idempotency_Key="k")
        home.serve(champion=None, rules=None)
        await service.follows()
        service.worker.answering._repeats = type(service.worker.answering._repeats)(10)
        again = await service.ask(key, Idempotency_Key="k")
        changed = await service.ask(key, {**LEAST, "row_id": "x"}, Idempotency_Key="k")
        new = await service.ask(key, Idempotency_Key="new")
        return first, again, changed, new

    first, again, changed, new = in_service(home, ask)
    assert first.content == again.content
    assert [each.status_code for each in (again, changed, new)] == [200, 409, 503]
    assert len(home.rows()) == 1


REFUSED = [
    (b"", 400),
    (b"{", 400),
    (b"[]", 422),
    (b"\xff", 400),
    (b"[" * 100_000, 422),
    (b'{"model":' + b"[" * 100_000, 422),
    (b'{"model":"example","features":' + b"[" * 100_000, 400),
    ({**LEAST, "more": 1}, 422),
    ({"model": MODEL}, 422),
    ({"features": FEATURES}, 422),
    ({**LEAST, "model": "nobody"}, 404),
    ({**LEAST, "model": "../../etc/passwd"}, 404),
    ({**LEAST, "features": []}, 422),
    ({**LEAST, "features": {**FEATURES, "tool": 1}}, 422),
    ({**LEAST, "features": {**FEATURES, "tool": True}}, 422),
    ({**LEAST, "features": {**FEATURES, "tool": {"a": 1}}}, 422),
    ({**LEAST, "features": {**FEATURES, "more": 1}}, 422),
    ({**LEAST, "features": {"tool": "x"}}, 422),
    ({**LEAST, "about": {}}, 422),
    ({**LEAST, "user_id": ""}, 422),
    ({**LEAST, "user_id": "a\u0000b"}, 422),
    ({**LEAST, "user_id": "x" * 201}, 422),
    ({**LEAST, "row_id": "a\nb"}, 422),
    ({**LEAST, "explain": 1}, 422),
    ({**LEAST, "explain": True}, 422),
    (b'{"model":"example","features":{"tool":NaN,"operation":"x"}}', 400),
    (b'{"model":"example","features":{"tool":1e999,"operation":"x"}}', 422),
    (b'{"model":"example","features":' + b'"x"' * 400_000 + b"}", 413),
]


@pytest.mark.parametrize(("body", "status"), REFUSED, ids=[str(n) for n in range(len(REFUSED))])
def test_what_cannot_be_used_is_a_problem_and_is_not_logged(home, body, status):
    key = home.key()

    async def ask(service):
        return await service.ask(key, body)

    response = in_service(home, ask)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["detail"]
    assert home.rows() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Encoding": "gzip"}, 415),
        ({"Idempotency_Key": "x" * 300}, 422),
        ({"Content_Length": "99999999"}, 413),
        ({"Content_Length": "9" * 30}, 413),
    ],
)
def test_headers_that_cannot_be_used(home, headers, status):
    key = home.key()

    async def ask(service):
        return await service.ask(key, b"{}", **headers)

    assert in_service(home, ask).status_code == status


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        ("Bearer", 401),
        ("Bearer mlp_x_y", 401),
        ("Basic abc", 401),
        ("Bearer mlp_" + "a" * 12 + "_" + "0" * 64, 401),
    ],
)
def test_without_a_key_nobody_is_answered(home, authorization, status):
    async def ask(service):
        return await service.ask("", authorization=authorization)

    response = in_service(home, ask)
    assert response.status_code == status
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_key_asks_for_its_owner_and_only_what_it_may(home):
    mine, reader = home.key("ada", Scope.PREDICT), home.key("ada", Scope.READ)

    async def ask(service):
        return [
            (await service.ask(key, {**LEAST, "user_id": user})).status_code
            for key, user in ((mine, "ada"), (mine, "bob"), (reader, "ada"))
        ]

    assert in_service(home, ask) == [200, 403, 403]


def test_who_asks_too_often_has_to_wait(home):
    home.rate = 2.0
    key = home.key()

    async def ask(service):
        return [await service.ask(key) for _ in range(6)]

    answers = in_service(home, ask)
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    assert answers[-1].headers["retry-after"] == "1"


def test_without_postgresql_answers_go_to_the_disk_and_come_back_once(home):
    key = home.key()
    address, home.database_url = home.database_url, ""

    async def ask(service):
        return [(await service.ask(key)).json()["prediction_id"] for _ in range(5)]

    ids = in_service(home, ask)
    home.database_url = address
    assert home.rows() == []
    days = AnswerDays(address)
    days.prepare(datetime.now(UTC).date())
    for _ in range(2):
        days.drain(home.folder / "serving" / "spool")
    days.close()
    assert [row[0] for row in home.rows("prediction_id")] == ids


def test_what_can_be_logged_nowhere_is_not_answered(home):
    key = home.key()
    home.database_url = ""

    async def ask(service):
        service.worker.log._spool._most = 10
        return await service.ask(key)

    response = in_service(home, ask)
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")


def test_a_canary_that_hangs_keeps_nobody_else_waiting(home):
    if not is_artifact_kind(SLOW.name):
        register_artifact_kind(SLOW)
    key = home.key("service")
    canary = home.stored("2", slow_artifact(3.0))
    users = rolled_out(home, 0.3, canary)
    hanging, other = users[Arm.TREATMENT], users[Arm.NEITHER]

    async def timed(service, user):
        began = time.monotonic()
        answer = (await service.ask(key, {**LEAST, "user_id": user})).json()
        return time.monotonic() - began, answer["version"]

    async def ask(service):
        hung = [asyncio.create_task(timed(service, hanging)) for _ in range(12)]
        await asyncio.sleep(0.1)
        home.database_url = ""
        home.write()
        await service.follows()  # from now on the log needs a thread for each group
        free = [await timed(service, other) for _ in range(5)]
        return [await each for each in hung], free

    hung, free = in_service(home, ask)
    assert {version for _, version in (*hung, *free)} == {"1"}
    assert max(seconds for seconds, _ in hung) < 2.5
    assert max(seconds for seconds, _ in free) < 1.0


def slow_champion(home, seconds):
    if not is_artifact_kind(SLOW.name):
        register_artifact_kind(SLOW)
    home.serve(champion=home.stored("2", slow_artifact(seconds)))


def test_reasons_that_take_long_keep_nobody_else_waiting(home):
    slow_champion(home, 0.7)
    key = home.key()

    async def ask(service):
        await service.ask(key)  # from now on this row is answered at once, without reasons
        began = time.monotonic()
        explained = [
            asyncio.create_task(service.ask(key, {**LEAST, "explain": True})) for _ in range(4)
        ]
        await asyncio.sleep(0.1)
        others = [await service.ask(key) for _ in range(5)]
        seconds = time.monotonic() - began
        return seconds, others, [await each for each in explained]

    seconds, others, explained = in_service(home, ask)
    assert {answer.status_code for answer in others} == {200}
    assert seconds < 1.4
    assert [answer.json()["reasons"] for answer in explained] == [["slow"]] * 4


def test_reasons_that_come_too_late_are_refused_for_now(home):
    slow_champion(home, 1.0)
    key = home.key()

    async def ask(service):
        service.worker.answering._reasons = BoundedThreads("reasons", 1, 0.2, 2)
        return await service.ask(key, {**LEAST, "explain": True})

    response = in_service(home, ask)
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    assert "without `explain`" in response.json()["remedy"]
    assert home.rows() == []


def test_a_copied_home_does_not_log_to_the_database_of_the_first(home):
    key = home.key()
    home.is_copy_of = "/somewhere/else"

    async def ask(service):
        return await service.ask(key)

    assert in_service(home, ask).status_code == 200
    assert home.rows() == []
    assert len(list((home.folder / "serving" / "spool").iterdir())) == 1


def test_the_rows_of_a_batch_count(home):
    home.rate = 2.0
    key = home.key()
    rows = [{"features": FEATURES}] * 3

    async def ask(service):
        path = "/api/ml/predict/batch"
        return [
            (await service.ask(key, {"model": MODEL, "rows": rows}, path)).status_code
            for _ in range(2)
        ]

    assert in_service(home, ask) == [200, 429]
