"""A SAML identity provider for tests: pysaml2 behind two small pages.

    python saml_idp.py FOLDER PORT XMLSEC

FOLDER holds `idp.key`, `idp.pem` and `service.xml`, the metadata of the one service.
"""

import html
import sys
from pathlib import Path
from urllib.parse import parse_qs
from wsgiref.simple_server import make_server

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.saml import NAME_FORMAT_BASIC, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

FOLDER, PORT, XMLSEC = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
ADDRESS = f"http://localhost:{PORT}"


def idp() -> Server:
    config = IdPConfig().load(
        {
            "entityid": f"{ADDRESS}/metadata",
            "xmlsec_binary": XMLSEC,
            "key_file": str(FOLDER / "idp.key"),
            "cert_file": str(FOLDER / "idp.pem"),
            "metadata": {"local": [str(FOLDER / "service.xml")]},
            "service": {
                "idp": {
                    "endpoints": {
                        "single_sign_on_service": [(f"{ADDRESS}/sso", BINDING_HTTP_REDIRECT)]
                    },
                    "name_id_format": [NAMEID_FORMAT_PERSISTENT],
                    "policy": {
                        "default": {
                            "lifetime": {"minutes": 5},
                            "attribute_restrictions": None,
                            "name_form": NAME_FORMAT_BASIC,
                        }
                    },
                }
            },
        }
    )
    return Server(config=config)


SERVER = idp()


def answer(request: str, login: str) -> str:
    """The page that takes the response back to the service."""
    asked = SERVER.parse_authn_request(request, BINDING_HTTP_REDIRECT)
    name, *groups = login.split("+")
    place = SERVER.response_args(asked.message, [BINDING_HTTP_POST])
    response = SERVER.create_authn_response(
        {"uid": [name], "displayName": [name.title()], "groups": groups},
        userid=name,
        name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=f"subject-of-{name}"),
        authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"},
        sign_assertion=True,
        sign_response=True,
        sign_alg=SIG_RSA_SHA256,
        digest_alg=DIGEST_SHA256,
        **place,
    )
    form = SERVER.apply_binding(
        BINDING_HTTP_POST, str(response), place["destination"], response=True
    )
    return str(form["data"])


def page(environ, start_response):
    """Ask who somebody is; then send them back."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    words = environ["QUERY_STRING"] + "&" + environ["wsgi.input"].read(length).decode()
    fields = {key: values[0] for key, values in parse_qs(words).items()}
    request = fields.get("SAMLRequest", "")
    if "login" in fields:
        body = answer(request, fields["login"])
    else:
        body = (
            '<!doctype html><html lang="en"><title>Identity provider</title><form method="post">'
            f'<input type="hidden" name="SAMLRequest" value="{html.escape(request)}">'
            '<label>Name <input name="login"></label><button>Go on</button></form>'
        )
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [body.encode()]


make_server("127.0.0.1", PORT, page).serve_forever()
