"""Tests of hubcfg among the programs that people use it with: pre-commit, and the language server of editors."""
