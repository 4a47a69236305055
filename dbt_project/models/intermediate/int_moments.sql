-- One row a user (in a process log: a case) and moment: what was done there, and where its stretch of work and its run in one folder begin.
-- Rows at the same microsecond are one observation: none of them is another's past, and their order carries no information.
{% set keys = "user_key, t" %}
{% set columns = ["tool_key", "operation_key", "extension_key", "folder_key", "subfolder_key"] %}
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

-- Codes of tool and operation together, and of two directories and extension together.
tokens as (
    select tool_key, operation_key, (row_number() over (order by tool_key, operation_key))::integer as token
    from moments
    group by tool_key, operation_key
),

places as (
    select subfolder_key, extension_key, (row_number() over (order by subfolder_key, extension_key))::integer as token_of_place
    from moments
    group by subfolder_key, extension_key
),

ordered as (
    select
        moments.*,
        tokens.token,
        places.token_of_place,
        row_number() over by_user as place,
        (sum(events) over so_far)::bigint - events as events_before,
        (sum(change_sets) over so_far)::bigint - change_sets as change_sets_before,
        lag(t) over by_user as previous_t,
        lag(folder_key) over by_user as previous_folder_key
    from moments
    inner join tokens using (tool_key, operation_key)
    inner join places
        on moments.subfolder_key is not distinct from places.subfolder_key
        and moments.extension_key is not distinct from places.extension_key
    window
        by_user as (partition by user_key order by t),
        so_far as (partition by user_key order by t rows unbounded preceding)
),

-- Places where a stretch of work (no pause of more than 30 minutes; a case, whatever its pauses) and a run in
-- one folder begin.
marked as (
    select
        *,
        previous_t is null or (t - previous_t > {{ stretch_pause() }} and not in_case) as begins,
        case when begins then place end as stretch_place,
        case when begins then t end as stretch_t,
        case
            when coalesce(t - previous_t > {{ run_pause() }}, true) or folder_key is distinct from previous_folder_key then place
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
    events_before,
    change_sets_before,
    tool_key,
    operation_key,
    extension_key,
    folder_key,
    subfolder_key,
    token,
    token_of_place,
    previous_t,
    -- The stretch that this moment belongs to: from the pauses before it, so known at it.
    place - max(stretch_place) over so_far as session_position,
    max(stretch_t) over so_far as session_start,
    place - max(run_place) over earlier as last_run
from marked
window
    so_far as (partition by user_key order by t rows unbounded preceding),
    earlier as (partition by user_key order by t rows between unbounded preceding and 1 preceding)
