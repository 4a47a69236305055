"""The SQL of the platform's dbt project, as online features read it."""

from functools import cache

from ml_platform.adapters.dbt_project import PLATFORM_PROJECT
from ml_platform.features.online.dbt_sql import DbtSql


@cache
def project_sql() -> DbtSql:
    """Models and macros as they are."""
    return changed_sql()


def changed_sql(**replaced: tuple[str, str]) -> DbtSql:
    """The same with a text of models or macros in place of another: a definition that is not that of training."""
    texts = PLATFORM_PROJECT.sql_by_model()
    for name, (old, new) in replaced.items():
        assert texts[name].count(old) >= 1, f"{name} has no {old}"
        texts[name] = texts[name].replace(old, new)
    return DbtSql(texts)
