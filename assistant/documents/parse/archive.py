"""Opens zip-based files without trusting what they say about themselves."""

import zipfile
from dataclasses import dataclass
from typing import BinaryIO

from lxml import etree

from assistant.documents.parse.values import MEBIBYTE, Cause, Limits, Rejected

SMALL = MEBIBYTE
"""Below this many unpacked bytes the ratio is not judged: short, even files pack very well."""
CHUNK = 64 * 1024
DAMAGED = (
    "The file is damaged: its parts cannot be unpacked. Save it again and upload the new copy."
)


@dataclass(slots=True)
class Archive:
    """The parts of a zip-based file, read under limits.

    The central directory is checked first, and the bytes are counted again while they stream: a
    directory can lie.
    """

    zip: zipfile.ZipFile
    limits: Limits
    packed_bytes: int
    unpacked_bytes: int = 0

    @property
    def names(self) -> frozenset[str]:
        """The names in the archive. They are labels, and never used as paths."""
        return frozenset(self.zip.namelist())

    def part(self, name: str) -> bytes | None:
        """The bytes of one part, or None if there is no such part. Raises `Rejected`."""
        if name not in self.zip.NameToInfo:
            return None
        pieces: list[bytes] = []
        size = 0
        try:
            with self.zip.open(name) as stream:
                while piece := stream.read(CHUNK):
                    size += len(piece)
                    self.unpacked_bytes += len(piece)
                    _check_size(self.unpacked_bytes, self.packed_bytes, self.limits)
                    if size > self.limits.part_bytes:
                        raise _too_much(self.limits.part_bytes)
                    pieces.append(piece)
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as error:
            raise Rejected(DAMAGED, cause=Cause.DAMAGED) from error
        except RuntimeError as error:  # zipfile says so when a part is encrypted
            raise password_needed() from error
        except Exception as error:
            # zlib.error and lzma.LZMAError share no base with the others.
            if type(error).__module__ in {"zlib", "_lzma", "bz2"}:
                raise Rejected(DAMAGED, cause=Cause.DAMAGED) from error
            raise
        return b"".join(pieces)

    def xml(self, name: str) -> etree._Element | None:
        """One part as XML, or None if there is no such part. Entities are never expanded."""
        content = self.part(name)
        return None if content is None else parse_xml(content)


def open_archive(file: BinaryIO, limits: Limits) -> Archive:
    """Checks the central directory and opens the archive. Raises `Rejected`."""
    packed = file.seek(0, 2)
    file.seek(0)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
        raise Rejected(DAMAGED, cause=Cause.DAMAGED) from error
    entries = archive.infolist()
    if len(entries) > limits.zip_entries:
        raise Rejected(
            f"The file has {len(entries):,} parts inside; at most {limits.zip_entries:,} are "
            "allowed. Save it in a simpler form, for example as PDF.",
            cause=Cause.BOMB,
        )
    _check_size(sum(entry.file_size for entry in entries), packed, limits)
    return Archive(archive, limits, packed)


def parse_xml(content: bytes) -> etree._Element:
    """XML with no entities, no external files and no network. Raises `Rejected`."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        dtd_validation=False,
        remove_pis=True,
        remove_comments=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Rejected(DAMAGED, cause=Cause.DAMAGED) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Rejected(
            "The file declares entities, which ordinary documents do not and attacks do. "
            "Save it again with your word processor and upload the new copy.",
            cause=Cause.BOMB,
        )
    return root


def password_needed() -> Rejected:
    """The refusal for a protected file."""
    return Rejected(
        "The file is protected by a password. Save a copy without it and upload that.",
        cause=Cause.PASSWORD,
    )


def _check_size(unpacked: int, packed: int, limits: Limits) -> None:
    if unpacked > limits.zip_bytes:
        raise _too_much(limits.zip_bytes)
    if unpacked > SMALL and unpacked > packed * limits.zip_ratio:
        raise _too_much(packed * limits.zip_ratio)


def _too_much(allowed: int) -> Rejected:
    return Rejected(
        f"The file unpacks to more than the {max(1, allowed // MEBIBYTE):,} MB allowed for one of "
        "its size. It may be made to do harm. Save it as PDF and upload that.",
        cause=Cause.BOMB,
    )
