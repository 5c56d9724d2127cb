"""Deployments over a REST API, user by user (docs/http-targets.md)."""
