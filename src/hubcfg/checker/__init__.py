"""Access to verified access: the rules that stand between a configuration and its bundles."""
