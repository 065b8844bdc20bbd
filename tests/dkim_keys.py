"""RSA keys for the tests of DKIM, made when they are needed: none is in the repository."""

import base64
import subprocess
from collections.abc import Callable
from functools import lru_cache


@lru_cache
def private_key(bits: int = 2048, form: str = "-traditional") -> str:
    """A key in PEM, PKCS #1; or PKCS #8 if `form` is empty."""
    made = ["openssl", "genrsa", *([form] if form else []), str(bits)]
    return subprocess.run(made, check=True, capture_output=True, text=True).stdout


def names(pem: str, *hosts: str) -> Callable[..., bytes | None]:
    """A name server that knows the public half of a key under these names, and nothing else."""
    command = ["openssl", "rsa", "-pubout", "-outform", "DER"]
    public = subprocess.run(command, input=pem.encode(), check=True, capture_output=True).stdout
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    return lambda name, timeout=5: record if name.decode().rstrip(".") in hosts else None
