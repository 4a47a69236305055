-- One row a distinct object: all that follows from its path, worked out once (paths repeat, regular expressions are slow).
with raw as (
    select distinct object_path, object_extension
    from {{ ref('int_read_events') }}
),

cleaned as (
    select
        *,
        nullif(ltrim(replace(object_path, '\', '/'), '/'), '') as path,
        nullif(ltrim(lower(object_extension), '.'), '') as given_extension
    from raw
),

split as (
    select
        *,
        string_split(path, '/') as parts,
        lower(path) as lowered,
        lower(string_split(path, '/')[-1]) as name
    from cleaned
),

named as (
    select
        *,
        (len(parts) - 1)::double as path_depth,
        left(regexp_replace(name, '(.)\.[^.]*$', '\1'), 40) as file_name,
        coalesce(
            given_extension,
            case when path is not null then coalesce(nullif(left(regexp_extract(name, '.\.([^.]*)$', 1), 20), ''), 'none') end
        ) as extension,
        case when path_depth >= 1 then parts[1] when path is not null then '.' end as folder,
        case when path_depth >= 2 then parts[1] || '/' || parts[2] else folder end as subfolder,
        (lowered like '.%' or lowered like '%/.%')::double as is_dotfile
    from split
),

kinds as (
    select
        *,
        {{ path_kind('lowered', 'name', 'extension') }} as path_kind,
        {{ words('lowered') }} as words
    from named
)

select
    (row_number() over (order by object_path, object_extension))::integer as object_key,
    object_path,
    object_extension,
    extension,
    folder,
    subfolder,
    {% for column in ["extension", "folder", "subfolder"] %}
    case when {{ column }} is not null then dense_rank() over (order by {{ column }}) end::integer as {{ column }}_key,
    {% endfor %}
    file_name,
    path_depth,
    path_kind,
    is_dotfile,
    {{ path_tokens('parts', 'words') }} as path_tokens
from kinds
