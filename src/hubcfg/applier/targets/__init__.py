"""The kinds of targets, a module each; `open_target` in `applier.opening` finds them by their names."""
