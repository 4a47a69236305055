-- Recurring work: three moments in a row within one stretch of work of a user, seen at least twice.
with steps as (
    select
        user_key,
        t,
        lag2_tool || ':' || lag2_operation as first_step,
        lag1_tool || ':' || lag1_operation as second_step,
        tool || ':' || operation as third_step
    from {{ ref('int_moments') }}
    where session_position >= 2
),

traced as (
    select user_key, t, min(user_id) as user_id, min(source) as source, min(event_id) as event_id
    from {{ ref('int_events') }}
    group by user_key, t
)

select
    traced.user_id,
    steps.first_step,
    steps.second_step,
    steps.third_step,
    count(*) as occurrences,
    make_timestamp(min(t)) at time zone 'UTC' as first_seen_at,
    make_timestamp(max(t)) at time zone 'UTC' as last_seen_at,
    min_by(traced.source, t) as source,
    min_by(traced.event_id, t) as first_event_id
from steps
inner join traced using (user_key, t)
group by traced.user_id, steps.first_step, steps.second_step, steps.third_step
having count(*) >= 2
order by traced.user_id, occurrences desc, steps.first_step, steps.second_step, steps.third_step
