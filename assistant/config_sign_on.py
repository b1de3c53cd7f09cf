"""Knobs of signing in with the house's own directory; part of `Config`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings


class SignOnConfig(BaseSettings):
    """How people are known elsewhere: OIDC, SAML, LDAP, client certificates, SCIM.

    A way is offered when its first field is set. Secrets are read from files.
    """

    sign_on_address: str = Field(
        default="", description="address of this site as people type it, for providers to return to"
    )
    sign_on_creates: bool = Field(
        default=False, description="the first sign-in of somebody unknown makes their account"
    )
    sign_on_roles: str = Field(
        default="", description="`group=role` pairs separated by semicolons: the directory's groups"
    )
    sign_on_second_factor: str = Field(
        default="", description="what counts as a second factor done elsewhere: values of `acr`, "
        "`amr` or AuthnContextClassRef, or `certificate`; separated by commas"
    )

    oidc_issuer: str = Field(default="", description="issuer of the OpenID provider")
    oidc_client_id: str = Field(default="", description="what the provider knows this site as")
    oidc_client_secret_file: Path | None = Field(
        default=None, description="file with the client's secret; empty for a public client"
    )
    oidc_ca_file: Path | None = Field(
        default=None, description="certificates that the provider's own is checked against"
    )
    oidc_label: str = Field(default="OpenID Connect", description="words on the button")
    oidc_scopes: str = Field(default="openid profile", description="scopes asked for")
    oidc_subject_claim: str = Field(default="sub", description="claim that never changes")
    oidc_name_claim: str = Field(
        default="preferred_username", description="claim with the name of a new account"
    )
    oidc_groups_claim: str = Field(
        default="groups", description="claim with a list of groups; empty: it says nothing of them"
    )

    saml_metadata_file: Path | None = Field(
        default=None, description="metadata of the identity provider, as a file"
    )
    saml_label: str = Field(default="SAML", description="words on the button")
    saml_subject_attribute: str = Field(
        default="", description="attribute that never changes; empty means a persistent NameID"
    )
    saml_name_attribute: str = Field(
        default="uid", description="attribute with the name of a new account"
    )
    saml_display_attribute: str = Field(
        default="displayName", description="attribute with the person's name"
    )
    saml_groups_attribute: str = Field(
        default="groups", description="attribute with the groups; empty: it says nothing of them"
    )

    ldap_url: str = Field(default="", description="`ldaps://host` or `ldap://host` with StartTLS")
    ldap_ca_file: Path | None = Field(
        default=None, description="certificates that the server's own is checked against"
    )
    ldap_label: str = Field(default="your directory account", description="words on the button")
    ldap_bind_name: str = Field(default="", description="distinguished name that may search")
    ldap_bind_password_file: Path | None = Field(
        default=None, description="file with the password of that name"
    )
    ldap_base: str = Field(default="", description="where people are searched for")
    ldap_filter: str = Field(
        default="(uid={name})", description="filter for one person; `{name}` is what they type"
    )
    ldap_subject_attribute: str = Field(
        default="entryUUID", description="attribute that never changes; Active Directory: "
        "`objectGUID`"
    )
    ldap_name_attribute: str = Field(
        default="uid", description="attribute with the name of a new account"
    )
    ldap_display_attribute: str = Field(default="cn", description="attribute with the name")
    ldap_groups_base: str = Field(
        default="", description="where groups are searched for; empty means `memberOf`"
    )
    ldap_groups_filter: str = Field(
        default="(member={dn})", description="filter for the groups of one person"
    )

    certificate_proxies: str = Field(
        default="", description="addresses of the web servers in front that ask for certificates, "
        "separated by commas"
    )
    certificate_secret_file: Path | None = Field(
        default=None, description="file with the secret that those web servers send along"
    )
    certificate_label: str = Field(default="your smart card", description="words on the button")

    scim_issuer: str = Field(
        default="", description="issuer under which people provisioned by SCIM sign in; their "
        "`externalId` is the subject"
    )
