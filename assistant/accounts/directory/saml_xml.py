"""SAML's XML, read without entities, network, comments or surprises, and written plainly."""

from lxml import etree

from assistant.accounts.directory.errors import SignOnRefused
from compliance.events import SignInFailure

LARGEST = 300_000
NAMES = {
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


def parse(data: bytes) -> etree._Element:
    """The root of a document of elements and text alone.

    A comment inside a name would cut the text that is read short, and leave the signature right.
    Raises SignOnRefused for comments, document types, entities and what is too large.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    if len(data) > LARGEST:
        raise SignOnRefused(SignInFailure.MALFORMED)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SignOnRefused(SignInFailure.MALFORMED) from error
    document = root.getroottree()
    outside = [*root.itersiblings(), *root.itersiblings(preceding=True)]
    strange = [node for node in root.iter() if not isinstance(node.tag, str)]
    if document.docinfo.internalDTD is not None or outside or strange:
        raise SignOnRefused(SignInFailure.MALFORMED)
    return root


def tag(name: str) -> str:
    """`saml:Assertion` as lxml spells it."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMES[prefix]}}}{local}"


def make(name: str, *children: "etree._Element | str", **attributes: str) -> etree._Element:
    """An element with its children, text or both."""
    prefix = name.partition(":")[0]
    element = etree.Element(tag(name), nsmap={prefix: NAMES[prefix]})
    for key, value in attributes.items():
        element.set(key, value)
    for child in children:
        if isinstance(child, str):
            element.text = child
        else:
            element.append(child)
    return element


def text_of(element: etree._Element | None) -> str:
    """The text of an element that holds nothing else; empty when there is none."""
    if element is None:
        return ""
    if len(element):
        raise SignOnRefused(SignInFailure.MALFORMED)
    return (element.text or "").strip()
