"""A W&B server on this machine: the part of its GraphQL, file stream and storage that the client uses, kept in memory.

It holds runs (with history as the file stream sends it, line by offset), artifacts (versions by digest, aliases that
move, who made and who used them) and reports. Queries are answered by their selection, so it gives what was asked for.
What it does not know is null, as a server older than its client would say.
"""

import base64
import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.operations.tracking.graphql import Document

ENTITY = "team"
WHEN = "2026-01-01T00:00:00Z"


@dataclass
class Run:
    """A run as the server knows it; `lines` are the file stream's, by file."""

    number: int
    project: str
    name: str
    attributes: dict[str, Any] = field(default_factory=dict)
    state: str = "running"
    lines: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    inputs: list["Artifact"] = field(default_factory=list)
    outputs: list["Artifact"] = field(default_factory=list)

    @property
    def config(self) -> dict[str, Any]:
        raw = json.loads(self.attributes.get("config") or "{}")
        return {name: item["value"] for name, item in raw.items() if name != "_wandb"}

    @property
    def history(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines.get("wandb-history.jsonl", [])]


@dataclass
class Artifact:
    """A version in a collection."""

    number: int
    project: str
    collection: str
    kind: str
    digest: str
    version: int
    metadata: str = "{}"
    aliases: list[str] = field(default_factory=list)
    state: str = "PENDING"
    maker: str = ""
    manifest: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def about(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.metadata or "{}")
        return found


class Wandb:
    """What the server holds, and `asked`: the operations in order. `refuse` names operations that are forbidden."""

    def __init__(self) -> None:
        self.address = ""
        self.runs: dict[tuple[str, str], Run] = {}
        self.artifacts: list[Artifact] = []
        self.views: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.told: list[bytes] = []
        self.refuse: Callable[[str], bool] = lambda operation: False
        self.lock = threading.RLock()
        self._numbers = itertools.count(1)

    def run(self, name: str) -> Run:
        """The one run with this display name."""
        [found] = [run for run in self.runs.values() if run.attributes.get("displayName") == name]
        return found

    def named(self, collection: str, alias: str = "latest") -> Artifact:
        [found] = [one for one in self.artifacts if one.collection == collection and alias in one.aliases]
        return found

    def answer(self, query: str, variables: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        document = Document(query)
        fields = [one.name for one in document.roots]
        with self.lock:
            self.asked.extend(fields)
            if any(self.refuse(name) for name in fields):
                return 403, {"errors": [{"message": "told to refuse"}]}
            root = {name: getattr(self, f"_{name}", None) for name in fields}
            return 200, {"data": document.execute(root, variables)}

    def stream(self, project: str, name: str, body: dict[str, Any]) -> None:
        """Lines from an offset on: what was there from that offset on is replaced."""
        with self.lock:
            run = self.runs[project, name]
            for file, chunk in (body.get("files") or {}).items():
                lines, offset = run.lines.setdefault(file, []), chunk["offset"]
                if file == "wandb-summary.json":
                    run.lines[file] = chunk["content"]
                else:
                    lines[offset:] = chunk["content"]
            if body.get("complete"):
                run.state = "finished" if body.get("exitcode") == 0 else "failed"

    def put(self, path: str, content: bytes) -> bool:
        kind, number, name = path.split("/", 2)
        with self.lock:
            if kind == "runs":
                run = next(one for one in self.runs.values() if str(one.number) == number)
                run.files[name] = content
            else:
                artifact = self._by_id(number)
                if kind == "manifests":
                    artifact.manifest = content
                else:
                    artifact.files[name] = content
        return True

    def get(self, path: str) -> bytes | None:
        kind, number, name = path.split("/", 2)
        artifact = self._by_id(number)
        return artifact.manifest if kind == "manifests" else artifact.files.get(name)

    # fields of Query

    def _viewer(self, **_: Any) -> dict[str, Any]:
        teams = {"edges": [{"node": {"id": _id("Entity", 1), "name": ENTITY, "isTeam": True, "photoUrl": None}}]}
        user = {"__typename": "User", "id": _id("User", 1), "username": "someone", "name": "Someone", "email": ""}
        return {**user, "entity": ENTITY, "flags": "{}", "teams": teams, "apiKeys": {"edges": []}, "admin": False}

    def _serverInfo(self, **_: Any) -> dict[str, Any]:
        known = ("ARTIFACT_DIGEST_ALGORITHM", "USE_ARTIFACT_WITH_ENTITY_AND_PROJECT_INFORMATION")
        versions = {"max_cli_version": "9.0.0"}
        features = [{"name": name, "isEnabled": True} for name in known]
        return {"cliVersionInfo": versions, "latestLocalVersionInfo": None, "features": features}

    def _entity(self, **_: Any) -> dict[str, Any]:
        return {"id": _id("Entity", 1), "name": ENTITY, "isTeam": True, "organization": None}

    def _models(self, **_: Any) -> dict[str, Any]:
        edges = [{"node": self._project(name)} for name in sorted({project for project, _ in self.runs} | {"padstal"})]
        return {"pageInfo": {"__typename": "PageInfo", "hasNextPage": False, "endCursor": None}, "edges": edges}

    def _model(self, name: str = "", **_: Any) -> dict[str, Any]:
        return self._project(name)

    def _project(self, name: str = "", **_: Any) -> dict[str, Any]:
        def run(name: str, project: str = name, **_: Any) -> dict[str, Any] | None:
            found = self.runs.get((project, name))
            return self._shown_run(found) if found else None

        def member(name: str, project: str = name) -> dict[str, Any] | None:
            found = self._find(project, name)
            return self._membership(found, project) if found else None

        entity = {"id": _id("Entity", 1), "name": ENTITY}
        return {
            "__typename": "Project",
            "id": _id("Project", 1),
            "internalId": _id("ProjectInternalId", 1),
            "name": name,
            "entityName": ENTITY,
            "readOnly": False,
            "createdAt": WHEN,
            "isBenchmark": False,
            "tags": [],
            "user": self._viewer(),
            "entity": entity,
            "run": run,
            "bucket": run,
            "artifactCollectionMembership": member,
            "allViews": lambda **_: {"edges": [{"node": view} for view in self.views.values()]},
        }

    def _artifact(self, id: str) -> dict[str, Any]:
        return self._shown(self._by_id(id))

    def _view(self, id: str = "", **_: Any) -> dict[str, Any] | None:
        return self.views.get(id)

    # fields of Mutation

    def _upsertBucket(self, input: dict[str, Any]) -> dict[str, Any]:
        key = input.get("modelName") or "uncategorized", input.get("name") or ""
        run = next((one for one in self.runs.values() if input.get("id") == _id("Run", one.number)), None)
        run = run or self.runs.get(key)
        inserted = run is None
        if run is None:
            run = self.runs[key] = Run(next(self._numbers), *key)
        run.attributes.update({name: value for name, value in input.items() if value is not None})
        if input.get("state"):
            run.state = input["state"]
        return {"bucket": self._shown_run(run), "inserted": inserted}

    def _createArtifact(self, input: dict[str, Any]) -> dict[str, Any]:
        project = input["projectName"]
        collection = input.get("artifactCollectionName") or (input.get("artifactCollectionNames") or [""])[0]
        versions = [one for one in self.artifacts if (one.project, one.collection) == (project, collection)]
        latest = next((one for one in versions if "latest" in one.aliases), None)
        found = next((one for one in versions if one.digest == input["digest"]), None)
        maker = input.get("runName") or ""
        if found is None:
            number, kind = next(self._numbers), input["artifactTypeName"]
            found = Artifact(number, project, collection, kind, input["digest"], len(versions), maker=maker)
            found.metadata = input.get("metadata") or "{}"
            self.artifacts.append(found)
        self._alias(found, [one["alias"] for one in input.get("aliases") or []])
        run = self.runs.get((project, maker))
        if run and found not in run.outputs:
            run.outputs.append(found)
        return {"artifact": self._shown(found, latest)}

    def _createArtifactManifest(self, input: dict[str, Any]) -> dict[str, Any]:
        number = _number(input["artifactID"])
        file = {"id": "f", "uploadUrl": f"{self.address}/storage/manifests/{number}/m", "uploadHeaders": []}
        return {"artifactManifest": {"id": _id("ArtifactManifest", number), "file": file}}

    def _updateArtifactManifest(self, input: dict[str, Any]) -> dict[str, Any]:
        return self._createArtifactManifest({"artifactID": input["artifactManifestID"]})

    def _createArtifactFiles(self, input: dict[str, Any]) -> dict[str, Any]:
        edges = []
        for one in input["artifactFiles"]:
            number = _number(one["artifactID"])
            place = {
                "storagePath": one["name"],
                "uploadUrl": f"{self.address}/storage/artifacts/{number}/{one['name']}",
            }
            node = {**place, "uploadHeaders": [], "uploadMultipartUrls": None, "artifact": {"id": one["artifactID"]}}
            edges.append({"node": {**node, "name": one["name"], "displayName": one["name"], "id": "f"}})
        return {"files": {"edges": edges}}

    def _commitArtifact(self, input: dict[str, Any]) -> dict[str, Any]:
        found = self._by_id(input["artifactID"])
        found.state = "COMMITTED"
        return {"artifact": self._shown(found)}

    def _useArtifact(self, input: dict[str, Any]) -> dict[str, Any]:
        found, run = self._by_id(input["artifactID"]), self.runs[input["projectName"], input["runName"]]
        run.inputs.append(found)
        return {"artifact": self._shown(found)}

    def _updateArtifact(self, input: dict[str, Any]) -> dict[str, Any]:
        found = self._by_id(input["artifactID"])
        found.metadata = input.get("metadata") or found.metadata
        return {"artifact": self._shown(found)}

    def _addAliases(self, input: dict[str, Any]) -> dict[str, Any]:
        self._alias(self._by_id(input["artifactID"]), [one["alias"] for one in input["aliases"]], latest=False)
        return {"success": True}

    def _deleteAliases(self, input: dict[str, Any]) -> dict[str, Any]:
        found, gone = self._by_id(input["artifactID"]), {one["alias"] for one in input["aliases"]}
        found.aliases = [one for one in found.aliases if one not in gone]
        return {"success": True}

    def _createRunFiles(self, input: dict[str, Any]) -> dict[str, Any]:
        run = self.runs[input["projectName"], input["runName"]]
        files = [
            {"name": name, "uploadUrl": f"{self.address}/storage/runs/{run.number}/{name}"} for name in input["files"]
        ]
        return {"runID": _id("Run", run.number), "uploadHeaders": [], "files": files}

    def _markRunFilesUploaded(self, **_: Any) -> dict[str, Any]:
        return {"success": True}

    def _upsertModel(self, input: dict[str, Any]) -> dict[str, Any]:
        return {"model": self._project(input["name"]), "project": self._project(input["name"]), "inserted": False}

    def _upsertView(self, input: dict[str, Any]) -> dict[str, Any]:
        number = input.get("id") or _id("View", next(self._numbers))
        now = {**self.views.get(number, {}), **{name: value for name, value in input.items() if value is not None}}
        when = {"createdAt": WHEN, "updatedAt": WHEN}
        self.views[number] = {
            **now,
            **when,
            "id": number,
            "user": self._viewer(),
            "project": self._project(now.get("projectName", "")),
        }
        return {"view": self.views[number], "inserted": "id" not in input}

    # how things look from outside

    def _shown_run(self, run: Run) -> dict[str, Any]:
        def artifacts(found: list[Artifact]) -> Callable[..., dict[str, Any]]:
            edges = [{"node": self._shown(one)} for one in found]
            return lambda **_: {"totalCount": len(found), "pageInfo": {"hasNextPage": False}, "edges": edges}

        history = run.lines.get("wandb-history.jsonl", [])
        summary = "".join(run.lines.get("wandb-summary.json", [])) or run.attributes.get("summaryMetrics", "{}")
        known = {"group": run.attributes.get("groupName"), "state": run.state, "name": run.name, "sweepName": None}
        return {
            **run.attributes,
            **known,
            "__typename": "Run",
            "id": _id("Run", run.number),
            "projectId": "1",
            "project": self._project(run.project),
            "historyLineCount": len(history),
            "logLineCount": 0,
            "eventsLineCount": 0,
            "historyTail": json.dumps(history[-1:]),
            "eventsTail": "[]",
            "summaryMetrics": summary,
            "systemMetrics": "{}",
            "tags": run.attributes.get("tags") or [],
            "createdAt": WHEN,
            "heartbeatAt": WHEN,
            "readOnly": False,
            "historyKeys": {"keys": {}, "lastStep": len(history)},
            "runInfo": {"args": []},
            "user": {"name": "Someone", "username": "someone"},
            "inputArtifacts": artifacts(run.inputs),
            "outputArtifacts": artifacts(run.outputs),
        }

    def _shown(self, one: Artifact, latest: Artifact | None = None) -> dict[str, Any]:
        latest = latest or next(
            (other for other in self.artifacts if other.collection == one.collection and "latest" in other.aliases), one
        )
        sequence = {
            "__typename": "ArtifactSequence",
            "id": _id("ArtifactCollection", one.number),
            "name": one.collection,
            "project": self._project(one.project),
            "latestArtifact": {"id": _id("Artifact", latest.number), "versionIndex": latest.version},
        }
        manifest = {"file": {"directUrl": f"{self.address}/storage/manifests/{one.number}/m"}}
        return {
            "__typename": "Artifact",
            "id": _id("Artifact", one.number),
            "state": one.state,
            "digest": one.digest,
            "digestAlgorithm": "MANIFEST_MD5",
            "artifactSequence": sequence,
            "versionIndex": one.version,
            "artifactType": {"name": one.kind},
            "metadata": one.metadata,
            "ttlDurationSeconds": -1,
            "ttlIsInherited": False,
            "tags": [],
            "size": sum(map(len, one.files.values())),
            "commitHash": one.digest,
            "fileCount": len(one.files),
            "createdAt": WHEN,
            "updatedAt": WHEN,
            "aliases": self._aliases(one, sequence),
            "currentManifest": manifest,
            "createdBy": lambda: self._shown_run(self.runs[one.project, one.maker]),
            "usedBy": lambda: {
                "edges": [{"node": self._shown_run(run)} for run in self.runs.values() if one in run.inputs]
            },
        }

    def _membership(self, one: Artifact, project: str) -> dict[str, Any]:
        shown = self._shown(one)
        collection = shown["artifactSequence"]
        return {
            "__typename": "ArtifactCollectionMembership",
            "id": _id("ArtifactCollectionMembership", one.number),
            "versionIndex": one.version,
            "createdAt": WHEN,
            "aliases": shown["aliases"],
            "artifactCollection": collection,
            "artifact": shown,
        }

    def _aliases(self, one: Artifact, collection: dict[str, Any]) -> list[dict[str, Any]]:
        kind = {"__typename": "ArtifactAlias", "artifactCollection": collection}
        return [{**kind, "id": _id("ArtifactAlias", alias), "alias": alias} for alias in one.aliases]

    def _alias(self, one: Artifact, aliases: list[str], latest: bool = True) -> None:
        """An alias stands for one version of a collection: it leaves the others."""
        for alias in [*aliases, *(["latest"] if latest and not one.aliases else [])]:
            for other in self.artifacts:
                if (other.project, other.collection) == (one.project, one.collection) and alias in other.aliases:
                    other.aliases.remove(alias)
            one.aliases.append(alias)

    def _find(self, project: str, name: str) -> Artifact | None:
        collection, _, alias = name.partition(":")
        for one in self.artifacts:
            if (one.project, one.collection, one.state) == (project, collection, "COMMITTED") and (
                alias in one.aliases or alias == f"v{one.version}" or not alias
            ):
                return one
        return None

    def _by_id(self, asked: str) -> Artifact:
        return next(one for one in self.artifacts if one.number == _number(asked))


def _id(kind: str, number: int | str) -> str:
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def _number(asked: str) -> int:
    return int(asked) if asked.isdigit() else int(base64.b64decode(asked).decode().rpartition(":")[2])
