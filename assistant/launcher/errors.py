"""What can keep an installation from starting.

LauncherError
    CannotStart        one sentence: what happened, to what, what to do
"""


class LauncherError(Exception):
    """Base of the launcher's errors."""


class CannotStart(LauncherError):
    """Starting was given up. The message is for the operator."""
