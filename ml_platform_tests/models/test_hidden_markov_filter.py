import numpy as np
import pandas as pd
import pytest

from ml_platform.models.hidden_markov_filter import (
    BREAK_US,
    LONGEST,
    NO_MOMENT,
    NOTHING,
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
