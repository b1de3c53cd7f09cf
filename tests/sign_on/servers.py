"""Real servers of the kinds that a house has, each an ordinary process on loopback.

Where somebody types their name at one of them, `NAME+GROUP+GROUP` signs NAME in as a member of
these groups.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.installation import CHECKOUT
from tests.sign_on.environment import BASE

HERE = Path(__file__).parent
START_SECONDS = 20.0
ADMINISTRATOR = f"cn=admin,{BASE}"
ADMINISTRATOR_PASSWORD = "only in this test"


def found(*parts: str) -> Path:
    """Something that the set-up of `make test` installs; without it the test is skipped."""
    for home in (os.environ.get("CLOISTER_SETUP_HOME"), CHECKOUT / "var"):
        path = Path(home or ".", *parts)
        if home and path.exists():
            return path
    pytest.skip(f"{'/'.join(parts)} is not installed; run `make test`")


@contextmanager
def running(
    command: list[str], *, port: int, log: Path, **variables: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """A server, from when it takes connections until the test is done."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        try:
            _wait_for(port, process, log)
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not start:\n{log.read_text()[-3000:]}")


@contextmanager
def openid_provider(folder: Path, *, port: int, site: str) -> Iterator[str]:
    """The npm package oidc-provider; yields its issuer."""
    if not shutil.which("node"):
        pytest.skip("node is not installed; run `make test`")
    library = found("node", "node_modules", "oidc-provider", "lib", "index.js")
    settings = {
        "port": port,
        "client": "cloister",
        "secret": (folder / "openid.secret").read_text(),
        "redirect": f"{site}/sign-in/oidc/return/",
    }
    command = ["node", str(HERE / "openid_provider.mjs"), library.as_uri(), json.dumps(settings)]
    with running(command, port=port, log=folder / "openid.log"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def identity_provider(folder: Path, *, port: int, service: bytes) -> Iterator[str]:
    """pysaml2 as identity provider for the service with this metadata; yields its address."""
    (folder / "service.xml").write_bytes(service)
    xmlsec = shutil.which("xmlsec1") or str(found("debian", "usr", "bin", "xmlsec1"))
    command = [sys.executable, str(HERE / "saml_idp.py"), str(folder), str(port), xmlsec]
    with running(command, port=port, log=folder / "saml.log", **_libraries(xmlsec)):
        yield f"http://localhost:{port}"


@contextmanager
def slapd(folder: Path, *, port: int) -> Iterator[int]:
    """OpenLDAP with a handful of people; yields its port."""
    program = Path("/usr/sbin/slapd")
    if not program.exists():
        program = found("debian", "usr", "sbin", "slapd")
    root = program.parents[2]
    data = folder / "ldap"
    data.mkdir(exist_ok=True)
    schemas = Path("/etc/ldap/schema") if root == Path("/") else root / "etc" / "ldap" / "schema"
    reader = (folder / "ldap.secret").read_text()
    (data / "slapd.conf").write_text(
        "".join(f"include {schemas}/{name}.schema\n" for name in ("core", "cosine"))
        + f"include {schemas}/inetorgperson.schema\n"
        f"modulepath {root}/usr/lib/ldap\nmoduleload back_mdb\npidfile {data}/pid\n"
        f"TLSCACertificateFile {folder}/ca.pem\nTLSCertificateFile {folder}/ldap.pem\n"
        f"TLSCertificateKeyFile {folder}/ldap.key\nsizelimit 50\n"
        f'database mdb\nmaxsize 10485760\nsuffix "{BASE}"\ndirectory {data}\n'
        f'rootdn "{ADMINISTRATOR}"\nrootpw "{ADMINISTRATOR_PASSWORD}"\n'
        "access to attrs=userPassword by anonymous auth by * none\n"
        f'access to * by dn.exact="cn=reader,{BASE}" read by * none\n'
    )
    (data / "first.ldif").write_text(
        f"dn: {BASE}\nobjectClass: organization\nobjectClass: dcObject\no: House\ndc: house\n\n"
        f"dn: cn=reader,{BASE}\nobjectClass: person\ncn: reader\nsn: reader\n"
        f"userPassword: {reader}\n\n"
        f"dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n\n"
        f"dn: ou=groups,{BASE}\nobjectClass: organizationalUnit\nou: groups\n"
    )
    variables = _libraries(str(program))
    load = [str(program), "-T", "add", "-f", str(data / "slapd.conf")]
    subprocess.run(
        [*load, "-l", str(data / "first.ldif")],
        env=os.environ | variables,
        check=True,
        timeout=30,
        capture_output=True,
    )
    command = [str(program), "-d", "0", "-f", str(data / "slapd.conf")]
    addresses = ["-h", f"ldap://127.0.0.1:{port}"]
    with running([*command, *addresses], port=port, log=folder / "slapd.log", **variables):
        yield port


def _libraries(program: str) -> dict[str, str]:
    """Where an unpacked Debian package keeps its libraries."""
    folders = Path(program).resolve().parents[2].glob("usr/lib/*-linux-gnu")
    inherited = os.environ.get("LD_LIBRARY_PATH", "")
    return {"LD_LIBRARY_PATH": ":".join(filter(None, [*map(str, folders), inherited]))}
