-- One row a shown suggestion: keys, labels, and the features of ml_platform/features/suggestion_features.py.
-- Numbers are doubles; NULL means unknown, never zero.
with offers as (
    select
        s.suggestion_id,
        s.user_id,
        s.workflow_id,
        s.shown_at,
        s.source,
        s.category,
        o.* exclude (suggestion_id, user_id, workflow_id),
        c.* exclude (suggestion_id),
        s.outcome is not null and {{ accepted("s.outcome") }} as taken,
        epoch_us(s.outcome_at) as outcome_t
    from {{ ref('stg_suggestions') }} as s
    inner join {{ ref('int_offers') }} as o using (suggestion_id)
    inner join {{ ref('int_offer_context') }} as c using (suggestion_id)
),

-- An outcome later than its timeout (of a share) or than the label's delay (of a single yes or no) came too late to count.
counted as (
    select
        *,
        t + {{ adoption_delay() }} <= epoch_us({{ as_of() }}) as closed,
        taken and coalesce(outcome_t < t + {{ adoption_delay() }}, true) as adopted,
        count(*) over ahead as occasions,
        count(*) filter (where taken and coalesce(outcome_t <= t + {{ outcome_timeout() }}, true)) over ahead as acceptances,
        count(*) over (partition by user_id, t) as offers_at_once,
        first_value(case when category is not null then events_of_category / nullif(events_known, 0) end) over round as similarity
    from offers
    window
        ahead as (
            partition by user_id, workflow_id order by t
            range between current row and {{ adoption_window() }} - 1 following
        ),
        round as (partition by user_id, workflow_id order by t {{ since(336) }})
),

-- Where workflows are offered once, there is no share: the label is the one yes or no.
kind as (
    select coalesce(avg((occasions >= {{ minimum_occasions() }})::integer) >= 0.1, false) as shares
    from counted
    where closed
)

select
    suggestion_id as row_id,
    user_id,
    user_id as cluster_id,
    suggestion_id as change_set_id,
    shown_at as occurred_at,
    false as is_bot,
    source,
    case
        when not closed then null
        when not kind.shares then adopted::double
        when occasions >= {{ minimum_occasions() }} then acceptances / occasions
    end::double as adopted_share,
    case when closed then case when adopted then 'yes' else 'no' end end as adopted,
    case when not closed then null when kind.shares then occasions else 1 end::double as occasions,
    workflow_id as workflow,

    category,
    runs_14d::double as runs_14d,
    (coalesce(round_t - last_run_t, {{ microseconds(336) }}) / 3600000000)::double as hours_since_run,
    finished_14d::double as finished_14d,
    ((succeeded_14d + 1) / (finished_14d + 2))::double as success_14d,
    similarity::double as similarity,
    runs_since::double as runs_since,
    user_runs_14d::double as user_runs_14d,
    events_known::double as events_known,

    round_shown::double as round_shown,
    round_answered::double as round_answered,
    round_accepted::double as round_accepted,
    ((round_accepted + 1) / (round_answered + 2))::double as round_rate,
    (round_shown - round_answered)::double as round_pending,
    ((t - round_t) / 3600000000)::double as round_hours,
    pair_shown::double as pair_shown,
    pair_answered::double as pair_answered,
    pair_accepted::double as pair_accepted,
    ((pair_accepted + 1) / (pair_answered + 2))::double as pair_rate,
    user_answered_30d::double as user_answered_30d,
    user_accepted_30d::double as user_accepted_30d,
    ((user_accepted_30d + 1) / (user_answered_30d + 2))::double as user_rate_30d,
    workflow_answered_30d::double as workflow_answered_30d,
    workflow_accepted_30d::double as workflow_accepted_30d,
    ((workflow_accepted_30d + 1) / (workflow_answered_30d + 2))::double as workflow_rate_30d,
    offers_at_once::double as offers_at_once,
    {{ clock_features("t") }}
from counted
cross join kind
order by row_id
