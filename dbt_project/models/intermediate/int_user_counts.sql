-- One row an event that is asked for: how often its user did the like strictly before it.
-- The week and the month are apart: but for folders, no window looks back on more than a week.
{% set week, month = 168, 720 %}
with keyed as (
    select
        row_id,
        user_key,
        t,
        tool_key as tool,
        operation_key as operation,
        extension_key as extension,
        subfolder_key as folder,
        (local_t // 3600000000 % 24)::tinyint as hour
    from {{ ref('int_events') }}
),

of_week as (
    select
        row_id,
        {{ count_before('by_extension', week) }} as user_extension_7d,
        {{ count_before('by_tool', week) }} as user_tool_7d,
        {{ count_before('by_hour', week) }} as user_hour_7d,
        {{ count_before('by_operation', 8) }} as user_operation_8h,
        count(distinct tool) over (by_user {{ before(8) }}) as user_tools_8h,
        count(distinct extension) over (by_user {{ before(24) }}) as user_extensions_24h
    from keyed
    where {{ asked('pattern_features', hours=week) }}
    window
        by_user as (partition by user_key order by t),
        by_extension as (partition by user_key, extension order by t),
        by_tool as (partition by user_key, tool order by t),
        by_operation as (partition by user_key, operation order by t),
        by_hour as (partition by user_key, hour order by t)
    qualify {{ asked('pattern_features') }}
),

of_month as (
    select
        row_id,
        {{ count_before('by_folder', week) }} as user_folder_7d,
        {{ count_before('by_folder', month) }} as user_folder_30d
    from keyed
    where {{ asked('pattern_features', hours=month) }}
    window by_folder as (partition by user_key, folder order by t)
    qualify {{ asked('pattern_features') }}
)

select
    row_id,
    of_week.user_extension_7d,
    of_week.user_tool_7d,
    of_week.user_hour_7d,
    of_month.user_folder_7d,
    of_month.user_folder_30d,
    of_week.user_operation_8h,
    of_week.user_tools_8h,
    of_week.user_extensions_24h
from of_week
inner join of_month using (row_id)
