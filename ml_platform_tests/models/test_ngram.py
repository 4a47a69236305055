"""The back-off n-gram: counted by hand, against plain dictionaries, and what shuffling does to it."""

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ml_platform.adapters.artifact_files import read_artifact, write_artifact
from ml_platform.errors import IntegrityError
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.sequence_ngram import HYPERPARAMETERS, LABEL_DELAY, SPEC, fit_rules
from ml_platform.models.sequences.ngram import NgramScorer
from ml_platform.models.sequences.ngram_fit import NgramHyperparameters, count_ngram, fit_ngram
from ml_platform.models.threshold import NEVER
from ml_platform.spec.model import FitRequest
from ml_platform.spec.task import SOON
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.training_sets.assembled import assembled, oldest

START = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = ("a", "b", "c", "d", "e")
END = "end"
CLASSES = (*STEPS, END)
EXACT = NgramHyperparameters(order=2, minimum=1, discount=0.5, strength=0.0, soon_strength=2.0)


def rows_of(*steps_gaps_next: tuple[str, str, str | None]) -> pd.DataFrame:
    """(steps newest first, next step, soon); one word of capital letters begins the session: 'bA' is A, then b."""
    return pd.DataFrame(
        {
            "steps": [list(steps.lower()) for steps, *_ in steps_gaps_next],
            "gaps": [
                ["first" if s.isupper() else "20s" for s in steps] for steps, *_ in steps_gaps_next
            ],
            "next_step": [following for _, following, _ in steps_gaps_next],
            "workflow_soon": [soon for *_, soon in steps_gaps_next],
        }
    )


class TestByHand:
    """A b; A c; A b a: rows of three sessions."""

    @pytest.fixture(scope="class")
    def scorer(self) -> NgramScorer:
        rows = rows_of(
            ("A", "b", "yes"),
            ("bA", END, "no"),
            ("A", "c", "no"),
            ("cA", END, "no"),
            ("A", "b", None),
            ("bA", "a", "yes"),
            ("abA", END, "no"),
        )
        return count_ngram(rows, "next_step", ("a", "b", "c", END), EXACT)

    def answer(self, scorer: NgramScorer, steps: str) -> list[float]:
        return scorer.predict_proba(rows_of((steps, END, None)))[0].tolist()

    # All rows: a 1, b 2, c 1, end 3 of 7; the discount of four successors goes to the four classes alike.
    ROOT = np.array([0.5, 1.5, 0.5, 2.5]) / 7 + 0.5 * 4 / 7 / 4

    def test_an_unknown_step_falls_back_to_the_empty_context(self, scorer: NgramScorer) -> None:
        assert self.answer(scorer, "z")[:-1] == pytest.approx(self.ROOT)

    def test_one_step_and_then_its_beginning(self, scorer: NgramScorer) -> None:
        # After a: b 2, c 1, end 1 of 4. After a at the beginning: b 2, c 1 of 3.
        after = np.array([0.0, 1.5, 0.5, 0.5]) / 4 + 0.5 * 3 / 4 * self.ROOT
        begun = np.array([0.0, 1.5, 0.5, 0.0]) / 3 + 0.5 * 2 / 3 * after
        assert self.answer(scorer, "A")[:-1] == pytest.approx(begun)
        assert self.answer(scorer, "az")[:-1] == pytest.approx(after)

    def test_the_rate_of_soon_is_drawn_to_the_shorter_context(self, scorer: NgramScorer) -> None:
        # 2 of 6 rows; after a 1 of 3 known; at the beginning 1 of 2 known.
        root, after = 2 / 6, (1 + 2 * 2 / 6) / (3 + 2)
        assert self.answer(scorer, "z")[-1] == pytest.approx(root)
        assert self.answer(scorer, "A")[-1] == pytest.approx((1 + 2 * after) / (2 + 2))

    def test_what_lies_before_the_session_says_nothing(self, scorer: NgramScorer) -> None:
        assert self.answer(scorer, "bAcb") == self.answer(scorer, "bA")

    def test_no_step_at_all(self, scorer: NgramScorer) -> None:
        assert self.answer(scorer, "") == self.answer(scorer, "z")

    def test_a_missing_feature_is_named(self, scorer: NgramScorer) -> None:
        with pytest.raises(IntegrityError, match="gaps"):
            scorer.predict_proba(rows_of(("A", "b", None)).drop(columns="gaps"))

    def test_rarer_contexts_are_left_out(self) -> None:
        rows = rows_of(
            ("baA", "c", None), ("baA", "c", None), ("bcA", "c", None), ("bcA", "a", None)
        )
        few = replace(EXACT, minimum=3)
        scorer = count_ngram(rows, "next_step", ("a", "b", "c"), few)
        assert scorer.contexts.nodes == 2
        assert count_ngram(rows, "next_step", ("a", "b", "c"), EXACT).contexts.nodes == 4


def random_rows(count: int, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    dicts = []
    for _ in range(count):
        length = int(draw.integers(1, 7))
        steps = "".join(draw.choice(list("abc"), length))
        begin = int(draw.integers(length + 3))
        marked = "".join(s.upper() if place == begin else s for place, s in enumerate(steps))
        soon = (None, "yes", "no")[int(draw.integers(3))]
        dicts.append((marked, str(draw.choice(list(CLASSES))), soon))
    return rows_of(*dicts)


def reference(
    rows: pd.DataFrame, hyperparameters: NgramHyperparameters
) -> Callable[[str], dict[str, float]]:
    """Interpolation by recursion over dictionaries."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    needs: dict[str, list[bool]] = defaultdict(list)
    for steps, gaps, following, soon in rows.itertuples(index=False):
        context = context_of(steps, gaps, hyperparameters.order)
        for length in range(len(context) + 1):
            counts[context[:length]][following] += 1
            if soon is not None:
                needs[context[:length]].append(soon == "yes")

    def seen(context: str) -> bool:
        enough = 1 if len(context) < 2 else hyperparameters.minimum
        return sum(counts[context].values()) >= enough

    def answer(context: str) -> dict[str, float]:
        while not seen(context):
            context = context[:-1]
        shorter = answer(context[:-1]) if context else dict.fromkeys(CLASSES, 1 / len(CLASSES))
        here, total = counts[context], sum(counts[context].values()) + hyperparameters.strength
        rest = (hyperparameters.strength + hyperparameters.discount * len(here)) / total
        probabilities = {
            name: max(here[name] - hyperparameters.discount, 0.0) / total + rest * shorter[name]
            for name in CLASSES
        }
        added = hyperparameters.soon_strength if context else 0.0
        known = needs[context]
        probabilities[SOON] = (sum(known) + added * shorter.get(SOON, 0.0)) / (len(known) + added)
        return probabilities

    return answer


def context_of(steps: Sequence[str], gaps: Sequence[str], order: int) -> str:
    context = ""
    for step, gap in zip(steps, gaps, strict=True):
        context += step
        if gap == "first":
            context += "^"
            break
    return context[:order]


@pytest.mark.parametrize(
    "hyperparameters",
    [
        replace(EXACT, order=4),
        NgramHyperparameters(order=3, minimum=3, discount=0.7, strength=5.0, soon_strength=10.0),
        NgramHyperparameters(order=8, minimum=2, discount=1e-6, strength=0.0, soon_strength=1.0),
    ],
)
def test_equal_to_plain_dictionaries(hyperparameters: NgramHyperparameters) -> None:
    rows, asked = random_rows(600, 0), random_rows(200, 1)
    scorer = count_ngram(rows, "next_step", CLASSES, hyperparameters)
    got = scorer.predict_proba(asked)
    answer = reference(rows, hyperparameters)
    for place, (steps, gaps, *_) in enumerate(asked.itertuples(index=False)):
        expected = answer(context_of(steps, gaps, hyperparameters.order))
        np.testing.assert_allclose(got[place], [expected[c] for c in scorer.classes], rtol=1e-12)
    np.testing.assert_allclose(got[:, :-1].sum(axis=1), 1.0, rtol=1e-12)


def synthetic_rows(sessions: int = 300, seed: int = 0) -> pd.DataFrame:
    """Ten steps a session; nine times in ten the next follows from the last two, soon from the second last."""
    draw = np.random.default_rng(seed)
    dicts = []
    for session in range(sessions):
        steps = [int(draw.integers(5)), int(draw.integers(5))]
        while len(steps) < 10:
            successor = (steps[-1] + 2 * steps[-2]) % 5
            steps.append(successor if draw.random() < 0.9 else int(draw.integers(5)))
        names = [STEPS[step] for step in steps]
        for place in range(10):
            dicts.append(
                {
                    "row_id": f"e{session:04d}-{place}",
                    "user_id": f"u{session % 7}",
                    "cluster_id": f"s{session}",
                    "change_set_id": f"e{session:04d}-{place}",
                    "occurred_at": START + timedelta(hours=6 * session, minutes=place),
                    "next_step": names[place + 1] if place < 9 else END,
                    "workflow_soon": "yes" if place and names[place - 1] == "c" else "no",
                    "steps": names[: place + 1][::-1],
                    "gaps": ["80s"] * place + ["pause:8h"],
                }
            )
    return pd.DataFrame(dicts)


def training_set(rows: pd.DataFrame) -> TrainingSet:
    """The first four fifths train, the rest test."""
    train, test = oldest(rows, 4, 5)
    return assembled(
        train,
        test,
        label="next_step",
        classes=(*CLASSES, SOON),
        features=("steps", "gaps"),
        as_of=START + timedelta(days=400),
        model="sequence_ngram",
        table="step_features",
    )


def accuracy(scorer: NgramScorer, rows: pd.DataFrame) -> float:
    best = scorer.predict_proba(rows)[:, :-1].argmax(axis=1)
    return float((np.array(scorer.classes)[best] == rows["next_step"]).mean())


def fitted(data: TrainingSet) -> NgramScorer:
    estimator = fit_ngram(data, FitRequest(seed=1), HYPERPARAMETERS, LABEL_DELAY).estimator
    assert isinstance(estimator, NgramScorer)
    return estimator


def shuffled(rows: pd.DataFrame, column: str, seed: int = 0) -> pd.DataFrame:
    order = np.random.default_rng(seed).permutation(len(rows))
    return rows.assign(**{column: rows[column].to_numpy()[order]})


@pytest.fixture(scope="module")
def planted() -> TrainingSet:
    return training_set(synthetic_rows())


def test_it_learns_what_two_steps_tell(planted: TrainingSet) -> None:
    scorer = fitted(planted)
    assert accuracy(scorer, planted.test) > 0.7
    rules = scorer_of(fit_rules(planted))
    assert isinstance(rules, NgramScorer)
    assert accuracy(rules, planted.test) < 0.5
    needed = (planted.test["workflow_soon"] == "yes").to_numpy()
    alarm = scorer.predict_proba(planted.test)[:, -1] >= scorer.threshold
    assert (alarm == needed).mean() > 0.97


def test_shuffling_time_collapses_the_next_step(planted: TrainingSet) -> None:
    """The same steps in any order: of long lists little more than the shares of the steps is left."""
    draw = np.random.default_rng(0)
    mixed = synthetic_rows().assign(
        steps=lambda rows: [list(draw.permutation(steps)) for steps in rows["steps"]]
    )
    data = training_set(mixed)
    long = (planted.test["steps"].map(len) >= 6).to_numpy()
    share = planted.test["next_step"][long].value_counts(normalize=True).iloc[0]
    assert accuracy(fitted(planted), planted.test[long]) > 0.6
    assert accuracy(fitted(data), data.test[long]) < share + 0.1
    assert accuracy(fitted(planted), data.test[long]) < share + 0.1


def test_shuffling_labels_leaves_the_shares(planted: TrainingSet) -> None:
    data = training_set(shuffled(synthetic_rows(), "next_step"))
    share = data.test["next_step"].value_counts(normalize=True).iloc[0]
    assert accuracy(fitted(data), data.test) < share + 0.03


def test_other_users_change_nothing(planted: TrainingSet) -> None:
    """Users are no input: with their names permuted even the bytes are the same."""
    other = training_set(shuffled(synthetic_rows(), "user_id"))
    assert fitted(other).to_artifact().sha256 == fitted(planted).to_artifact().sha256


def test_where_no_need_is_known_there_is_no_alarm() -> None:
    data = training_set(synthetic_rows().assign(workflow_soon=None))
    scorer = fitted(data)
    assert scorer.threshold == NEVER
    assert not scorer.predict_proba(data.test)[:, -1].any()


def test_the_artifact_is_the_estimator(
    planted: TrainingSet, tmp_path: pytest.TempPathFactory
) -> None:
    outcome = SPEC.fit(planted, FitRequest(seed=1))
    write_artifact(outcome.artifact, tmp_path / "artifact")
    loaded = scorer_of(read_artifact(tmp_path / "artifact", outcome.artifact.sha256))
    np.testing.assert_array_equal(
        loaded.predict_proba(planted.test), outcome.estimator.predict_proba(planted.test)
    )
    single = np.concatenate([loaded.predict_proba(planted.test.iloc[[n]]) for n in range(20)])
    np.testing.assert_array_equal(single, loaded.predict_proba(planted.test.iloc[:20]))
    assert loaded.classes == planted.record.classes
    assert outcome.parameters["order"] == 8


def test_the_same_bytes_in_another_process(planted: TrainingSet) -> None:
    code = (
        "from ml_platform_tests.models.test_ngram import *\n"
        "print(fitted(training_set(synthetic_rows())).to_artifact().sha256)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == fitted(planted).to_artifact().sha256
