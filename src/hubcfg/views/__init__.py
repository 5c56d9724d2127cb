"""What people and programs are shown; text and JSON are twins of the same values."""
