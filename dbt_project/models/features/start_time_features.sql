-- One row a time at which a run could start: its keys, what became of the run, how its hour was drawn, and the features of
-- ml_platform/features/start_time_features.py. Nothing after the moment of the decision is read, ends of runs included.
{% set month = 28 * 24 %}
with asked as (
    select
        *,
        c + zone as local_c,
        ((c + zone) // {{ microseconds(24) }} + 3) % 7 >= 5 as is_free,
        slot // 3 as part,
        (slot + 23) % 24 as hour_before
    from {{ ref('int_candidate_start_times') }}
),

started as (
    select workflow_id, user_id, t
    from {{ ref('int_runs') }}
),

-- An end counts from the moment it is known; its part of the day is that of the start.
ended as (
    select
        workflow_id,
        user_id,
        settled_t as t,
        (outcome = 'yes')::integer as good,
        (t + zone) // {{ microseconds(1) }} % 24 // 3 as part
    from {{ ref('int_runs') }}
    where outcome is not null and settled_t >= t
),

done as (
    select
        user_id,
        epoch_us(occurred_at) as t,
        local_hour as hour_before,
        is_free
    from (
        select
            user_id,
            occurred_at,
            epoch_us(occurred_at) + coalesce(utc_offset_minutes, 0)::bigint * 60000000 as local_t,
            local_t // {{ microseconds(1) }} % 24 as local_hour,
            (local_t // {{ microseconds(24) }} + 3) % 7 >= 5 as is_free
        from {{ ref('stg_events') }}
        where user_id in (select user_id from asked)
    )
),

pair_starts as (
    {{ known_before("started", "asked", "user_id, workflow_id", month, [], {
        "runs": "count(*) filter (where not asking) OVER",
        "last_t": "max(t) filter (where not asking) OVER",
        "first_t": "min(t) filter (where not asking) OVER",
    }) }}
),

user_starts as (
    {{ known_before("started", "asked", "user_id", month, [], {
        "runs": "count(*) filter (where not asking) OVER",
    }) }}
),

pair_ends as (
    {{ known_before("ended", "asked", "user_id, workflow_id", month, ["good"], {
        "runs": "count(good) OVER",
        "good_runs": "sum(good) OVER",
        "last_good": "max(t * 2 + good) OVER % 2",
    }) }}
),

user_ends as (
    {{ known_before("ended", "asked", "user_id", month, ["good"], {
        "runs": "count(good) OVER",
        "good_runs": "sum(good) OVER",
    }) }}
),

workflow_ends as (
    {{ known_before("ended", "asked", "workflow_id", month, ["good"], {
        "runs": "count(good) OVER",
        "good_runs": "sum(good) OVER",
    }) }}
),

part_ends as (
    {{ known_before("ended", "asked", "workflow_id, part", month, ["good"], {
        "runs": "count(good) OVER",
        "good_runs": "sum(good) OVER",
    }) }}
),

user_events as (
    {{ known_before("done", "asked", "user_id", month, [], {
        "events": "count(*) filter (where not asking) OVER",
        "first_t": "min(t) filter (where not asking) OVER",
    }) }}
),

hour_events as (
    {{ known_before("done", "asked", "user_id, is_free, hour_before", month, [], {
        "events": "count(*) filter (where not asking) OVER",
    }) }}
)

select
    asked.row_id,
    asked.user_id,
    asked.user_id as cluster_id,
    asked.execution_id as change_set_id,
    make_timestamp(asked.t) at time zone 'UTC' as occurred_at,
    false as is_bot,
    asked.source,
    case when asked.chosen then asked.outcome end as succeeded,
    asked.outcome,
    asked.chosen::double as chosen,
    asked.propensity,
    asked.logged_hour::double as logged_hour,
    asked.slot::double as slot,

    asked.workflow_id as workflow,
    asked."trigger" as launch_trigger,
    {{ clock_features("asked.local_c") }},

    ((asked.c - pair_starts.last_t) / {{ microseconds(1) }})::double as hours_since_last,
    case
        when pair_starts.runs >= 2
            then ((pair_starts.last_t - pair_starts.first_t) / {{ microseconds(1) }}) / (pair_starts.runs - 1)
    end::double as mean_gap_hours,
    pair_starts.runs::double as runs_28d,
    user_starts.runs::double as user_runs_28d,
    (pair_starts.runs / nullif(user_starts.runs, 0))::double as run_share_28d,

    user_events.events::double as user_events_28d,
    -- Events in the hour before, on an average day of the kind within the part of the 28 days that is known of the user.
    (hour_events.events / greatest(
        (asked.t - user_events.first_t) / {{ microseconds(24) }} * (case when asked.is_free then 2 else 5 end) / 7, 1
    ))::double as expected_activity,

    pair_ends.last_good::double as last_succeeded,
    pair_ends.runs::double as settled_runs_28d,
    (pair_ends.good_runs / nullif(pair_ends.runs, 0))::double as success_rate_28d,
    user_ends.runs::double as user_settled_runs_28d,
    (user_ends.good_runs / nullif(user_ends.runs, 0))::double as user_success_rate_28d,
    workflow_ends.runs::double as workflow_runs_28d,
    (workflow_ends.good_runs / nullif(workflow_ends.runs, 0))::double as workflow_success_rate_28d,
    part_ends.runs::double as workflow_part_runs_28d,
    (part_ends.good_runs / nullif(part_ends.runs, 0))::double as workflow_part_success_rate_28d
from asked
inner join pair_starts using (user_id, workflow_id, t)
inner join user_starts using (user_id, t)
inner join pair_ends using (user_id, workflow_id, t)
inner join user_ends using (user_id, t)
inner join workflow_ends using (workflow_id, t)
inner join part_ends using (workflow_id, part, t)
inner join user_events using (user_id, t)
inner join hour_events using (user_id, is_free, hour_before, t)
order by asked.row_id
