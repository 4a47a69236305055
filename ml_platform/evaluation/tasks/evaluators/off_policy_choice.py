"""The evaluator of an off-policy choice: the value of a start-time model on launches whose hours were drawn.

A start-time model is useful by the launches that succeed because of it, not by its fit to the past. Where a
source logs the candidate hours of a launch, and the probability with which one was drawn, the value of any other
policy can be estimated (`ml_platform.evaluation.metrics.off_policy`). The model is compared with a fixed
schedule: the candidate nearest to the hour at which training launches were started most often. The
outcome model of the doubly robust estimate is the table of rules, learned on the training part.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.errors import IntegrityError
from ml_platform.evaluation.metrics.calibration import reliability_bins
from ml_platform.evaluation.metrics.off_policy import (
    Launches,
    PropensityCheck,
    best_candidates,
    check_propensities,
    nearest_candidates,
    policy_terms,
)
from ml_platform.evaluation.metrics.off_policy_statistics import (
    OffPolicyStatistics,
    off_policy_statistics_of,
    policy_blocks,
)
from ml_platform.evaluation.report_parts import ReportTable
from ml_platform.evaluation.tasks.ceilings import ceiling_column, require_ceilings
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions, TaskDetails
from ml_platform.evaluation.tasks.scorers import ConstantScorer
from ml_platform.models.start_times.rules import StartTimeRules, fit_rules
from ml_platform.spec.model import Scorer
from ml_platform.spec.task import YES, OffPolicyChoice

if TYPE_CHECKING:
    import pandas as pd

SLOT, LOGGED_HOUR = "slot", "logged_hour"
POLICY_METRICS = (
    "relative_success",
    "relative_success_ips",
    "policy_success",
    "policy_success_ips",
    "fixed_success",
    "logged_success",
    "mean_weight",
    "effective_launches",
)
_PARTS = ("night", "morning", "afternoon", "evening")


@dataclass(frozen=True)
class OffPolicyEvaluator(Evaluator):
    """The evaluator of probabilities of success at candidate times.

    It estimates the value of the policy that picks the highest one (off-policy evaluation), and it compares the
    probabilities with the outcomes of the times that were tried.
    """

    task: OffPolicyChoice

    @property
    def dummy(self) -> Scorer:
        """The dummy scorer, which returns the share of successes among the tried training rows for every time.

        As all times tie, its policy picks the earliest one.
        """
        share = self._share
        return ConstantScorer(self.training_set.record.classes, (1.0 - share, share))

    @cached_property
    def _share(self) -> float:
        known, good = _outcomes(self.training_set.train, self.training_set.record.label)
        return float(good[known].mean()) if known.any() else 0.5

    @cached_property
    def fixed_hour(self) -> int:
        """The local hour at which logged launches of the training part were started most often."""
        train = self.training_set.train
        logged = train[self.task.propensity].notna() & (train[self.task.chosen] == 1)
        hours = train.loc[logged.to_numpy(), LOGGED_HOUR].to_numpy(dtype=np.int64)
        return int(np.bincount(hours, minlength=24).argmax()) if len(hours) else 9

    @cached_property
    def logged_rows(self) -> Codes:
        """The test rows of logged launches, launch after launch and within a launch in order of time."""
        test = self.training_set.test
        logged = np.flatnonzero(test[self.task.propensity].notna().to_numpy())
        slots = test[SLOT].to_numpy(dtype=np.float64)
        order: Codes = logged[np.lexsort((slots[logged], self.rows.change_sets[logged]))]
        return order

    @cached_property
    def launches(self) -> Launches | None:
        """The logged launches of the test part; ``None`` if there is none.

        Raises:
            IntegrityError: a launch that was not started at exactly one of its candidates.
        """
        if not len(self.logged_rows):
            return None
        test = self.training_set.test.iloc[self.logged_rows]
        change_sets = self.rows.change_sets[self.logged_rows]
        first = np.flatnonzero(np.diff(change_sets, prepend=-1))
        chosen = test[self.task.chosen].to_numpy(dtype=np.float64) == 1
        drawn = np.flatnonzero(chosen)
        if not np.array_equal(change_sets[drawn], change_sets[first]):
            raise IntegrityError(
                f"{len(first)} launches have a propensity, {len(drawn)} of their candidates were chosen.",
                remedy="log one chosen hour a launch, one of its candidate set, and build the features again",
            )
        _, good = _outcomes(test, self.training_set.record.label)
        rules = StartTimeRules.of(fit_rules(self.training_set))
        return Launches(
            first=first,
            drawn=drawn,
            propensity=test[self.task.propensity].to_numpy(dtype=np.float64)[drawn],
            success=good[drawn].astype(np.float64),
            expected=rules.predict_proba(test)[:, 1],
            hours=test[SLOT].to_numpy(dtype=np.float64),
        )

    @cached_property
    def checks(self) -> tuple[PropensityCheck, ...]:
        """The checks whether logged propensities fit how often hours were drawn."""
        if self.launches is None:
            return ()
        return check_propensities(self.launches, self._launch_clusters)

    @property
    def _launch_clusters(self) -> Codes:
        assert self.launches is not None
        return self.rows.clusters[self.logged_rows][self.launches.first]

    @cached_property
    def _tried(self) -> Codes:
        """The rows whose probabilities are evaluated: the starts of logged launches, else of any run."""
        if self.launches is not None:
            started: Codes = self.logged_rows[self.launches.drawn]
            return started
        known, _ = _outcomes(self.training_set.test, self.training_set.record.label)
        return np.flatnonzero(known).astype(np.int64)

    def sufficient_statistics(self, predictions: Predictions) -> OffPolicyStatistics:
        """Compute the terms of the policies, losses and ranks by cluster."""
        yes = predictions.values[:, self._yes]
        _, good = _outcomes(self.training_set.test, self.training_set.record.label)
        policies: dict[str, Array] = {}
        if self.launches is not None and not self.undefined:
            picks = {
                "policy": best_candidates(self.launches, yes[self.logged_rows]),
                "fixed": nearest_candidates(self.launches, self.fixed_hour),
            }
            policies = policy_blocks(
                self.launches, picks, self._launch_clusters, self.cluster_count
            )
        return off_policy_statistics_of(
            truth=good[self._tried].astype(np.int64),
            yes=yes[self._tried],
            clusters=self.rows.clusters[self._tried],
            count=self.cluster_count,
            dummy=self._share,
            policies=policies,
        )

    @property
    def _yes(self) -> int:
        return self.training_set.record.classes.index(YES)

    def ceiling(self, bayes_rule: "pd.DataFrame") -> Predictions:
        """Return the Bayes rule's probability of each candidate of a logged launch; other rows get the mean.

        Raises:
            IntegrityError: a candidate without a probability.
        """
        ids, order = self.rows.ids, self.logged_rows
        chances = ceiling_column(bayes_rule, "probability", ids)
        require_ceilings(chances.iloc[order], ids.iloc[order], "candidates")
        yes = chances.fillna(self._share).to_numpy(dtype=np.float64)
        return Predictions(np.column_stack([1.0 - yes, yes]))

    @cached_property
    def undefined(self) -> dict[str, str]:
        """By metric, why policies cannot be evaluated on the logged launches; empty if they can."""
        wrong = [check for check in self.checks if check.suspicious]
        if self.launches is None:
            why = "no launch has a logged propensity and candidate set"
        elif wrong:
            worst = max(wrong, key=lambda check: abs(check.z))
            why = (
                f"logged propensities do not fit the hours drawn: the mean weight of {_PARTS[worst.part]} "
                f"hours is {worst.weight:.3f}, {abs(worst.z):.1f} standard errors from 1"
            )
        else:
            return {}
        return dict.fromkeys(POLICY_METRICS, why)

    def details(self, predictions: Predictions) -> TaskDetails:
        """Return the policies side by side, the check of the propensities, and the calibration."""
        yes = predictions.values[:, self._yes]
        _, good = _outcomes(self.training_set.test, self.training_set.record.label)
        tried = self._tried
        tables = () if self.launches is None else (self._policies(yes), self._checked())
        return TaskDetails(
            reliability=reliability_bins(yes[tried], good[tried]) if len(tried) else (),
            tables=tables,
            undefined=self.undefined,
        )

    def _policies(self, yes: Array) -> ReportTable:
        assert self.launches is not None
        launches = self.launches
        candidates = yes[self.logged_rows]
        picks = {
            "best hour": best_candidates(launches, candidates),
            f"fixed: nearest to {self.fixed_hour}:00": nearest_candidates(
                launches, self.fixed_hour
            ),
            "worst hour": best_candidates(launches, -candidates),
        }
        rows: list[tuple[str | float | int | None, ...]] = []
        for name, picked in picks.items():
            robust, success, weight, squares = policy_terms(launches, picked).sum(axis=0).tolist()
            effective = weight**2 / squares if squares else 0.0
            normalised = success / weight if weight else None
            rows.append((name, robust / len(launches), normalised, effective))
        rows.append(("as logged", float(launches.success.mean()), None, len(launches)))
        columns = ("policy", "success, doubly robust", "success, self-normalised", "launches")
        return ReportTable("Policies, replayed on logged launches", columns, tuple(rows))

    def _checked(self) -> ReportTable:
        return ReportTable(
            "Logged propensities: mean weights are 1 if they are right",
            ("part of the day", "mean weight", "z", "verdict"),
            tuple(
                (_PARTS[c.part], c.weight, c.z, "suspicious" if c.suspicious else "as expected")
                for c in self.checks
            ),
        )


def _outcomes(rows: "pd.DataFrame", label: str) -> tuple[np.ndarray, np.ndarray]:
    """Return whether the outcome at each row's time is known, and whether it is a success; shape (rows,)."""
    values = rows[label].astype(object).to_numpy()
    return rows[label].notna().to_numpy(), values == YES
