-- The matrix of users and workflows: suggestions, acceptances and executions. A pair without either has no row.
with suggested as (
    select
        user_id,
        workflow_id,
        count(*) as suggestions,
        count(*) filter (where outcome is not null) as answered,
        count(*) filter (where lower(outcome) in ('accepted', 'adopted', 'taken', 'merged')) as accepted,
        min(shown_at) as first_shown_at,
        min_by(source, (shown_at, suggestion_id)) as source,
        min_by(suggestion_id, (shown_at, suggestion_id)) as first_suggestion_id
    from {{ ref('stg_suggestions') }}
    group by user_id, workflow_id
),

executed as (
    select
        user_id,
        workflow_id,
        count(*) as executions,
        count(*) filter (where lower(status) in ('success', 'succeeded', 'completed')) as succeeded,
        min(started_at) as first_started_at,
        max(started_at) as last_started_at,
        min_by(source, (started_at, execution_id)) as source,
        min_by(execution_id, (started_at, execution_id)) as first_execution_id
    from {{ ref('stg_workflow_executions') }}
    group by user_id, workflow_id
)

select
    user_id,
    workflow_id,
    coalesce(suggested.suggestions, 0) as suggestions,
    coalesce(suggested.answered, 0) as answered,
    coalesce(suggested.accepted, 0) as accepted,
    suggested.accepted / nullif(suggested.answered, 0) as acceptance_rate,
    coalesce(executed.executions, 0) as executions,
    coalesce(executed.succeeded, 0) as succeeded,
    executed.executions is not null as adopted,
    suggested.first_shown_at,
    executed.first_started_at,
    executed.last_started_at,
    coalesce(executed.source, suggested.source) as source,
    suggested.first_suggestion_id,
    executed.first_execution_id
from suggested
full join executed using (user_id, workflow_id)
order by user_id, workflow_id
