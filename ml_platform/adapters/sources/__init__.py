"""Sources that read the outside: git, files, process logs, a database; `dispatch` opens the one that is named."""
