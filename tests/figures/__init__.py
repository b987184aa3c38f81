"""What stands in SECURITY.md in figures: ``make figures`` measures it."""
