"""Who may see what: matters, members, row security."""
