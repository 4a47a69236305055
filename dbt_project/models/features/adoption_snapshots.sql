-- One row a user and Monday, 00:00 UTC, if the user was seen in the 28 days before it: the workflows run so far, what the user
-- does, and, once the 14 days after the Monday are over, which workflows were run for the first time in them.
{% set recent_days = 14 %}
{% set horizon_days = 14 %}
{% set seen_weeks = 4 %}
{% set doing_days = 28 %}
with runs as (
    select user_id, workflow_id, started_at, source
    from {{ ref('stg_workflow_executions') }}
),

seen as (
    select
        user_id,
        date_trunc('week', t) as week,
        max(is_bot) as is_bot,
        max(source) as source,
        count(*) as events,
        min(t) as first_t
    from (
        select user_id, occurred_at as t, is_bot, source from {{ ref('stg_events') }}
        where (select count(*) from runs) > 0
        union all
        select user_id, started_at as t, null as is_bot, source from runs
    )
    group by user_id, week
),

snapshots as (
    select
        user_id,
        week + n * interval 7 day as snapshot_at,
        coalesce(max(is_bot), false) as is_bot,
        max(source) as source
    from seen, range(1, {{ seen_weeks }} + 1) as weeks (n)
    group by user_id, snapshot_at
    having snapshot_at < {{ as_of() }}
),

since as (
    select user_id, min(first_t) as first_t
    from seen
    group by user_id
),

run_days as (
    select user_id, workflow_id, started_at::date as day, count(*) as n, min(started_at) as first_at, max(started_at) as last_at
    from runs
    group by user_id, workflow_id, day
),

-- The workflows of each snapshot, by what was run before it.
used as (
    select
        s.user_id,
        s.snapshot_at,
        r.workflow_id,
        sum(r.n) as n,
        coalesce(sum(r.n) filter (where r.day >= s.snapshot_at::date - {{ recent_days }}), 0) as recent_n,
        min(r.first_at) as first_at,
        max(r.last_at) as last_at
    from snapshots as s
    inner join run_days as r on s.user_id = r.user_id and r.day < s.snapshot_at::date
    group by s.user_id, s.snapshot_at, r.workflow_id
),

histories as (
    select
        user_id,
        snapshot_at,
        {{ repeated("workflow_id", "n") }} as used,
        {{ repeated("workflow_id", "recent_n") }} as recent,
        count(*) as workflows_used,
        sum(n) as runs,
        sum(recent_n) as runs_14d,
        count(*) filter (where first_at >= snapshot_at - interval {{ recent_days }} day) as workflows_begun_14d,
        max(last_at) as last_at
    from used
    group by user_id, snapshot_at
),

first_runs as (
    select user_id, workflow_id, min(first_at) as first_at
    from run_days
    group by user_id, workflow_id
),

begun as (
    select s.user_id, s.snapshot_at, list(f.workflow_id order by f.first_at, f.workflow_id) as next_used
    from snapshots as s
    inner join first_runs as f
        on s.user_id = f.user_id
        and f.first_at >= s.snapshot_at
        and f.first_at < s.snapshot_at + interval {{ horizon_days }} day
    group by s.user_id, s.snapshot_at
),

-- Categories are known a day late, so the four weeks of what the user does end a day before the snapshot.
doings as (
    select user_id, day, token, count(*) as n
    from (
        select user_id, occurred_at::date as day, 'c:' || workflow_category as token
        from {{ ref('stg_events') }}
        where workflow_category is not null and (select count(*) from runs) > 0
        union all
        select user_id, occurred_at::date as day, 't:' || tool as token
        from {{ ref('stg_events') }}
        where (select count(*) from runs) > 0
    )
    group by user_id, day, token
),

contents as (
    select
        user_id,
        snapshot_at,
        {{ repeated("token", "n") }} as recent_doings,
        sum(n) filter (where token like 't:%') as events_28d
    from (
        select s.user_id, s.snapshot_at, d.token, sum(d.n) as n
        from snapshots as s
        inner join doings as d
            on s.user_id = d.user_id
            and d.day >= s.snapshot_at::date - {{ doing_days + 1 }}
            and d.day < s.snapshot_at::date - 1
        group by s.user_id, s.snapshot_at, d.token
    )
    group by user_id, snapshot_at
)

select
    s.user_id || '@' || strftime(s.snapshot_at, '%Y-%m-%d') as row_id,
    s.user_id,
    s.user_id as cluster_id,
    s.user_id || '@' || strftime(s.snapshot_at, '%Y-%m-%d') as change_set_id,
    s.snapshot_at as occurred_at,
    s.is_bot,
    s.source,
    case
        when s.snapshot_at + interval {{ horizon_days }} day <= {{ as_of() }} then coalesce(b.next_used, [])
    end as next_used,

    coalesce(h.used, []) as used,
    coalesce(h.recent, []) as recent,
    coalesce(h.workflows_used, 0)::double as workflows_used,
    coalesce(h.runs, 0)::double as runs,
    coalesce(h.runs_14d, 0)::double as runs_14d,
    coalesce(h.workflows_begun_14d, 0)::double as workflows_begun_14d,
    ((epoch_us(s.snapshot_at) - epoch_us(h.last_at)) / 86400000000)::double as days_since_last_run,

    coalesce(c.recent_doings, []) as recent_doings,
    u.team,
    ((epoch_us(s.snapshot_at) - epoch_us(since.first_t)) / 86400000000)::double as days_since_first_seen,
    coalesce(c.events_28d, 0)::double as events_28d
from snapshots as s
inner join since using (user_id)
left join histories as h on s.user_id = h.user_id and s.snapshot_at = h.snapshot_at
left join begun as b on s.user_id = b.user_id and s.snapshot_at = b.snapshot_at
left join contents as c on s.user_id = c.user_id and s.snapshot_at = c.snapshot_at
left join {{ ref('stg_users') }} as u on s.user_id = u.user_id
order by s.snapshot_at, row_id
