"""Judges records of deployments that an API or a folder gives back."""

import json

from hubcfg.applier.records import FORMAT
from hubcfg.applier.target import ForeignStateError


def check_record(record: bytes, serial: int) -> None:
    """Raises ForeignStateError where a record is not that of a serial, or of another format."""
    try:
        value = json.loads(record)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or value.get("serial") != serial:
        raise ForeignStateError(
            f"the record of deployment {serial} is not one that hubcfg wrote", help="put back what a backup has"
        )
    found = value.get("format", FORMAT)
    if found != FORMAT:
        raise ForeignStateError(
            f"the record of deployment {serial} has the format `{str(found)[:60]}`, and this hubcfg knows `{FORMAT}`",
            help="use the hubcfg that wrote it, or a later one; nothing was changed",
        )
