"""The packages of the wheel: `ml_platform` and, inside it, the dbt project that lies beside it in a checkout."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["ml_platform", "ml_platform.*"]), "ml_platform.dbt_project"],
    package_dir={"ml_platform.dbt_project": "dbt_project"},
)
