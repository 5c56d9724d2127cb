"""The commands, one module each with its `COMMAND`; a module's first line is the command's line in `hubcfg --help`."""
