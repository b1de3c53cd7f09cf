"""Which ways of signing in this installation offers, beside the password."""

from assistant.accounts.directory.link import Way
from assistant.config import Config, get_config


def offered() -> dict[str, str]:
    """What the sign-in page calls each way that is configured, by the way's name."""
    config = get_config()
    labels = {
        Way.OIDC: config.oidc_label if config.oidc_issuer else "",
        Way.SAML: config.saml_label if config.saml_metadata_file else "",
        Way.LDAP: config.ldap_label if config.ldap_url else "",
        Way.CERTIFICATE: config.certificate_label if config.certificate_proxies else "",
    }
    return {way.value: label for way, label in labels.items() if label}


def site_address(config: Config) -> str:
    """The address of this site that providers return to, without a slash at the end."""
    return (config.sign_on_address or f"http://{config.host}:{config.port}").rstrip("/")
