import numpy as np
import pandas as pd

from ml_platform.evaluation.dimensions.fairness.groups import (
    crossed,
    grouping_of,
    tenure_grouping,
    user_groupings,
)
from ml_platform.spec.fairness import FairnessPolicy
from ml_platform_tests.evaluation.dimensions.fairness.people import users_of


def test_groups_are_in_the_order_of_their_names_and_a_missing_value_is_in_none() -> None:
    grouping = grouping_of("team", ["b", None, "a", "b", np.nan])
    assert grouping.labels == ("a", "b")
    assert grouping.codes.tolist() == [1, -1, 0, 1, -1]


def test_tenure_has_fixed_bands_in_days() -> None:
    days = np.array([0, 89, 90, 364, 365, 1094, 1095, 4000, np.nan])
    grouping = tenure_grouping(days, FairnessPolicy().tenure_bands)
    assert grouping.labels == (
        "below 90 days",
        "90 to 364 days",
        "365 to 1094 days",
        "1095 days or more",
    )
    assert grouping.codes.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, -1]


def test_pairs_are_those_that_occur() -> None:
    team = grouping_of("team", ["a", "a", "b", None])
    region = grouping_of("region", ["x", "y", "x", "x"])
    crossing = crossed(team, region)
    assert crossing.name == "team x region"
    assert crossing.labels == ("a x x", "a x y", "b x x")
    assert crossing.codes.tolist() == [0, 1, 2, -1]


def test_users_are_joined_and_a_stranger_is_in_no_group() -> None:
    ids = pd.Series(["u1", "stranger", "u0"], dtype="category")
    groupings = user_groupings(ids, users_of(8), FairnessPolicy())
    names = ["team", "region", "tenure", "team x region", "team x tenure", "region x tenure"]
    assert [grouping.name for grouping in groupings] == names
    assert groupings[0].codes.tolist() == [1, -1, 0]


def test_of_two_records_of_a_user_the_later_one_counts() -> None:
    users = pd.DataFrame({"user_id": ["u0", "u0"], "team": ["old", "new"]})
    (team,) = user_groupings(pd.Series(["u0"]), users, FairnessPolicy())
    assert team.labels == ("new",)


def test_without_users_or_attributes_there_is_no_grouping() -> None:
    ids = pd.Series(["u0"])
    assert user_groupings(ids, None, FairnessPolicy()) == ()
    assert user_groupings(ids, pd.DataFrame({"user_id": ["u0"]}), FairnessPolicy()) == ()
    unknown = pd.DataFrame({"user_id": ["u0"], "team": [None]})
    assert user_groupings(ids, unknown, FairnessPolicy()) == ()
