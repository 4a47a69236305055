-- One row an asked moment with another before it in its session: how often one came after the other in the month before the session.
{% set counted_by = {
    "last_tool": "last_tool",
    "switch": "last_tool, tool",
    "context": "tool, last_operation",
    "transition": "tool, last_operation, operation",
} %}
with continued as (
    select *
    from {{ ref('int_session_moments') }}
    where not is_first
)

select
    continued.first_row,
    {% for name in counted_by %}
    same_{{ name }}.n as of_{{ name }}{{ "," if not loop.last }}
    {% endfor %}
from continued
{% for name, keys in counted_by.items() %}
inner join ({{ moments_in_month_before("continued", keys) }}) as same_{{ name }} using (first_row)
{% endfor %}
where {{ asked('moment_surprises', 'continued.t') }}
