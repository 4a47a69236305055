-- One row a step: a user's moment (the rows of a commit are one step), named by its first event.
-- A session is a stretch of work without a pause of more than 30 minutes, whatever the source calls a session.
-- In a process log a session is a case, and the steps before are those of the case.
-- Features look at the step and the earlier ones; the two labels at the steps and runs that follow.
{% set stretch_end = microseconds(0.5) %}
with first_events as (
    select user_key, t, min(row_id) as row_id
    from {{ ref('int_events') }}
    group by user_key, t
),

users as (
    select distinct user_id, user_key
    from {{ ref('int_events') }}
    where not in_case
),

-- Runs that a person or an event started; scheduled runs do not depend on what the user is doing.
runs as (
    select distinct users.user_key, epoch_us(executions.started_at) as run_t
    from {{ ref('stg_workflow_executions') }} as executions
    inner join users using (user_id)
    where executions."trigger" in ('manual', 'event')
),

-- A run belongs to the last moment at or before it.
ran as (
    select moments.user_key, moments.t, count(*) as runs
    from runs
    asof join {{ ref('int_moments') }} as moments
        on runs.user_key = moments.user_key and runs.run_t >= moments.t
    group by moments.user_key, moments.t
),

steps as (
    select
        moments.user_key,
        moments.t,
        moments.in_case,
        moments.session_start,
        moments.session_position,
        moments.previous_t,
        moments.events_24h,
        row_number() over (partition by moments.user_key order by moments.t) as place,
        moments.tool || ':' || moments.operation as step,
        coalesce(moments.folder || '|' || moments.extension, 'none') as object,
        {{ gap_word("moments.t - moments.previous_t", "moments.in_case") }} as gap,
        case when ran.runs > 0 then 'run' else '-' end as run,
        earlier.run_t as last_run_t,
        later.run_t as next_run_t
    from {{ ref('int_moments') }} as moments
    left join ran using (user_key, t)
    asof left join runs as earlier
        on moments.user_key = earlier.user_key and moments.t > earlier.run_t
    asof left join runs as later
        on moments.user_key = later.user_key and moments.t < later.run_t
),

placed as (
    select
        *,
        lead(t, 1) over stretch as next_t,
        lead(step, 1) over stretch as following_step,
        lead(t, 3) over stretch as third_t,
        max(t) over (partition by user_key, session_start) as last_t,
        max(case when run = 'run' then place end) over earlier as last_run_place
    from steps
    window
        stretch as (partition by user_key, session_start order by t),
        earlier as (partition by user_key order by t rows between unbounded preceding and 1 preceding)
),

-- How long a case rests before it counts as over: all but one in twenty of the pauses inside cases are no longer.
rests as (
    select coalesce(quantile_disc(t - previous_t, 0.95), 0) as rest
    from {{ ref('int_moments') }}
    where in_case and previous_t is not null
),

{# A session is over when half an hour has passed since its last moment (of a case: as long as `rests` says) and the clock
stands later. #}
listed as (
    select
        *,
        {{ last_steps("step") }} as steps,
        {{ last_steps("object") }} as objects,
        {{ last_steps("gap") }} as gaps,
        {{ last_steps("run", own="'-'") }} as runs,
        last_t + case when in_case then (select rest from rests) else {{ stretch_end }} end
        < epoch_us({{ as_of() }}) as is_over,
        coalesce(third_t, last_t + {{ stretch_end }}) as soon_until
    from placed
    window by_user as (partition by user_key order by t)
)

select
    e.event_id as row_id,
    e.user_id,
    case when s.in_case then 'case:' || e.session_id else 'stretch:' || e.user_id || ':' || s.session_start end as cluster_id,
    -- A case is wholly before a split or after it: the label of a step may come long after the step.
    case when s.in_case then 'case:' || e.session_id else e.change_set_id end as change_set_id,
    e.occurred_at,
    e.is_bot,
    e.source,
    case when s.next_t is not null then s.following_step when s.is_over then 'end' end as next_step,
    case
        when not exists (select 1 from runs) then null
        when s.third_t is null and not s.is_over then null
        when s.next_run_t <= s.soon_until then 'yes'
        else 'no'
    end as workflow_soon,
    s.steps,
    s.objects,
    s.gaps,
    s.runs,
    s.step,
    s.object,
    s.gap,
    {{ clock_features("e.local_t") }},
    s.session_position::double as session_position,
    ((s.t - s.session_start) / 60000000)::double as session_minutes,
    ((s.t - s.previous_t) / 1000000)::double as seconds_since_last,
    ((s.t - s.last_run_t) / 3600000000)::double as hours_since_run,
    least(s.place - coalesce(s.last_run_place, 0), 100)::double as steps_since_run,
    s.events_24h::double as events_24h
from listed as s
inner join first_events using (user_key, t)
inner join {{ ref('int_events') }} as e on first_events.row_id = e.row_id
order by e.row_id
