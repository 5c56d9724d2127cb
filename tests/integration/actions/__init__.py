"""Runs what CI runs, on this machine: the steps of a composite action, the jobs of a pipeline, and the services' APIs."""
