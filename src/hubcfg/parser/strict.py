"""The way to YAML 1.2 where libyaml is wrong about it: a gate that tells when, and a strict parser that decides."""
from collections.abc import Iterator
from yaml.events import Event

def needs_strict(text: str) -> bool:
    return False


def strict_events(text: str) -> Iterator[Event]:
    from hubcfg.parser.strict_blocks import parse_stream

    return parse_stream(text)
