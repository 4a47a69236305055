-- One row an event with small integer keys, in the final order (occurred_at, event_id).
with users as (
    select user_id, (row_number() over (order by user_id))::integer as user_key
    from (select distinct user_id from {{ ref('stg_events') }})
)

select
    row_number() over (order by events.occurred_at, events.event_id) as row_id,
    events.event_id,
    events.user_id,
    users.user_key,
    events.change_set_id,
    events.session_id,
    events.occurred_at,
    epoch_us(events.occurred_at) as t,
    epoch_us(events.occurred_at) + coalesce(events.utc_offset_minutes, 0)::bigint * 60000000 as local_t,
    events.is_bot,
    events.source,
    events.workflow_category,
    events.tool,
    events.operation,
    objects.object_key,
    objects.extension,
    objects.folder,
    objects.subfolder,
    objects.path_kind
from {{ ref('stg_events') }} as events
inner join users using (user_id)
inner join {{ ref('int_objects') }} as objects
    on events.object_path is not distinct from objects.object_path
    and events.object_extension is not distinct from objects.object_extension
