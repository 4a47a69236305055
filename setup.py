"""The packages of the wheel: `ml_platform` and, inside it, the dbt project and the runbooks that lie beside it."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["ml_platform", "ml_platform.*"]),
        "ml_platform.dbt_project",
        "ml_platform.runbooks",
    ],
    package_dir={
        "ml_platform.dbt_project": "dbt_project",
        "ml_platform.runbooks": "docs/runbooks",
    },
)
