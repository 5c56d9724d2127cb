"""What hubcfg's GitHub action and GitLab template run beside hubcfg's commands: the summary of a check, and its comment."""
