-- One row an event: its keys, its label where there is one, and the features of ml_platform/features/pattern_features.py.
-- Numbers are doubles; NULL means unknown, never zero.
{% set kinds = ["test", "docs", "ci", "config", "lock", "manifest", "source"] %}
with change_set_extensions as (
    select user_key, t, change_set_id, extension, count(*) as n
    from {{ ref('int_events') }}
    inner join {{ ref('int_change_sets') }} using (user_key, t, change_set_id)
    group by user_key, t, change_set_id, extension
),

change_set_folders as (
    select user_key, t, change_set_id, folder, count(*) as n
    from {{ ref('int_events') }}
    inner join {{ ref('int_change_sets') }} using (user_key, t, change_set_id)
    group by user_key, t, change_set_id, folder
),

-- What the codes of `session_tokens` and `session_places` stand for.
words as (
    select
        (
            select list('t:' || words.tool[tool_key] || '|o:' || words.operation[operation_key] order by token)
            from (select distinct token, tool_key, operation_key from {{ ref('int_moments') }})
        ) as token_words,
        (
            select
                list(
                    's:' || coalesce(words.subfolder[subfolder_key], '') || '|x:' || coalesce(words.extension[extension_key], '')
                    order by token_of_place
                )
            from (select distinct token_of_place, subfolder_key, extension_key from {{ ref('int_moments') }})
        ) as place_words
    from {{ ref('int_words') }} as words
),

-- What is sorted is kept small: codes become words afterwards, and the tokens of a change set of one event follow from it.
ordered as (
    select
        e.event_id as row_id,
        e.user_id,
        coalesce(e.session_id, 'stretch:' || e.user_id || ':' || m.session_start) as cluster_id,
        e.change_set_id,
        e.occurred_at,
        e.is_bot,
        e.source,
        e.workflow_category,

        e.tool,
        e.operation,
        e.extension,
        e.folder,
        e.subfolder,
        o.file_name,
        o.path_depth,
        e.path_kind,
        o.is_dotfile,
        {{ clock_features("e.local_t") }},
        o.path_tokens,
        e.extension || '|' || e.operation as extension_x_operation,
        e.path_kind || '|' || e.operation as kind_x_operation,

        coalesce(a.change_set_rows, 1)::double as change_set_rows,
        coalesce(a.change_set_extensions, (e.extension is not null)::bigint)::double as change_set_extensions,
        coalesce(a.change_set_folders, (e.folder is not null)::bigint)::double as change_set_folders,
        coalesce(a.change_set_kinds, (e.path_kind is not null)::bigint)::double as change_set_kinds,
        {% for operation in ["add", "delete", "rename"] %}
        coalesce(a.change_set_share_{{ operation }}, {{ operation_is(operation, "e.operation") }}) as change_set_share_{{ operation }},
        {% endfor %}
        {% for kind in kinds %}
        coalesce(a.change_set_share_{{ kind }}, (e.path_kind = '{{ kind }}')::double) as change_set_share_{{ kind }},
        {% endfor %}
        coalesce(a.change_set_depth_mean, o.path_depth) as change_set_depth_mean,
        coalesce(a.change_set_main_extension, e.extension) as change_set_main_extension,
        coalesce(a.change_set_main_folder, e.folder) as change_set_main_folder,
        coalesce(a.change_set_main_kind, e.path_kind) as change_set_main_kind,
        case when e.extension is not null then coalesce(change_set_extensions.n / a.change_set_rows, 1.0) end::double as same_extension_share,
        case when e.folder is not null then coalesce(change_set_folders.n / a.change_set_rows, 1.0) end::double as same_folder_share,
        a.change_set_tokens,

        m.session_position::double as session_position,
        ((m.t - m.session_start) / 60000000)::double as session_minutes,
        ((m.t - m.previous_t) / 1000000)::double as seconds_since_last,
        case
            when m.moments_24h >= 2 then ((m.previous_t - m.first_t_24h) / 1000000) / (m.moments_24h - 1)
        end::double as mean_gap_24h,
        m.session_tokens,
        m.session_places,
        m.lag1_tool,
        m.lag1_operation,
        m.lag1_extension,
        m.lag1_folder,
        m.lag2_tool,
        m.lag2_operation,
        m.lag2_extension,
        m.lag2_folder,
        m.lag3_operation,
        (e.tool = m.lag1_tool)::double as same_tool_as_last,
        (e.folder = m.lag1_folder)::double as same_folder_as_last,
        case
            when m.memory = 0 or e.folder is null then null
            when e.folder = m.lag1_folder then m.last_run
            else 0
        end::double as run_length,
        nullif(u.user_tools_8h, 0)::double as session_distinct_tools,
        (u.user_operation_8h / nullif(m.events_8h, 0))::double as session_same_operation_share,

        m.events_1h::double as events_1h,
        m.events_24h::double as events_24h,
        m.events_7d::double as events_7d,
        m.change_sets_24h::double as change_sets_24h,
        (m.events_1h * 168 / nullif(m.events_7d, 0))::double as rate_1h_to_7d,
        u.user_extensions_24h::double as distinct_extensions_24h,
        case when e.extension is not null then u.user_extension_7d / nullif(m.events_7d, 0) end::double as share_extension_7d,
        (u.user_tool_7d / nullif(m.events_7d, 0))::double as share_tool_7d,
        case when e.subfolder is not null then u.user_folder_7d / nullif(m.events_7d, 0) end::double as share_folder_7d,
        (u.user_hour_7d / nullif(m.events_7d, 0))::double as share_hour_7d,

        case when e.folder is not null then p.object_touches_30d end::double as object_touches_30d,
        case when e.folder is not null then ((m.t - p.object_last_t) / 3600000000) end::double as hours_since_object_touched,
        case when e.folder is not null then p.folder_touches_7d end::double as folder_touches_7d,
        case when e.folder is not null then p.folder_users_30d end::double as folder_users_30d,
        case when e.folder is not null then u.user_folder_30d end::double as folder_user_touches_30d,
        p.all_events_24h::double as all_events_24h
    from {{ ref('int_events') }} as e
    inner join {{ ref('int_objects') }} as o using (object_key)
    inner join {{ ref('int_memories') }} as m on e.user_key = m.user_key and e.t = m.t
    inner join {{ ref('int_user_counts') }} as u using (row_id)
    inner join {{ ref('int_place_counts') }} as p using (row_id)
    left join {{ ref('int_change_sets') }} as a on e.user_key = a.user_key and e.t = a.t and e.change_set_id = a.change_set_id
    left join change_set_extensions
        on e.user_key = change_set_extensions.user_key and e.t = change_set_extensions.t and e.change_set_id = change_set_extensions.change_set_id
        and e.extension = change_set_extensions.extension
    left join change_set_folders
        on e.user_key = change_set_folders.user_key and e.t = change_set_folders.t and e.change_set_id = change_set_folders.change_set_id
        and e.folder = change_set_folders.folder
    where {{ asked('pattern_features', 'e.t') }}
    order by e.row_id
)

select
    ordered.* replace (
        coalesce(change_set_tokens, list_sort(list_append(path_tokens, {{ operation_token() }}))) as change_set_tokens,
        list_select(token_words, session_tokens) as session_tokens,
        list_select(place_words, session_places) as session_places
    )
from ordered
cross join words
