"""What every stage shares: findings, rules, instants, ids, canonical JSON."""
