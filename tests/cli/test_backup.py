"""`llmspell backup …`, as cron runs it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

CONFIG = """
[state]
backend = "disk"
path = "./store"
[state.backup]
enabled = true
{more}
"""


@pytest.fixture
def stored(shell: Shell) -> Shell:
    configure(shell)
    shell("state", "set", "app", "key", '"old"')
    return shell


def configure(shell: Shell, more: str = "") -> None:
    shell.file("llmspell.toml", CONFIG.format(more=more))


def make(shell: Shell, *options: str) -> str:
    ran = shell("-q", "backup", "create", *options)
    assert (ran.status, ran.err) == (0, "")
    return ran.out.strip()


def test_a_loss_is_made_good(stored: Shell) -> None:
    backup_id = make(stored, "-d", "nightly")
    stored("state", "set", "app", "key", '"new"')
    stored("state", "set", "app", "later", "1")
    told = stored("backup", "restore", backup_id, "--dry-run", "--output", "json").json
    assert (told["dry_run"], told["restored_count"], told["removed_count"]) == (True, 1, 1)
    done = stored("backup", "restore", backup_id, "--output", "json").json
    assert (done["success"], done["restored_count"], done["removed_count"]) == (True, 1, 1)
    assert stored("state", "get", "app", "key").out == '"old"\n'
    assert stored("state", "get", "app", "later").status == 10
    listed = stored("backup", "list", "--output", "json").json
    assert [each["id"] for each in listed] == [done["safety_backup_id"], backup_id]
    assert listed[1]["description"] == "nightly"
    assert stored("backup", "list", "-l", "1", "--output", "json").json == listed[:1]


def test_every_command_speaks_to_people(stored: Shell) -> None:
    backup_id = make(stored)
    incremental = make(stored, "--incremental")
    assert backup_id in stored("backup", "list").out
    assert f"parent_id       {backup_id}" in stored("backup", "info", incremental).out
    assert stored("backup", "validate", incremental, "--restore-test").out.startswith(f"{incremental} is sound")
    assert "total_backups        2\n" in stored("backup", "usage").out
    cleaned = stored("backup", "cleanup", "--dry-run", "-v")
    assert f"{incremental}  true  within the limits" in cleaned.out
    assert "deleted_count   0" in cleaned.out
    noted = stored("backup", "create")
    assert (len(noted.out.split()), noted.err.startswith("full, 1 values, ")) == (1, True)


def test_a_new_store_is_made_elsewhere(stored: Shell) -> None:
    backup_id = make(stored)
    assert stored("backup", "restore", backup_id, "--to", "other").status == 0
    assert stored("state", "get", "app", "key", LLMSPELL_STATE__PATH="./other").out == '"old"\n'
    again = stored("backup", "restore", backup_id, "--to", "other")
    assert (again.status, "something at" in again.err) == (4, True)


def test_a_broken_store_is_restored_elsewhere(stored: Shell) -> None:
    backup_id = make(stored)
    (stored.folder / "store" / "data.mdb").write_bytes(b"broken" * 1000)
    assert stored("state", "get", "app", "key").status == 4
    assert stored("backup", "validate", backup_id).status == 0
    assert stored("backup", "list", "--output", "json").json[0]["id"] == backup_id
    assert stored("backup", "restore", backup_id, "--to", "healed").status == 0
    assert stored("state", "get", "app", "key", LLMSPELL_STATE__PATH="./healed").out == '"old"\n'


def test_one_scope_is_restored(stored: Shell) -> None:
    backup_id = make(stored)
    for scope in ("app", "other"):
        stored("state", "set", scope, "key", "2")
    assert stored("backup", "restore", backup_id, "--scope", "app", "--no-backup").status == 0
    assert stored("state", "get", "app", "key").out == '"old"\n'
    assert stored("state", "get", "other", "key").out == "2\n"


def test_damage_is_exit_4_and_salvage_lists_what_is_lost(stored: Shell) -> None:
    backup_id = make(stored)
    pack = stored.folder / "backups" / f"{backup_id}.pack"
    data = pack.read_bytes()
    start = len(b"llmspell-pack 1\n") + 36
    pack.write_bytes(data[:start] + bytes(len(data) - start))
    ran = stored("backup", "validate", backup_id)
    assert (ran.status, ran.out) == (4, "")
    assert "problem: the checksum of a chunk does not match" in ran.err
    ran = stored("backup", "validate", backup_id, "--output", "json")
    assert (ran.status, ran.json["is_valid"], ran.json["checksum_valid"]) == (4, False, False)
    assert stored("backup", "restore", backup_id).status == 4
    ran = stored("backup", "restore", backup_id, "--salvage", "--no-backup", "--output", "json")
    assert ran.status == 0
    assert "'key' in scope 'app'" in "".join(ran.json["lost"]) + ran.err


def test_a_missing_key_is_exit_12_and_names_where_it_looked(stored: Shell) -> None:
    configure(stored, 'encryption_enabled = true\n[state.encryption]\niterations = 1000\nkey_file = "./key.txt"')
    ran = stored("backup", "create")
    assert ran.status == 12
    assert "the variable LLMSPELL_KEY is not set; the file" in ran.err
    stored.file("key.txt", "a secret\n")
    backup_id = make(stored)
    assert stored("backup", "validate", backup_id).status == 0
    assert stored("backup", "validate", backup_id, LLMSPELL_KEY="a secret").status == 0
    wrong = stored("backup", "restore", backup_id, LLMSPELL_KEY="another")
    assert (wrong.status, "is not the key" in wrong.err, "another" in wrong.err) == (12, True, False)
    assert stored("backup", "list").status == 0
    short = stored("backup", "create", LLMSPELL_KEY="base64:AAAA")
    assert (short.status, "32 bytes" in short.err) == (12, True)


def test_a_command_prints_the_key(stored: Shell) -> None:
    configure(stored, 'encryption_enabled = true\n[state.encryption]\niterations = 1000\nkey_command = "echo secret"')
    assert stored("backup", "validate", make(stored)).status == 0
    configure(stored, 'encryption_enabled = true\n[state.encryption]\niterations = 1000\nkey_command = "exit 3"')
    ran = stored("backup", "create")
    assert (ran.status, "status 3" in ran.err) == (12, True)


@pytest.mark.parametrize("command", [["info"], ["validate"], ["restore"]])
def test_an_unknown_id_is_exit_10(stored: Shell, command: list[str]) -> None:
    for backup_id in ("nope", "../store", "00000000-0000-7000-8000-000000000000"):
        ran = stored("backup", *command, backup_id, "--output", "json")
        assert (ran.status, ran.json["error"]["code"]) == (10, "not_found")


def test_a_folder_in_use_is_exit_11_and_a_dead_process_keeps_nothing(stored: Shell) -> None:
    make(stored)
    holder = "import fcntl, time; f = open('backups/.lock'); fcntl.flock(f, 2); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", holder], cwd=stored.folder, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        ran = stored("backup", "create")
        assert (ran.status, "in use by another command" in ran.err) == (11, True)
        process.kill()
    make(stored)


def test_ctrl_c_ends_it_and_leaves_what_was_there(stored: Shell) -> None:
    stored(
        "exec", 'State.transaction(function() for i = 1, 4000 do State.save("big", "k" .. i, ("x"):rep(9000)) end end)'
    )
    make(stored)
    before = sorted(os.listdir(stored.folder / "backups"))
    with stored.start("backup", "create") as process:
        deadline = time.monotonic() + 20
        while sorted(os.listdir(stored.folder / "backups")) == before and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode in (0, 130)
    after = os.listdir(stored.folder / "backups")
    assert set(before) <= set(after)
    if process.returncode == 130:
        # In the moment in which it is made, a pack may be left behind, for the next one to clear away.
        assert {name for name in after if name.endswith(".manifest")} <= set(before)
    assert stored("backup", "create").status == 0
    packs = {Path(name).stem for name in os.listdir(stored.folder / "backups") if name.endswith(".pack")}
    assert packs == {Path(name).stem for name in os.listdir(stored.folder / "backups") if name.endswith(".manifest")}


def test_without_a_state_on_disk_it_says_so(shell: Shell, tmp_path: Path) -> None:
    ran = shell("backup", "create")
    assert (ran.status, "the state is in memory" in ran.err) == (0, True)
    assert (tmp_path / "backups").exists()


def test_without_a_folder_there_are_no_backups(stored: Shell) -> None:
    assert stored("backup", "list", "--output", "json").json == []
    assert stored("backup", "usage", "--output", "json").json["total_backups"] == 0
    assert stored("backup", "cleanup", "--dry-run", "--output", "json").json["deleted_count"] == 0
    assert not (stored.folder / "backups").exists()


SCRIPTS = {
    "lua": """
local b = State.create_backup()
assert(tostring(b) == b.id and ("a" .. b .. "z") == "a" .. b.id .. "z" and b.success)
assert(State.list_backups()[1].id == b.id and tostring(State.list_backups()[1]) == b.id)
assert(State.validate_backup(b).is_valid and State.validate_backup(b.id).is_valid)
assert(State.restore_backup(b, {dry_run = true}).restored_count == 1)
State.save("app", "kept", b)
assert(State.load("app", "kept").id == b.id)
assert(State.createBackup(true).is_incremental and State.create_backup("incremental").type == "incremental")
local lost = State.restore_backup("nope")
assert(lost.success == false and lost.code == "not_found" and lost.error)
assert(not pcall(State.create_backup, 5) and not pcall(State.validate_backup, {}) and not pcall(State.list_backups, {limit = -1}))
assert(State.restore_backup(b).removed_count == 1)
assert(State.get_storage_usage().total_backups == 4 and State.cleanup_backups(true).deleted_count == 0)
return State.load("app", "key")
""",
    "javascript": """
const fails = (f) => { try { f() } catch (e) { return e.code === 'bad_argument' } return false }
const check = (b, what) => { if (!b) throw new Error(what) }
const b = State.create_backup()
check(`${b}` === b.id && 'a' + b === 'a' + b.id && b.success, 'text')
check(String(State.list_backups()[0]) === b.id, 'list')
check(State.validate_backup(b).is_valid && State.validateBackup(b.id).is_valid, 'validate')
check(State.restore_backup(b, { dryRun: true }).restored_count === 1, 'dry')
State.save('app', 'kept', b)
check(JSON.stringify(State.load('app', 'kept')) === JSON.stringify(b), 'kept')
check(State.createBackup(true).is_incremental && State.create_backup('incremental').type === 'incremental', 'kind')
const lost = State.restore_backup('nope')
check(lost.success === false && lost.code === 'not_found' && lost.error, 'lost')
check(fails(() => State.create_backup(5)) && fails(() => State.validate_backup({})), 'arguments')
check(State.restore_backup(b).removed_count === 1, 'restore')
check(State.get_storage_usage().total_backups === 4 && State.cleanup_backups(true).deleted_count === 0, 'usage')
State.load('app', 'key')
""",
}


def test_scripts_have_it_all_when_it_is_enabled(stored: Shell, language: str) -> None:
    ran = stored("--engine", language, "exec", SCRIPTS[language])
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.strip().strip('"') == "old"


def test_scripts_have_nothing_unless_it_is_enabled(shell: Shell, language: str) -> None:
    absent = "State.create_backup == nil" if language == "lua" else "State.create_backup === undefined"
    ran = shell("--engine", language, "exec", f"{'return ' * (language == 'lua')}{absent}")
    assert ran.out == "true\n"
    ran = shell("--engine", language, "exec", "State.create_backup()")
    assert "State.create_backup needs [state.backup] enabled" in ran.err
