-- One row an act of several events: what its rows say together. Rows of one act share user and moment; the
-- moment is part of the key, so that an act id that comes back later can never bring the future with it.
-- An act of one event needs no row here: its features follow from the event alone.
{% set keys = "user_key, t, act_id" %}
{% set kinds = ["test", "docs", "ci", "config", "lock", "manifest", "source"] %}
with counted as (
    select {{ keys }}, count(*) as act_rows
    from {{ ref('int_events') }}
    group by {{ keys }}
    having count(*) > 1
),

rows_of_acts as (
    select events.*, objects.path_tokens, objects.path_depth
    from {{ ref('int_events') }} as events
    inner join counted using ({{ keys }})
    inner join {{ ref('int_objects') }} as objects using (object_key)
),

shares as (
    select
        {{ keys }},
        count(distinct extension) as act_extensions,
        count(distinct folder) as act_folders,
        count(distinct path_kind) as act_kinds,
        avg({{ operation_is('add') }}) as act_share_add,
        avg({{ operation_is('delete') }}) as act_share_delete,
        avg({{ operation_is('rename') }}) as act_share_rename,
        {% for kind in kinds %}
        avg((path_kind = '{{ kind }}')::double) as act_share_{{ kind }},
        {% endfor %}
        sum(path_depth) / count(path_depth) as act_depth_mean
    from rows_of_acts
    group by {{ keys }}
),

{% for column in ["extension", "folder", "path_kind"] %}
main_{{ column }} as ({{ most_frequent("rows_of_acts", keys, column) }}),
{% endfor %}

token_rows as (
    select {{ keys }}, unnest(list_append(path_tokens, {{ operation_token() }})) as token
    from rows_of_acts
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
    select {{ keys }}, list(token order by place) as act_tokens
    from token_ranks
    where place <= 60
    group by {{ keys }}
)

select
    counted.user_key,
    counted.t,
    counted.act_id,
    counted.act_rows,
    shares.* exclude ({{ keys }}),
    main_extension.extension as act_main_extension,
    main_folder.folder as act_main_folder,
    main_path_kind.path_kind as act_main_kind,
    tokens.act_tokens
from counted
inner join shares using ({{ keys }})
left join main_extension using ({{ keys }})
left join main_folder using ({{ keys }})
left join main_path_kind using ({{ keys }})
left join tokens using ({{ keys }})
