"""The recommenders on planted tastes: above popularity, parity, new users, choice of parameters, determinism."""

import re
import subprocess
import sys
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from ml_platform.adapters.artifact_files import load_scorer, write_artifact
from ml_platform.errors import InsufficientData, IntegrityError, UsageError
from ml_platform.models import workflow_recommender, workflow_recommender_ease
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.recommenders import fit as fit_module
from ml_platform.models.recommenders.popularity import fit_popularity
from ml_platform.models.recommenders.top_items import hits, ndcg_rows, top_items, wanted
from ml_platform.spec.model import FitOutcome, FitRequest, ModelSpec
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.models.adoption_rows import ITEMS, snapshots, training_set

SPECS = (workflow_recommender.SPEC, workflow_recommender_ease.SPEC)
FAMILIES = {
    module.SPEC.name: module.FAMILY for module in (workflow_recommender, workflow_recommender_ease)
}
PLAIN = {"choose": False, "tastes": 4}


def fit(spec: ModelSpec, training_set: TrainingSet, **parameters: float | bool) -> FitOutcome:
    return spec.fit(training_set, FitRequest(seed=spec.seed, parameters=parameters))


def ndcg(scores: np.ndarray, rows: pd.DataFrame, classes: tuple[str, ...] = ITEMS) -> float:
    truth = wanted(rows.next_used, classes)
    gained = ndcg_rows(hits(top_items(scores, 5), truth.known), truth.total)
    return float(gained[truth.total > 0].mean())


@pytest.fixture(scope="module")
def planted() -> TrainingSet:
    return training_set(snapshots())


@pytest.fixture(scope="module", params=SPECS, ids=lambda spec: spec.name)
def fitted(request: pytest.FixtureRequest, planted: TrainingSet) -> tuple[ModelSpec, FitOutcome]:
    return request.param, request.param.fit(planted, FitRequest(seed=1))


class TestOnPlantedTastes:
    def test_beats_popularity(
        self, fitted: tuple[ModelSpec, FitOutcome], planted: TrainingSet
    ) -> None:
        _, outcome = fitted
        ours = ndcg(scorer_of(outcome.artifact).predict_proba(planted.test), planted.test)
        rules = scorer_of(fit_popularity(planted)).predict_proba(planted.test)
        assert ours > ndcg(rules, planted.test) + 0.2

    def test_offers_nothing_that_is_used(
        self, fitted: tuple[ModelSpec, FitOutcome], planted: TrainingSet
    ) -> None:
        _, outcome = fitted
        scorer = scorer_of(outcome.artifact)
        for row, top in zip(
            planted.test.used, top_items(scorer.predict_proba(planted.test), 5), strict=True
        ):
            assert not {scorer.classes[i] for i in top if i >= 0} & set(row)

    def test_a_new_user_is_answered_by_what_they_do(
        self, fitted: tuple[ModelSpec, FitOutcome], planted: TrainingSet
    ) -> None:
        _, outcome = fitted
        new = planted.test.head(4).copy()
        new["used"] = new["recent"] = [[]] * 4
        new["team"] = None
        scores = scorer_of(outcome.artifact).predict_proba(new)
        for kind, top in enumerate(top_items(scores, 5)):
            assert {ITEMS[i][5] for i in top} == {"abcd"[kind]}

    def test_the_artifact_says_what_the_estimator_says(
        self, fitted: tuple[ModelSpec, FitOutcome], planted: TrainingSet
    ) -> None:
        _, outcome = fitted
        ours = scorer_of(outcome.artifact).predict_proba(planted.test)
        assert np.abs(ours - outcome.estimator.predict_proba(planted.test)).max() < 1e-9

    def test_one_row_is_answered_as_among_many(
        self, fitted: tuple[ModelSpec, FitOutcome], planted: TrainingSet
    ) -> None:
        _, outcome = fitted
        scorer = scorer_of(outcome.artifact)
        together = scorer.predict_proba(planted.test)
        for n in range(0, len(planted.test), 17):
            alone = scorer.predict_proba(planted.test.iloc[[n]])
            np.testing.assert_allclose(alone[0], together[n], rtol=1e-12)

    def test_loads_again_from_its_folder(
        self, fitted: tuple[ModelSpec, FitOutcome], planted: TrainingSet, tmp_path
    ) -> None:
        _, outcome = fitted
        write_artifact(outcome.artifact, tmp_path / "a")
        loaded = load_scorer(tmp_path / "a", outcome.artifact.sha256)
        expected = scorer_of(outcome.artifact).predict_proba(planted.test)
        assert np.array_equal(loaded.predict_proba(planted.test), expected)
        assert not any(b"\x80\x04" in content[:2] for content in outcome.artifact.files.values())

    def test_a_missing_feature_is_named(self, fitted: tuple[ModelSpec, FitOutcome]) -> None:
        _, outcome = fitted
        with pytest.raises(IntegrityError, match="recent_doings"):
            scorer_of(outcome.artifact).predict_proba(pd.DataFrame({"used": [[]], "team": ["x"]}))

    def test_null_lists_and_strangers_are_answered(
        self, fitted: tuple[ModelSpec, FitOutcome]
    ) -> None:
        _, outcome = fitted
        strange = pd.DataFrame(
            {
                "used": [None, ["never-heard-of"]],
                "recent": [None, []],
                "recent_doings": [None, ["c:unknown", None]],
                "team": [None, "team-77"],
            }
        )
        scores = scorer_of(outcome.artifact).predict_proba(strange)
        np.testing.assert_allclose(scores[0], scores[1])
        assert (scores >= 0).all()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
class TestSaboteurs:
    def test_shuffled_adoptions_bring_it_to_popularity(self, spec: ModelSpec) -> None:
        """Every user's history and label goes to another user, that of another week to another."""
        rows = snapshots()
        order = np.random.default_rng(3).permutation(len(rows))
        for column in ("used", "recent", "next_used"):
            rows[column] = rows[column].to_numpy()[
                np.random.default_rng([3, len(column)]).permutation(order)
            ]
        shuffled = training_set(rows)
        ours = scorer_of(fit(spec, shuffled, **_of(spec)).artifact).predict_proba(shuffled.test)
        rules = scorer_of(fit_popularity(shuffled)).predict_proba(shuffled.test)
        assert abs(ndcg(ours, shuffled.test) - ndcg(rules, shuffled.test)) < 0.05

    def test_permuted_users_change_nothing_but_ids(self, spec: ModelSpec) -> None:
        rows = snapshots()
        names = rows.user_id.unique()
        other = dict(zip(names, np.random.default_rng(4).permutation(names), strict=True))
        renamed = rows.assign(
            user_id=rows.user_id.map(other),
            cluster_id=rows.cluster_id.map(other),
            row_id=[f"{other[r[:4]]}{r[4:]}" for r in rows.row_id],
        )
        plain, permuted = training_set(rows), training_set(renamed)
        one = scorer_of(fit(spec, plain, **_of(spec)).artifact).predict_proba(plain.test)
        two = scorer_of(fit(spec, permuted, **_of(spec)).artifact).predict_proba(permuted.test)
        np.testing.assert_allclose(one, two, atol=5e-3)
        assert abs(ndcg(one, plain.test) - ndcg(two, permuted.test)) < 0.01

    def test_nobody_has_used_anything(self, spec: ModelSpec) -> None:
        rows = snapshots()
        for column in ("used", "recent", "next_used"):
            rows[column] = [[]] * len(rows)
        with pytest.raises(InsufficientData, match="32 items"):
            fit(spec, training_set(rows), **_of(spec))

    def test_the_test_part_is_not_touched(self, spec: ModelSpec, planted: TrainingSet) -> None:
        blind = replace(planted, test=planted.test.head(0))
        assert (
            fit(spec, blind, **_of(spec)).artifact.sha256
            == fit(spec, planted, **_of(spec)).artifact.sha256
        )


def _of(spec: ModelSpec) -> dict[str, float | bool]:
    return PLAIN if spec is SPECS[0] else {"choose": False}


PROGRAM = """
from ml_platform.models import workflow_recommender, workflow_recommender_ease
from ml_platform.spec.model import FitRequest
from ml_platform_tests.models.adoption_rows import snapshots, training_set
data = training_set(snapshots())
for module in (workflow_recommender, workflow_recommender_ease):
    outcome = module.SPEC.fit(data, FitRequest(seed=5))
    print(outcome.artifact.sha256, module.SPEC.fit_rules(data).sha256)
"""


def test_same_seed_same_hash_in_two_processes() -> None:
    processes = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert processes[0] == processes[1]
    assert len(processes[0].split()) == 4


class TestChoice:
    def test_the_newest_block_chooses(self, planted: TrainingSet) -> None:
        lines: list[str] = []
        outcome = workflow_recommender.SPEC.fit(planted, FitRequest(seed=1, progress=lines.append))
        assert len(lines) == len(workflow_recommender.FAMILY.choices["tastes"]) + 1
        assert lines[-1].startswith("chosen: tastes 5, prior_weight")
        assert (
            outcome.parameters["prior_weight"]
            in workflow_recommender.FAMILY.choices["prior_weight"]
        )
        assert 0 < outcome.fold_metrics[0]["ndcg_at_5"] <= 1

    def test_given_parameters_stay(self, planted: TrainingSet) -> None:
        outcome = fit(SPECS[0], planted, choose=False, tastes=3, prior_weight=7.0)
        assert (outcome.parameters["tastes"], outcome.parameters["prior_weight"]) == (3, 7.0)

    @pytest.mark.parametrize(
        ("spec", "name", "value"), [(SPECS[0], "tastes", 3), (SPECS[1], "penalty", 7.0)]
    )
    def test_a_given_parameter_stays_while_the_others_are_chosen(
        self, planted: TrainingSet, spec: ModelSpec, name: str, value: float
    ) -> None:
        lines: list[str] = []
        request = FitRequest(1, {**spec.defaults, name: value}, lines.append)
        outcome = spec.fit(planted, request)
        assert outcome.parameters[name] == value
        assert len(lines) == 2
        assert outcome.parameters["prior_weight"] in FAMILIES[spec.name].choices["prior_weight"]

    def test_a_given_prior_weight_stays_while_the_tastes_are_chosen(
        self, planted: TrainingSet
    ) -> None:
        outcome = fit(SPECS[0], planted, prior_weight=7.0)
        assert outcome.parameters["prior_weight"] == 7.0
        assert outcome.parameters["tastes"] in FAMILIES[SPECS[0].name].choices["tastes"]

    def test_an_experiment_gives_a_number_as_text(self, planted: TrainingSet) -> None:
        request = FitRequest(1, {"choose": False, "tastes": "3", "prior_weight": "7"})
        outcome = SPECS[0].fit(planted, request)
        assert (outcome.parameters["tastes"], outcome.parameters["prior_weight"]) == (3, 7.0)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("tastes", "many"), ("tastes", "2.5"), ("tastes", 0), ("prior_weight", "nan")],
    )
    def test_an_impossible_parameter_is_refused(
        self, planted: TrainingSet, name: str, value: float | str
    ) -> None:
        message = f"{name} is {str(value)!r}; it must be 'chosen' or a"
        with pytest.raises(UsageError, match=re.escape(message)):
            SPECS[0].fit(planted, FitRequest(1, {name: value}))

    def test_a_history_too_short_to_choose_on_takes_the_defaults(
        self, planted: TrainingSet
    ) -> None:
        first = planted.train.occurred_at.min()
        short = replace(planted, train=planted.train[planted.train.occurred_at == first])
        outcome = SPECS[1].fit(short, FitRequest(seed=1))
        assert outcome.fold_metrics == ()
        assert outcome.parameters == {**SPECS[1].defaults, "penalty": 3.0, "prior_weight": 10.0}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_of_many_users_the_item_model_learns_from_some_by_a_declared_rule(
    spec: ModelSpec, planted: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = sorted(planted.train.user_id.unique())
    assert len(users) == 1 + 7 * 17
    some = planted.train[planted.train.user_id.isin(users[::17])]
    parameters = {"choose": False}
    alone = fit(spec, replace(planted, train=some), **parameters)
    whole = fit(spec, planted, **parameters)
    monkeypatch.setattr(fit_module, "MOST_LEARNED", 8)
    limited = fit(spec, planted, **parameters)
    assert limited.artifact.sha256 == alone.artifact.sha256 != whole.artifact.sha256
    monkeypatch.setattr(fit_module, "MOST_LEARNED", len(users))
    assert fit(spec, planted, **parameters).artifact.sha256 == whole.artifact.sha256


def test_features_are_declared() -> None:
    for spec in SPECS:
        declared = {feature.name for feature in spec.table.features}
        assert set(spec.features) <= declared
        assert isinstance(spec.defaults, MappingProxyType)
