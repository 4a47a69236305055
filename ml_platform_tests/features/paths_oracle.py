"""What the path of an object tells: the rules of ``int_objects`` once more, in plain Python.

dbt computes these for every distinct path; this is the definition that it is tested against, to the bit.
"""

import re
from dataclasses import dataclass

_CI_FOLDER = re.compile(r"(^|/)(\.github|\.circleci|\.gitlab|\.buildkite|\.azure|ci|\.ci)/")
_CI_NAME = re.compile(
    r"^(\.gitlab-ci|\.travis|appveyor|azure-pipelines|jenkinsfile|codecov|\.codecov)"
)
_LOCK_NAME = re.compile(
    r"(^|[-_.])lock([-_.]|$)|^(go\.sum|npm-shrinkwrap\.json|requirements.*\.txt)$"
)
_TEST_FOLDER = re.compile(
    r"(^|/)(tests?|__tests__|specs?|e2e|testing|fixtures?|snapshots?|__snapshots__)/"
)
_TEST_NAME = re.compile(r"^(test_|conftest)|_test\.|[.-](test|spec)\.")
_DOCS_FOLDER = re.compile(r"(^|/)(docs?|documentation)/")
_DOCS_NAME = re.compile(r"^(readme|license|changelog|contributing|authors|code_of_conduct)")
_MANIFEST = re.compile(
    r"package\.json|pyproject\.toml|setup\.py|setup\.cfg|cargo\.toml|go\.mod|pom\.xml|build\.gradle|gemfile"
    r"|composer\.json|environment\.yml|meta\.yaml|pnpm-workspace\.yaml"
)
_DOCS = re.compile(r"md|mdx|rst|adoc|txt|qmd")
_CONFIG = re.compile(
    r"toml|yaml|yml|ini|cfg|conf|json|jsonc|json5|xml|properties|env|nix|editorconfig"
)
_CONFIG_NAME = re.compile(r"\..*|dockerfile|makefile|justfile|procfile", re.DOTALL)
_SOURCE = re.compile(
    r"py|pyi|ipynb|js|jsx|mjs|cjs|ts|tsx|mts|cts|vue|svelte|java|kt|scala|go|rs|c|h|cc|cpp|hpp|cs|rb|php"
    r"|swift|r|jl|sql|sh|bash|ps1|html|css|scss|less|styl|sass"
)
_LONGEST_NAME = 40
_LONGEST_EXTENSION = 20
_LONGEST_PATH = 80
_MOST_WORDS = 12


@dataclass(frozen=True)
class ObjectParts:
    """The parts of an object; all but `extension` and `tokens` are ``None`` without a path."""

    extension: str | None
    folder: str | None
    subfolder: str | None
    file_name: str | None
    path_depth: float | None
    path_kind: str | None
    is_dotfile: float | None
    tokens: tuple[str, ...]


def object_parts(object_path: str | None, object_extension: str | None) -> ObjectParts:
    """Parts of a path such as ``docs/guide/intro.md``; separators may be ``/`` or a backslash."""
    extension_of_event = (object_extension or "").lower().lstrip(".") or None
    path = (object_path or "").replace("\\", "/").lstrip("/")
    if not path:
        tokens = () if extension_of_event is None else (f"x:{extension_of_event}",)
        return ObjectParts(extension_of_event, None, None, None, None, None, None, tokens)
    parts = path.split("/")
    name = parts[-1].lower()
    depth = len(parts) - 1
    folder = parts[0] if depth >= 1 else "."
    subfolder = "/".join(parts[:2]) if depth >= 2 else folder
    stem = re.sub(r"(.)\.[^.]*$", r"\1", name, count=1)[:_LONGEST_NAME]
    extension = extension_of_event or _extension(name)
    kind = path_kind(path.lower(), name, extension)
    tokens = (
        f"d:{folder}",
        *((f"s:{subfolder}",) if depth >= 2 else ()),
        *(("p:" + "/".join(parts[:3]),) if depth >= 3 else ()),
        f"f:{stem}",
        f"x:{extension}",
        f"k:{kind}",
        f"a:{path.lower()[-_LONGEST_PATH:]}",
        *(f"w:{word}" for word in words(path.lower())),
    )
    hidden = float(path.startswith(".") or "/." in path)
    return ObjectParts(extension, folder, subfolder, stem, float(depth), kind, hidden, tokens)


def words(path: str) -> tuple[str, ...]:
    """The last twelve distinct words of two letters or more of a lower-case path, directories included."""
    long_words = (word for word in re.split(r"[^a-z0-9]+", path) if len(word) >= 2)
    return tuple(dict.fromkeys(long_words))[-_MOST_WORDS:]


def path_kind(lowered: str, name: str, extension: str) -> str:
    """What kind of file a lower-case path is, by the first rule that matches."""
    if _CI_FOLDER.search(lowered) or _CI_NAME.search(name):
        return "ci"
    if _LOCK_NAME.search(name):
        return "lock"
    if _MANIFEST.fullmatch(name):
        return "manifest"
    if _TEST_FOLDER.search(lowered) or _TEST_NAME.search(name):
        return "test"
    if _DOCS_FOLDER.search(lowered) or _DOCS.fullmatch(extension) or _DOCS_NAME.search(name):
        return "docs"
    if _CONFIG.fullmatch(extension) or _CONFIG_NAME.fullmatch(name):
        return "config"
    return "source" if _SOURCE.fullmatch(extension) else "other"


def _extension(name: str) -> str:
    match = re.search(r".\.([^.]*)$", name)
    return (match.group(1)[:_LONGEST_EXTENSION] if match else "") or "none"
