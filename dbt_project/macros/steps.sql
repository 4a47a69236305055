{# `value` of the last ten moments of the user (or case), the row's own included, newest first. #}
{% macro last_steps(value, own=none) -%}
    [
        {{ own or value }}
        {%- for step in range(1, 10) -%}
        , lag({{ value }}, {{ step }}) over by_user
        {%- endfor -%}
    ][1:least(10, place)]
{%- endmacro %}

{# The pause before a moment as a token: the first bound that it does not exceed. More than 30 minutes begin a
stretch ('pause:...'), but not inside a case. #}
{% macro gap_word(gap, in_case) -%}
    case
        when {{ gap }} is null then 'first'
        {% for seconds in [2, 5, 10, 20, 40, 80, 160, 320, 640, 1800] -%}
        when {{ gap }} <= {{ seconds * 1000000 }} then '{{ seconds }}s'
        {% endfor -%}
        else
            case when {{ in_case }} then '' else 'pause:' end
            || case
                when {{ gap }} <= {{ microseconds(8) }} then '8h'
                when {{ gap }} <= {{ microseconds(72) }} then '3d'
                else 'long'
            end
    end
{%- endmacro %}
