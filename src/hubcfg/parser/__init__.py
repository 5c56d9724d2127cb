"""Files to documents: finds the project's sources and reads them under hubcfg's YAML profile."""

from hubcfg.parser.document import Document, ParsedFile
from hubcfg.parser.parse import parse_source, parse_sources
from hubcfg.parser.sources import SourceFile, find_sources

__all__ = ["Document", "ParsedFile", "SourceFile", "find_sources", "parse_source", "parse_sources"]
