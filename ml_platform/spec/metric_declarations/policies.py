"""The metrics of policies: what start times chosen by a model are worth, estimated off-policy."""

from ml_platform.spec.metric import Direction, Metric
from ml_platform.spec.task import OffPolicyChoice

_TIMES = (OffPolicyChoice.name,)

METRICS = (
    Metric(
        "relative_success",
        "relative success",
        "Success of the policy over that of the fixed schedule, less 1; doubly robust.",
        _TIMES,
        low=None,
        high=None,
    ),
    Metric(
        "relative_success_ips",
        "relative success IPS",
        "Success of the policy over that of the fixed schedule, less 1; self-normalised.",
        _TIMES,
        low=-1.0,
        high=None,
    ),
    Metric(
        "policy_success",
        "policy success",
        "Successes per launch of the policy; doubly robust, so that it may leave [0, 1].",
        _TIMES,
        low=None,
        high=None,
    ),
    Metric(
        "policy_success_ips", "policy success IPS", "Successes per launch; self-normalised.", _TIMES
    ),
    Metric(
        "fixed_success",
        "fixed success",
        "Successes per launch of the fixed schedule, which no scorer changes.",
        _TIMES,
        Direction.NEITHER,
        low=None,
        high=None,
    ),
    Metric(
        "logged_success",
        "logged success",
        "Successes per launch as they were logged, which no scorer changes.",
        _TIMES,
        Direction.NEITHER,
    ),
    Metric(
        "mean_weight",
        "mean weight",
        "The mean importance weight of the policy; 1 where the logged propensities are right.",
        _TIMES,
        Direction.NEITHER,
        high=None,
    ),
    Metric(
        "effective_launches",
        "effective launches",
        "How many launches the weights leave to estimate the policy from.",
        _TIMES,
        Direction.NEITHER,
        high=None,
        unit="launches",
    ),
)
