-- One row a session of five moments or more, at its last one: what was done in it, and how unlike the user that is.
-- A moment counts once, however many rows it has. The past of a session is what lies strictly before its first moment.
{% set day = microseconds(24) %}
with first_events as (
    select user_key, t, min(row_id) as row_id
    from {{ ref('int_events') }}
    group by user_key, t
),

named as (
    select
        -- A session that is one change set (a commit) is no stretch of work: pauses say where one ends.
        coalesce(nullif(e.session_id, e.change_set_id), 'stretch:' || e.user_id || ':' || m.session_start) as name,
        e.user_id,
        m.user_key,
        m.t,
        e.local_t // 3600000000 % 24 as hour,
        e.occurred_at,
        e.is_bot,
        e.source,
        m.tool,
        m.operation,
        m.tool || '|' || m.operation as step,
        m.folder,
        case when e.folder is not null then e.object_key end as file,
        e.subfolder
    from {{ ref('int_moments') }} as m
    inner join first_events as f on m.user_key = f.user_key and m.t = f.t
    inner join {{ ref('int_events') }} as e on f.row_id = e.row_id
),

{# Sources may use a session's name again for another user. #}
keyed as (
    select *, dense_rank() over (order by source, user_key, name) as session
    from named
),

placed as (
    select
        *,
        t - first_value(t) over in_session as into_session,
        (row_number() over in_session = 1)::bigint as is_first,
        lag(tool) over in_session as last_tool,
        lag(operation) over in_session as last_operation,
        lag(step) over in_session || '>' || step as transition,
        {{ millionths("ln(1 + (t - lag(t) over in_session) / 1000000)") }} as gap
    from keyed
    window in_session as (partition by session order by t)
),

-- The month before the session, of this user and of everybody, for the same step, transition, place and file as the event's.
counted as (
    select
        *,
        {% for name in ["user", "user_step", "everybody", "tool", "step", "file", "subfolder", "folder", "folder_step"] %}
        count(*) over (by_{{ name }} {{ month_before_session() }}) as of_{{ name }},
        {% endfor %}
        {% for name in ["last_tool", "switch", "context", "transition"] %}
        count(last_tool) over (by_{{ name }} {{ month_before_session() }}) as of_{{ name }},
        {% endfor %}
        sum(is_first) over (by_user {{ month_before_session() }}) as user_sessions
    from placed
    window
        by_user as (partition by user_key order by t),
        by_user_step as (partition by user_key, step order by t),
        by_everybody as (order by t),
        by_tool as (partition by tool order by t),
        by_step as (partition by step order by t),
        by_file as (partition by file order by t),
        by_subfolder as (partition by subfolder order by t),
        by_folder as (partition by folder order by t),
        by_folder_step as (partition by folder, step order by t),
        by_last_tool as (partition by last_tool order by t),
        by_switch as (partition by last_tool, tool order by t),
        by_context as (partition by tool, last_operation order by t),
        by_transition as (partition by tool, last_operation, operation order by t)
),

-- Minus logarithms of shares: how surprising each moment is, in millionths of a nat.
surprising as (
    select
        *,
        (of_step + 1) / (of_everybody + 100) as step_share,
        {{ millionths("-ln(" ~ shrunk_share("of_user_step", "of_user", "step_share") ~ ")") }} as step_surprise,
        -- The tool after the last tool, and what is done with it after what was done last.
        case
            when last_tool is not null
                then {{ millionths(
                    "-ln(" ~ shrunk_share("of_switch", "of_last_tool", "(of_tool + 1) / (of_everybody + 10)") ~ ")"
                    ~ " - ln(" ~ shrunk_share("of_transition", "of_context", "(of_step + 1) / (of_tool + 10)") ~ ")"
                ) }}
        end as transition_surprise,
        -- How much rarer the step is in this folder than elsewhere.
        case
            when folder is not null
                then {{ millionths("ln(step_share) - ln(" ~ shrunk_share("of_folder_step", "of_folder", "step_share") ~ ")") }}
        end as place_surprise,
        case when file is not null then {{ millionths("-ln((of_file + 1) / (of_subfolder + 50))") }} end as file_surprise,
        coalesce(transition_surprise, step_surprise) + coalesce(place_surprise, 0) as work_surprise,
        gap as gap_surprise
    from counted
),

-- What is usual for everybody: the 30 whole days (UTC) before the day on which the session starts.
days as (
    select
        t // {{ day }} as day,
        {% for name in compared_in() %}
        sum({{ name }}_surprise) as {{ name }}_sum,
        count({{ name }}_surprise) as {{ name }}_count{{ "," if not loop.last }}
        {% endfor %}
    from surprising
    group by 1
),

months as (
    select
        starts.day,
        {% for name in compared_in() %}
        sum({{ name }}_sum) / nullif(sum({{ name }}_count), 0) as {{ name }}_everybody{{ "," if not loop.last }}
        {% endfor %}
    from (select distinct t // {{ day }} as day from placed where is_first = 1) as starts
    inner join days on days.day between starts.day - 30 and starts.day - 1
    group by 1
),

-- The usual surprise of the user, shrunk towards that of everybody.
judged as (
    select
        *,
        {% for name in compared_in() %}
        round({{ shrunk_share(
            "coalesce(sum(" ~ name ~ "_surprise) over (by_user " ~ month_before_session() ~ "), 0)",
            "count(" ~ name ~ "_surprise) over (by_user " ~ month_before_session() ~ ")",
            name ~ "_everybody"
        ) }})::bigint as {{ name }}_usual,
        {% endfor %}
        count(*) over (partition by session) as session_events
    from surprising
    left join months on (surprising.t - surprising.into_session) // {{ day }} = months.day
    window by_user as (partition by user_key order by t)
),

tools as ({{ entropy_by_session("judged", "tool") }}),

steps as ({{ entropy_by_session("judged", "step") }}),

transitions as ({{ entropy_by_session("judged", "transition") }}),

files as ({{ entropy_by_session("judged", "file") }}),

sessions as (
    select
        session,
        first(name) as name,
        first(user_id) as user_id,
        max(occurred_at) as occurred_at,
        bool_or(is_bot) as is_bot,
        first(source) as source,
        count(*) as events,
        count(file) as file_events,
        (sum(gap) / count(gap) / 1000000)::double as gap_mean,
        {{ deviation_of("gap") }} as gap_spread,
        avg((hour < 6)::double) as night_share,
        max(of_user) as user_events,
        max(user_sessions) as user_sessions,
        {% for name in compared_in() %}
        sum({{ name }}_surprise - {{ name }}_usual) / sqrt(nullif(count({{ name }}_surprise), 0)) / 1000000 as unusual_{{ name }}{{ "," if not loop.last }}
        {% endfor %}
    from judged
    where session_events >= 5
    group by session
),

reports as (
    select distinct source, user_id, session_id
    from {{ ref('stg_known_anomalies') }}
)

select
    case when count(*) over (partition by s.name) = 1 then s.name else s.name || '@' || s.user_id || '@' || s.source end as row_id,
    s.user_id,
    s.user_id as cluster_id,
    row_id as change_set_id,
    s.occurred_at,
    s.is_bot,
    s.source,
    -- People report a session within a day; a source without any report has no labels.
    case
        when s.occurred_at >= {{ as_of() }} - interval 1 day or s.source not in (select source from reports) then null
        when reports.session_id is null then 'no'
        else 'yes'
    end as anomalous,
    s.events::double as session_events,
    case when s.user_sessions >= 3 then ln(s.events * s.user_sessions / s.user_events) end::double as size_deviation,
    s.gap_mean,
    s.gap_spread,
    (files.values / s.file_events)::double as distinct_file_share,
    tools.entropy::double as tool_entropy,
    steps.entropy::double as step_entropy,
    (transitions.values / (s.events - 1))::double as distinct_transition_share,
    s.night_share,
    {% for name in compared_in() %}
    s.unusual_{{ name }}{{ "," if not loop.last }}
    {% endfor %}
from sessions as s
left join tools using (session)
left join steps using (session)
left join transitions using (session)
left join files using (session)
left join reports on s.source = reports.source and s.user_id = reports.user_id and s.name = reports.session_id
order by s.occurred_at, row_id
