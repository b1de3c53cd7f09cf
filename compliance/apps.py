"""Registers the app with Django."""

from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    name = "compliance"
