-- One row a suggestion: earlier offers and runs of the same workflow with the same user, before it was shown.
-- One stream a pair of user and workflow (offers, their outcomes, runs, ends of runs) and trailing windows over it.
with stream as (
    select
        user_id, workflow_id, epoch_us(shown_at) as t, suggestion_id,
        1 as shown, 0 as answered, 0 as accepted, 0 as ran, 0 as finished, 0 as succeeded
    from {{ ref('stg_suggestions') }}
    union all
    select
        user_id, workflow_id, epoch_us(outcome_at), null, 0, 1, {{ accepted("outcome") }}::integer, 0, 0, 0
    from {{ ref('stg_suggestions') }}
    where outcome is not null and outcome_at is not null
    union all
    select user_id, workflow_id, epoch_us(started_at), null, 0, 0, 0, 1, 0, 0
    from {{ ref('stg_workflow_executions') }}
    union all
    select
        user_id, workflow_id, epoch_us(finished_at), null, 0, 0, 0, 0, 1, {{ succeeded("status") }}::integer
    from {{ ref('stg_workflow_executions') }}
    where finished_at is not null
),

measured as (
    select
        suggestion_id,
        user_id,
        workflow_id,
        t,
        sum(ran) over fortnight as runs,
        max(case when ran = 1 then t end) over fortnight as last_run_t,
        sum(finished) over fortnight as finished,
        sum(succeeded) over fortnight as succeeded,
        sum(ran) over past as runs_ever,
        sum(shown) over past as shown_ever,
        sum(answered) over past as answered_ever,
        sum(accepted) over past as accepted_ever
    from stream
    window
        past as (partition by user_id, workflow_id order by t range between unbounded preceding and 1 preceding),
        fortnight as (partition by user_id, workflow_id order by t {{ before(336) }})
)

-- A round: the offers of the pair in the fortnight up to this one. What was known at its first offer is not yet moved
-- by the offers themselves.
select
    suggestion_id,
    user_id,
    workflow_id,
    t,
    first_value(t) over round as round_t,
    first_value(coalesce(runs, 0)) over round as runs_14d,
    first_value(last_run_t) over round as last_run_t,
    first_value(coalesce(finished, 0)) over round as finished_14d,
    first_value(coalesce(succeeded, 0)) over round as succeeded_14d,
    coalesce(runs_ever, 0) - first_value(coalesce(runs_ever, 0)) over round as runs_since,
    coalesce(shown_ever, 0) as pair_shown,
    coalesce(answered_ever, 0) as pair_answered,
    coalesce(accepted_ever, 0) as pair_accepted,
    coalesce(shown_ever, 0) - first_value(coalesce(shown_ever, 0)) over round as round_shown,
    coalesce(answered_ever, 0) - first_value(coalesce(answered_ever, 0)) over round as round_answered,
    coalesce(accepted_ever, 0) - first_value(coalesce(accepted_ever, 0)) over round as round_accepted
from measured
where suggestion_id is not null
window round as (partition by user_id, workflow_id order by t {{ since(336) }})
