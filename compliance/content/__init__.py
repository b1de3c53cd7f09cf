"""Content of events: locked in the record, opened with a reason, erased by destroying keys."""

from compliance.content.locked import Part as Part
from compliance.content.locked import locked_parts as locked_parts
from compliance.content.unlock import UnlockRefused as UnlockRefused
from compliance.content.unlock import unlock as unlock
