"""Talking to models: plain Python that receives values and never reads settings.

Import the module you need: `client`, `generate`, `embed`, `tokens`, `health`, `errors`.
"""
