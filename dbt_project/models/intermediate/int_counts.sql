-- One row an event: how often its user, its object and its folder were seen strictly before it.
with keyed as (
    select
        row_id,
        user_key,
        t,
        tool_key as tool,
        operation_key as operation,
        extension_key as extension,
        subfolder_key as folder,
        object_key,
        local_t // 3600000000 % 24 as hour
    from {{ ref('int_events') }}
),

days as (
    select t, min(row_id) as first_row
    from {{ ref('int_events') }}
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
    {{ count_before('by_extension', 168) }} as user_extension_7d,
    {{ count_before('by_tool', 168) }} as user_tool_7d,
    {{ count_before('by_hour', 168) }} as user_hour_7d,
    {{ count_before('by_folder', 168) }} as user_folder_7d,
    {{ count_before('by_folder', 720) }} as user_folder_30d,
    {{ count_before('by_operation', 8) }} as user_operation_8h,
    count(distinct tool) over (by_user {{ before(8) }}) as user_tools_8h,
    count(distinct extension) over (by_user {{ before(24) }}) as user_extensions_24h,
    {{ count_before('object', 720) }} as object_touches_30d,
    max(t) over (object {{ before(720) }}) as object_last_t,
    {{ count_before('place', 168) }} as folder_touches_7d,
    count(distinct user_key) over (place {{ before(720) }}) as folder_users_30d,
    everybody.all_events_24h
from keyed
inner join everybody using (t)
window
    by_user as (partition by user_key order by t),
    by_extension as (partition by user_key, extension order by t),
    by_tool as (partition by user_key, tool order by t),
    by_operation as (partition by user_key, operation order by t),
    by_hour as (partition by user_key, hour order by t),
    by_folder as (partition by user_key, folder order by t),
    place as (partition by folder order by t),
    object as (partition by object_key order by t)
