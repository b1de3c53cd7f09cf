"""Signing in with the house's own directory, and the people and groups that it provisions."""
