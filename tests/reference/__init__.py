"""The semantics of resolution a second time, small and obvious, and random projects on which both must agree."""
