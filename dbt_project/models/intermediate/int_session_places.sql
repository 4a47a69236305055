-- One row an asked moment in its session: how often anybody worked on its file and in its folders in the month before the session.
{% set counted_by = {
    "file": "file",
    "subfolder": "subfolder",
    "folder": "folder",
    "folder_step": "folder, tool, operation",
} %}
select
    moments.first_row,
    {% for name in counted_by %}
    same_{{ name }}.n as of_{{ name }}{{ "," if not loop.last }}
    {% endfor %}
from {{ ref('int_session_moments') }} as moments
{% for name, keys in counted_by.items() %}
left join ({{ moments_in_month_before(ref('int_session_moments'), keys) }}) as same_{{ name }} using (first_row)
{% endfor %}
where {{ asked('moment_surprises', 'moments.t') }}
