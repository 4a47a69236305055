-- One row an event with small integer keys, in the final order (occurred_at, event_id).
-- What came before an event is what its user did before; in a process log it is what was done in the same case,
-- by whomever and however long ago.
with keyed as not materialized (
    select
        *,
        starts_with(source, 'process-log:') and session_id is not null as in_case,
        case when in_case then session_id else user_id end as actor
    from {{ ref('int_read_events') }}
),

-- Ids alone are sorted: sorted whole, ten million rows would be written to disk and read again.
numbered as (
    select event_id, row_number() over (order by occurred_at, event_id) as row_id
    from {{ ref('int_read_events') }}
),

actors as (
    select in_case, actor, (row_number() over (order by in_case, actor))::integer as user_key
    from (select distinct in_case, actor from keyed)
),

actions as (
    select
        tool,
        operation,
        (dense_rank() over (order by tool))::integer as tool_key,
        (dense_rank() over (order by operation))::integer as operation_key
    from (select distinct tool, operation from keyed)
)

select
    numbered.row_id,
    events.event_id,
    events.user_id,
    actors.user_key,
    events.in_case,
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
    actions.tool_key,
    actions.operation_key,
    objects.object_key,
    objects.extension,
    objects.folder,
    objects.subfolder,
    objects.extension_key,
    objects.folder_key,
    objects.subfolder_key,
    objects.path_kind
from keyed as events
inner join numbered using (event_id)
inner join actors using (in_case, actor)
inner join actions using (tool, operation)
inner join {{ ref('int_objects') }} as objects
    on events.object_path is not distinct from objects.object_path
    and events.object_extension is not distinct from objects.object_extension
