-- One row: the words that keys stand for, each list in the order of the alphabet, in which the keys are numbered.
{% set words = ["tool", "operation", "extension", "folder", "subfolder"] %}
select
    {% for word in words %}
    (
        select coalesce(list({{ word }} order by {{ word }}_key), [])
        from (select distinct {{ word }}_key, {{ word }} from {{ ref('int_events') }} where {{ word }} is not null)
    ) as {{ word }}{{ "," if not loop.last }}
    {% endfor %}
