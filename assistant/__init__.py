"""The web app: people, documents, conversations; also the Django project."""
