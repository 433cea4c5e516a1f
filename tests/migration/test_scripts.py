"""The functions of migrations as scripts have them, in both languages."""

import json
from pathlib import Path
from typing import Any

import pytest

from llmspell import config, values
from llmspell.errors import ScriptError
from llmspell.runtime import Runtime

CONFIG = """
[state]
backend = "disk"
path = "{folder}/store"
[state.migration]
enabled = {enabled}
"""

LUA_HEAD = """
local function problem(f, ...) local ok, e = pcall(f, ...) assert(not ok) return e end
local V1 = {version = 1, scope = "user:*", fields = {name = {type = "string", required = true}}}
local V2 = {version = "2.0.0", scope = "user:*", compatibility = "none", fields = {first = "string", last = "string"},
  migrationPath = {{from_version = 1, transformations = {
    {transform = "split", field = "name", separator = " ", to = {"first", "last"}}}}}}
State.save("user:ann", "profile", {name = "Ann Lee"})
State.save("user:bob", "profile", {name = "Bob Ray"})
"""
JS_HEAD = """
const problem = (f, ...given) => { try { f(...given) } catch (e) { return e } throw new Error('no problem') }
const V1 = {version: 1, scope: 'user:*', fields: {name: {type: 'string', required: true}}}
const V2 = {version: '2.0.0', scope: 'user:*', compatibility: 'none', fields: {first: 'string', last: 'string'},
  migrationPath: [{from_version: 1, transformations: [
    {transform: 'split', field: 'name', separator: ' ', to: ['first', 'last']}]}]}
State.save('user:ann', 'profile', {name: 'Ann Lee'})
State.save('user:bob', 'profile', {name: 'Bob Ray'})
"""


class Scripts:
    """One configured store and what runs on it."""

    def __init__(self, folder: Path, language: str) -> None:
        self.folder = folder
        self.language = language
        self.enabled = True

    def __call__(self, *, lua: str, javascript: str, head: bool = True) -> Any:
        """What the script of the language gives; each run is a process of its own as far as functions go."""
        text = CONFIG.format(folder=self.folder, enabled=str(self.enabled).lower())
        file = self.folder / "llmspell.toml"
        file.write_text(text)
        source = (
            ((LUA_HEAD if head else "") + lua) if self.language == "lua" else ((JS_HEAD if head else "") + javascript)
        )
        with Runtime(config.load(str(file), environ={}, cwd=str(self.folder))) as runtime:
            return values.decode(runtime.run(source.encode(), name="it", language=self.language))


@pytest.fixture(params=["lua", "javascript"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Scripts:
    return Scripts(tmp_path, request.param)


def test_register_plan_migrate_and_roll_back(run: Scripts) -> None:
    registered, plan, done, loaded, back, again, status = run(
        lua="""
        local registered = {State.register_schema(V1), State.register_schema(V2)}
        local plan = State.plan_migration("2.0.0")
        local done = State.migrate(2)
        local loaded = State.entry("user:ann", "profile")
        local back = State.rollback_migration(done.migration_id)
        return {registered, plan, done, loaded, back, State.load("user:ann", "profile"), State.migration_status()}
        """,
        javascript="""
        const registered = [State.registerSchema(V1), State.registerSchema(V2)]
        const plan = State.planMigration('2.0.0')
        const done = State.migrate(2)
        const loaded = State.entry('user:ann', 'profile');
        const back = State.rollbackMigration(done.migration_id);
        [registered, plan, done, loaded, back, State.load('user:ann', 'profile'), State.migrationStatus()]
        """,
    )
    assert registered == ["1.0.0", "2.0.0"]
    assert plan["counts"]["to_migrate"] == 2
    assert plan["samples"][0]["after"] == {"first": "Ann", "last": "Lee"}
    assert {name: done[name] for name in ("success", "status", "from_version", "to_version", "items_migrated", "errors")} == {
        "success": True, "status": "completed", "from_version": "1.0.0", "to_version": "2.0.0", "items_migrated": 2, "errors": []
    }  # fmt: skip
    assert (loaded["value"], loaded["schema_version"]) == ({"first": "Ann", "last": "Lee"}, "2.0.0")
    assert (back["success"], back["status"], back["items_migrated"]) == (True, "rolled_back", 2)
    assert again == {"name": "Ann Lee"}
    assert (status["current_version"], status["latest_version"], status["pending"]) == ("1.0.0", "2.0.0", 2)


def test_every_form_of_migrate(run: Scripts) -> None:
    one, same, dry, named, rest, versions = run(
        lua="""
        State.register_schema(V1) State.register_schema(V2)
        local one = State.migrate("user:ann", "profile", "2.0.0")
        local same = State.migrate("user:ann", "profile", 2)
        local dry = State.migrate({to_version = "2.0.0", dry_run = true})
        local planned = State.plan_migration({to = 2, from = 1, scope = "user:b*"})
        local named = State.migrate({to = 2, from = 1, scope = "user:b*", planHash = planned.plan_hash})
        return {one, same, dry, named, State.migrate("2"), State.schema_versions()}
        """,
        javascript="""
        State.register_schema(V1); State.register_schema(V2)
        const one = State.migrate('user:ann', 'profile', '2.0.0')
        const same = State.migrate('user:ann', 'profile', 2)
        const dry = State.migrate({toVersion: '2.0.0', dryRun: true})
        const planned = State.planMigration({to: 2, from: 1, scope: 'user:b*'})
        const named = State.migrate({to: 2, from: 1, scope: 'user:b*', plan_hash: planned.plan_hash});
        [one, same, dry, named, State.migrate('2'), State.schemaVersions()]
        """,
    )
    assert [(each["status"], each["items_migrated"]) for each in (one, same, dry, named, rest)] == [
        ("completed", 1), ("already_current", 0), ("dry_run", 1), ("completed", 1), ("completed", 0)
    ]  # fmt: skip
    assert same["current_version"] == "2.0.0"
    assert versions == ["1.0.0", "2.0.0"]


def test_functions_stand_in_tables_at_any_depth(run: Scripts) -> None:
    done, loaded, named = run(
        lua="""
        State.register_schema({version = 2, scope = "user:*", migration_path = {{from_version = 1, transformations = {
          {transform = "function", ["function"] = function(d) d.name = d.name:upper() return d end},
          {transform = "function", name = "mark", ["function"] = function(d) d.marks = {1, {deep = true}} return d end}}}}})
        collectgarbage()
        local done = State.migrate(2)
        return {done, State.load("user:bob", "profile"),
          State.migrate({scope = "user:bob", transformations = {{transform = "function", name = "mark"}}}).success}
        """,
        javascript="""
        State.registerSchema({version: 2, scope: 'user:*', migrationPath: [{fromVersion: 1, transformations: [
          {transform: 'function', function: (d) => ({...d, name: d.name.toUpperCase()})},
          {transform: 'function', name: 'mark', function(d) { d.marks = [1, {deep: true}]; return d }}]}]})
        const done = State.migrate(2);
        [done, State.load('user:bob', 'profile'),
          State.migrate({scope: 'user:bob', transformations: [{transform: 'function', name: 'mark'}]}).success]
        """,
    )
    assert done["success"], done
    assert loaded == {"name": "BOB RAY", "marks": [1, {"deep": True}]}
    assert named is True
    missing = run(
        lua="return State.migrate({scope = 'user:bob', transformations = {{transform = 'function', name = 'mark'}}})",
        javascript="State.migrate({scope: 'user:bob', transformations: [{transform: 'function', name: 'mark'}]})",
        head=False,
    )
    assert (missing["success"], missing["code"]) == (False, "migration")
    assert "'mark', which this run does not have" in missing["error"]


def test_a_function_that_raises_changes_nothing_and_its_words_are_told(run: Scripts) -> None:
    failed, ann = run(
        lua="""
        local function fail(d) if d.name == "Bob Ray" then error("no room for Bob") end d.x = 1 return d end
        local failed = State.migrate({scope = "user:*", transformations = {{transform = "function", ["function"] = fail}}})
        return {failed, State.load("user:ann", "profile")}
        """,
        javascript="""
        const fail = (d) => { if (d.name === 'Bob Ray') throw new Error('no room for Bob'); d.x = 1; return d }
        const failed = State.migrate({scope: 'user:*', transformations: [{transform: 'function', function: fail}]});
        [failed, State.load('user:ann', 'profile')]
        """,
    )
    assert (failed["success"], failed["status"], failed["code"]) == (False, "failed", "schema")
    assert "'profile' in scope 'user:bob'" in failed["error"]
    assert "no room for Bob" in failed["error"]
    assert failed["errors"] == [failed["error"]]
    assert ann == {"name": "Ann Lee"}


def test_what_scripts_get_wrong_raises(run: Scripts) -> None:
    codes = run(
        lua="""
        State.register_schema(V2)
        return {problem(State.migrate).code, problem(State.migrate, {}).code,
          problem(State.migrate, {to = 1, dryrun = true}).code,
          problem(State.migrate, "x").code, problem(State.register_schema).code,
          problem(State.register_schema, {version = 3, fields = {a = "text"}}).code,
          problem(State.register_schema, {version = 2}).code, problem(State.save, "a", "b", {f = print}).code,
          problem(State.register_schema, {version = 3, fields = coroutine.create(print)}).code,
          problem(State.migrate, {to = 2, scope = print}).code, problem(State.plan_migration, 9).code, State.migrate(9).code}
        """,
        javascript="""
        State.registerSchema(V2);
        [problem(State.migrate).code, problem(State.migrate, {}).code, problem(State.migrate, {to: 1, dryrun: true}).code,
          problem(State.migrate, 'x').code, problem(State.register_schema).code,
          problem(State.register_schema, {version: 3, fields: {a: 'text'}}).code,
          problem(State.register_schema, {version: 2}).code, problem(State.save, 'a', 'b', {f: print}).code,
          problem(State.register_schema, {version: 3, fields: Symbol('x')}).code,
          problem(State.migrate, {to: 2, scope: print}).code, problem(State.plan_migration, 9).code, State.migrate(9).code]
        """,
    )
    assert codes == [
        "bad_argument", "bad_argument", "bad_argument", "bad_argument", "bad_argument", "schema", "conflict", "bad_value",
        "bad_value", "bad_argument", "migration", "migration",
    ]  # fmt: skip


def test_a_save_that_breaks_the_schema_raises_with_path_and_rule(run: Scripts) -> None:
    code, message = run(
        lua="""
        State.register_schema(V1)
        local e = problem(State.save, "user:cid", "profile", {name = 5})
        return {e.code, tostring(e)}
        """,
        javascript="""
        State.registerSchema(V1)
        const e = problem(State.save, 'user:cid', 'profile', {name: 5});
        [e.code, e.message]
        """,
    )
    assert code == "schema"
    assert "the value of 'profile' in scope 'user:cid' breaks the schema 1.0.0: $.name must be text" in message
    assert message.endswith("(rule type)")


def test_history_and_status_are_told(run: Scripts) -> None:
    before, history = run(
        lua="""
        local before = State.migration_status()
        State.register_schema(V1) State.register_schema(V2)
        State.migrate(2) State.rollback_migration()
        return {before, State.migration_history()}
        """,
        javascript="""
        const before = State.migrationStatus()
        State.registerSchema(V1); State.registerSchema(V2)
        State.migrate(2); State.rollbackMigration();
        [before, State.migrationHistory()]
        """,
    )
    assert before == {
        "current_version": "unknown", "is_latest": True, "total_schemas": 0, "migration_available": False,
        "migration_targets": [], "pending": 0, "error": "No current schema found",
    }  # fmt: skip
    (entry,) = history
    assert (entry["status"], entry["to_version"], entry["items_migrated"]) == ("rolled_back", "2.0.0", 2)


def test_nobody_can_forge_a_function(run: Scripts) -> None:
    error = run(
        lua="""
        local keep = {transform = "function", ["function"] = function(d) return d end}
        State.register_schema({version = 2, migration_path = {{from_version = 1, transformations = {keep}}}})
        local forged = {transform = "function", ["function"] = {["$map"] = {{0, -1}}}}
        return problem(State.migrate, {transformations = {forged}}).message
        """,
        javascript="""
        const keep = {transform: 'function', function: (d) => d}
        State.registerSchema({version: 2, migrationPath: [{fromVersion: 1, transformations: [keep]}]})
        const forged = {transform: 'function', function: {$map: [[0, -1]]}}
        problem(State.migrate, {transformations: [forged]}).message
        """,
    )
    assert "'function' must be a function, got a map" in error


def test_without_the_setting_the_functions_are_absent_and_the_error_names_it(run: Scripts) -> None:
    run.enabled = False
    assert run(lua="return State.migrate == nil", javascript="State.migrate === undefined", head=False) is True
    with pytest.raises(ScriptError) as caught:
        run(lua="State.migrate(2)", javascript="State.migrate(2)", head=False)
    assert caught.value.hint == "State.migrate needs [state.migration] enabled in the configuration"


def test_places_in_lists_count_as_the_language_does(run: Scripts) -> None:
    told = run(
        lua="""
        local V = {version = 1, scope = "l", fields = {list = {type = "list", items = "string"}}}
        local W = {version = 2, scope = "l", compatibility = "none", fields = {list = {type = "list", items = "integer"}},
          migration_path = {{from_version = 1, transformations = {}}}}
        State.register_schema(V)
        local saving = problem(State.save, "l", "d", {list = {"a", 2}})
        State.save("l", "d", {list = {"a"}})
        State.register_schema(W)
        return {saving.message, State.plan_migration(2).samples[1].error, State.migrate(2).error,
          State.migration_history()[1].error}
        """,
        javascript="""
        const V = {version: 1, scope: 'l', fields: {list: {type: 'list', items: 'string'}}}
        const W = {version: 2, scope: 'l', compatibility: 'none', fields: {list: {type: 'list', items: 'integer'}},
          migration_path: [{from_version: 1, transformations: []}]}
        State.register_schema(V)
        const saving = problem(State.save, 'l', 'd', {list: ['a', 2]});
        State.save('l', 'd', {list: ['a']});
        State.register_schema(W);
        [saving.message, State.plan_migration(2).samples[0].error, State.migrate(2).error,
          State.migration_history()[0].error]
        """,
    )
    first = 1 if run.language == "lua" else 0
    assert f"$.list[{first + 1}] must be text" in told[0]
    assert all(f"$.list[{first}] must be an integer" in each for each in told[1:]), told


TRANSFORMATIONS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"transform": "copy", "field": "a", "to": "b.c"}, {"a": 1}, {"a": 1, "b": {"c": 1}}),
    ({"transform": "rename", "field": "a", "to": "b"}, {"a": 1}, {"b": 1}),
    ({"transform": "move", "field": "a", "to": "b.c"}, {"a": [1]}, {"b": {"c": [1]}}),
    ({"transform": "convert", "field": "a", "type": "string"}, {"a": 5}, {"a": "5"}),
    ({"transform": "convert", "field": "a", "type": "integer"}, {"a": "5"}, {"a": 5}),
    ({"transform": "convert", "field": "a", "type": "number", "to": "b"}, {"a": "1.5"}, {"b": 1.5}),
    ({"transform": "convert", "field": "a", "type": "boolean"}, {"a": "true"}, {"a": True}),
    ({"transform": "convert", "field": "a", "type": "list"}, {"a": 1}, {"a": [1]}),
    ({"transform": "convert", "field": "a", "type": "timestamp"}, {"a": 0}, {"a": "1970-01-01T00:00:00.000000Z"}),
    ({"transform": "default", "field": "a.b", "value": [1]}, {"c": 1}, {"c": 1, "a": {"b": [1]}}),
    ({"transform": "remove", "field": "a"}, {"a": 1, "b": 2}, {"b": 2}),
    ({"transform": "split", "field": "a", "separator": " ", "to": ["b", "c"]}, {"a": "x y z"}, {"b": "x", "c": "y z"}),
    ({"transform": "merge", "fields": ["a", "b"], "to": "c"}, {"a": "x", "b": "y"}, {"c": "x y"}),
]  # fmt: skip
RULES: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "string"}, 1, "type"), ({"type": "integer"}, 1.5, "type"), ({"type": "number"}, "1", "type"),
    ({"type": "float"}, True, "type"), ({"type": "boolean"}, 1, "type"), ({"type": "list"}, "a", "type"),
    ({"type": "object"}, 1, "type"), ({"type": "timestamp"}, "yesterday", "type"), ({"type": "bytes"}, "a", "type"),
    ({"type": "any", "required": True}, None, "required"), ({"type": "string", "max_length": 1}, "ab", "max_length"),
    ({"type": "string", "min_length": 2}, "a", "min_length"), ({"type": "list", "max_length": 1}, [1, 2], "max_length"),
    ({"type": "integer", "min": 1}, 0, "min"), ({"type": "number", "max": 1.5}, 2, "max"),
    ({"type": "string", "pattern": "^[a-z]+$"}, "A", "pattern"), ({"type": "any", "enum": [1, "a"]}, 2, "enum"),
    ({"type": "list", "items": "integer"}, [1, "a"], "type"),
    ({"type": "object", "fields": {"b": {"type": "string", "required": True}}}, {"c": 1}, "required"),
    ({"type": "object", "additional": False, "fields": {"b": "string"}}, {"c": 1}, "additional"),
]  # fmt: skip


def test_every_transformation_works_in_both_languages(run: Scripts) -> None:
    cases = json.dumps(TRANSFORMATIONS)
    told = run(
        lua=f"""
        local found = {{}}
        for i, case in ipairs(JSON.parse([==[{cases}]==])) do
          State.save("t", "k" .. i, case[2])
          local done = State.migrate({{scope = "t", key = "k" .. i, transformations = {{case[1]}}}})
          assert(done.success, done.error)
          found[i] = State.load("t", "k" .. i)
        end
        return found
        """,
        javascript=f"""
        const found = []
        for (const [i, [transform, before]] of JSON.parse(String.raw`{cases}`).entries()) {{
          State.save('t', 'k' + i, before)
          const done = State.migrate({{scope: 't', key: 'k' + i, transformations: [transform]}})
          if (!done.success) throw new Error(done.error)
          found.push(State.load('t', 'k' + i))
        }}
        found
        """,
    )
    assert told == [after for *_, after in TRANSFORMATIONS]


def test_every_rule_is_kept_in_both_languages(run: Scripts) -> None:
    cases = json.dumps(RULES)
    told = run(
        lua=f"""
        local found = {{}}
        for i, case in ipairs(JSON.parse([==[{cases}]==])) do
          State.register_schema({{version = i .. ".0.0", compatibility = "none", fields = {{f = case[1]}}}})
          local done = State.migrate(i .. ".0.0")
          assert(done.success, done.error)
          local value = case[2] ~= JSON.null and case[2] or nil
          found[i] = select(2, pcall(State.save, "t", "k", {{f = value, other = 1}})).message
        end
        return found
        """,
        javascript=f"""
        const found = []
        for (const [i, [field, value]] of JSON.parse(String.raw`{cases}`).entries()) {{
          State.register_schema({{version: (i + 1) + '.0.0', compatibility: 'none', fields: {{f: field}}}})
          const done = State.migrate((i + 1) + '.0.0')
          if (!done.success) throw new Error(done.error)
          try {{ State.save('t', 'k', {{f: value, other: 1}}) }} catch (e) {{ found.push(e.message) }}
        }}
        found
        """,
        head=False,
    )
    assert [f"(rule {rule})" in message for message, (*_, rule) in zip(told, RULES, strict=True)] == [True] * len(
        RULES
    ), told
