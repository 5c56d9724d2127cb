"""The reference hub: a small server that keeps bundles user by user and answers who may do what, now (docs/hub.md)."""
