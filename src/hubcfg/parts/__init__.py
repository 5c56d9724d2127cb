"""Compiles a project in parts: each org by itself, in other processes or on other machines (docs/scaling.md)."""
