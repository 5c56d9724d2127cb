"""Writes YAML for what a target or a table holds, so that an existing system can be adopted (docs/import.md)."""
