"""Is a file of a git history changed again within seven days: a model from outside the platform."""
