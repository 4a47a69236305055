from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.rules import fit_majority, fit_rules
from ml_platform_tests.models.pattern_rows import training_set


def of(rows: pd.DataFrame):
    base = training_set(20)
    return replace(base, train=rows, record=replace(base.record, classes=("a", "b")))


def rows(groups: list[tuple[str | None, str, str | None, str, int]]) -> pd.DataFrame:
    """(tool, operation, extension, label, number) to rows."""
    made = [group[:4] for group in groups for _ in range(group[4])]
    return pd.DataFrame(made, columns=["tool", "operation", "extension", "workflow_category"])


def test_key_then_extension_then_overall_by_hand():
    train = rows(
        [
            ("web", "edit", "py", "a", 30),
            ("web", "edit", "py", "b", 10),
            ("cli", "run", "md", "b", 12),
            ("api", "run", "md", "b", 18),
        ]
    )
    scorer = scorer_of(fit_rules(of(train)))
    asked = rows(
        [
            ("web", "edit", "md", "a", 1),
            ("cli", "run", "md", "a", 1),
            ("new", "run", "md", "a", 1),
            (None, "new", None, "a", 1),
        ]
    )
    found = scorer.predict_proba(asked)
    overall = np.array([31, 41]) / 72
    # (web, edit): 30 of 40, and 10 average rows
    assert found[0] == pytest.approx((np.array([30, 10]) + 10 * overall) / 50)
    # (cli, run) has 12 rows, fewer than 20: by extension, md has 30, all b
    assert found[1] == pytest.approx((np.array([0, 30]) + 10 * overall) / 40)
    assert found[2] == pytest.approx(found[1])
    assert found[3] == pytest.approx(overall)
    assert found.sum(axis=1) == pytest.approx(np.ones(4))


def test_majority_is_the_shares_for_every_row():
    train = rows([("x", "y", "z", "a", 6), ("x", "y", "z", "b", 2)])
    found = scorer_of(fit_majority(of(train))).predict_proba(train.iloc[:3])
    assert found == pytest.approx(np.tile([0.7, 0.3], (3, 1)))


def test_no_rows_are_answered_by_no_rows():
    train = rows([("x", "y", "z", "a", 30), ("x", "y", "z", "b", 2)])
    assert scorer_of(fit_rules(of(train))).predict_proba(train.iloc[:0]).shape == (0, 2)
