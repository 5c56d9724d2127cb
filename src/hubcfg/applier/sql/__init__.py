"""The tables that the targets `sqlite` and `postgresql` keep (docs/tables.md), apart from how each of them is connected to."""
