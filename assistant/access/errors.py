"""AccessError
└── Missing     there is no such thing, or it is not yours: nobody can tell which
"""


class AccessError(Exception):
    """Something about access went wrong."""


class Missing(AccessError):
    """What was asked for does not exist for this person."""
