-- One row an execution in local time: when it ran, when its end was known, and whether it succeeded (null where it is not known).
with runs as (
    select
        executions.execution_id,
        executions.workflow_id,
        executions.user_id,
        executions.source,
        executions."trigger",
        executions.propensity,
        executions.candidate_set,
        epoch_us(executions.started_at) as t,
        epoch_us(executions.finished_at) as settled_t,
        executions.utc_offset_minutes,
        case
            when lower(executions.status) in ('success', 'succeeded', 'completed') then 'yes'
            when lower(executions.status) in ('failure', 'failed', 'error', 'cancelled', 'canceled', 'timeout', 'timed_out') then 'no'
        end as outcome
    from {{ ref('stg_workflow_executions') }} as executions
),

zones as (
    select user_id, epoch_us(occurred_at) as zone_t, max(utc_offset_minutes) as utc_offset_minutes
    from {{ ref('stg_events') }}
    where utc_offset_minutes is not null
    group by user_id, zone_t
)

select
    runs.* exclude (utc_offset_minutes),
    -- The execution's own zone, else that of the user's last event before it, else UTC.
    coalesce(runs.utc_offset_minutes, zones.utc_offset_minutes, 0)::bigint * 60000000 as zone
from runs
asof left join zones on runs.user_id = zones.user_id and runs.t > zones.zone_t
