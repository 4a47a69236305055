import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.models.hidden_markov_filter import (
    BREAK_US,
    LONGEST,
    NO_MOMENT,
    NOTHING,
    HiddenMarkovFilter,
    Moments,
    ObservedWords,
    count_transitions,
    follow,
    moments,
    word_likelihoods,
)

KIND = ObservedWords("past", (("t:", "tool"), ("|o:", "operation")))


def test_words_of_the_present_are_written_as_those_of_the_past():
    rows = pd.DataFrame(
        {
            "tool": ["a", None],
            "operation": ["x", "y"],
            "past": [["t:a|o:y", "t:?|o:?"], []],
        }
    )
    sequences = moments(KIND, rows, {"t:a|o:x": 0, "t:a|o:y": 1, "t:|o:y": 2})
    assert sequences.present.tolist() == [0, 2]
    assert sequences.earlier[0, :3].tolist() == [1, NOTHING, NO_MOMENT]
    assert set(sequences.earlier[1].tolist()) == {NO_MOMENT}


def test_only_the_newest_moments_are_read():
    rows = pd.DataFrame({"tool": ["a"], "operation": ["x"], "past": [["new"] + ["old"] * 30]})
    sequences = moments(KIND, rows, {"new": 0, "old": 1})
    assert sequences.earlier.shape == (1, LONGEST)
    assert sequences.earlier[0].tolist() == [0] + [1] * (LONGEST - 1)


def sequence(present: int, past: list[int]) -> Moments:
    earlier = np.full((1, LONGEST), NO_MOMENT, np.int32)
    earlier[0, : len(past)] = past
    return Moments(np.array([present], np.int32), earlier)


def test_the_forward_algorithm_by_hand():
    weights = np.log(np.array([[4.0, 1.0], [1.0, 2.0]]))
    transitions = np.array([[0.9, 0.1], [0.2, 0.8]])
    belief = follow(
        [sequence(1, [0])], [word_likelihoods(weights)], transitions, np.array([0.5, 0.5])
    )
    # before: (.5 * 4, .5 * 1) = (.8, .2); carried: (.8 * .9 + .2 * .2, .8 * .1 + .2 * .8) = (.76, .24)
    # now: (.76 * 1, .24 * 2) / 1.24
    assert np.exp(belief[0]) == pytest.approx([0.76 / 1.24, 0.48 / 1.24])


def test_without_a_past_it_is_bayes_rule_and_an_unknown_word_says_nothing():
    weights = np.log(np.array([[4.0, 1.0]]))
    beliefs = follow(
        [sequence(0, []), sequence(NOTHING, [])],
        [word_likelihoods(weights)] * 2,
        np.eye(2),
        np.array([0.25, 0.75]),
    )
    assert np.exp(beliefs[0]) == pytest.approx([1.0 / 1.75, 0.75 / 1.75])


def test_a_brute_force_sum_over_all_paths_agrees():
    random = np.random.default_rng(5)
    weights = np.log(random.random((4, 3)) + 0.1)
    transitions = random.dirichlet(np.ones(3), 3)
    shares = np.array([0.2, 0.5, 0.3])
    past = [2, 0, 3]
    joint = np.zeros(3)
    for a in range(3):
        for b in range(3):
            for c in range(3):
                for now in range(3):
                    # the oldest moment is the last of the list
                    chance = shares[a] * np.exp(weights[past[2], a]) * transitions[a, b]
                    chance *= np.exp(weights[past[1], b]) * transitions[b, c]
                    chance *= np.exp(weights[past[0], c]) * transitions[c, now]
                    joint[now] += chance * np.exp(weights[1, now])
    belief = follow([sequence(1, past)], [word_likelihoods(weights)], transitions, shares)
    assert np.exp(belief[0]) == pytest.approx(joint / joint.sum())


def test_transitions_are_of_one_user_near_in_time_and_in_one_block():
    hour = 3_600_000_000
    users = np.array([0, 1, 0, 0, 0, 0])
    times = np.array([0, 1, hour, hour, hour + BREAK_US + 1, hour + BREAK_US + 2])
    labels = np.array([0, 1, 1, 1, 0, 1])
    blocks = np.array([0, 0, 0, 0, 0, 1])
    counts = count_transitions(users, times, labels, blocks, 2)
    # user 0: 0 -> 1 (an hour); the two rows of that moment are no pair; then a pause; then a new block
    assert counts.counts.sum() == 1.0
    assert counts.counts[0, 0, 1] == 1.0
    assert counts.shares()[0] == pytest.approx([1 / 3, 2 / 3])
    assert counts.shares({0})[0] == pytest.approx([0.5, 0.5])


WORDS = tuple(f"t:{tool}|o:{operation}" for tool in "abc" for operation in "xyz")
OTHER = ObservedWords("places", (("", "place"),))


def learned(classes: int) -> HiddenMarkovFilter:
    """Two observations with drawn weights, in single precision as they are stored."""
    random = np.random.default_rng(classes)
    return HiddenMarkovFilter(
        observed=(KIND, OTHER),
        words=(WORDS, ("here", "there")),
        weights=tuple(random.normal(size=(n, classes)).astype(np.float32) for n in (9, 2)),
        transitions=random.dirichlet(np.ones(classes), classes).astype(np.float32),
        shares=random.dirichlet(np.ones(classes)).astype(np.float32),
    )


ROWS = st.fixed_dictionaries(
    {
        "tool": st.sampled_from(["a", "b", "unseen", None]),
        "operation": st.sampled_from(["x", "y", None]),
        "past": st.one_of(st.lists(st.sampled_from([*WORDS, "unseen"]), max_size=20), st.none()),
        "place": st.sampled_from(["here", "there", None]),
        "places": st.one_of(st.lists(st.sampled_from(["here", "?"]), max_size=20), st.none()),
    }
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=8), classes=st.sampled_from([2, 8, 11]))
def test_one_row_has_to_the_bit_the_beliefs_of_its_batch(rows, classes):
    filter_ = learned(classes)
    frame = pd.DataFrame({name: [row[name] for row in rows] for name in rows[0]}, dtype=object)
    for row, beliefs in zip(rows, filter_.log_beliefs(frame), strict=True):
        assert filter_.log_belief(row).tobytes() == beliefs.tobytes()


def test_beliefs_are_computed_in_double_precision():
    stored = learned(8)
    rows = pd.DataFrame(
        {"tool": ["a"], "operation": ["x"], "past": [WORDS[:5]], "place": [None], "places": [[]]}
    )
    sequences = [
        moments(*each) for each in zip(stored.observed, [rows] * 2, stored.indices, strict=True)
    ]
    exact = follow(
        sequences,
        [word_likelihoods(weights.astype(np.float64)) for weights in stored.weights],
        stored.transitions.astype(np.float64),
        stored.shares.astype(np.float64),
    )
    assert stored.log_beliefs(rows) == pytest.approx(exact, abs=1e-14)
