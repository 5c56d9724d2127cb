"""hubcfg: permissions as code, compiled from YAML to resolved permission bundles."""

__version__ = "0.1.0"
