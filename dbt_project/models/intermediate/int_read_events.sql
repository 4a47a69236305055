-- The events that the models of this build read: the asked ones, with the past that they look back on.
{{ config(materialized="view") }}
select *
from {{ ref('stg_events') }}
where occurred_at >= {{ asked_time('int_events') }}
union all
select *
from {{ ref('int_returning_events') }}
