-- One row a change set of several events that is asked for: figures over its rows. Rows of one change set share user and moment; the
-- moment is part of the key, so that a change set id that comes back later can never bring the future with it.
-- A change set of one event needs no row here: its features follow from the event alone.
{% set keys = "user_key, t, change_set_id" %}
{% set kinds = ["test", "docs", "ci", "config", "lock", "manifest", "source"] %}
with counted as (
    select {{ keys }}, count(*) as change_set_rows
    from {{ ref('int_events') }}
    where {{ asked('pattern_features') }}
    group by {{ keys }}
    having count(*) > 1
),

rows_of_change_sets as (
    select events.*, objects.path_tokens, objects.path_depth
    from {{ ref('int_events') }} as events
    inner join counted using ({{ keys }})
    inner join {{ ref('int_objects') }} as objects using (object_key)
),

shares as (
    select
        {{ keys }},
        count(distinct extension) as change_set_extensions,
        count(distinct folder) as change_set_folders,
        count(distinct path_kind) as change_set_kinds,
        avg({{ operation_is('add') }}) as change_set_share_add,
        avg({{ operation_is('delete') }}) as change_set_share_delete,
        avg({{ operation_is('rename') }}) as change_set_share_rename,
        {% for kind in kinds %}
        avg((path_kind = '{{ kind }}')::double) as change_set_share_{{ kind }},
        {% endfor %}
        sum(path_depth) / count(path_depth) as change_set_depth_mean
    from rows_of_change_sets
    group by {{ keys }}
),

{% for column in ["extension", "folder", "path_kind"] %}
main_{{ column }} as ({{ most_frequent("rows_of_change_sets", keys, column) }}),
{% endfor %}

token_rows as (
    select {{ keys }}, unnest(list_append(path_tokens, {{ operation_token() }})) as token
    from rows_of_change_sets
),

token_ranks as (
    select
        {{ keys }}, token, count(*) as n,
        row_number() over (partition by {{ keys }} order by count(*) desc, token) as place
    from token_rows
    where token is not null
    group by {{ keys }}, token
),

tokens as (
    select {{ keys }}, list(token order by place) as change_set_tokens
    from token_ranks
    where place <= {{ most_change_set_tokens() }}
    group by {{ keys }}
)

select
    counted.user_key,
    counted.t,
    counted.change_set_id,
    counted.change_set_rows,
    shares.* exclude ({{ keys }}),
    main_extension.extension as change_set_main_extension,
    main_folder.folder as change_set_main_folder,
    main_path_kind.path_kind as change_set_main_kind,
    tokens.change_set_tokens
from counted
inner join shares using ({{ keys }})
left join main_extension using ({{ keys }})
left join main_folder using ({{ keys }})
left join main_path_kind using ({{ keys }})
left join tokens using ({{ keys }})
