{# Rows with a number outside its declared range, with the names of the columns; NULL is unknown and passes. #}
{% test within_ranges(model, ranges) %}
select *
from (
    select
        row_id,
        concat_ws(', '
            {%- for name, bounds in ranges.items() %}
            , case when isnan({{ name }})
                {%- if bounds.low is not none %} or {{ name }} < {{ bounds.low }}{% endif %}
                {%- if bounds.high is not none %} or {{ name }} > {{ bounds.high }}{% endif %} then '{{ name }}' end
            {%- endfor %}
        ) as outside
    from {{ model }}
)
where outside <> ''
{% endtest %}
