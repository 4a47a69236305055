-- Events before those that are read, of users who have asked moments and come back after long: steps look back on their last moments
-- however long ago these were, and a run in one folder ends with a pause of eight hours at the latest.
with moments as (
    select distinct user_id, epoch_us(occurred_at) as t
    from {{ ref('stg_events') }}
    where occurred_at >= {{ asked_time('int_events') }}
),

asked as (
    select user_id, min(t) as first_t
    from moments
    where t >= least({{ asked_from('pattern_features') }}, {{ asked_from('step_features') }})
    group by user_id
),

earlier as (
    select
        user_id,
        t,
        coalesce(t - lag(t) over (partition by user_id order by t) > {{ run_pause() }}, false) as is_after_pause
    from moments
    inner join asked using (user_id)
    where t < first_t
),

settled as (
    select user_id
    from earlier
    group by user_id
    having count(*) >= {{ steps_back() }} and bool_or(is_after_pause)
)

select *
from {{ ref('stg_events') }}
where
    occurred_at < {{ asked_time('int_events') }}
    and user_id in (select user_id from asked except select user_id from settled)
