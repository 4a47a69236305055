-- One row a time at which a run could have started: each hour of the logged candidate set, or its own start where nothing was logged.
-- `t` is when it was decided (local midnight, or the start itself), `c` the candidate time itself.
{% set hour = microseconds(1) %}
{% set day = microseconds(24) %}
with parsed as (
    select
        *,
        (t + zone) // {{ hour }} % 24 as logged_hour,
        (t + zone) // {{ day }} * {{ day }} - zone as midnight,
        list_sort(list_distinct(list_filter(
            list_transform(
                string_split(trim(candidate_set, '[] '), ','),
                lambda word: try_cast(trim(word) as bigint)
            ),
            lambda candidate: candidate between 0 and 23
        ))) as hours
    from {{ ref('int_runs') }}
),

judged as (
    select
        *,
        coalesce(propensity > 0 and propensity <= 1 and list_contains(hours, logged_hour), false) as drawn
    from parsed
),

-- Executions by a set that is not over yet are left out: whether they are seen would depend on the hour that was drawn.
candidates as (
    select *, unnest(hours) as slot
    from judged
    where drawn and midnight + (hours[-1] + 1) * {{ hour }} <= epoch_us({{ as_of() }})
)

select
    execution_id || ':' || slot as row_id,
    execution_id,
    workflow_id,
    user_id,
    source,
    "trigger",
    outcome,
    propensity,
    logged_hour,
    slot,
    slot = logged_hour as chosen,
    zone,
    midnight as t,
    -- The middle of the hour: which minute it will be is not known yet.
    midnight + slot * {{ hour }} + {{ microseconds(0.5) }} as c
from candidates

union all by name

select
    execution_id || ':' || logged_hour as row_id,
    execution_id,
    workflow_id,
    user_id,
    source,
    "trigger",
    outcome,
    null::double as propensity,
    logged_hour,
    logged_hour as slot,
    true as chosen,
    zone,
    t,
    t as c
from judged
where not drawn
