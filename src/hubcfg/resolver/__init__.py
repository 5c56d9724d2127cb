"""Configuration to access: who effectively holds what, now and at every later instant."""
