"""What SCIM is told of people and groups here, and no more than is kept."""

from typing import Annotated, Any

from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Filter,
    Meta,
    Mutability,
    Patch,
    Reference,
    Required,
    Resource,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

from assistant.accounts.models import Group as GroupRow
from assistant.accounts.models import Provisioned

MOST_RESULTS = 200
LARGEST_BODY = 1_000_000


class Place(ComplexAttribute):
    """A group that somebody is in."""

    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    display: Annotated[str | None, Mutability.read_only] = None


class User(Resource[Any]):
    """A person."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    display_name: str | None = None
    active: bool | None = None
    groups: Annotated[list[Place] | None, Mutability.read_only] = None


class Member(ComplexAttribute):
    """A person in a group."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )


class Group(Resource[Any]):
    """A group of people."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true] = None
    members: list[Member] | None = None


CONFIG = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MOST_RESULTS),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=False),
    etag=ETag(supported=False),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="Bearer token",
            description="A token made by an administrator of this installation.",
            primary=True,
        )
    ],
)
# Directories send more than is kept here; it is dropped. The two usual liberties of Microsoft's are
# taken as they are meant.
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
PROVIDER = ScimProvider(models=[User, Group], config=CONFIG, policy=POLICY)


def user_of(kept: Provisioned, base: str) -> User:
    """A person as SCIM shows them; `base` is the address of the service."""
    user = kept.user
    public_id = str(user.public_id)
    places = [
        Place(value=str(place.group_id), display=place.group.name)
        for place in user.group_places.all()
    ]
    return User(
        id=public_id,
        external_id=kept.external_id,
        user_name=user.username,
        # A name to show is always kept; where the directory gave none, it is the user's name.
        display_name=user.display_name if user.display_name != user.username else None,
        active=user.is_active,
        groups=places or None,
        meta=Meta(
            resource_type="User",
            created=kept.created_at,
            last_modified=kept.changed_at,
            location=f"{base}/Users/{public_id}",
        ),
    )


def group_of(kept: GroupRow, base: str) -> Group:
    """A group as SCIM shows it."""
    members = [str(place.user.public_id) for place in kept.members.all()]
    return Group(
        id=str(kept.id),
        external_id=kept.external_id,
        display_name=kept.name,
        members=[_member(one, base) for one in members] or None,
        meta=Meta(
            resource_type="Group",
            created=kept.created_at,
            last_modified=kept.changed_at,
            location=f"{base}/Groups/{kept.id}",
        ),
    )


def _member(public_id: str, base: str) -> Member:
    return Member.model_validate({"value": public_id, "$ref": f"{base}/Users/{public_id}"})
