"""SCIM 2.0 (RFC 7643, RFC 7644): the house's directory provisions people and groups."""
