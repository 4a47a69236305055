-- When each user works: events by local weekday (0 is Monday) and hour, and their share of the user's events.
with placed as (
    select
        user_id,
        occurred_at,
        event_id,
        source,
        epoch_us(occurred_at) + coalesce(utc_offset_minutes, 0)::bigint * 60000000 as local_t,
        ((local_t // {{ microseconds(24) }} + 3) % 7)::integer as weekday,
        (local_t // {{ microseconds(1) }} % 24)::integer as hour
    from {{ ref('stg_events') }}
),

slots as (
    select user_id, weekday, hour, count(*) as events, min(occurred_at) as occurred_at
    from placed
    group by user_id, weekday, hour
),

first_events as (
    select user_id, weekday, hour, min_by(source, event_id) as source, min(event_id) as event_id
    from placed
    semi join slots using (user_id, weekday, hour, occurred_at)
    group by user_id, weekday, hour
)

select
    slots.user_id,
    slots.weekday,
    slots.hour,
    slots.events,
    slots.events / sum(slots.events) over (partition by slots.user_id) as share,
    first_events.source,
    first_events.event_id as first_event_id
from slots
inner join first_events using (user_id, weekday, hour)
order by slots.user_id, slots.weekday, slots.hour
