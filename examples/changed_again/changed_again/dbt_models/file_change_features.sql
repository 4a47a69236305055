-- One row a change of a file. Windows end strictly before the row: what happens in the same microsecond (the other files of the
-- commit) is not the past. The label looks seven days ahead, and is null where these are not over.
{% set week = microseconds(7 * 24) %}
with changes as (
    select *, epoch_us({{ as_of() }}) - {{ week }} as judged_until
    from {{ ref('int_events') }}
    where folder is not null
),

known as (
    select
        *,
        max(t) over (by_file {{ before(90 * 24) }}) as last_t,
        count(*) over (by_file {{ before(7 * 24) }}) as changes_7d,
        count(*) over (by_file {{ before(90 * 24) }}) as changes_90d,
        count(distinct user_key) over (by_file {{ before(90 * 24) }}) as authors_90d,
        count(*) over (by_folder {{ before(7 * 24) }}) as folder_changes_7d,
        count(*) over (by_time {{ before(7 * 24) }}) as all_changes_7d,
        count(*) over (partition by change_set_id, t) as change_set_files,
        count(*) over (by_file range between 1 following and {{ week }} following) as changes_ahead
    from changes
    window
        by_file as (partition by object_key order by t),
        by_folder as (partition by subfolder order by t),
        by_time as (order by t)
)

select
    event_id as row_id,
    user_id,
    change_set_id as cluster_id,
    change_set_id,
    occurred_at,
    is_bot,
    source,
    case when t >= judged_until then null when changes_ahead > 0 then 'yes' else 'no' end as changed_again,
    operation,
    extension,
    path_kind,
    case
        when last_t is null then 'not in 90 days'
        when t - last_t <= {{ microseconds(24) }} then 'a day'
        when t - last_t <= {{ week }} then 'a week'
        else '90 days'
    end as recency,
    ((t - last_t) / {{ microseconds(1) }})::double as hours_since_changed,
    changes_7d::double as changes_7d,
    changes_90d::double as changes_90d,
    authors_90d::double as authors_90d,
    folder_changes_7d::double as folder_changes_7d,
    all_changes_7d::double as all_changes_7d,
    change_set_files::double as change_set_files
from known
order by known.row_id
