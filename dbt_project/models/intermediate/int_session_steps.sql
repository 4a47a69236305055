-- One row an asked moment in its session: how often its step (tool and operation) was done in the month before the session.
{% set counted_by = {
    "user": "user_key",
    "tool": "tool",
    "step": "tool, operation",
    "user_step": "user_key, tool, operation",
} %}
select
    moments.first_row,
    {% for name in counted_by %}
    same_{{ name }}.n as of_{{ name }},
    {% endfor %}
    same_session.n as user_sessions
from {{ ref('int_session_moments') }} as moments
{% for name, keys in counted_by.items() %}
inner join ({{ moments_in_month_before(ref('int_session_moments'), keys) }}) as same_{{ name }} using (first_row)
{% endfor %}
left join (
    {{ moments_in_month_before("(select * from " ~ ref('int_session_moments') ~ " where is_first)", "user_key") }}
) as same_session using (first_row)
where {{ asked('moment_surprises', 'moments.t') }}
