"""shipped: where the files that come with the program are: templates, migrations, the example config.toml."""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_PACKED = _PACKAGE / "shipped"


def shipped(name: str) -> Path:
    """The path of a shipped file or folder, such as "templates/email" or "config.toml".

    In an installed wheel these are packed into the package; in a checkout they stand at its top level.
    """
    packed = _PACKED / name
    return packed if packed.exists() else _PACKAGE.parent / name
