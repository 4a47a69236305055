"""The Bayes rule for the adopted share: the expected share of an offer's acceptances, exactly.

Within an offer set every offer of a workflow is accepted with the same probability, sigmoid(utility + taste). The
utility follows from the tables; the taste, N(0, taste^2) for each user and workflow, shows only in what became
of the earlier offers. So the expected share over the offers to come is the mean of that probability over the
posterior of the taste. It sees, of the same user and workflow, every earlier offer: those that are settled by
then, and of the others that they are not, which speaks for `ignored`.
"""

import numpy as np

from ml_platform.events.simulator.adoption import Shown
from ml_platform.events.simulator.parameters import Suggestions
from ml_platform.events.simulator.sessions import HOUR, MINUTE
from ml_platform.events.simulator.truth import Floats, Ints

GRID = 81
"""Points from -6 to 6 standard deviations: the trapezoid rule is exact to 1e-9 for these smooth functions."""


def expected_share(shown: Shown, settings: Suggestions) -> Floats:
    """The expected share of acceptances over the fortnight of each offer, in the order of ``shown``, in [0, 1]."""
    standard = np.linspace(-6.0, 6.0, GRID)
    taste = settings.taste * standard
    order = np.lexsort((shown.time, shown.workflow, shown.user))
    logit = shown.utility[order, None] + taste
    accept, refuse = -np.logaddexp(0.0, -logit), -np.logaddexp(0.0, logit)
    by_outcome = np.where((shown.outcome[order] == 0)[:, None], accept, refuse)
    known = np.cumsum(by_outcome, axis=0) - by_outcome
    position = _position(shown, order)
    known -= known[np.arange(len(order)) - position]
    time, settled = shown.time[order], shown.settled[order]
    lag = 1
    while True:
        late = np.flatnonzero(position >= lag)
        late = late[time[late] - time[late - lag] <= settings.timeout_hours * HOUR]
        if not len(late):
            break
        late = late[settled[late - lag] >= time[late]]
        earlier = late - lag
        known[late] -= by_outcome[earlier]
        known[late] += _unsettled(
            accept[earlier], refuse[earlier], time[late] - time[earlier], settings
        )
        lag += 1
    weight = known - 0.5 * standard**2
    weight = np.exp(weight - weight.max(axis=1, keepdims=True))
    share = np.empty(len(order))
    share[order] = (weight * np.exp(accept)).sum(axis=1) / weight.sum(axis=1)
    return share


def _position(shown: Shown, order: Ints) -> Ints:
    """How many offers of the same user and workflow come before each, in that order."""
    user, workflow = shown.user[order], shown.workflow[order]
    begins = (np.diff(user, prepend=-1) != 0) | (np.diff(workflow, prepend=-1) != 0)
    rows = np.arange(len(order))
    position: Ints = rows - np.maximum.accumulate(np.where(begins, rows, 0))
    return position


def _unsettled(accept: Floats, refuse: Floats, age: Ints, settings: Suggestions) -> Floats:
    """Log-likelihood, by taste, that an offer of this age (microseconds) has no outcome yet."""
    from scipy.special import ndtr

    minutes = np.maximum(age, 1) / MINUTE / settings.delay_median_minutes
    waiting = ndtr(-np.log(minutes) / settings.delay_sigma)[:, None]
    refused_waiting = settings.dismissed_share * waiting + 1.0 - settings.dismissed_share
    log_likelihood: Floats = np.log(np.exp(accept) * waiting + np.exp(refuse) * refused_waiting)
    return log_likelihood
