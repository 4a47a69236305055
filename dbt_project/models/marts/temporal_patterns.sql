-- When each user works: events by local weekday (0 is Monday) and hour, and their share of the user's events.
with slots as (
    select
        user_id,
        ((local_t // {{ microseconds(24) }} + 3) % 7)::integer as weekday,
        (local_t // {{ microseconds(1) }} % 24)::integer as hour,
        count(*) as events,
        min(row_id) as first_row
    from {{ ref('int_events') }}
    group by all
)

select
    slots.user_id,
    slots.weekday,
    slots.hour,
    slots.events,
    slots.events / sum(slots.events) over (partition by slots.user_id) as share,
    first_event.source,
    first_event.event_id as first_event_id
from slots
inner join {{ ref('int_events') }} as first_event on slots.first_row = first_event.row_id
order by slots.user_id, slots.weekday, slots.hour
