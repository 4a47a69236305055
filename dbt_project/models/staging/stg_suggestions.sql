-- Suggestions shown before `as_of`; an outcome after it is not known yet.
select
    suggestion_id,
    user_id,
    workflow_id,
    shown_at,
    case when outcome_at is null or outcome_at < {{ as_of() }} then outcome end as outcome,
    case when outcome_at < {{ as_of() }} then outcome_at end as outcome_at,
    attributes ->> '$.category' as category,
    source
from {{ source('lake', 'suggestions') }}
where shown_at < {{ as_of() }}
