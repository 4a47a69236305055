-- Events before `as_of`, as the lake holds them; an event id is there once (tested).
select
    event_id,
    user_id,
    occurred_at,
    received_at,
    source,
    tool,
    operation,
    object_path,
    object_extension,
    session_id,
    change_set_id,
    workflow_category,
    is_bot,
    utc_offset_minutes
from {{ source('lake', 'events') }}
where occurred_at < {{ as_of() }}
