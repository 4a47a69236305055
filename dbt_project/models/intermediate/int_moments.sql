-- One row a user (in a process log: a case) and moment: what was done there, and what was known strictly before it.
-- Rows at the same microsecond are one observation: none of them is another's past, and their order carries no information.
{% set keys = "user_key, t" %}
{% set columns = ["tool", "operation", "extension", "folder", "subfolder", "tool_key", "operation_key", "extension_key", "folder_key"] %}
with grouped as (
    select
        {{ keys }},
        min(row_id) as first_row,
        any_value(in_case) as in_case,
        count(*) as events,
        {% for column in columns %}
        min({{ column }}) as {{ column }},
        {% endfor %}
    from {{ ref('int_events') }}
    group by {{ keys }}
),

several as (
    select events.*
    from {{ ref('int_events') }} as events
    inner join grouped using ({{ keys }})
    where grouped.events > 1
),

change_sets as (
    select {{ keys }}, count(distinct change_set_id) as change_sets
    from several
    group by {{ keys }}
),

{% for column in columns %}
main_{{ column }} as ({{ most_frequent("several", keys, column) }}),
{% endfor %}

moments as (
    select
        grouped.user_key,
        grouped.t,
        grouped.first_row,
        grouped.in_case,
        grouped.events,
        coalesce(change_sets.change_sets, 1) as change_sets,
        {% for column in columns %}
        coalesce(main_{{ column }}.{{ column }}, grouped.{{ column }}) as {{ column }},
        {% endfor %}
    from grouped
    left join change_sets using ({{ keys }})
    {% for column in columns %}
    left join main_{{ column }} using ({{ keys }})
    {% endfor %}
),

ordered as (
    select
        *,
        't:' || tool || '|o:' || operation as token,
        's:' || coalesce(subfolder, '') || '|x:' || coalesce(extension, '') as token_of_place,
        row_number() over by_user as place,
        (sum(events) over so_far)::bigint - events as events_before,
        (sum(change_sets) over so_far)::bigint - change_sets as change_sets_before,
        lag(t) over by_user as previous_t,
        lag(folder) over by_user as previous_folder
    from moments
    window
        by_user as (partition by user_key order by t),
        so_far as (partition by user_key order by t rows unbounded preceding)
),

-- Places where a stretch of work (no pause of more than 30 minutes; a case, whatever its pauses) and a run in
-- one folder begin.
marked as (
    select
        *,
        previous_t is null or (t - previous_t > {{ microseconds(0.5) }} and not in_case) as begins,
        case when begins then place end as stretch_place,
        case when begins then t end as stretch_t,
        case
            when coalesce(t - previous_t > {{ microseconds(8) }}, true) or folder is distinct from previous_folder then place
        end as run_place
    from ordered
)

select
    user_key,
    t,
    first_row,
    in_case,
    place,
    events,
    change_sets,
    tool,
    operation,
    tool_key,
    operation_key,
    extension,
    extension_key,
    folder,
    folder_key,
    previous_t,
    -- The stretch that this moment belongs to: from the pauses before it, so known at it.
    place - max(stretch_place) over so_far as session_position,
    max(stretch_t) over so_far as session_start,
    place - max(run_place) over earlier as last_run,
    -- Events before the row less those before the window: one search a window, where a sum needs a tree.
    events_before - first_value(events_before) over (by_user {{ since(1) }}) as events_1h,
    events_before - first_value(events_before) over (by_user {{ since(8) }}) as events_8h,
    events_before - first_value(events_before) over (by_user {{ since(24) }}) as events_24h,
    events_before - first_value(events_before) over (by_user {{ since(168) }}) as events_7d,
    change_sets_before - first_value(change_sets_before) over (by_user {{ since(24) }}) as change_sets_24h,
    place - first_value(place) over (by_user {{ since(24) }}) as moments_24h,
    first_value(t) over (by_user {{ since(24) }}) as first_t_24h,
    -- The memory: the previous moments of the last eight hours, newest first, at most twelve.
    place - first_value(place) over (by_user {{ since(8) }}) as memory,
    {{ remembered("token") }} as session_tokens,
    {{ remembered("token_of_place") }} as session_places,
    {% for column in ["tool", "operation", "extension", "folder"] %}
    case when memory >= 1 then lag({{ column }}, 1) over by_user end as lag1_{{ column }},
    case when memory >= 2 then lag({{ column }}, 2) over by_user end as lag2_{{ column }},
    {% endfor %}
    case when memory >= 3 then lag(operation, 3) over by_user end as lag3_operation
from marked
window
    by_user as (partition by user_key order by t),
    so_far as (partition by user_key order by t rows unbounded preceding),
    earlier as (partition by user_key order by t rows between unbounded preceding and 1 preceding)
