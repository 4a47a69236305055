-- One row an event that is asked for: how often its object and its folder were seen strictly before it, and by how many.
{% set month = 720 %}
with keyed as (
    select row_id, user_key, t, subfolder_key as folder, object_key
    from {{ ref('int_events') }}
    where {{ asked('pattern_features', hours=month) }}
),

-- A user's touches of a folder in stretches: of two in a row neither is more than a month from the next.
stretches as (
    select
        folder,
        t,
        coalesce(t - lag(t) over mine > {{ microseconds(month) }}, true) as begins,
        coalesce(lead(t) over mine - t > {{ microseconds(month) }}, true) as ends
    from keyed
    where folder is not null
    window mine as (partition by folder, user_key order by t)
),

{% for edge in ["begins", "ends"] %}
{{ edge }} as (
    select folder, t, sum(count(*)) over (partition by folder order by t)::bigint as n
    from stretches
    where {{ edge }}
    group by folder, t
),
{% endfor %}

-- Who was there in the month before: each a stretch that has begun, and was not over when the month began.
users as (
    select row_id, coalesce(begins.n, 0) - coalesce(ends.n, 0) as folder_users_30d
    from (
        select row_id, folder, t, t - {{ microseconds(month) }} as month_began
        from keyed
        where {{ asked('pattern_features') }}
    ) as asked
    asof left join begins on asked.folder = begins.folder and asked.t > begins.t
    asof left join ends on asked.folder = ends.folder and asked.month_began > ends.t
),

days as (
    select t, min(row_id) as first_row
    from keyed
    group by t
),

-- Rows are numbered in the order of time: the events of the last day are a difference of two row numbers.
everybody as (
    select days.t, days.first_row - start.first_row as all_events_24h
    from days
    asof join days as start on days.t - {{ microseconds(24) }} <= start.t
)

select
    keyed.row_id,
    {{ count_before('object', month) }} as object_touches_30d,
    max(t) over (object {{ before(month) }}) as object_last_t,
    {{ count_before('place', 168) }} as folder_touches_7d,
    users.folder_users_30d,
    everybody.all_events_24h
from keyed
left join users using (row_id)
inner join everybody using (t)
window
    place as (partition by folder order by t),
    object as (partition by object_key order by t)
qualify {{ asked('pattern_features') }}
