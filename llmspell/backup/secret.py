"""Keys: where the secret comes from, and how the keys of a backup are made from it."""

import os
from collections.abc import Callable
from typing import Any

from llmspell.errors import BadArgument, Corrupt, EncryptionError

SALT_BYTES = 16
KEY_BYTES = 32
CHECK_BYTES = 16
RAW_PREFIX = "base64:"
NONE, PBKDF2, SCRYPT, ARGON2ID = "none", "PBKDF2", "scrypt", "argon2id"
_SCRYPT = {"n": 1 << 16, "r": 8, "p": 1}
_ARGON2ID = {"iterations": 3, "lanes": 1, "memory_kib": 64 << 10}
_BOUNDS: dict[str, dict[str, tuple[int, int]]] = {
    NONE: {},
    PBKDF2: {"iterations": (1, 2**31 - 1)},
    SCRYPT: {"n": (2, 1 << 22), "r": (1, 32), "p": (1, 16)},
    ARGON2ID: {"iterations": (1, 1000), "lanes": (1, 64), "memory_kib": (8, 1 << 22)},
}
"""The parameters of each derivation and their bounds: a manifest must not be able to ask for a year or a terabyte."""

Derivation = dict[str, Any]
"""How a key is made from a text, as it stands in a manifest: `name`, `salt` (hexadecimal), and parameters."""


class Secret:
    """A text, or 32 raw bytes, from which keys are made. Making one from a text takes a while, so it is kept."""

    def __init__(self, text: str, *, origin: str = "the key") -> None:
        """`text` is any text; `base64:…` are 32 raw bytes. `origin` is for messages. Raises EncryptionError."""
        self.origin = origin
        self._raw: bytes | None = None
        self._text = text.encode("utf-8", "surrogateescape")
        self._made: dict[tuple[tuple[str, Any], ...], bytes] = {}
        if not text:
            raise EncryptionError(f"{origin} is empty", hint="give it a text, or base64: and 32 bytes in base64")
        if text.startswith(RAW_PREFIX):
            self._raw = _decode(text.removeprefix(RAW_PREFIX), origin)

    def derivation(self, name: str, iterations: int) -> Derivation:
        """New parameters, with a salt of their own, for a key from this secret. A raw key needs none."""
        if self._raw is not None:
            return {"name": NONE, "salt": os.urandom(SALT_BYTES).hex()}
        parameters: dict[str, dict[str, int]] = {
            PBKDF2: {"iterations": iterations},
            SCRYPT: _SCRYPT,
            ARGON2ID: _ARGON2ID,
        }
        if name not in parameters:
            raise BadArgument(f"there is no key derivation '{name}'; there are PBKDF2, scrypt and argon2id")
        return {"name": name, "salt": os.urandom(SALT_BYTES).hex(), **parameters[name]}

    def fits(self, derivation: Derivation, name: str, iterations: int) -> bool:
        """Whether a key made with `derivation` is as good as one that the settings ask for."""
        wanted = self.derivation(name, iterations)
        return wanted | {"salt": derivation["salt"]} == derivation

    def opens(self, derivation: Derivation, check: bytes) -> bool:
        """Whether a backup with this derivation and check was made with this secret."""
        try:
            return key_check(self.key(derivation)) == check
        except EncryptionError:
            return False

    def key(self, derivation: Derivation) -> bytes:
        """The master key. Raises EncryptionError when the derivation wants a secret of the other kind."""
        known = tuple(sorted(derivation.items()))
        if known not in self._made:
            self._made[known] = self._derive(derivation)
        return self._made[known]

    def _derive(self, derivation: Derivation) -> bytes:
        name, salt = derivation["name"], bytes.fromhex(derivation["salt"])
        if name == NONE:
            if self._raw is None:
                raise EncryptionError(f"{self.origin} is a text, but the backup was made with a raw key (base64:…)")
            return expand(self._raw, salt, b"llmspell backup master")
        if self._raw is not None:
            raise EncryptionError(f"{self.origin} is a raw key, but the backup was made with a text")
        if name == PBKDF2:
            from hashlib import pbkdf2_hmac

            return pbkdf2_hmac("sha256", self._text, salt, derivation["iterations"], KEY_BYTES)
        if name == SCRYPT:
            from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

            parameters = {letter: derivation[letter] for letter in ("n", "r", "p")}
            return Scrypt(salt=salt, length=KEY_BYTES, **parameters).derive(self._text)
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        return Argon2id(
            salt=salt,
            length=KEY_BYTES,
            iterations=derivation["iterations"],
            lanes=derivation["lanes"],
            memory_cost=derivation["memory_kib"],
        ).derive(self._text)


def check_derivation(derivation: object) -> Derivation:
    """The parameters out of a manifest, or Corrupt when they are none."""
    if isinstance(derivation, dict):
        name = derivation.get("name")
        bounds = _BOUNDS.get(name) if isinstance(name, str) else None
        salt = derivation.get("salt")
        if (
            bounds is not None
            and derivation.keys() == {"name", "salt", *bounds}
            and is_hexadecimal(salt, SALT_BYTES)
            and all(type(derivation[each]) is int for each in bounds)
            and all(low <= derivation[each] <= high for each, (low, high) in bounds.items())
        ):
            return derivation
    raise Corrupt("a manifest names a key derivation that this version does not know")


def is_hexadecimal(text: object, length: int) -> bool:
    """Whether `text` are `length` bytes in lower-case hexadecimal digits."""
    return isinstance(text, str) and len(text) == 2 * length and not text.strip("0123456789abcdef")


def key_check(master: bytes) -> bytes:
    """What a manifest keeps to tell a wrong key from a damaged backup."""
    return expand(master, b"", b"llmspell backup check")[:CHECK_BYTES]


def expand(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    """A key for one purpose out of a master key: HKDF with SHA-256."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=purpose).derive(key)


def find_secret(
    *, env: str = "", file: str = "", command: str = "", environ: "Callable[[str], str | None]" = os.environ.get
) -> Secret:
    """The secret of the first place that has one: the variable, the file, the command.

    Raises EncryptionError that names where it looked. What ends a file or an output, a line end, is no part of it.
    """
    looked = []
    if env:
        if text := environ(env):
            return Secret(text, origin=f"the key in ${env}")
        looked.append(f"the variable {env} is not set")
    if file:
        try:
            with open(file, encoding="utf-8", errors="surrogateescape") as opened:
                return Secret(opened.read().rstrip("\r\n"), origin=f"the key in {file}")
        except OSError as error:
            looked.append(f"the file {file} cannot be read ({error.strerror})")
    if command:
        return Secret(_ask(command), origin="the key of key_command")
    raise EncryptionError(
        f"there is no key: {'; '.join(looked) or 'no place is configured'}",
        hint="set key_env, key_file or key_command in [state.encryption], and give the key there",
    )


def _ask(command: str) -> str:
    import subprocess

    try:
        done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EncryptionError(f"there is no key: key_command did not end ({type(error).__name__})") from None
    if done.returncode != 0:
        raise EncryptionError(f"there is no key: key_command ended with status {done.returncode}")
    return done.stdout.decode("utf-8", "surrogateescape").rstrip("\r\n")


def _decode(text: str, origin: str) -> bytes:
    from base64 import b64decode

    try:
        raw = b64decode(text.strip(), validate=True)
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise EncryptionError(f"{origin} begins with base64:, so it must be 32 bytes in base64, and is not")
    return raw
