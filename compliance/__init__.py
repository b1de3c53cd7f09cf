"""Rules and evidence: what happened, written so that nobody can change it afterwards."""
