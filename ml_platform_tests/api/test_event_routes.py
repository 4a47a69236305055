"""`POST /api/ml/events`: what is taken is in the inbox before the answer; whatever is sent, nothing breaks."""

import json

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_platform.serving.event_rows import ROWS
from ml_platform.serving.keys import Scope
from ml_platform_tests.api.running import bearer, key_for
from ml_platform_tests.api.service import service
from ml_platform_tests.serving.test_event_rows import EVENT, EXECUTION, GOOD, SUGGESTION

PATH = "/api/ml/events"
EVERY = {"content-type": "application/json"}
ANN, ANNS = key_for("ann", Scope.EVENTS)
COLLECTOR, COLLECTORS = key_for("collector", Scope.EVENTS, Scope.ACT_FOR)
READER, READERS = key_for("ann", Scope.READ)
GONE = "postgresql://nobody@127.0.0.1:1/nowhere"


@pytest.fixture
def asked(tmp_path, database_url):
    return service(tmp_path, database_url, (ANN, COLLECTOR, READER))


@pytest.fixture
def inbox(database_url):
    engine = sa.create_engine(database_url)

    def rows():
        with engine.connect() as connection:
            return connection.execute(sa.text("SELECT * FROM inbox ORDER BY id")).mappings().all()

    yield rows
    engine.dispose()


def test_rows_of_every_table_are_stored_with_who_sent_them(asked, inbox):
    body = {table: [row] for table, row in GOOD.items()}
    response = asked.post(PATH, body, COLLECTORS)
    assert (response.status_code, response.json()) == (202, {"taken": 4, "refused": []})
    rows = inbox()
    assert [(row["table_name"], row["row_id"]) for row in rows] == [
        ("events", "e1"),
        ("suggestions", "s1"),
        ("workflow_executions", "x1"),
        ("users", "ann"),
    ]
    assert {
        (row["key_id"], row["user_id"], row["taken_in_at"], row["completes"]) for row in rows
    } == {(COLLECTOR.key_id, "ann", None, False)}
    assert json.loads(rows[0]["body"]) == EVENT | {"occurred_at": "2026-03-01T08:30:00Z"}
    assert response.headers["cache-control"] == "no-store"


def test_a_row_that_cannot_be_used_costs_no_other_one(asked, inbox):
    body = {
        "events": [EVENT, EVENT | {"tool": 5}, 7],
        "suggestions": [SUGGESTION | {"outcome": "accepted"}],
    }
    response = asked.post(PATH, body, ANNS)
    assert response.status_code == 202
    assert response.json() == {
        "taken": 1,
        "refused": [
            {"table": "events", "place": 1, "field": "tool", "reason": "Expected `str`, got `int`; it is 5"},
            {"table": "events", "place": 2, "field": "", "reason": "a row is an object of columns; it is 7"},
            {
                "table": "suggestions",
                "place": 0,
                "field": "outcome_at",
                "reason": "outcome and outcome_at belong together: give both or none; it is null",
            },
        ],
    }  # fmt: skip
    assert len(inbox()) == 1


def test_nothing_is_taken_of_nothing(asked, inbox):
    assert asked.post(PATH, {}, ANNS).json() == {"taken": 0, "refused": []}
    assert inbox() == []


def test_a_row_of_somebody_else_needs_a_key_that_may_act_for_others(asked, inbox):
    body = {"events": [EVENT], "workflow_executions": [EXECUTION, EXECUTION | {"user_id": "bob"}]}
    refused = asked.post(PATH, body, ANNS)
    assert refused.status_code == 403
    assert refused.json()["errors"] == ["workflow_executions[1].user_id"]
    assert "workflow_executions[1] is of somebody else" in refused.json()["detail"]
    assert inbox() == []
    assert asked.post(PATH, body, COLLECTORS).json()["taken"] == 3


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"events": [' + b"[" * 5_000 + b"]" * 5_000 + b"]}", 400),
        (b"[]", 422),
        (b'{"events": {}}', 422),
        (b'{"others": []}', 422),
        (b'{"events": [' + b"1," * 1_000 + b"1]}", 422),
        (b'{"users": [' + b"1," * 600 + b'1], "events": [' + b"1," * 600 + b"1]}", 422),
        (b'{"events": ["' + b"x" * 1_000_000 + b'"]}', 413),
    ],
)
def test_what_is_no_such_object_is_a_problem(asked, inbox, body, status):
    headers = bearer(ANNS) | EVERY
    response = asked.run(lambda client: client.post(PATH, content=body, headers=headers))
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]
    assert inbox() == []


def test_who_may_not_is_told_so(asked):
    assert asked.post(PATH, {}, READERS).status_code == 403
    assert asked.post(PATH, {}, "mlp_nonsense").status_code == 401
    headers = bearer(ANNS) | {"content-type": "text/plain"}
    sent = asked.run(lambda client: client.post(PATH, content=b"{}", headers=headers))
    assert sent.status_code == 415


def test_without_postgresql_nothing_is_taken_and_the_sender_is_told_when_to_try_again(tmp_path):
    response = service(tmp_path, GONE, (ANN,)).post(PATH, {"events": [EVENT]}, ANNS)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert "send it again" in response.json()["remedy"]


def test_a_server_that_ends_a_connection_costs_one_request_at_most(asked, inbox, database_url):
    engine = sa.create_engine(database_url)

    async def work(client):
        first = await client.post(PATH, json={"events": [EVENT]}, headers=bearer(ANNS))
        with engine.connect() as connection:
            connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        second = await client.post(PATH, json={"events": [EVENT]}, headers=bearer(ANNS))
        third = await client.post(PATH, json={"events": [EVENT]}, headers=bearer(ANNS))
        return [each.status_code for each in (first, second, third)]

    first, second, third = asked.run(work)
    engine.dispose()
    assert (first, third) == (202, 202)
    assert second in (202, 503)
    assert len(inbox()) == 2 + (second == 202)


def test_the_schema_has_every_column_and_an_example(asked):
    async def work(client):
        return (await client.get("/openapi.json")).json()

    operation = asked.run(work)["paths"][PATH]["post"]
    body = operation["requestBody"]["content"]["application/json"]
    for table, kind in ROWS.items():
        row = body["schema"]["properties"][table]["items"]
        assert set(row["properties"]) == set(kind.__struct_fields__)
    assert asked.post(PATH, body["example"], COLLECTORS).json() == {"taken": 2, "refused": []}
    assert set(operation["responses"]) >= {"202", "400", "401", "403", "413", "415", "422", "503"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text() | st.sampled_from([*ROWS, "event_id", "user_id"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)
bodies = st.one_of(
    st.binary(max_size=50),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({}, optional={table: st.lists(json_values, max_size=3) for table in ROWS}).map(
        lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    ),
)  # fmt: skip


def test_any_body_is_answered_without_a_failure(asked):
    cases = []

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        bodies,
        st.sampled_from(["application/json", "text/plain", "application/json; charset=x"]),
        st.sampled_from([ANNS, COLLECTORS, READERS, "", "mlp_x"]),
    )
    def collect(body, media_type, text):
        cases.append((body, bearer(text) | {"content-type": media_type}))

    async def work(client):
        return {
            (await client.post(PATH, content=body, headers=headers)).status_code
            for body, headers in cases
        }

    collect()
    statuses = asked.run(work)
    assert statuses <= {202, 400, 401, 403, 413, 415, 422}
    assert {202, 400, 401, 403, 415, 422} <= statuses
