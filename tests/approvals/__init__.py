"""Attacks on approvals, each a small Git history, and what else approvals promise."""
