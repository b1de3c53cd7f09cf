"""Who you are: people, roles, sign-in, sessions."""
