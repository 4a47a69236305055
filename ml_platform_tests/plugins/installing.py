"""The platform and packages beside it, built as wheels and installed in a folder of their own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def wheel_of(project: Path, folder: Path) -> Path:
    """The wheel of a project, built from a copy, so that nothing is left beside it; no network is needed."""
    copy = folder / f"{project.name}-copy"
    for path in _files_of(project):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes((project / path).read_bytes())
    before = set(folder.glob("*.whl"))
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(copy))
    (wheel,) = set(folder.glob("*.whl")) - before
    return wheel


def install(wheels: list[Path], target: Path) -> None:
    """Install wheels and nothing else; what they need comes from this interpreter."""
    _pip("install", "--no-deps", "--no-index", "--target", str(target), *map(str, wheels))


def environment(target: Path) -> dict[str, str]:
    """This environment with the installed packages in front, and without a home of ours."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ML_PLATFORM_")}
    return kept | {"PYTHONPATH": str(target)}


def command(
    target: Path, folder: Path, *arguments: str, code: int = 0, seconds: float = 280
) -> subprocess.CompletedProcess[str]:
    """`ml-platform` of the installed wheel, run in ``folder``; its exit code must be ``code``."""
    done = subprocess.run(
        [str(target / "bin" / "ml-platform"), *arguments],
        cwd=folder,
        env=environment(target),
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == code, f"exit code {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def _files_of(project: Path) -> list[str]:
    """Files that git knows or would add; all of them where ``project`` is no part of a repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=project,
        capture_output=True,
        text=True,
    )
    listed_names = listed.stdout.splitlines() if listed.returncode == 0 else []
    paths = listed_names or [str(path.relative_to(project)) for path in project.rglob("*")]
    return [name for name in paths if (project / name).is_file()]


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr
