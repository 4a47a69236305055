-- Workflow executions that started before `as_of`; an end after it is not known yet.
select
    execution_id,
    workflow_id,
    user_id,
    started_at,
    case when finished_at < {{ as_of() }} then finished_at end as finished_at,
    case when finished_at is null or finished_at < {{ as_of() }} then status else 'running' end as status,
    "trigger",
    propensity,
    candidate_set,
    try_cast(regexp_extract(attributes, '"utc_offset_minutes": *(-?[0-9]+)', 1) as integer) as utc_offset_minutes,
    source
from {{ source('lake', 'workflow_executions') }}
where started_at < {{ as_of() }}
