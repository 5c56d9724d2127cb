"""The canonical form of YAML source files: same values, same comments, one way to write them (docs/formatting.md)."""

from hubcfg.parser.formatting.errors import UnformattableSource
from hubcfg.parser.formatting.format import format_source

__all__ = ["UnformattableSource", "format_source"]
