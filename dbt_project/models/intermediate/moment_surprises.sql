-- One row a moment: its session, and how surprising it is after the month before the session. It is published as features are, so that
-- later builds know what was usual without working it out again.
{{ config(schema="features") }}
select
    e.event_id as row_id,
    e.user_id,
    e.occurred_at,
    e.source,
    nullif(e.session_id, e.change_set_id) as session_id,
    sessions.began,
    m.session_start as stretch_began,
    m.session_position as stretch_position,
    m.lag2_tool || ':' || m.lag2_operation as first_step,
    m.lag1_tool || ':' || m.lag1_operation as second_step,
    words.tool[sessions.tool] || ':' || words.operation[sessions.operation] as third_step,
    {% for name in compared_in() %}
    surprises.{{ name }}_surprise{{ "," if not loop.last }}
    {% endfor %}
from {{ ref('int_session_surprises') }} as surprises
inner join {{ ref('int_session_moments') }} as sessions using (first_row)
inner join {{ ref('int_memories') }} as m using (first_row)
inner join {{ ref('int_events') }} as e on surprises.first_row = e.row_id
cross join {{ ref('int_words') }} as words
