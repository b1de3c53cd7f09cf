"""The addresses of SCIM: people, groups, and what the service says of itself."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpResponse
from scim2_models import (
    Context,
    ForbiddenException,
    InvalidValueException,
    ListResponse,
    NotFoundException,
    NotImplementedException,
    PatchOp,
    Resource,
    ResourceType,
    ResponseParameters,
    Schema,
    ScimFilter,
    SearchRequest,
    TooManyException,
)

from assistant.accounts.directory import groups as group_verbs
from assistant.accounts.directory import provisioning
from assistant.accounts.directory.accounts import LONGEST_NAME
from assistant.accounts.directory.provisioning import Unknown, Wanted
from assistant.accounts.models import Group as GroupRow
from assistant.accounts.models import Provisioned
from assistant.accounts.models import User as UserRow
from assistant.accounts.requests import Request
from assistant.api.scim.filters import narrowed
from assistant.api.scim.resources import (
    CONFIG,
    MOST_RESULTS,
    PROVIDER,
    Group,
    User,
    group_of,
    user_of,
)
from assistant.api.scim.web import answer, base_of, payload, route, unknown_member

MOST_SEARCHED = 20_000
LONGEST_GROUP_NAME = 200
Row = TypeVar("Row", bound=Model)


# --- People ----------------------------------------------------------------------------------


def _list_people(request: Request) -> HttpResponse:
    asked = SearchRequest[User].model_validate(_asked(request))
    return _listed(request, asked, provisioning.people(), user_of, {"username": "user__username"})


def _add_person(request: Request) -> HttpResponse:
    said = User.model_validate(payload(request), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    kept = provisioning.add(request.record, _wanted(said))
    return _made(request, user_of(kept, base_of(request)))


def _show_person(request: Request, public_id: str) -> HttpResponse:
    return _shown(request, user_of(provisioning.person(public_id), base_of(request)))


def _replace_person(request: Request, public_id: str) -> HttpResponse:
    kept = provisioning.person(public_id)
    said = User.model_validate(payload(request), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    said.replace(user_of(kept, base_of(request)))
    return _person_changed(request, kept, said)


def _patch_person(request: Request, public_id: str) -> HttpResponse:
    kept = provisioning.person(public_id)
    patch = PatchOp[User].model_validate(
        payload(request), scim_ctx=Context.RESOURCE_PATCH_REQUEST
    )
    shown = user_of(kept, base_of(request))
    patch.patch(shown)
    return _person_changed(request, kept, shown)


def _remove_person(request: Request, public_id: str) -> HttpResponse:
    provisioning.remove(request.record, provisioning.person(public_id))
    return HttpResponse(status=204)


def _person_changed(request: Request, kept: Provisioned, said: User) -> HttpResponse:
    changed = provisioning.change(request.record, kept, _wanted(said))
    return _shown(request, user_of(changed, base_of(request)))


def _wanted(said: User) -> Wanted:
    return Wanted(
        username=_name(said.user_name, LONGEST_NAME),
        display_name=(said.display_name or "").strip()[:LONGEST_NAME],
        external_id=_external_id(said),
        active=said.active is not False,
    )


# --- Groups ----------------------------------------------------------------------------------


def _list_groups(request: Request) -> HttpResponse:
    asked = SearchRequest[Group].model_validate(_asked(request))
    return _listed(request, asked, group_verbs.groups(), group_of, {"displayname": "name"})


def _add_group(request: Request) -> HttpResponse:
    said = Group.model_validate(payload(request), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    kept = group_verbs.add(
        request.record,
        name=_name(said.display_name, LONGEST_GROUP_NAME),
        external_id=_external_id(said),
        members=_members(said),
    )
    return _made(request, group_of(kept, base_of(request)))


def _show_group(request: Request, group_id: str) -> HttpResponse:
    return _shown(request, group_of(group_verbs.group(group_id), base_of(request)))


def _replace_group(request: Request, group_id: str) -> HttpResponse:
    kept = group_verbs.group(group_id)
    said = Group.model_validate(payload(request), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    said.replace(group_of(kept, base_of(request)))
    return _group_changed(request, kept, said)


def _patch_group(request: Request, group_id: str) -> HttpResponse:
    kept = group_verbs.group(group_id)
    patch = PatchOp[Group].model_validate(
        payload(request), scim_ctx=Context.RESOURCE_PATCH_REQUEST
    )
    shown = group_of(kept, base_of(request))
    patch.patch(shown)
    return _group_changed(request, kept, shown)


def _remove_group(request: Request, group_id: str) -> HttpResponse:
    group_verbs.remove(request.record, group_verbs.group(group_id))
    return HttpResponse(status=204)


def _group_changed(request: Request, kept: GroupRow, said: Group) -> HttpResponse:
    changed = group_verbs.change(
        request.record,
        kept,
        name=_name(said.display_name, LONGEST_GROUP_NAME),
        external_id=_external_id(said),
        members=_members(said),
    )
    return _shown(request, group_of(changed, base_of(request)))


def _members(said: Group) -> list[UserRow]:
    try:
        return provisioning.users_of(member.value or "" for member in said.members or ())
    except Unknown as error:
        raise unknown_member(error) from error


# --- What the service says of itself (RFC 7644, section 4) -------------------------------------


def _config(request: Request) -> HttpResponse:
    return answer(CONFIG.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))


def _described(
    kind: type[Schema] | type[ResourceType], known: Iterable[Schema | ResourceType]
) -> Callable[..., HttpResponse]:
    """All descriptions of a kind, or the one of an id."""

    def verb(request: Request, name: str = "") -> HttpResponse:
        if "filter" in request.GET:
            raise ForbiddenException(detail="Descriptions cannot be filtered.")
        found = list(known)
        if name:
            wanted = name.casefold()
            named = [each for each in found if (each.id or "").casefold() == wanted]
            if not named:
                raise NotFoundException(detail="There is no such description.")
            return answer(named[0].model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))
        listed: ListResponse[Any] = ListResponse[kind](  # type: ignore[valid-type]
            total_results=len(found),
            start_index=1,
            items_per_page=len(found),
            resources=found,
        )
        return answer(listed.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))

    return verb


def _not_at_once(request: Request) -> HttpResponse:
    raise NotImplementedException(detail="Search people and groups one after the other.")


def _nothing(request: Request, rest: str) -> HttpResponse:
    raise NotFoundException(detail="There is nothing at this address.")


# --- Answers ---------------------------------------------------------------------------------


def _made(request: Request, resource: Resource[Any]) -> HttpResponse:
    location = resource.meta.location if resource.meta else ""
    body = resource.model_dump(scim_ctx=Context.RESOURCE_CREATION_RESPONSE)
    return answer(body, status=201, location=location or "")


def _shown(request: Request, resource: Resource[Any]) -> HttpResponse:
    asked = ResponseParameters[type(resource)].model_validate(  # type: ignore[misc]
        {key: value for key, value in request.GET.items() if "ttributes" in key}
    )
    body = resource.model_dump(
        scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=asked
    )
    return answer(body)


def _asked(request: Request) -> dict[str, Any]:
    """What a list is asked for: in the address, or posted (RFC 7644, section 3.4.3)."""
    return payload(request) if request.method == "POST" else request.GET.dict()


def _listed(
    request: Request,
    asked: SearchRequest[Any],
    rows: QuerySet[Row],
    shown: Callable[[Row, str], Resource[Any]],
    columns: dict[str, str],
) -> HttpResponse:
    """A page of a list. Usual filters are the database's work, others are tried on each row."""
    base = base_of(request)
    start = max(asked.start_index or 1, 1)
    count = MOST_RESULTS if asked.count is None else min(asked.count, MOST_RESULTS)
    chosen: ScimFilter[Any] | None = asked.filter
    narrow = narrowed(rows, chosen, {"externalid": "external_id", **columns})
    if chosen is None or narrow is not None:
        found = rows if narrow is None else narrow
        total = found.count()
        page = [shown(row, base) for row in found[start - 1 : start - 1 + count]]
    else:
        if rows.count() > MOST_SEARCHED:
            raise TooManyException(detail="Ask by userName or externalId.")
        matching = [one for row in rows if chosen.match(one := shown(row, base))]
        total, page = len(matching), matching[start - 1 : start - 1 + count]
    listed: ListResponse[Any] = ListResponse[User | Group](
        total_results=total, start_index=start, items_per_page=len(page), resources=page
    )
    body = listed.model_dump(scim_ctx=Context.SEARCH_RESPONSE, response_parameters=asked)
    return answer(body)


def _name(text: str | None, longest: int) -> str:
    name = (text or "").strip()
    if not name or len(name) > longest or not name.isprintable():
        raise InvalidValueException(detail=f"A name has 1 to {longest} printable characters.")
    return name


def _external_id(said: Resource[Any]) -> str | None:
    found: str | None = said.external_id or None
    if found is not None and len(found) > 255:
        raise InvalidValueException(detail="An externalId has 255 characters at most.")
    return found


people = route(GET=_list_people, POST=_add_person)
person = route(
    GET=_show_person, PUT=_replace_person, PATCH=_patch_person, DELETE=_remove_person
)
people_search = route(POST=_list_people)
groups_search = route(POST=_list_groups)
search = route(POST=_not_at_once)
groups = route(GET=_list_groups, POST=_add_group)
group = route(GET=_show_group, PUT=_replace_group, PATCH=_patch_group, DELETE=_remove_group)
config = route(GET=_config)
schemas = route(GET=_described(Schema, PROVIDER.schemas))
resource_types = route(GET=_described(ResourceType, PROVIDER.resource_types))
nothing = route(
    GET=_nothing, POST=_nothing, PUT=_nothing, PATCH=_nothing, DELETE=_nothing
)
