-- One row an asked moment in its session: how surprising it is, in millionths of a nat, after the month before the session.
-- The month before the session, of this user and of everybody, for the same step, transition, place and file as the moment's.
with counted as (
    select
        moments.*,
        began_place - month_place as of_everybody,
        steps.* exclude (first_row),
        transitions.* exclude (first_row),
        places.* exclude (first_row)
    from {{ ref('int_session_moments') }} as moments
    inner join {{ ref('int_session_steps') }} as steps using (first_row)
    inner join {{ ref('int_session_places') }} as places using (first_row)
    left join {{ ref('int_session_transitions') }} as transitions using (first_row)
    where {{ asked('moment_surprises', 'moments.t') }}
),

-- Minus logarithms of shares: how surprising each moment is, in millionths of a nat.
surprising as (
    select
        *,
        (of_step + 1) / (of_everybody + 100) as step_share,
        {{ millionths("-ln(" ~ shrunk_share("of_user_step", "of_user", "step_share") ~ ")") }} as step_surprise,
        -- The tool after the last tool, and what is done with it after what was done last.
        case
            when last_tool is not null
                then {{ millionths(
                    "-ln(" ~ shrunk_share("of_switch", "of_last_tool", "(of_tool + 1) / (of_everybody + 10)") ~ ")"
                    ~ " - ln(" ~ shrunk_share("of_transition", "of_context", "(of_step + 1) / (of_tool + 10)") ~ ")"
                ) }}
        end as transition_surprise,
        -- How much rarer the step is in this folder than elsewhere.
        case
            when folder is not null
                then {{ millionths("ln(step_share) - ln(" ~ shrunk_share("of_folder_step", "of_folder", "step_share") ~ ")") }}
        end as place_surprise,
        case when file is not null then {{ millionths("-ln((of_file + 1) / (of_subfolder + 50))") }} end as file_surprise,
        coalesce(transition_surprise, step_surprise) + coalesce(place_surprise, 0) as work_surprise,
        gap as gap_surprise
    from counted
)

select
    first_row,
    user_key,
    t,
    {% for name in compared_in() %}
    {{ name }}_surprise{{ "," if not loop.last }}
    {% endfor %}
from surprising
