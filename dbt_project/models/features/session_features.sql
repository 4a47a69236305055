-- One row a session of five moments or more, at its last one: what was done in it, and how unlike the user that is.
-- A moment counts once, however many rows it has. The past of a session is what lies strictly before its first moment.
{% set day = microseconds(24) %}
with users as (
    select distinct user_id, user_key
    from {{ ref('int_events') }}
    where not in_case
),

-- Every moment that sessions look back on, those before the asked ones as they were published.
surprising as (
    select
        user_key,
        t,
        {% for name in compared_in() %}
        {{ name }}_surprise{{ "," if not loop.last }}
        {% endfor %}
    from {{ ref('int_session_surprises') }}
    union all by name
    select
        users.user_key,
        epoch_us(published.occurred_at) as t,
        {% for name in compared_in() %}
        {{ name }}_surprise{{ "," if not loop.last }}
        {% endfor %}
    from {{ kept("moment_surprises") }} as published
    left join users using (user_id)
    where published.occurred_at >= {{ asked_time("int_events") }}
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
    from (select distinct began // {{ day }} as day from {{ ref('int_session_moments') }} where is_first) as starts
    inner join days on days.day between starts.day - 30 and starts.day - 1
    group by 1
),

asked as (
    select session, user_key, t, t - {{ microseconds(720) }} as month_began, t // {{ day }} as day
    from {{ ref('int_session_moments') }}
    where is_first and moments >= 5 and {{ asked('session_features', 'ended') }}
),

-- What the user's moments before each one come to. Doubles hold sums of whole numbers below 2^53 exactly, in any order.
running as (
    select
        user_key,
        t,
        {% for name in compared_in() %}
        coalesce(sum({{ name }}_surprise::double) over earlier, 0) as {{ name }}_sum,
        count({{ name }}_surprise) over earlier as {{ name }}_count{{ "," if not loop.last }}
        {% endfor %}
    from surprising
    where user_key in (select user_key from asked)
    window earlier as (partition by user_key order by t rows between unbounded preceding and 1 preceding)
),

-- The usual surprise of the user in the month before the session, shrunk towards that of everybody.
usual as (
    select
        asked.session,
        {% for name in compared_in() %}
        round({{ shrunk_share(
            "(until_session." ~ name ~ "_sum - until_month." ~ name ~ "_sum)",
            "(until_session." ~ name ~ "_count - until_month." ~ name ~ "_count)",
            "months." ~ name ~ "_everybody"
        ) }})::bigint as {{ name }}_usual{{ "," if not loop.last }}
        {% endfor %}
    from asked
    inner join running as until_session on asked.user_key = until_session.user_key and asked.t = until_session.t
    asof join running as until_month on asked.user_key = until_month.user_key and asked.month_began <= until_month.t
    left join months on asked.day = months.day
),

judged as (
    select
        moments.*,
        [tool, operation] as step,
        case when last_tool is not null then [last_tool, last_operation, tool, operation] end as transition,
        steps.of_user,
        steps.user_sessions,
        surprises.* exclude (first_row, user_key, t),
        usual.* exclude (session)
    from {{ ref('int_session_moments') }} as moments
    inner join usual using (session)
    inner join {{ ref('int_session_steps') }} as steps using (first_row)
    inner join {{ ref('int_session_surprises') }} as surprises using (first_row)
),

tools as ({{ entropy_by_session("judged", "tool") }}),

steps as ({{ entropy_by_session("judged", "step") }}),

transitions as ({{ entropy_by_session("judged", "transition") }}),

files as ({{ entropy_by_session("judged", "file") }}),

judged_sessions as (
    select
        session,
        max(t) as last_t,
        bool_or(is_bot) as is_bot,
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
    group by session
),

named as (
    select
        moments.session,
        moments.ended,
        {{ session_name("e", "m") }} as name,
        e.source,
        e.user_id
    from {{ ref('int_session_moments') }} as moments
    inner join {{ ref('int_moments') }} as m on moments.session = m.first_row
    inner join {{ ref('int_events') }} as e on moments.session = e.row_id
    where moments.is_first and moments.moments >= 5
),

-- Names that sources have given more than once, whenever that was.
shared_names as (
    select name
    from (
        select name, user_id, source
        from named
        union
        select name, user_id, source
        from (select *, {{ published_name() }} as name from {{ kept("moment_surprises") }})
        where name in (select name from named where {{ asked('session_features', 'ended') }})
        group by name, user_id, source
        having count(*) >= 5
    )
    group by name
    having count(*) > 1
),

sessions as (
    select
        judged_sessions.*,
        named.name,
        named.source,
        named.user_id,
        shared_names.name is not null as shares_name,
        make_timestamp(last_t) at time zone 'UTC' as occurred_at
    from judged_sessions
    inner join named using (session)
    left join shared_names using (name)
),

reports as (
    select distinct source, user_id, session_id
    from {{ ref('stg_known_anomalies') }}
)

select
    case when s.shares_name then s.name || '@' || s.user_id || '@' || s.source else s.name end as row_id,
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
