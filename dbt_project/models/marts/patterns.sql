-- Recurring work: three moments in a row within one stretch of work of a user, seen at least twice.
with moments as (
    select * from {{ kept("moment_surprises") }}
    union all by name
    select * from {{ ref('moment_surprises') }}
)

select
    user_id,
    first_step,
    second_step,
    third_step,
    count(*) as occurrences,
    min(occurred_at) as first_seen_at,
    max(occurred_at) as last_seen_at,
    min_by(source, occurred_at) as source,
    min_by(row_id, occurred_at) as first_event_id
from moments
where stretch_position >= 2
group by user_id, first_step, second_step, third_step
having count(*) >= 2
order by user_id, occurrences desc, first_step, second_step, third_step
