-- One row a user and moment that is asked for: what the user (or case) did in the hours before it, strictly.
-- Windows carry keys, whose order is that of the alphabet; they become words at the end.
{% set words = ["tool", "operation", "extension", "folder"] %}
{% set week = 168 %}
with moments as (
    select *
    from {{ ref('int_moments') }}
    where {{ asked_of_moments(hours=week) }}
),

remembering as (
    select
        user_key,
        t,
        first_row,
        place,
        previous_t,
        session_position,
        session_start,
        last_run,
        -- Events before the row less those before the window: one search a window, where a sum needs a tree.
        events_before - first_value(events_before) over (by_user {{ since(1) }}) as events_1h,
        events_before - first_value(events_before) over (by_user {{ since(8) }}) as events_8h,
        events_before - first_value(events_before) over (by_user {{ since(24) }}) as events_24h,
        events_before - first_value(events_before) over (by_user {{ since(week) }}) as events_7d,
        change_sets_before - first_value(change_sets_before) over (by_user {{ since(24) }}) as change_sets_24h,
        place - first_value(place) over (by_user {{ since(24) }}) as moments_24h,
        first_value(t) over (by_user {{ since(24) }}) as first_t_24h,
        -- The memory: the previous moments of the last eight hours, newest first, at most twelve.
        place - first_value(place) over (by_user {{ since(8) }}) as memory,
        {{ remembered("token") }} as session_tokens,
        {{ remembered("token_of_place") }} as session_places,
        {% for word in words %}
        case when memory >= 1 then lag({{ word }}_key, 1) over by_user end as lag1_{{ word }}_key,
        case when memory >= 2 then lag({{ word }}_key, 2) over by_user end as lag2_{{ word }}_key,
        {% endfor %}
        case when memory >= 3 then lag(operation_key, 3) over by_user end as lag3_operation_key
    from moments
    window by_user as (partition by user_key order by t)
    qualify {{ asked_of_moments() }}
)

select
    remembering.* exclude (
        {% for word in words %}
        lag1_{{ word }}_key,
        lag2_{{ word }}_key,
        {% endfor %}
        lag3_operation_key
    ),
    {% for word in words %}
    words.{{ word }}[lag1_{{ word }}_key] as lag1_{{ word }},
    words.{{ word }}[lag2_{{ word }}_key] as lag2_{{ word }},
    {% endfor %}
    words.operation[lag3_operation_key] as lag3_operation
from remembering
cross join {{ ref('int_words') }} as words
