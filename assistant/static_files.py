"""How style and scripts are stored: under names that carry their digest, compressed once."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModules(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # no types
    """Also writes the digests into the `import` lines of our JavaScript modules."""

    support_js_module_import_aggregation = True
