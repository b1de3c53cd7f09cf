"""People and groups as a form names them."""

from collections.abc import Iterable
from uuid import UUID

from django.core.exceptions import ValidationError

from assistant.accounts.models import Group, User


def named_in(
    usernames: str, group_ids: Iterable[str | UUID] = ()
) -> tuple[tuple[User, ...], tuple[Group, ...]]:
    """The people (names they sign in with, commas or lines between) and the groups.

    Raises ValidationError for somebody or something unknown.
    """
    names = [part.strip() for part in usernames.replace("\n", ",").split(",") if part.strip()]
    people = []
    for name in dict.fromkeys(names):
        person = User.objects.filter(username__iexact=name, is_active=True).first()
        if person is None:
            raise ValidationError(f"There is no active account called {name}.")
        people.append(person)
    try:
        wanted = {UUID(str(group_id)) for group_id in group_ids}
    except ValueError as error:
        raise ValidationError("Choose a group.") from error
    groups = tuple(Group.objects.filter(pk__in=wanted).order_by("name"))
    if len(groups) != len(wanted):
        raise ValidationError("Choose a group that is there.")
    return tuple(people), groups
