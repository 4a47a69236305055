-- One row a suggestion: what was known, when it was shown, of its user, its workflow with everybody, and the kind of work.
with user_stream as (
    select user_id, epoch_us(shown_at) as t, suggestion_id, 0 as ran, 0 as answered, 0 as accepted
    from {{ ref('stg_suggestions') }}
    union all
    select user_id, epoch_us(outcome_at), null, 0, 1, {{ accepted("outcome") }}::integer
    from {{ ref('stg_suggestions') }}
    where outcome is not null and outcome_at is not null
    union all
    select user_id, epoch_us(started_at), null, 1, 0, 0
    from {{ ref('stg_workflow_executions') }}
),

users as (
    select
        suggestion_id,
        sum(ran) over (partition by user_id order by t {{ before(336) }}) as user_runs_14d,
        sum(answered) over month as user_answered_30d,
        sum(accepted) over month as user_accepted_30d
    from user_stream
    window month as (partition by user_id order by t {{ before(720) }})
),

workflow_stream as (
    select workflow_id, epoch_us(shown_at) as t, suggestion_id, 0 as answered, 0 as accepted
    from {{ ref('stg_suggestions') }}
    union all
    select workflow_id, epoch_us(outcome_at), null, 1, {{ accepted("outcome") }}::integer
    from {{ ref('stg_suggestions') }}
    where outcome is not null and outcome_at is not null
),

workflows as (
    select
        suggestion_id,
        sum(answered) over month as workflow_answered_30d,
        sum(accepted) over month as workflow_accepted_30d
    from workflow_stream
    window month as (partition by workflow_id order by t {{ before(720) }})
),

-- The category of an event is known a day after it: younger events say nothing yet.
labelled as (
    select user_id, workflow_category as category, epoch_us(occurred_at) as t
    from {{ ref('stg_events') }}
    where workflow_category is not null
),

category_stream as (
    select user_id, category, t, null as suggestion_id, 1 as worked from labelled
    union all
    select user_id, category, epoch_us(shown_at), suggestion_id, 0
    from {{ ref('stg_suggestions') }}
    where category is not null
),

categories as (
    select suggestion_id, sum(worked) over known as events_of_category
    from category_stream
    window known as (
        partition by user_id, category order by t
        range between {{ microseconds(336) }} preceding and {{ microseconds(24) }} + 1 preceding
    )
),

work_stream as (
    select user_id, t, null as suggestion_id, 1 as worked from labelled
    union all
    select user_id, epoch_us(shown_at), suggestion_id, 0 from {{ ref('stg_suggestions') }}
),

work as (
    select suggestion_id, sum(worked) over known as events_known
    from work_stream
    window known as (
        partition by user_id order by t
        range between {{ microseconds(336) }} preceding and {{ microseconds(24) }} + 1 preceding
    )
)

select
    suggestion_id,
    coalesce(user_runs_14d, 0) as user_runs_14d,
    coalesce(user_answered_30d, 0) as user_answered_30d,
    coalesce(user_accepted_30d, 0) as user_accepted_30d,
    coalesce(workflow_answered_30d, 0) as workflow_answered_30d,
    coalesce(workflow_accepted_30d, 0) as workflow_accepted_30d,
    coalesce(events_of_category, 0) as events_of_category,
    coalesce(events_known, 0) as events_known
from users
inner join workflows using (suggestion_id)
inner join work using (suggestion_id)
left join categories using (suggestion_id)
where suggestion_id is not null
