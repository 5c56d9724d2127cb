"""Plans to targets: the only stage that changes anything outside."""
