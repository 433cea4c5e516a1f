"""What a script may reach outside its own memory: files, environment variables, modules."""

import os

from llmspell.errors import AccessDenied, BadArgument, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Grants:
    """The grants of `[runtime.security]` and the places where modules may lie.

    `files` and `environment` are True (all), False (none) or a list of paths or names. Paths are resolved through
    symbolic links before they are compared. `secret_names` and `secret_files` are never granted: they hold keys. Neither are
    the folders `stores` and what lies in them: a script must not write into its own store behind its back.
    """

    def __init__(
        self,
        *,
        files: "bool | Sequence[str]" = False,
        environment: "bool | Sequence[str]" = False,
        package_paths: "Sequence[str]" = (),
        secret_names: "Sequence[str]" = (),
        secret_files: "Sequence[str]" = (),
        stores: "Sequence[str]" = (),
    ) -> None:
        self.files = files if isinstance(files, bool) else tuple(os.path.realpath(path) for path in files)
        self.environment = environment if isinstance(environment, bool) else frozenset(environment)
        self.package_paths = tuple(package_paths)
        self.secret_names = frozenset(secret_names)
        self.secret_files = frozenset(os.path.realpath(path) for path in secret_files)
        self.stores = tuple(os.path.realpath(path) for path in stores)
        hidden = [*self.secret_files, *(file for path in self.stores for file in _files(path))]
        self._secret_inodes = frozenset(inode for path in hidden if (inode := _inode(path)))

    def may_open(self, path: str) -> bool:
        real = os.path.realpath(path)
        if _is_other_view_of_memory(real):
            return False
        below = real.rstrip(os.sep) + os.sep
        if any(secret == real or secret.startswith(below) for secret in (*self.secret_files, *self.stores)):
            return False  # nor a folder above: renamed, it would give the file another name
        if any(real.startswith(store + os.sep) for store in self.stores):
            return False
        if self._secret_inodes and _inode(real) in self._secret_inodes:
            return False  # a hard link
        if isinstance(self.files, bool):
            return self.files
        return any(real == root or real.startswith(root.rstrip(os.sep) + os.sep) for root in self.files)

    def check_open(self, path: str) -> str:
        """The resolved path; raises AccessDenied when it is not granted."""
        if "\0" in path:
            raise BadArgument("a path cannot have a NUL byte")
        if not self.may_open(path):
            raise self._refusal(path)
        return os.path.realpath(path)

    def variable(self, name: str) -> str | None:
        """The value of an environment variable that is granted; None when it is unset or not granted."""
        if name in self.secret_names or self.environment is False:
            return None
        if self.environment is True or name in self.environment:
            return os.environ.get(name)
        return None

    def module(self, name: str, importer: str, script: str, suffixes: "Sequence[str]") -> tuple[str, bytes]:
        """The path and the text of a module.

        A name that begins with `./` or `../` is looked for beside `importer`; any other beside the script, then in the
        package paths. The suffixes are tried after the name as it is. Raises NotFound and, when it could only lie where
        nothing is granted, AccessDenied, whether it is there or not.
        """
        relative = name.startswith(("./", "../"))
        beside = os.path.dirname(importer if relative else script)
        roots = [beside] if relative else [beside, *self.package_paths]
        candidates = [
            os.path.normpath(os.path.join(root, name + suffix))
            for root in roots
            for suffix in ("", *suffixes, *("/init" + suffix for suffix in suffixes))
        ]
        granted = [path for path in candidates if "\0" not in path and self.may_open(path)]
        if not granted:
            raise self._refusal(name)
        for path in granted:
            if os.path.isfile(path):
                try:
                    with open(os.path.realpath(path), "rb") as file:
                        return path, file.read()
                except OSError as error:
                    raise AccessDenied(f"cannot read the module '{path}': {error.strerror}") from None
        raise NotFound(
            f"there is no module '{name}'; looked beside {os.path.basename(importer or script)} and in package_paths"
        )

    @staticmethod
    def _refusal(path: str) -> AccessDenied:
        return AccessDenied(
            f"'{path}' is not granted to this script",
            hint="grant it with allow_file_access in [runtime.security]: true, or a list of paths",
        )


def _files(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder)]
    except OSError:
        return []


def _inode(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_other_view_of_memory(path: str) -> bool:
    """Whether the path shows this process's or another's environment and memory, where keys are."""
    return (path.startswith("/proc/") and path.rsplit("/", 1)[-1] in ("environ", "mem", "maps", "cmdline")) or (
        path.startswith(("/proc/", "/dev/")) and "/fd/" in path
    )
