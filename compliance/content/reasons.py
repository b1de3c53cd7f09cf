"""A reason in writing, as unlocking, holding and erasing ask for it."""

from django.core.exceptions import ValidationError

FEWEST_CHARACTERS = 10
MOST_CHARACTERS = 2000
DEMAND = f"Say why, in {FEWEST_CHARACTERS} to {MOST_CHARACTERS:,} characters."


def written(reason: str) -> str:
    """The reason without outer blanks. Raises ValidationError when it says too little."""
    reason = reason.strip()
    if not FEWEST_CHARACTERS <= len(reason) <= MOST_CHARACTERS:
        raise ValidationError(DEMAND)
    return reason
