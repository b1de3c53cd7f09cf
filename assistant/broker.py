"""The Celery application that tasks belong to; `celery.py` is what workers load."""

from celery import Celery

app = Celery("cloister")
app.config_from_object("assistant.celery_settings")
