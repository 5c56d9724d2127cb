"""JSON Schemas of what hubcfg writes and prints, one file a format: a file of this folder is all that a new one needs."""

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def output_schemas() -> dict[str, dict[str, Any]]:
    """Returns the schemas by their format, such as `hubcfg.bundle/1`."""
    loaded = [json.loads(path.read_text("utf-8")) for path in sorted(Path(__file__).parent.glob("*.json"))]
    return {str(schema["properties"]["format"]["const"]): schema for schema in loaded}
