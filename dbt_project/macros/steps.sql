{# How many moments of a user (or case) a step looks back on: the last ten, and a run up to a hundred steps ago. #}
{% macro steps_back() -%} 100 {%- endmacro %}
{% macro listed_steps() -%} {{ return(10) }} {%- endmacro %}

{# `code` of the last moments of the user (or case), the row's own included, newest first. #}
{% macro last_steps(code, own=none) -%}
    [
        {{ own or code }}
        {%- for step in range(1, listed_steps()) -%}
        , lag({{ code }}, {{ step }}) over by_user
        {%- endfor -%}
    ][1:least({{ listed_steps() }}, place)]
{%- endmacro %}

{# Words as tokens, of which moments carry the places from 1: windows and sorts of numbers take a fifth of those of strings. #}
{% macro run_words() -%} ['-', 'run'] {%- endmacro %}

{# The pause before a moment as a token: the first bound that it does not exceed. More than 30 minutes begin a
stretch ('pause:...'), but not inside a case. #}
{% macro gap_words() -%}
    ['first', {% for seconds in gap_bounds() %}'{{ seconds }}s', {% endfor %}'pause:8h', 'pause:3d', 'pause:long', '8h', '3d', 'long']
{%- endmacro %}

{% macro gap_bounds() -%} {{ return([2, 5, 10, 20, 40, 80, 160, 320, 640, 1800]) }} {%- endmacro %}

{# The place of a pause among `gap_words`. #}
{% macro gap_code(gap, in_case) -%}
    case
        when {{ gap }} is null then 1
        {% for seconds in gap_bounds() -%}
        when {{ gap }} <= {{ seconds * 1000000 }} then {{ loop.index + 1 }}
        {% endfor -%}
        when {{ gap }} <= {{ microseconds(8) }} then 12
        when {{ gap }} <= {{ microseconds(72) }} then 13
        else 14
    end
    + case when {{ in_case }} and {{ gap }} > {{ gap_bounds()[-1] * 1000000 }} then 3 else 0 end
{%- endmacro %}
