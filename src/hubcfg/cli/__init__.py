"""The command line: options to pipeline to view to exit code."""
