"""Faults of what was stored, defined or recorded, which integrity gates must stop; and too few clusters."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.gates.faults.fixture import SQL, Fixture, Stored, fixture_spec
from ml_platform.gates.faults.fixtures.task_fixture import TaskFixture
from ml_platform.gates.faults.spoilt_scorers import Shifted

if TYPE_CHECKING:
    import pandas as pd

LEAK = "next_label"


def flipped_byte(fixtures: TaskFixture) -> Fixture:
    """Flip one bit of the first byte of a stored file of the artifact after the evaluation."""
    return replace(fixtures.good, tamper=_flip_a_bit)


def _flip_a_bit(stored: Stored) -> None:
    file = min(path for path in stored.artifact.iterdir() if path.name != "manifest.json")
    content = file.read_bytes()
    file.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def changed_value(fixtures: TaskFixture) -> Fixture:
    """Change one value of the stored rows after the evaluation."""
    return replace(fixtures.good, tamper=_change_a_value)


def _change_a_value(stored: Stored) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(stored.rows)
    place = next(i for i, field in enumerate(table.schema) if pa.types.is_floating(field.type))
    values = table.column(place).to_numpy().copy()
    values[0] += 1.0
    changed = table.set_column(place, table.schema.field(place), pa.array(values))
    pq.write_table(changed, stored.rows, compression="zstd")


def redefined_feature(fixtures: TaskFixture) -> Fixture:
    """The SQL of the features is another than when the candidate was trained."""
    return replace(fixtures.good, sql_now={SQL: "select * from other_evidence"})


def copied_label(fixtures: TaskFixture) -> Fixture:
    """A feature repeats the label under another name."""
    fixture = fixtures.good
    leak = as_number(fixture.rows[fixture.spec.label])
    return with_features(fixture, {LEAK: leak})


def as_number(labels: "pd.Series[str]") -> np.ndarray:
    """A number for each label that says the same; of a list its first item counts."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(labels):
        return labels.to_numpy(dtype=np.float64)
    texts = [str(v if isinstance(v, str) or v is None else next(iter(v), "")) for v in labels]
    places = {text: place for place, text in enumerate(sorted(set(texts)))}
    return np.array([float(places[text]) for text in texts])


def with_features(fixture: Fixture, columns: dict[str, np.ndarray]) -> Fixture:
    """The fixture with more features, by name, each (rows,); its candidate does not read them."""
    import pandas as pd

    spec = fixture.spec
    wider = fixture_spec(
        spec,
        (*spec.features, *columns),
        extra_columns=spec.extra_columns,
        required_column=spec.required_column,
        classes=spec.classes,
    )
    added = pd.DataFrame(columns, index=fixture.rows.index)
    return replace(fixture, spec=wider, rows=pd.concat([fixture.rows, added], axis=1))


def above_the_possible(fixtures: TaskFixture) -> Fixture:
    """The source's best possible rule is no better than the rules: the candidate knows what nobody could."""
    return replace(fixtures.good, ceiling=fixtures.good.baseline)


def other_estimator(fixtures: TaskFixture) -> Fixture:
    """The artifact predicts other numbers than the estimator that was fitted, by a hundred tolerances."""
    fixture = fixtures.good
    distance = 100 * fixtures.spec.policy.parity_tolerance
    return replace(fixture, estimator=Shifted(fixture.candidate, distance))


def old_rows(fixtures: TaskFixture) -> Fixture:
    """The evaluation comes so late that all rows are older than the policy allows, by a day."""
    fixture = fixtures.good
    age = fixtures.spec.policy.maximum_data_age + timedelta(days=1)
    return replace(fixture, as_of=fixture.as_of + age)


def few_clusters(fixtures: TaskFixture) -> Fixture:
    """Each period has nine tenths of the clusters that the policy asks for in a test part, and as many rows."""
    return fixtures.of_clusters(fixtures.spec.policy.minimum_test_clusters * 9 // 10)
