"""Users under other names: what a model must not notice."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ml_platform.spec.training_set import TrainingSet


def renamed(training_set: TrainingSet, seed: int = 5) -> TrainingSet:
    """The same rows with the names of users permuted, those of their clusters too where these are users."""
    names = pd.unique(pd.concat([training_set.train["user_id"], training_set.test["user_id"]]))
    other = dict(zip(names, np.random.default_rng(seed).permutation(names), strict=True))
    clusters = set(training_set.train["cluster_id"]) <= set(names)

    def under_other_names(rows: pd.DataFrame) -> pd.DataFrame:
        users = {"user_id": rows["user_id"].map(other)}
        return rows.assign(**users, **({"cluster_id": users["user_id"]} if clusters else {}))

    return replace(
        training_set,
        train=under_other_names(training_set.train),
        test=under_other_names(training_set.test),
    )
