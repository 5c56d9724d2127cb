"""Verified access to bundles: the files that a deployment consists of."""
