-- One row a step: a user's moment (the rows of a commit are one step), named by its first event.
-- A session is a stretch of work without a pause of more than 30 minutes, whatever the source calls a session.
-- In a process log a session is a case, and the steps before are those of the case.
-- Features look at the step and the earlier ones; the two labels at the steps and runs that follow.
{% set stretch_end = stretch_pause() %}
-- The moments that are asked for, and those of the same users and cases that they look back on.
with asked as (
    select user_key, min(place) as first_place
    from {{ ref('int_moments') }}
    where {{ asked('step_features') }}
    group by user_key
),

moments as (
    select all_moments.*
    from {{ ref('int_moments') }} as all_moments
    inner join asked using (user_key)
    where place > first_place - {{ steps_back() }}
),

step_words as (
    select
        tool_key,
        operation_key,
        words.tool[tool_key] || ':' || words.operation[operation_key] as word,
        (row_number() over (order by tool_key, operation_key))::integer as code
    from (select distinct tool_key, operation_key from moments)
    cross join {{ ref('int_words') }} as words
),

object_words as (
    select
        folder_key,
        extension_key,
        coalesce(words.folder[folder_key] || '|' || words.extension[extension_key], 'none') as word,
        (row_number() over (order by folder_key, extension_key))::integer as code
    from (select distinct folder_key, extension_key from moments)
    cross join {{ ref('int_words') }} as words
),

words as (
    select
        (select list(word order by code) from step_words) as step_words,
        (select list(word order by code) from object_words) as object_words
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

-- Whether anybody who does steps runs workflows: else no step is known to be without a run.
running as (
    select 1
    from {{ ref('stg_workflow_executions') }}
    where
        "trigger" in ('manual', 'event')
        and user_id in (
            select user_id from {{ ref('stg_events') }} where not (starts_with(source, 'process-log:') and session_id is not null)
        )
    limit 1
),

-- A run belongs to the last moment at or before it.
ran as (
    select moments.user_key, moments.t, count(*) as runs
    from runs
    asof join moments
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
        moments.first_row,
        moments.place,
        step_words.code as step,
        object_words.code as object,
        ({{ gap_code("moments.t - moments.previous_t", "moments.in_case") }})::tinyint as gap,
        (case when ran.runs > 0 then 2 else 1 end)::tinyint as run,
        earlier.run_t as last_run_t,
        later.run_t as next_run_t
    from moments
    inner join step_words using (tool_key, operation_key)
    inner join object_words
        on moments.folder_key is not distinct from object_words.folder_key
        and moments.extension_key is not distinct from object_words.extension_key
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
        max(case when run = 2 then place end) over earlier as last_run_place
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
        {{ last_steps("run", own="1::tinyint") }} as runs,
        last_t + case when in_case then (select rest from rests) else {{ stretch_end }} end
        < epoch_us({{ as_of() }}) as is_over,
        coalesce(third_t, last_t + {{ stretch_end }}) as soon_until
    from placed
    window by_user as (partition by user_key order by t)
),

-- Numbers are sorted, and become words afterwards.
ordered as (
    select
        e.event_id,
        e.user_id,
        e.session_id,
        e.change_set_id,
        e.occurred_at,
        e.local_t,
        e.is_bot,
        e.source,
        m.events_24h,
        s.*
    from listed as s
    inner join {{ ref('int_events') }} as e on s.first_row = e.row_id
    inner join {{ ref('int_memories') }} as m on s.first_row = m.first_row
    where {{ asked('step_features', 's.t') }}
    order by e.row_id
)

select
    s.event_id as row_id,
    s.user_id,
    case when s.in_case then 'case:' || s.session_id else 'stretch:' || s.user_id || ':' || s.session_start end as cluster_id,
    -- A case is wholly before a split or after it: the label of a step may come long after the step.
    case when s.in_case then 'case:' || s.session_id else s.change_set_id end as change_set_id,
    s.occurred_at,
    s.is_bot,
    s.source,
    case when s.next_t is not null then words.step_words[s.following_step] when s.is_over then 'end' end as next_step,
    case
        when not exists (select 1 from running) then null
        when s.third_t is null and not s.is_over then null
        when s.next_run_t <= s.soon_until then 'yes'
        else 'no'
    end as workflow_soon,
    list_select(words.step_words, s.steps) as steps,
    list_select(words.object_words, s.objects) as objects,
    list_select({{ gap_words() }}, s.gaps) as gaps,
    list_select({{ run_words() }}, s.runs) as runs,
    words.step_words[s.step] as step,
    words.object_words[s.object] as object,
    {{ gap_words() }}[s.gap] as gap,
    {{ clock_features("s.local_t") }},
    s.session_position::double as session_position,
    ((s.t - s.session_start) / 60000000)::double as session_minutes,
    ((s.t - s.previous_t) / 1000000)::double as seconds_since_last,
    ((s.t - s.last_run_t) / 3600000000)::double as hours_since_run,
    least(s.place - coalesce(s.last_run_place, 0), {{ steps_back() }})::double as steps_since_run,
    s.events_24h::double as events_24h
from ordered as s
cross join words
