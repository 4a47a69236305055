from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.rules import fit_rules
from ml_platform_tests.models.pattern_rows import training_set


def of(rows: pd.DataFrame):
    base = training_set(20)
    return replace(base, train=rows, record=replace(base.record, classes=("a", "b")))


def rows(groups: list[tuple[str | None, str, str | None, str, int]]) -> pd.DataFrame:
    """(tool, operation, extension, label, number) to rows."""
    repeated = [group[:4] for group in groups for _ in range(group[4])]
    return pd.DataFrame(repeated, columns=["tool", "operation", "extension", "workflow_category"])


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
    probabilities = scorer.predict_proba(asked)
    overall = np.array([31, 41]) / 72
    # (web, edit): 30 of 40, and 10 average rows
    assert probabilities[0] == pytest.approx((np.array([30, 10]) + 10 * overall) / 50)
    # (cli, run) has 12 rows, fewer than 20: by extension, md has 30, all b
    assert probabilities[1] == pytest.approx((np.array([0, 30]) + 10 * overall) / 40)
    assert probabilities[2] == pytest.approx(probabilities[1])
    assert probabilities[3] == pytest.approx(overall)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(4))


def test_without_keys_every_row_gets_the_shares_of_all():
    train = rows([("x", "y", "z", "a", 6), ("x", "y", "z", "b", 2)])
    probabilities = scorer_of(fit_rules(of(train), keys=())).predict_proba(train.iloc[:3])
    assert probabilities == pytest.approx(np.tile([0.7, 0.3], (3, 1)))


def test_no_rows_are_answered_by_no_rows():
    train = rows([("x", "y", "z", "a", 30), ("x", "y", "z", "b", 2)])
    assert scorer_of(fit_rules(of(train))).predict_proba(train.iloc[:0]).shape == (0, 2)
