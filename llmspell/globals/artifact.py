"""`Artifact`: what sessions keep as files."""

from llmspell.artifacts.artifact import PERMISSIONS
from llmspell.errors import BadArgument, Interrupted
from llmspell.globals.json import JSON
from llmspell.state import moment
from llmspell.state.moment import text as time_text
from llmspell.surface.model import Anything, Choice, Global, Moment, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from llmspell.artifacts.artifact import Artifact as Stored
    from llmspell.artifacts.artifacts import Artifacts
    from llmspell.artifacts.catalogue import Totals

    class Stoppable(Protocol):
        """Once `reason` is set, the script is ending."""

        @property
        def reason(self) -> object: ...


LIFTED = ("mime_type", "tags", "description", "parent_artifact")
CAMEL = {"mimeType": "mime_type", "parentArtifact": "parent_artifact"}


class ArtifactPermission(Choice):
    """What a session may do with an artifact of another: read it, write (delete it as well), admin (grant and revoke as well)."""

    values = PERMISSIONS


class ArtifactId(Record):
    """The id of an artifact. Its text form, `session/sequence/hash8`, stands for it everywhere, and so does a table with the
    first three fields.
    """

    text_field = "text"

    content_hash: str
    session_id: str
    sequence: int
    text: str

    @classmethod
    def text_of(cls, fields: "dict[str, Any]") -> str | None:
        """The text form, also of an id that was put together by hand."""
        hash, session_id, sequence = fields.get("content_hash"), fields.get("session_id"), fields.get("sequence")
        if type(hash) is not str or type(session_id) is not str or type(sequence) not in (int, float):
            return None
        return f"{session_id}/{sequence:.0f}/{hash[:8]}"


class ArtifactMetadata(Record):
    """What is known about an artifact. Times are RFC 3339 text in UTC; sizes are bytes.

    `version` counts the versions of the name in the session; `custom` is what was given besides the named fields.
    """

    name: str
    artifact_type: str
    mime_type: str
    size: int
    stored_size: int
    original_size: int
    is_compressed: bool
    tags: list[str]
    custom: dict[str, Anything]
    description: str | None = None
    version: int
    created_at: str
    created_by: str | None = None
    parent_artifact: str | None = None
    content_hash: str
    session_id: str
    sequence: int


class ArtifactInfo(ArtifactMetadata):
    """An artifact with its id, and what is known about it once more under `metadata`."""

    id: ArtifactId
    metadata: ArtifactMetadata


class ArtifactContent(Record):
    """An artifact with its content."""

    id: ArtifactId
    metadata: ArtifactMetadata
    content: Anything


class ArtifactStats(Record):
    """What the artifacts of a session take. `deduplicated_bytes` are those that had been stored before, and so cost nothing."""

    count: int
    bytes: int
    stored_bytes: int
    deduplicated_bytes: int


class Artifact(Global):
    """Artifacts: files of a session, with versions, metadata and a content that is stored once, however often it is kept.

    `session_id` may be "" or null for the current session. An artifact is named by its id, by the id's text form, or by its
    name, which means the latest version. While a session is current, only what it owns or was granted can be read; without
    one, everything can. Contents are compared with their hash when they are read: damage raises `corrupt`. Inside of
    `State.transaction`, what is stored and deleted commits with it, when the sessions are in the state's store.
    """

    name = "Artifact"
    requires_setting = "[runtime.sessions] enabled"

    def __init__(self, artifacts: "Artifacts", check_path: "Callable[[str], str]", stop: "Stoppable") -> None:
        self._artifacts = artifacts
        self._check_path = check_path
        self._stop = stop

    def store(
        self,
        session_id: str | None,
        type: str,
        name: str,
        content: Anything,
        metadata: dict[str, Anything] | None = None,
    ) -> ArtifactId:
        """Store a content as the next version of a name; its id.

        The content is text or bytes up to 100 MiB, or a table or object, which is stored as JSON with sorted keys. `type` is
        agent_output, tool_result, user_input, system_generated, or any other text. From `metadata`, mime_type, tags,
        description and parent_artifact are taken out; the rest is `custom`. A name has 1 to 255 bytes.
        """
        fields = lifted(metadata)
        if isinstance(content, dict | list):
            content = JSON().stringify(content)
            fields["mime_type"] = fields.get("mime_type") or "application/json"
        if not isinstance(content, str | bytes):
            raise BadArgument("content (argument 4) must be a string, bytes, or a table or object")
        return id_of(self._artifacts.store(session_id, type, name, content, **fields))

    def store_file(
        self, session_id: str | None, path: str, type: str = "user_input", metadata: dict[str, Anything] | None = None
    ) -> ArtifactId:
        """Store a file of up to 10 GiB under its own name, or under `metadata.name`. Needs file access for it."""
        fields = lifted(metadata)
        name = fields["custom"].pop("name", "")
        stored = self._artifacts.store_file(
            session_id, self._check_path(path), type, name=name, progress=self._look_up, **fields
        )
        return id_of(stored)

    def get(self, session_id: str | None, id: str | ArtifactId) -> ArtifactContent:
        """An artifact with its content: text when it was stored as text or is a file that can be text, else bytes."""
        found, content = self._artifacts.get(session_id, str(id))
        return ArtifactContent(id=id_of(found), metadata=describe(found), content=content)

    def get_content(self, session_id: str | None, id: str | ArtifactId) -> Anything:
        """The content of an artifact, as `get` gives it."""
        return self._artifacts.read(session_id, str(id))

    def save_to(self, session_id: str | None, id: str | ArtifactId, path: str) -> int:
        """Write the content into a file, in place of what was there; the bytes written. Needs file access for it."""
        return self._artifacts.save_to(session_id, str(id), self._check_path(path), progress=self._look_up)

    def info(self, session_id: str | None, id: str | ArtifactId) -> ArtifactInfo:
        """What is known about an artifact."""
        return describe_whole(self._artifacts.info(session_id, str(id)))

    def list_(
        self, session_id: str | None = None, *, type: str | None = None, tags: list[str] | None = None, name: str | None = None,
        limit: int | None = None,
    ) -> list[ArtifactInfo]:  # fmt: skip
        """The artifacts of a session in the order of their sequence; `tags` must all be there, `name` is the whole name."""
        found = self._artifacts.list(session_id, type=type, tags=tags or (), name=name, limit=limit)
        return [describe_whole(each) for each in found]

    def versions(self, session_id: str | None, name: str) -> list[ArtifactInfo]:
        """The versions of a name, oldest first."""
        return [describe_whole(each) for each in self._artifacts.versions(session_id, name)]

    def query(
        self, *, session_id: str | None = None, type: str | None = None, name_pattern: str | None = None,
        tags: list[str] | None = None, created_after: Moment | None = None, created_before: Moment | None = None,
        min_size: int | None = None, max_size: int | None = None, custom: dict[str, Anything] | None = None,
        text: str | None = None, limit: int | None = None,
    ) -> list[ArtifactInfo]:  # fmt: skip
        """The artifacts that fit all of what is given, newest first, of all sessions that may be read, or of one.

        `name_pattern` is a glob when it has `*` or `?`, else a part of the name, without regard to case. `text` is a part of the
        name, the description, or a textual content of up to 1 MiB, without regard to case. `custom` names fields and their
        values. Tags, type, time and session are found by indexes.
        """
        found = self._artifacts.query(
            session_id=session_id or None, type=type, name_pattern=name_pattern, tags=tags or (),
            created_after=None if created_after is None else moment.parse(created_after),
            created_before=None if created_before is None else moment.parse(created_before),
            min_size=min_size, max_size=max_size, custom=custom, text=text, limit=limit,
        )  # fmt: skip
        return [describe_whole(each) for each in found]

    def delete(self, session_id: str | None, id: str | ArtifactId) -> None:
        """Delete an artifact. A checkpoint that has it keeps it; the bytes go with `llmspell artifact gc`."""
        self._artifacts.delete(session_id, str(id))

    def grant(
        self, session_id: str | None, id: str | ArtifactId, to_session_id: str, permission: ArtifactPermission
    ) -> None:
        """Let another session read, write or admin an artifact; each contains the ones before it."""
        self._artifacts.grant(session_id, str(id), to_session_id, permission)

    def revoke(
        self,
        session_id: str | None,
        id: str | ArtifactId,
        to_session_id: str,
        permission: ArtifactPermission | None = None,
    ) -> None:
        """Take a grant back: all of it, or a permission and those that contain it."""
        self._artifacts.revoke(session_id, str(id), to_session_id, permission)

    def stats(self, session_id: str | None = None) -> ArtifactStats:
        """How many artifacts a session has, and what they take."""
        return describe_totals(self._artifacts.stats(session_id))

    def _look_up(self, _bytes: int) -> None:
        """End the work when the script is to end."""
        if self._stop.reason is not None:
            raise Interrupted("interrupted")


def lifted(metadata: "dict[str, Any] | None") -> "dict[str, Any]":
    """The arguments that metadata stands for: the named fields, and the rest as `custom`."""
    fields: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    for name, value in (metadata or {}).items():
        known = CAMEL.get(name, name)
        if known not in LIFTED:
            custom[name] = value
        elif value is not None:
            fields[known] = value
    if "tags" in fields and not isinstance(fields["tags"], list):
        fields["tags"] = [] if fields["tags"] == {} else [fields["tags"]]
    if isinstance(fields.get("parent_artifact"), dict):
        fields["parent_artifact"] = ArtifactId.text_of(fields["parent_artifact"])
    return {**fields, "custom": custom}


def id_of(artifact: "Stored") -> ArtifactId:
    return ArtifactId(
        content_hash=artifact.content_hash, session_id=artifact.session_id, sequence=artifact.sequence, text=artifact.id
    )


def describe(artifact: "Stored") -> ArtifactMetadata:
    """What is known about an artifact, as scripts and commands get it."""
    return ArtifactMetadata(**_fields(artifact))


def describe_whole(artifact: "Stored") -> ArtifactInfo:
    return ArtifactInfo(**_fields(artifact), id=id_of(artifact), metadata=describe(artifact))


def describe_totals(totals: "Totals") -> ArtifactStats:
    return ArtifactStats(
        count=totals.count, bytes=totals.bytes, stored_bytes=totals.stored_bytes, deduplicated_bytes=totals.shared_bytes
    )


def _fields(artifact: "Stored") -> "dict[str, Any]":
    return {
        "name": artifact.name, "artifact_type": artifact.type, "mime_type": artifact.mime_type, "size": artifact.size,
        "stored_size": artifact.stored_size, "original_size": artifact.size, "is_compressed": artifact.is_compressed,
        "tags": artifact.tags, "custom": artifact.custom, "description": artifact.description or None,
        "version": artifact.version, "created_at": time_text(artifact.created_at),
        "created_by": artifact.created_by or None, "parent_artifact": artifact.parent_artifact or None,
        "content_hash": artifact.content_hash, "session_id": artifact.session_id, "sequence": artifact.sequence,
    }  # fmt: skip
