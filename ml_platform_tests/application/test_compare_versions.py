"""Two versions on rows that neither has learned from: figures, schemas, costs, way back, and the advice."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from ml_platform import values
from ml_platform.adapters.artifact_files import write_artifact
from ml_platform.adapters.training_set_files import rows_path
from ml_platform.application.compare_versions import compare_versions
from ml_platform.application.state_keys import rules_key
from ml_platform.errors import UsageError
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.models.rules import fit_rules
from ml_platform.registry.comparison import ComparedMetric, gain
from ml_platform_tests.application.homes import home
from ml_platform_tests.gates.spoilt_reports import good_report
from ml_platform_tests.models.pattern_rows import training_set
from ml_platform_tests.registry.examples import AT, another, permit_for

MODEL = "pattern_classifier"
KEYS = (("tool",),)


def kept(platform, rows, fingerprint, split=None):
    """The record of a training set whose rows lie on disk."""
    data = replace(
        rows.record, model=MODEL, fingerprint=fingerprint, split=split or rows.record.split
    )
    path = rows_path(platform.settings.training_sets, data)
    path.parent.mkdir(parents=True)
    pd.concat([rows.train, rows.test]).to_parquet(path)
    data = replace(data, rows_sha256=values.file_sha256(path))
    platform.ledger.save_training_set(data)
    return data


def registered(platform, artifact, data):
    write_artifact(artifact, platform.settings.artifacts / artifact.sha256)
    return platform.ledger.register(
        replace(
            another("a", model=MODEL),
            artifact_sha256=artifact.sha256,
            artifact_path=f"artifacts/{artifact.sha256}",
            report_id=platform.ledger.save_report(good_report()),
            training_set_fingerprint=data.fingerprint,
            input_schema=dict(artifact.features),
            feature_versions=dict.fromkeys(artifact.features, "v1"),
            classes=artifact.classes,
        )
    )


@pytest.fixture
def platform(tmp_path):
    """Version 1 is the majority alone, version 2 the rules; both of the same training set."""
    platform = home(tmp_path)
    rows = training_set(300)
    data = kept(platform, rows, "f" * 64)
    majority, rules = fit_rules(rows, keys=()), fit_rules(rows, keys=KEYS)
    first = registered(platform, replace(majority, features=rules.features), data)
    platform.ledger.promote(
        MODEL, first.version, expected_revision=0, permit=permit_for(first), at=AT, actor="test"
    )
    registered(platform, rules, data)
    return platform


def test_what_is_better_on_the_same_rows_and_breaks_nothing_is_advised(platform):
    compared = compare_versions(platform, MODEL, 1, 2)
    leading = {metric.metric: metric for metric in compared.metrics}[compared.leading]
    assert leading.difference.low > 0
    assert leading.second.value - leading.first.value == pytest.approx(leading.difference.value)
    assert leading.p < 0.05
    assert compared.rows > 0
    assert compared.clusters > 1
    assert compared.schema == ()
    assert compared.way_back == "version 1, its artifact is whole"
    assert (compared.decision.verdict, compared.decision.row) == (
        "promote",
        "shown better, and nothing breaks",
    )


def test_the_other_way_round_it_is_rejected_with_the_same_figures(platform):
    there, back = compare_versions(platform, MODEL, 1, 2), compare_versions(platform, MODEL, 2, 1)
    gains = [metric.difference.value for metric in there.metrics]
    losses = [-metric.difference.value for metric in back.metrics]
    assert gains == pytest.approx(losses)
    assert back.decision.row == "shown worse on the same rows"


@pytest.mark.parametrize(
    ("metric", "gained"), [("accuracy", (-0.1, 0.3)), ("log_loss", (-0.3, 0.1))]
)
def test_less_is_better_where_the_metric_says_so(metric, gained):
    one = Estimate(0.1, -0.1, 0.3)
    assert gain(ComparedMetric(metric, one, one, one, 0.5)) == gained


def test_without_a_whole_artifact_or_rules_there_is_no_way_back(platform):
    record = platform.ledger.version(MODEL, 1)
    better = compare_versions(platform, MODEL, 1, 2)
    assert better.signals.way_back
    platform.ledger.set_state(rules_key(MODEL), {"sha256": "1" * 64})
    platform.ledger.change(MODEL, lambda history: ())
    folder = platform.settings.home / record.artifact_path
    (folder / "manifest.json").rename(folder / "kept")
    assert compare_rows_alone(platform).way_back == "the rules"
    platform.ledger.set_state(rules_key(MODEL), {"sha256": ""})
    assert not compare_rows_alone(platform).signals.way_back


def compare_rows_alone(platform):
    """The comparison where the rows cannot be used, so that no artifact is loaded."""
    stored = platform.ledger.training_set(MODEL, "f" * 64)
    split = replace(stored.split, test_from=stored.split.train_until - timedelta(days=1))
    platform.ledger.save_training_set(replace(stored, split=split))
    compared = compare_versions(platform, MODEL, 1, 2)
    platform.ledger.save_training_set(stored)
    return compared


def test_rows_that_one_of_them_has_learned_from_are_not_used(platform):
    compared = compare_rows_alone(platform)
    assert compared.metrics == ()
    assert compared.rows_of.endswith("has learned from")
    assert compared.decision.row == "they cannot be compared on the same rows"


def test_costs_and_a_schema_that_breaks_are_named(platform):
    rules = fit_rules(training_set(300), keys=(*KEYS, ("operation",)))
    data = platform.ledger.training_set(MODEL, "f" * 64)
    third = registered(platform, rules, data)
    compared = compare_versions(platform, MODEL, 2, third.version)
    assert [(change.text, change.breaking) for change in compared.schema] == [
        ("takes operation (category) as well", True)
    ]
    assert compared.decision.row == "its schema breaks who uses it"
    assert compared.costs[0].name == "size"
    assert not compared.costs[0].dearer
    assert replace(compared.costs[0], second=2 * compared.costs[0].first).dearer


def test_a_version_is_not_compared_with_itself(platform):
    with pytest.raises(UsageError, match="compared with itself"):
        compare_versions(platform, MODEL, 2, 2)
    with pytest.raises(UsageError, match="has no version 9"):
        compare_versions(platform, MODEL, 1, 9)
