-- One row a moment in its session: what was done, what before it in the session, and the places in time that counts need.
with times as (
    select first_row, rank() over (order by t) as place
    from {{ ref('int_moments') }}
),

named as (
    select
        {{ session_name("e", "m") }} as name,
        e.source,
        m.user_key,
        m.t,
        m.first_row,
        times.place,
        (e.local_t // 3600000000 % 24)::tinyint as hour,
        e.is_bot,
        m.tool_key as tool,
        m.operation_key as operation,
        m.folder_key as folder,
        case when e.folder_key is not null then e.object_key end as file,
        e.subfolder_key as subfolder
    from {{ ref('int_moments') }} as m
    inner join times using (first_row)
    inner join {{ ref('int_events') }} as e on m.first_row = e.row_id
),

-- A session is known by its first event. Sources may use its name again for another user.
begun as (
    select
        source,
        user_key,
        name,
        min(first_row) as session,
        min(t) as began,
        max(t) as ended,
        min(place) as began_place,
        count(*) as moments
    from named
    group by source, user_key, name
),

-- The month before a session begins at the first moment of anybody in it.
months as (
    select begun.session, first_within.place as month_place
    from begun
    asof join (select t, place from named) as first_within on begun.began - {{ microseconds(720) }} <= first_within.t
)

select
    first_row,
    session,
    user_key,
    t,
    place,
    began,
    began_place,
    month_place,
    ended,
    t = began as is_first,
    moments,
    hour,
    is_bot,
    tool,
    operation,
    folder,
    file,
    subfolder,
    lag(tool) over in_session as last_tool,
    lag(operation) over in_session as last_operation,
    {{ millionths("ln(1 + (t - lag(t) over in_session) / 1000000)") }} as gap
from named
inner join begun using (source, user_key, name)
inner join months using (session)
window in_session as (partition by session order by t)
