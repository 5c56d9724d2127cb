"""Gives each test a fresh target of each type, as the contract suite does."""

from tests.contracts.conftest import harness, make_stand, stand

__all__ = ["harness", "make_stand", "stand"]
