{# What kind of file a path is, by the first rule that matches; `lowered` is the whole path, `name` its last part. #}
{% macro path_kind(lowered, name, extension) -%}
    case
        when {{ lowered }} is null then null
        when regexp_matches({{ lowered }}, '(^|/)(\.github|\.circleci|\.gitlab|\.buildkite|\.azure|ci|\.ci)/')
            or regexp_matches({{ name }}, '^(\.gitlab-ci|\.travis|appveyor|azure-pipelines|jenkinsfile|codecov|\.codecov)')
            then 'ci'
        when regexp_matches({{ name }}, '(^|[-_.])lock([-_.]|$)|^(go\.sum|npm-shrinkwrap\.json|requirements.*\.txt)$')
            then 'lock'
        when {{ name }} in (
            'package.json', 'pyproject.toml', 'setup.py', 'setup.cfg', 'cargo.toml', 'go.mod', 'pom.xml',
            'build.gradle', 'gemfile', 'composer.json', 'environment.yml', 'meta.yaml', 'pnpm-workspace.yaml'
        ) then 'manifest'
        when regexp_matches({{ lowered }}, '(^|/)(tests?|__tests__|specs?|e2e|testing|fixtures?|snapshots?|__snapshots__)/')
            or regexp_matches({{ name }}, '^(test_|conftest)|_test\.|[.-](test|spec)\.')
            then 'test'
        when regexp_matches({{ lowered }}, '(^|/)(docs?|documentation)/')
            or {{ extension }} in ('md', 'mdx', 'rst', 'adoc', 'txt', 'qmd')
            or regexp_matches({{ name }}, '^(readme|license|changelog|contributing|authors|code_of_conduct)')
            then 'docs'
        when {{ extension }} in (
            'toml', 'yaml', 'yml', 'ini', 'cfg', 'conf', 'json', 'jsonc', 'json5', 'xml', 'properties', 'env', 'nix', 'editorconfig'
        ) or {{ name }} like '.%' or {{ name }} in ('dockerfile', 'makefile', 'justfile', 'procfile')
            then 'config'
        when {{ extension }} in (
            'py', 'pyi', 'ipynb', 'js', 'jsx', 'mjs', 'cjs', 'ts', 'tsx', 'mts', 'cts', 'vue', 'svelte', 'java', 'kt', 'scala', 'go',
            'rs', 'c', 'h', 'cc', 'cpp', 'hpp', 'cs', 'rb', 'php', 'swift', 'r', 'jl', 'sql', 'sh', 'bash', 'ps1', 'html', 'css', 'scss',
            'less', 'styl', 'sass'
        ) then 'source'
        else 'other'
    end
{%- endmacro %}

{# The words of two letters or more of a lower-case path, directories included. #}
{% macro words(lowered) -%}
    list_filter(regexp_split_to_array({{ lowered }}, '[^a-z0-9]+'), lambda word: length(word) >= 2)
{%- endmacro %}

{# The tokens of one path: directories, name, extension, kind, the path itself and its last twelve distinct words. #}
{% macro path_tokens(parts, words) -%}
    list_filter(
        list_concat(
            [
                'd:' || folder,
                case when path_depth >= 2 then 's:' || subfolder end,
                case when path_depth >= 3 then 'p:' || array_to_string({{ parts }}[1:3], '/') end,
                'f:' || file_name,
                'x:' || extension,
                'k:' || path_kind,
                'a:' || right(lowered, 80)
            ],
            coalesce(
                list_transform(
                    list_filter({{ words }}, lambda word, place: list_position({{ words }}, word) = place)[-12:],
                    lambda word: 'w:' || word
                ),
                []
            )
        ),
        lambda token: token is not null
    )
{%- endmacro %}
