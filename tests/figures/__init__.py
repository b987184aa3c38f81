"""What stands in SECURITY.md and docs/reliability.md in figures: ``make figures`` measures it."""
