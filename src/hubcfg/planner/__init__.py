"""Compares two states of a project, or of a target and a project: who gains and loses what."""
