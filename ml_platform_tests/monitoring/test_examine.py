"""What shows only jointly, or in one slice, is found and named; a quiet week stays green."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml_platform.monitoring.baseline import Baseline
from ml_platform.monitoring.columns import cluster_codes
from ml_platform.monitoring.examine import Reference, examined
from ml_platform.monitoring.findings import FaultKind
from ml_platform.monitoring.report import Light, MonitoringReport, Severity
from ml_platform.retraining.decide import decided
from ml_platform.values import from_json, to_json
from ml_platform_tests.monitoring.conftest import END, WEEK, build_baseline
from ml_platform_tests.monitoring.test_monitor import report_of

REGIONS = ("east", "north", "south", "west")


@pytest.fixture(scope="module")
def users() -> pd.DataFrame:
    ids = [f"u{number}" for number in range(60)]
    return pd.DataFrame(
        {
            "user_id": ids,
            "region": [REGIONS[number % 4] for number in range(60)],
            "team": [f"team {number % 3}" for number in range(60)],
            "tenure_days": [50 + 20 * number for number in range(60)],
        }
    )


@pytest.fixture
def named(quiet: pd.DataFrame) -> pd.DataFrame:
    """The quiet weeks with ids of users and a source."""
    return quiet.assign(user_id=[f"u{number}" for number in quiet["user"]], source="made")


def look(rows: pd.DataFrame, users: pd.DataFrame, baseline: Baseline) -> MonitoringReport:
    times = rows["occurred_at"]
    window = rows[(times >= END) & (times < END + WEEK)]
    report = report_of(baseline, window)
    return examined(report, baseline, window, window, Reference(rows[times < END], users=users))


def test_of_a_baseline_loaded_in_part_no_week_is_looked_at_in_which_a_feature_is_not_filled(
    named: pd.DataFrame, users: pd.DataFrame, baseline: Baseline
) -> None:
    """Half of the sessions, of features measured on the newest half of the weeks: a quarter of the rows."""
    times = named["occurred_at"]
    before, window = named[times < END], named[(times >= END) & (times < END + WEEK)]
    half = before[cluster_codes(before) % 2 == 0]
    features = tuple(replace(each, total=each.total // 2) for each in baseline.features)
    late = replace(baseline, features=features)
    reference = Reference(half, users=users, share=len(half) / len(before))
    report = examined(report_of(late, window), late, window, window, reference)
    assert report.joint_shift is not None
    looked_at = report.joint_shift.rows - min(len(window), 2_000)
    assert looked_at <= len(before) / 4 + 1


def test_a_quiet_week_stays_green(
    named: pd.DataFrame, users: pd.DataFrame, baseline: Baseline
) -> None:
    report = look(named, users, baseline)
    assert (report.light, report.causes, report.value_faults, report.slices) == (
        Light.GREEN,
        (),
        (),
        (),
    )
    assert report.joint_shift is not None
    assert not report.joint_shift.reported


def test_a_correlation_that_turns_round_makes_a_green_report_yellow(
    named: pd.DataFrame, users: pd.DataFrame
) -> None:
    draw = np.random.default_rng(1)
    later = (named["occurred_at"] >= END).to_numpy()
    mean, spread = named["number_3"].mean(), named["number_3"].std()
    scores = (named["number_3"] - mean) / spread
    named["number_4"] = np.where(later, -0.6, 0.6) * scores + 0.8 * draw.normal(size=len(named))
    report = look(named, users, build_baseline(named, END))
    assert (report.drift, report.light) == (Severity.NONE, Light.YELLOW)
    assert report.joint_shift is not None
    assert report.joint_shift.reported
    assert {report.joint_shift.pairs[0].first, report.joint_shift.pairs[0].second} == {
        "number_3",
        "number_4",
    }
    assert report.causes[-1].startswith("features go together otherwise: a classifier tells")
    assert decided(report).decision_row == "nothing moved"


@pytest.mark.parametrize("region", REGIONS[:2])
def test_a_shift_of_one_region_is_named_with_it(
    named: pd.DataFrame, users: pd.DataFrame, baseline: Baseline, region: str
) -> None:
    of_region = named["user_id"].map(users.set_index("user_id")["region"]) == region
    later = (named["occurred_at"] >= END) & of_region
    named.loc[later, "number_5"] += 1.5 * named["number_5"].std()
    report = look(named, users, baseline)
    assert ("region", region, "number_5") in [
        (entry.grouping, entry.slice, entry.feature) for entry in report.slices
    ]
    assert {entry.feature for entry in report.slices} == {"number_5"}
    assert not {"east", "north", "south", "west"} - {region} & {
        entry.slice for entry in report.slices
    }
    assert f"number_5 has moved in region {region} alone" in " ".join(report.causes)


def test_in_a_slice_a_feature_has_the_clusters_it_is_counted_by(
    named: pd.DataFrame, users: pd.DataFrame, baseline: Baseline
) -> None:
    """A shift of one region in a feature that is counted by 20 workflows: too few to say so, of 40 enough."""
    of_region = named["user_id"].map(users.set_index("user_id")["region"]) == "east"
    later = (named["occurred_at"] >= END) & of_region
    named.loc[later, "number_5"] += 1.5 * named["number_5"].std()
    features = tuple(
        replace(each, cluster="workflow") if each.name == "number_5" else each
        for each in baseline.features
    )
    counted = replace(baseline, features=features)
    for workflows, said in ((20, set()), (40, {"number_5"})):
        rows = named.assign(workflow=np.arange(len(named)) % workflows)
        report = look(rows, users, counted)
        assert {entry.feature for entry in report.slices} == said


def test_a_shift_of_everybody_is_of_no_slice(
    named: pd.DataFrame, users: pd.DataFrame, baseline: Baseline
) -> None:
    later = named["occurred_at"] >= END
    named.loc[later, "number_5"] += named["number_5"].std()
    report = look(named, users, baseline)
    assert report.drift is Severity.SIGNIFICANT
    assert report.slices == ()


def test_faults_are_among_the_causes_and_a_stored_report_keeps_all(
    named: pd.DataFrame, users: pd.DataFrame, baseline: Baseline
) -> None:
    later = named["occurred_at"] >= END
    named.loc[later, "number_5"] = np.nan
    report = decided(look(named, users, baseline))
    assert report.value_faults[0].kind is FaultKind.GONE
    assert "number_5 is gone: it is missing in every row" in report.causes
    assert from_json(MonitoringReport, to_json(report)) == report


def test_a_window_that_is_not_compared_is_not_examined(
    named: pd.DataFrame, users: pd.DataFrame, baseline: Baseline
) -> None:
    late = replace(baseline, reference_end=END + WEEK / 2)
    report = look(named, users, late)
    assert (report.joint_shift, report.value_faults) == (None, ())
