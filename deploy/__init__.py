"""How Cloister gets onto a machine. Standard library only: nothing is installed yet."""
