"""What we know: intake, reading, indexing, retrieval."""
