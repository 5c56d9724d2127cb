"""Platforms as data: role models, permission catalogs, and the sets of permissions that patterns mean."""
