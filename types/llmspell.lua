---@meta

-- The globals that llmspell gives to Lua scripts. Generated from their declarations by `make generate`.
-- To use it, name the folder of this file in .luarc.json:
--   {"runtime.version": "Lua 5.4", "workspace.library": ["types"]}

---Any value that was stored: nil, a boolean, an integer, a number, a string, or a table of these.
---@alias llmspell.Value any

---A value that can be stored. Functions, coroutines and userdata cannot.
---@alias llmspell.Storable nil|boolean|number|string|table

---A time: RFC 3339 text or Unix seconds.
---@alias llmspell.Moment string|number

---What went wrong, the same code in every language.
---@alias llmspell.ErrorCode
---| "bad_argument" # An argument of the wrong type or out of range, an unknown option, or wrong use of the command line (exit 2).
---| "bad_value" # A value that cannot be stored exactly: NaN, a function, a cycle, a float key, nesting deeper than 128.
---| "value_too_large" # A value above `max_value_bytes`.
---| "invalid_scope" # A scope text that is empty, too long, or has a control character.
---| "invalid_key" # A key that is empty, too long, reserved, or has a control character.
---| "not_found" # Something the caller said must exist does not.
---| "conflict" # Another writer was first: the version is not the one the caller named.
---| "access_denied" # The principal or the sandbox may not do this.
---| "read_only" # A write to a frozen global, or to a store that was opened for reading.
---| "cancelled" # A hook stopped the operation.
---| "timeout" # A time limit was reached; what was unfinished is undone.
---| "limit_exceeded" # A memory, instruction, count or rate limit was reached.
---| "invalid_transition" # A session was asked for a step its status does not allow.
---| "storage" # The store could not be opened, read or written.
---| "corrupt" # Stored bytes do not match their checksum or their format.
---| "storage_full" # The disk, the quota or the map is full; nothing was changed.
---| "storage_busy" # Another process kept the store locked for too long.
---| "schema" # A document or a schema breaks a rule; the message names path and rule.
---| "migration" # A migration failed and was undone.
---| "backup" # A backup could not be made, read or restored.
---| "encryption" # The key is missing or wrong.
---| "config" # The configuration is missing, broken, or asks for something impossible.
---| "not_enabled" # The configuration switches on, or a script uses, a part that is off or is not built yet.
---| "interrupted" # Ctrl-C or a termination signal ended the script.
---| "internal" # A bug of ours; its traceback is in the log.
---| "script" # A script's own error, or a mistake in its text, that nothing caught.

---What the functions of these globals raise and `pcall` catches. It reads and concatenates like a string.
---@class llmspell.Error
---@field code llmspell.ErrorCode
---@field message string one sentence
---@field hint? string the remedy, where one is known
---@field call? string the function that was called, such as `State.save`
---@operator concat(any): string

---How a value is kept: ephemeral in memory only, trusted without hooks and validation, external with strict validation.
---@alias llmspell.StateClass
---| "ephemeral"
---| "trusted"
---| "standard"
---| "sensitive"
---| "external"

---A value with what is known about it. Times are RFC 3339 text in UTC.
---@class llmspell.StateEntry
---@field value? llmspell.Value
---@field version integer
---@field created_at string
---@field updated_at string
---@field expires_at? string
---@field class string
---@field schema_version string

---A key with its value.
---@class llmspell.StatePair
---@field key string
---@field value? llmspell.Value

---One change of one key. `op` is save, delete or expire; `value` is there when it was a save.
---@class llmspell.StateRevision
---@field version integer
---@field at string
---@field op string
---@field value? llmspell.Value
---@field correlation_id string

---One key that a commit changed.
---@class llmspell.StateChange
---@field version integer
---@field at string
---@field op string
---@field scope string
---@field key string
---@field correlation_id string

---Changes, oldest first; `next` is the `since` of the next call.
---@class llmspell.StateChanges
---@field changes llmspell.StateChange[]
---@field next llmspell.Moment

---What this run has done so far. Latencies are of a sample of the loads and saves.
---
---`hooks`: registered, executions, failures, cancelled, switched_off (by their circuit breakers), waiting and dropped (in the
---background); empty while there are no hooks.
---@class llmspell.StateMetrics
---@field reads integer
---@field writes integer
---@field deletes integer
---@field ops_per_second number
---@field avg_latency_us number
---@field p99_latency_us number
---@field cache_hit_rate number
---@field hooks table<string, integer>

---How a migration ended. A failed one has changed nothing.
---@alias llmspell.MigrationStatus
---| "completed"
---| "already_current"
---| "dry_run"
---| "failed"
---| "rolled_back"

---What became of a migration. `error` and `code` are there when it failed; `items_skipped` is explained by `warnings`.
---@class llmspell.MigrationResult
---@field success boolean
---@field status llmspell.MigrationStatus
---@field from_version string
---@field to_version string
---@field current_version? string
---@field items_migrated integer
---@field items_skipped integer
---@field duration_ms integer
---@field migration_id? string
---@field backup_id? string
---@field plan_hash? string
---@field warnings string[]
---@field errors string[]
---@field error? string
---@field code? string
---@field hint? string

---A document before and after; without `after`, `error` says why it cannot be migrated.
---@class llmspell.MigrationSample
---@field scope string
---@field key string
---@field before? llmspell.Value
---@field after? llmspell.Value
---@field error? string

---What a migration would do. `counts` has documents, to_migrate, already_current, newer and not_covered.
---@class llmspell.MigrationPlan
---@field to_version string
---@field steps llmspell.Value[]
---@field counts table<string, integer>
---@field samples llmspell.MigrationSample[]
---@field warnings string[]
---@field plan_hash string

---Where the documents are. `pending` counts those that a migration to the latest version would take along.
---
---`unfinished` is the id of a migration whose process died: the next one to the same version resumes it.
---@class llmspell.MigrationState
---@field current_version string
---@field latest_version? string
---@field is_latest boolean
---@field total_schemas integer
---@field migration_available boolean
---@field migration_targets string[]
---@field pending integer
---@field unfinished? string
---@field error? string

---One migration that ended. `checksum` stands for the steps that ran.
---@class llmspell.MigrationRecord
---@field migration_id string
---@field from_version string
---@field to_version string
---@field status llmspell.MigrationStatus
---@field started_at string
---@field finished_at string
---@field items_migrated integer
---@field items_skipped integer
---@field scope? string
---@field key? string
---@field checksum string
---@field plan_hash string
---@field backup_id? string
---@field error? string
---@field code? string

---One backup. `size_bytes` is what it takes in the folder, `entry_count` the values in it: of an incremental one those
---that changed. `checksum` is that of its manifest, and so of all. `created_at` is in Unix seconds. When it failed, there are
---only `success`, `error` and `code`.
---@class llmspell.BackupResult
---@field success boolean
---@field backup_id? string
---@field id? string
---@field type? string
---@field is_incremental? boolean
---@field parent_id? string
---@field size_bytes? integer
---@field entry_count? integer
---@field created_at? number
---@field duration_ms? number
---@field checksum? string
---@field description? string
---@field scopes? string[]
---@field is_encrypted? boolean
---@field compression? string
---@field warnings? string[]
---@field error? string
---@field code? string
---@operator concat(any): string

---What was found about a backup. `errors` say what is damaged and which entries that affects.
---@class llmspell.BackupValidation
---@field is_valid boolean
---@field checksum_valid? boolean
---@field integrity_valid? boolean
---@field chain_valid? boolean
---@field backup_id? string
---@field errors? string[]
---@field warnings? string[]
---@field success? boolean
---@field error? string
---@field code? string

---What a restore did: the values that are there now because of it, and those removed because they came later.
---@class llmspell.BackupRestore
---@field success boolean
---@field backup_id? string
---@field restored_count? integer
---@field removed_count? integer
---@field safety_backup_id? string
---@field duration_ms? number
---@field dry_run? boolean
---@field error? string
---@field code? string

---What the backups take. `total_size` are the bytes of the listed backups, `stored_size` those of all files in the
---folder. Times are Unix seconds, absent without backups.
---@class llmspell.BackupUsage
---@field total_backups? integer
---@field total_size? integer
---@field full_backups? integer
---@field incremental_backups? integer
---@field oldest_backup? number
---@field newest_backup? number
---@field stored_size? integer
---@field success? boolean
---@field error? string
---@field code? string

---Whether a backup stays, and why.
---@class llmspell.BackupDecision
---@field backup_id string
---@field keep boolean
---@field reason string

---What a cleanup did, or would do. `space_freed` is in bytes.
---@class llmspell.BackupCleanup
---@field success boolean
---@field dry_run? boolean
---@field deleted_count? integer
---@field retained_count? integer
---@field space_freed? integer
---@field decisions? llmspell.BackupDecision[]
---@field warnings? string[]
---@field error? string
---@field code? string

---Options of `State.save`.
---@class (exact) State.save.Options
---@field ttl? number
---@field class? llmspell.StateClass
---@field if_version? integer
---@field ifVersion? integer

---Options of `State.load`.
---@class (exact) State.load.Options
---@field default? llmspell.Storable
---@field at? llmspell.Moment

---Options of `State.delete`.
---@class (exact) State.delete.Options
---@field if_version? integer
---@field ifVersion? integer

---Options of `State.list_keys`.
---@class (exact) State.list_keys.Options
---@field prefix? string default: ""
---@field after? string
---@field limit? integer
---@field reverse? boolean default: false

---Options of `State.list`.
---@class (exact) State.list.Options
---@field prefix? string default: ""
---@field after? string
---@field limit? integer
---@field reverse? boolean default: false

---Options of `State.list_scopes`.
---@class (exact) State.list_scopes.Options
---@field prefix? string default: ""

---Options of `State.count`.
---@class (exact) State.count.Options
---@field prefix? string default: ""

---Options of `State.clear`.
---@class (exact) State.clear.Options
---@field prefix? string default: ""

---Options of `State.history`.
---@class (exact) State.history.Options
---@field limit? integer
---@field since? llmspell.Moment

---Options of `State.changes`.
---@class (exact) State.changes.Options
---@field since? llmspell.Moment default: 0
---@field scope? string
---@field prefix? string default: ""
---@field limit? integer
---@field timeout? number
---@field correlation_id? string
---@field correlationId? string

---Options of `State.plan_migration`.
---@class (exact) State.plan_migration.Options
---@field scope? string

---Options of `State.create_backup`.
---@class (exact) State.create_backup.Options
---@field description? string default: ""
---@field scopes? string[]

---Options of `State.list_backups`.
---@class (exact) State.list_backups.Options
---@field limit? integer

---Options of `State.validate_backup`.
---@class (exact) State.validate_backup.Options
---@field restore_test? boolean default: false
---@field restoreTest? boolean default: false

---Options of `State.restore_backup`.
---@class (exact) State.restore_backup.Options
---@field scope? string
---@field dry_run? boolean default: false
---@field dryRun? boolean default: false
---@field verify? boolean default: true
---@field backup_first? boolean default: true
---@field backupFirst? boolean default: true

---The durable state: values under keys, in scopes that are isolated from each other.
---
---A scope is a text: `global`, `system`, `agent:<id>`, `user:<id>`, `session:<id>`, `workflow:<id>`,
---`step:<workflow>:<step>`, `tool:<name>`, `hook:<name>`, `custom:<name>`; any other name is a custom scope. A key is 1 to
---256 bytes of UTF-8 without control characters, not beginning with `__`. A call that has returned is on disk, unless the
---configuration groups writes (`flush_every_ms`). Expired values are absent everywhere.
---
---Documents follow their schema: a schema is registered with a version, its fields, and how documents of earlier
---versions become its own; `migrate` takes the stored documents along. `docs/migrations.md` has the rules.
---
---With backups enabled, `State` can back up all that the runtime holds, and put it back.
---
---A backup is one consistent snapshot, taken while others write; ephemeral values are not in it. What goes wrong comes back as
---a result with `success = false`, `error` and `code`; wrong arguments raise.
---@class State
State = {}

---Save a value; null (nil) deletes it.
---
---`ttl` is in seconds; a save without it ends an expiry. `if_version` saves only when the value has that version, 0
---when there is none; otherwise it raises `conflict`.
---@param scope string
---@param key string
---@param value llmspell.Storable
---@param options? State.save.Options
function State.save(scope, key, value, options) end

---The value, or `default` (null) when there is none.
---
---With `at`, the value that was there at a version or a time, as far back as the journal reaches.
---@param scope string
---@param key string
---@param options? State.load.Options
---@return llmspell.Value
function State.load(scope, key, options) end

---The value with its version, times, class and schema version, or null.
---@param scope string
---@param key string
---@return llmspell.StateEntry?
function State.entry(scope, key) end

---Delete a value; whether it was there. With `if_version`, only that version, else `conflict`.
---@param scope string
---@param key string
---@param options? State.delete.Options
---@return boolean
function State.delete(scope, key, options) end

---Whether there is a value.
---@param scope string
---@param key string
---@return boolean
function State.exists(scope, key) end

---The keys in byte order, or reversed; only those with `prefix`, after the key `after`, at most `limit`.
---@param scope string
---@param options? State.list_keys.Options
---@return string[]
function State.list_keys(scope, options) end

---The keys in byte order, or reversed; only those with `prefix`, after the key `after`, at most `limit`.
---
---The same as `State.list_keys`.
---@param scope string
---@param options? State.list_keys.Options
---@return string[]
function State.listKeys(scope, options) end

---The keys with their values, as `list_keys` would give them.
---@param scope string
---@param options? State.list.Options
---@return llmspell.StatePair[]
function State.list(scope, options) end

---The scopes that hold something.
---@param options? State.list_scopes.Options
---@return string[]
function State.list_scopes(options) end

---The scopes that hold something.
---
---The same as `State.list_scopes`.
---@param options? State.list_scopes.Options
---@return string[]
function State.listScopes(options) end

---How many values a scope holds.
---@param scope string
---@param options? State.count.Options
---@return integer
function State.count(scope, options) end

---Delete every value of a scope, in one commit; how many there were.
---@param scope string
---@param options? State.clear.Options
---@return integer
function State.clear(scope, options) end

---Add to a number and return the sum; a missing one counts as 0. Atomic across processes.
---
---Integers stay integers. Raises `bad_value` when the value is no number or the sum leaves 64 bits; nothing changes
---then. An expiry stays.
---@param scope string
---@param key string
---@param by? number default: 1
---@return number
function State.increment(scope, key, by) end

---Save what `fn(current)` returns; null (nil) deletes. Returns the new value.
---
---Atomic across processes: nobody else writes while `fn` runs, so keep it short; it is bounded by
---`transaction_timeout_ms`.
---@param scope string
---@param key string
---@param fn fun(...: any): any
---@return llmspell.Value
function State.update(scope, key, fn) end

---Run `fn()`; all changes in it commit together, or none of them when it raises. Returns what `fn` returned.
---
---Reads see the transaction's own writes. A transaction inside another is a savepoint: what fails in it and is caught
---undoes the inner part alone. Nobody else writes while it runs; it is bounded by `transaction_timeout_ms`.
---@param fn fun(...: any): any
---@return llmspell.Value
function State.transaction(fn) end

---The changes of one key, newest first, as far back as the journal reaches; `since` is a version or a time.
---@param scope string
---@param key string
---@param options? State.history.Options
---@return llmspell.StateRevision[]
function State.history(scope, key, options) end

---The changes after the version or time `since`, oldest first, of all scopes or one, of all correlations or one.
---
---With `timeout` seconds it waits for the first change, also by another process. Pass the result's `next` as `since`
---to go on.
---@param options? State.changes.Options
---@return llmspell.StateChanges
function State.changes(options) end

---After it everything saved so far is on disk.
function State.flush() end

---Counts, rates and latencies of this run.
---@return llmspell.StateMetrics
function State.metrics() end

---Register a schema; its version as text.
---
---The table has `version`, `fields`, and optionally `scope` and `key` (patterns with `*`), `compatibility`, `additional`
---and `migration_path`. Registering the same again changes nothing; the same version with other content is
---`conflict`. A schema that is wrong, or breaks its compatibility, is `schema`, naming field and rule. Functions in it
---are not stored: register the schema again in each run that migrates with them.
---
---Absent unless the configuration sets `[state.migration] enabled`.
---@param schema table
---@return string
function State.register_schema(schema) end

---Register a schema; its version as text.
---
---The same as `State.register_schema`.
---@param schema table
---@return string
function State.registerSchema(schema) end

---Take documents to a version: `migrate(version)`, `migrate(scope, key, version)`, or `migrate({…})`.
---
---With the version alone, every document that its schema covers, and new saves get that version. The options are
---`to_version`, `from_version`, `scope`, `key` (patterns with `*`), `dry_run`, `plan_hash` and `transformations`. A
---document that fails stops it and everything is put back: the result has `error` and `code`. What a crash left is
---resumed by the next call to the same version. It cannot run inside a transaction.
---
---Absent unless the configuration sets `[state.migration] enabled`.
---@param target string|number|table
---@param key? string
---@param version? llmspell.Storable
---@return llmspell.MigrationResult
function State.migrate(target, key, version) end

---What `migrate` to a version would do, with three documents before and after. Nothing is changed.
---
---The `plan_hash` given to `migrate` makes it fail when documents or schemas have changed since. Instead of the
---version, the options of `migrate` may be given.
---
---Absent unless the configuration sets `[state.migration] enabled`.
---@param version string|number|table
---@param options? State.plan_migration.Options
---@return llmspell.MigrationPlan
function State.plan_migration(version, options) end

---What `migrate` to a version would do, with three documents before and after. Nothing is changed.
---
---The same as `State.plan_migration`.
---@param version string|number|table
---@param options? State.plan_migration.Options
---@return llmspell.MigrationPlan
function State.planMigration(version, options) end

---Put every document back as it was before the unfinished migration, or the last one that completed.
---
---Exact, byte for byte. A document that was changed or deleted since is left alone and counted in `items_skipped`.
---
---Absent unless the configuration sets `[state.migration] enabled`.
---@param migration_id? string
---@return llmspell.MigrationResult
function State.rollback_migration(migration_id) end

---Put every document back as it was before the unfinished migration, or the last one that completed.
---
---The same as `State.rollback_migration`.
---@param migration_id? string
---@return llmspell.MigrationResult
function State.rollbackMigration(migration_id) end

---The current and the latest version, and what is to be done.
---
---Absent unless the configuration sets `[state.migration] enabled`.
---@return llmspell.MigrationState
function State.migration_status() end

---The current and the latest version, and what is to be done.
---
---The same as `State.migration_status`.
---@return llmspell.MigrationState
function State.migrationStatus() end

---The registered versions, ascending.
---
---Absent unless the configuration sets `[state.migration] enabled`.
---@return string[]
function State.schema_versions() end

---The registered versions, ascending.
---
---The same as `State.schema_versions`.
---@return string[]
function State.schemaVersions() end

---The migrations that ended, newest first, the last 1000.
---
---Absent unless the configuration sets `[state.migration] enabled`.
---@return llmspell.MigrationRecord[]
function State.migration_history() end

---The migrations that ended, newest first, the last 1000.
---
---The same as `State.migration_history`.
---@return llmspell.MigrationRecord[]
function State.migrationHistory() end

---Make a backup: "full", "incremental", or a boolean that says whether it is incremental.
---
---An incremental one holds what has changed since the newest backup, and is full when there is none. `scopes` limits a full
---backup to the values of some scopes. Its text form is its id.
---
---Absent unless the configuration sets `[state.backup] enabled`.
---@param kind? llmspell.Storable default: "full"
---@param options? State.create_backup.Options
---@return llmspell.BackupResult
function State.create_backup(kind, options) end

---Make a backup: "full", "incremental", or a boolean that says whether it is incremental.
---
---The same as `State.create_backup`.
---@param kind? llmspell.Storable default: "full"
---@param options? State.create_backup.Options
---@return llmspell.BackupResult
function State.createBackup(kind, options) end

---All backups, newest first.
---
---Absent unless the configuration sets `[state.backup] enabled`.
---@param options? State.list_backups.Options
---@return llmspell.BackupResult[]
function State.list_backups(options) end

---All backups, newest first.
---
---The same as `State.list_backups`.
---@param options? State.list_backups.Options
---@return llmspell.BackupResult[]
function State.listBackups(options) end

---Read every byte of a backup and of all that it builds on; with `restore_test`, restore it into a scratch store too.
---
---Absent unless the configuration sets `[state.backup] enabled`.
---@param backup string|llmspell.BackupResult
---@param options? State.validate_backup.Options
---@return llmspell.BackupValidation
function State.validate_backup(backup, options) end

---Read every byte of a backup and of all that it builds on; with `restore_test`, restore it into a scratch store too.
---
---The same as `State.validate_backup`.
---@param backup string|llmspell.BackupResult
---@param options? State.validate_backup.Options
---@return llmspell.BackupValidation
function State.validateBackup(backup, options) end

---Make the state what it was in a backup: all of it, or the values of one scope; keys that came later go.
---
---All or nothing. First a safety backup of the present state is made, unless there is none; its id is in the result.
---
---Absent unless the configuration sets `[state.backup] enabled`.
---@param backup string|llmspell.BackupResult
---@param options? State.restore_backup.Options
---@return llmspell.BackupRestore
function State.restore_backup(backup, options) end

---Make the state what it was in a backup: all of it, or the values of one scope; keys that came later go.
---
---The same as `State.restore_backup`.
---@param backup string|llmspell.BackupResult
---@param options? State.restore_backup.Options
---@return llmspell.BackupRestore
function State.restoreBackup(backup, options) end

---What the backups take.
---
---Absent unless the configuration sets `[state.backup] enabled`.
---@return llmspell.BackupUsage
function State.get_storage_usage() end

---What the backups take.
---
---The same as `State.get_storage_usage`.
---@return llmspell.BackupUsage
function State.getStorageUsage() end

---Remove the backups that the configured policy gives up. A dry run decides the same and removes nothing.
---
---Absent unless the configuration sets `[state.backup] enabled`.
---@param dry_run? boolean default: false
---@return llmspell.BackupCleanup
function State.cleanup_backups(dry_run) end

---Remove the backups that the configured policy gives up. A dry run decides the same and removes nothing.
---
---The same as `State.cleanup_backups`.
---@param dry_run? boolean default: false
---@return llmspell.BackupCleanup
function State.cleanupBackups(dry_run) end

---What a session is: active or suspended, or ended as completed or failed, or archived after that.
---@alias llmspell.SessionStatus
---| "active"
---| "suspended"
---| "completed"
---| "failed"
---| "archived"

---A session. Times are RFC 3339 text in UTC; `metadata` is the same as `custom_metadata`.
---
---`failure_reason` says why it failed, or why it was suspended when its time was over. `operation_count` counts changes of the
---state and of artifacts that were recorded under it.
---@class llmspell.SessionInfo
---@field id string
---@field name string
---@field description string
---@field tags string[]
---@field status llmspell.SessionStatus
---@field created_at string
---@field updated_at string
---@field ended_at? string
---@field parent_session_id? string
---@field custom_metadata table<string, llmspell.Value>
---@field metadata table<string, llmspell.Value>
---@field artifact_count integer
---@field artifact_bytes integer
---@field operation_count integer
---@field checkpoint_count integer
---@field created_by string
---@field failure_reason? string
---@field correlation_id string

---A status of sessions, or all of them.
---@alias llmspell.SessionFilter
---| "active"
---| "suspended"
---| "completed"
---| "failed"
---| "archived"
---| "all"

---What sessions can be sorted by.
---@alias llmspell.SessionOrder
---| "created_at"
---| "updated_at"
---| "name"
---| "artifact_count"
---| "operation_count"

---A moment of a session that it can be put back to. `version` is that of the store.
---@class llmspell.SessionCheckpoint
---@field checkpoint_id string
---@field label string
---@field version integer
---@field created_at string
---@operator concat(any): string

---What is recorded of a session for replay. Times are RFC 3339 text, `total_duration` is what the hooks took, in seconds.
---@class llmspell.ReplayMetadata
---@field session_id string
---@field correlation_id string
---@field total_hooks integer
---@field first_hook_timestamp? string
---@field last_hook_timestamp? string
---@field total_duration number
---@field can_replay boolean

---How a session is replayed.
---
---exact: with the recorded inputs. modified: with modifications of them. simulate: with or without modifications, and without
---comparing. debug: as exact, with every step in `metadata.steps`.
---@alias llmspell.ReplayModeName
---| "exact"
---| "modified"
---| "simulate"
---| "debug"

---A mode of replays. Its text is its name.
---@class llmspell.ReplayMode
local ReplayMode = {}

---Its name: exact, modified, simulate or debug.
---@return llmspell.ReplayModeName
function ReplayMode:name() end

---A difference between what a hook said when it was recorded and what a hook of now said; `path` leads into the result.
---@class llmspell.ReplayFinding
---@field path string
---@field description string
---@field severity string
---@field seq integer
---@field point string
---@field hook string

---What a replay did. `hooks_replayed` are recorded executions that were run again: well (`successful_replays`), or so that a
---hook failed or none was there any more (`failed_replays`). `total_duration` is in seconds.
---
---`metadata` has `mode`; `recorded`, how many executions there were to replay; `without_hook`; `modified`, how many contexts
---were; `identical`, whether all were replayed well and nothing differed; `stopped`, "error" or "timeout" when it ended early;
---and in debug mode `steps`, each `{seq, point, hook, input, recorded_output, output, error, duration_ms}`.
---@class llmspell.ReplayResult
---@field session_id string
---@field correlation_id string
---@field start_time string
---@field total_duration number
---@field hooks_replayed integer
---@field successful_replays integer
---@field failed_replays integer
---@field differences llmspell.ReplayFinding[]
---@field metadata table<string, llmspell.Value>

---Options of `Session.create`.
---@class (exact) Session.create.Options
---@field name? string default: ""
---@field description? string default: ""
---@field tags? string[]
---@field metadata? table<string, llmspell.Storable>
---@field parent_session_id? string
---@field parentSessionId? string
---@field max_duration? number
---@field maxDuration? number
---@field max_idle_time? number
---@field maxIdleTime? number
---@field max_artifacts? integer
---@field maxArtifacts? integer
---@field max_artifact_bytes? integer
---@field maxArtifactBytes? integer
---@field max_operations? integer
---@field maxOperations? integer
---@field max_rate? integer
---@field maxRate? integer
---@field created_by? string default: ""
---@field createdBy? string default: ""

---Options of `Session.update`.
---@class (exact) Session.update.Options
---@field name? string
---@field description? string
---@field tags? string[]
---@field metadata? table<string, llmspell.Storable>
---@field max_duration? number
---@field maxDuration? number
---@field max_idle_time? number
---@field maxIdleTime? number
---@field max_artifacts? integer
---@field maxArtifacts? integer
---@field max_artifact_bytes? integer
---@field maxArtifactBytes? integer
---@field max_operations? integer
---@field maxOperations? integer
---@field max_rate? integer
---@field maxRate? integer

---Options of `Session.list`.
---@class (exact) Session.list.Options
---@field status? llmspell.SessionFilter
---@field tags? string[]
---@field name? string
---@field parent_session_id? string
---@field parentSessionId? string
---@field created_after? llmspell.Moment
---@field createdAfter? llmspell.Moment
---@field created_before? llmspell.Moment
---@field createdBefore? llmspell.Moment
---@field text? string
---@field sort_by? llmspell.SessionOrder default: "created_at"
---@field sortBy? llmspell.SessionOrder default: "created_at"
---@field descending? boolean default: false
---@field limit? integer
---@field offset? integer default: 0

---Options of `Session.delete`.
---@class (exact) Session.delete.Options
---@field force? boolean default: false

---Options of `Session.save`.
---@class (exact) Session.save.Options
---@field label? string default: ""

---Options of `Session.load`.
---@class (exact) Session.load.Options
---@field checkpoint? string|llmspell.SessionCheckpoint

---Options of `Session.fork`.
---@class (exact) Session.fork.Options
---@field checkpoint? string|llmspell.SessionCheckpoint
---@field name? string

---Options of `Session.timeline`.
---@class (exact) Session.timeline.Options
---@field kinds? string[]
---@field since? integer default: 0
---@field limit? integer

---Options of `Session.replay`.
---@class (exact) Session.replay.Options
---@field mode? llmspell.ReplayModeName|llmspell.ReplayMode default: "exact"
---@field from? llmspell.Moment
---@field to? llmspell.Moment
---@field hook_filter? string
---@field hookFilter? string
---@field modifications? any
---@field compare? boolean
---@field stop_on_error? boolean default: false
---@field stopOnError? boolean default: false
---@field timeout? number default: 30.0

---Sessions: units of work with a status, a timeline of what happened in them, and checkpoints to go back to.
---
---A session has the scope `session:<id>` of `State` to itself. While one is current (`set_current`), changes of the state and
---of artifacts, hooks and events are recorded in its timeline, in the same commit, and carry its correlation id. A session that
---is over its time (`max_duration`, `max_idle_time`) is suspended; `resume` or a longer limit lets it go on. Limits that a
---session does not have of its own are those of `[runtime.sessions]`.
---
---Hooks that run while a session is current are recorded, and can be replayed with the hooks of now.
---
---A replay changes nothing: its hooks run inside a transaction that is undone, no event that they publish reaches anybody, and
---nothing is recorded. They see the state as it is now.
---@class Session
Session = {}

---Start a session; its id. Times are in seconds, `max_rate` is operations per second.
---
---Raises `limit_exceeded` when there are `max_sessions` active or suspended ones already.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param options? Session.create.Options
---@return string
function Session.create(options) end

---A session as it is now.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
---@return llmspell.SessionInfo
function Session.get(id) end

---Change what is given; `metadata` is merged with what is there.
---
---A session that was suspended because its time was over is active again when the new limits let it go on.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
---@param options? Session.update.Options
function Session.update(id, options) end

---The sessions that fit all of what is given; without `status`, the active and suspended ones.
---
---`tags` must all be there; `name` is the whole name, `text` any part of name or description, without regard to case.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param options? Session.list.Options
---@return llmspell.SessionInfo[]
function Session.list(options) end

---Put an active session aside; it still counts towards `max_sessions`.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
function Session.suspend(id) end

---Let a suspended session go on; the times for its limits begin anew.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
function Session.resume(id) end

---End a session well. An ended session is not current any more.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
function Session.complete(id) end

---End a session, and say why.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
---@param reason? string default: ""
function Session.fail(id, reason) end

---Put a completed or failed session away: nothing about it changes any more. It can be read, forked and deleted.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
function Session.archive(id) end

---Delete a session with its scope, its checkpoints, its timeline and its artifacts.
---
---An active one only with `force`, else it raises `invalid_transition`.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
---@param options? Session.delete.Options
function Session.delete(id, options) end

---Make a checkpoint of a session: of what it is, of its scope and of its artifacts. What does not change is shared.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
---@param options? Session.save.Options
---@return llmspell.SessionCheckpoint
function Session.save(id, options) end

---The checkpoints of a session, oldest first.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
---@return llmspell.SessionCheckpoint[]
function Session.checkpoints(id) end

---Delete a checkpoint, by id or label, and let go of what only it needed.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
---@param checkpoint string|llmspell.SessionCheckpoint
function Session.delete_checkpoint(id, checkpoint) end

---Delete a checkpoint, by id or label, and let go of what only it needed.
---
---The same as `Session.delete_checkpoint`.
---@param id string
---@param checkpoint string|llmspell.SessionCheckpoint
function Session.deleteCheckpoint(id, checkpoint) end

---The id of a session that is there; with `checkpoint` (id or label), the session is put back to it.
---
---In one commit its scope, its artifacts, and what it is, are what they were: a failed session is active again. The
---timeline goes on, and other checkpoints stay. Of equal labels the newest one counts.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
---@param options? Session.load.Options
---@return string
function Session.load(id, options) end

---Start a new session from another one as it is, or was at a checkpoint (id or label); its id.
---
---Its parent is the origin. It has the origin's values, artifacts, metadata, tags and limits, and a timeline of its own.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
---@param options? Session.fork.Options
---@return string
function Session.fork(id, options) end

---The id of the current session, or null.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@return string?
function Session.get_current() end

---The id of the current session, or null.
---
---The same as `Session.get_current`.
---@return string?
function Session.getCurrent() end

---Record what happens from now on under this session; with null, under none. It ends with the script.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id? string
function Session.set_current(id) end

---Record what happens from now on under this session; with null, under none. It ends with the script.
---
---The same as `Session.set_current`.
---@param id? string
function Session.setCurrent(id) end

---What happened in a session, oldest first: `{seq, at, kind, correlation_id, …}`; `since` is a `seq`, exclusive.
---
---Kinds: session.created, .suspended, .resumed, .completed, .failed, .archived (with `reason`), checkpoint.saved, .loaded
---(with `checkpoint_id`, `label`), state.saved, state.deleted (with `scope`, `key`, `version`), artifact.stored,
---artifact.deleted, hook.executed (with `point`, `hook`, `duration`), event.published.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
---@param options? Session.timeline.Options
---@return table<string, llmspell.Value>[]
function Session.timeline(id, options) end

---Whether hooks were recorded under a session.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
---@return boolean
function Session.can_replay(id) end

---Whether hooks were recorded under a session.
---
---The same as `Session.can_replay`.
---@param id string
---@return boolean
function Session.canReplay(id) end

---The ids of the sessions under which hooks were recorded, oldest first.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@return string[]
function Session.list_replayable() end

---The ids of the sessions under which hooks were recorded, oldest first.
---
---The same as `Session.list_replayable`.
---@return string[]
function Session.listReplayable() end

---What is recorded of a session.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
---@return llmspell.ReplayMetadata
function Session.get_replay_metadata(id) end

---What is recorded of a session.
---
---The same as `Session.get_replay_metadata`.
---@param id string
---@return llmspell.ReplayMetadata
function Session.getReplayMetadata(id) end

---Run the recorded hooks of a session again, in order, and tell what differs. Changes nothing.
---
---Each execution meets the hook of the same point and name, else the hooks of that point. `from` and `to` are numbers of the
---timeline or times, inclusive; `hook_filter` is a pattern on the hook's name or point; `modifications` a list of
---`{path, value, enabled}` or of what `Replay.create_modification` makes, or a map of paths to values; `timeout` is in
---seconds, for all. Others that write wait meanwhile.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param id string
---@param options? Session.replay.Options
---@return llmspell.ReplayResult
function Session.replay(id, options) end

---The id of an artifact. Its text form, `session/sequence/hash8`, stands for it everywhere, and so does a table with the
---first three fields.
---@class llmspell.ArtifactId
---@field content_hash string
---@field session_id string
---@field sequence integer
---@field text string
---@operator concat(any): string

---What is known about an artifact. Times are RFC 3339 text in UTC; sizes are bytes.
---
---`version` counts the versions of the name in the session; `custom` is what was given besides the named fields.
---@class llmspell.ArtifactMetadata
---@field name string
---@field artifact_type string
---@field mime_type string
---@field size integer
---@field stored_size integer
---@field original_size integer
---@field is_compressed boolean
---@field tags string[]
---@field custom table<string, llmspell.Value>
---@field description? string
---@field version integer
---@field created_at string
---@field created_by? string
---@field parent_artifact? string
---@field content_hash string
---@field session_id string
---@field sequence integer

---An artifact with its content.
---@class llmspell.ArtifactContent
---@field id llmspell.ArtifactId
---@field metadata llmspell.ArtifactMetadata
---@field content? llmspell.Value

---An artifact with its id, and what is known about it once more under `metadata`.
---@class llmspell.ArtifactInfo
---@field name string
---@field artifact_type string
---@field mime_type string
---@field size integer
---@field stored_size integer
---@field original_size integer
---@field is_compressed boolean
---@field tags string[]
---@field custom table<string, llmspell.Value>
---@field description? string
---@field version integer
---@field created_at string
---@field created_by? string
---@field parent_artifact? string
---@field content_hash string
---@field session_id string
---@field sequence integer
---@field id llmspell.ArtifactId
---@field metadata llmspell.ArtifactMetadata

---What a session may do with an artifact of another: read it, write (delete it as well), admin (grant and revoke as well).
---@alias llmspell.ArtifactPermission
---| "read"
---| "write"
---| "admin"

---What the artifacts of a session take. `deduplicated_bytes` are those that had been stored before, and so cost nothing.
---@class llmspell.ArtifactStats
---@field count integer
---@field bytes integer
---@field stored_bytes integer
---@field deduplicated_bytes integer

---Options of `Artifact.list`.
---@class (exact) Artifact.list.Options
---@field type? string
---@field tags? string[]
---@field name? string
---@field limit? integer

---Options of `Artifact.query`.
---@class (exact) Artifact.query.Options
---@field session_id? string
---@field sessionId? string
---@field type? string
---@field name_pattern? string
---@field namePattern? string
---@field tags? string[]
---@field created_after? llmspell.Moment
---@field createdAfter? llmspell.Moment
---@field created_before? llmspell.Moment
---@field createdBefore? llmspell.Moment
---@field min_size? integer
---@field minSize? integer
---@field max_size? integer
---@field maxSize? integer
---@field custom? table<string, llmspell.Storable>
---@field text? string
---@field limit? integer

---Artifacts: files of a session, with versions, metadata and a content that is stored once, however often it is kept.
---
---`session_id` may be "" or null for the current session. An artifact is named by its id, by the id's text form, or by its
---name, which means the latest version. While a session is current, only what it owns or was granted can be read; without
---one, everything can. Contents are compared with their hash when they are read: damage raises `corrupt`. Inside of
---`State.transaction`, what is stored and deleted commits with it, when the sessions are in the state's store.
---@class Artifact
Artifact = {}

---Store a content as the next version of a name; its id.
---
---The content is text or bytes up to 100 MiB, or a table or object, which is stored as JSON with sorted keys. `type` is
---agent_output, tool_result, user_input, system_generated, or any other text. From `metadata`, mime_type, tags,
---description and parent_artifact are taken out; the rest is `custom`. A name has 1 to 255 bytes.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id? string
---@param type string
---@param name string
---@param content llmspell.Storable
---@param metadata? table<string, llmspell.Storable>
---@return llmspell.ArtifactId
function Artifact.store(session_id, type, name, content, metadata) end

---Store a file of up to 10 GiB under its own name, or under `metadata.name`. Needs file access for it.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id? string
---@param path string
---@param type? string default: "user_input"
---@param metadata? table<string, llmspell.Storable>
---@return llmspell.ArtifactId
function Artifact.store_file(session_id, path, type, metadata) end

---Store a file of up to 10 GiB under its own name, or under `metadata.name`. Needs file access for it.
---
---The same as `Artifact.store_file`.
---@param session_id? string
---@param path string
---@param type? string default: "user_input"
---@param metadata? table<string, llmspell.Storable>
---@return llmspell.ArtifactId
function Artifact.storeFile(session_id, path, type, metadata) end

---An artifact with its content: text when it was stored as text or is a file that can be text, else bytes.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id? string
---@param id string|llmspell.ArtifactId
---@return llmspell.ArtifactContent
function Artifact.get(session_id, id) end

---The content of an artifact, as `get` gives it.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id? string
---@param id string|llmspell.ArtifactId
---@return llmspell.Value
function Artifact.get_content(session_id, id) end

---The content of an artifact, as `get` gives it.
---
---The same as `Artifact.get_content`.
---@param session_id? string
---@param id string|llmspell.ArtifactId
---@return llmspell.Value
function Artifact.getContent(session_id, id) end

---Write the content into a file, in place of what was there; the bytes written. Needs file access for it.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id? string
---@param id string|llmspell.ArtifactId
---@param path string
---@return integer
function Artifact.save_to(session_id, id, path) end

---Write the content into a file, in place of what was there; the bytes written. Needs file access for it.
---
---The same as `Artifact.save_to`.
---@param session_id? string
---@param id string|llmspell.ArtifactId
---@param path string
---@return integer
function Artifact.saveTo(session_id, id, path) end

---What is known about an artifact.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id? string
---@param id string|llmspell.ArtifactId
---@return llmspell.ArtifactInfo
function Artifact.info(session_id, id) end

---The artifacts of a session in the order of their sequence; `tags` must all be there, `name` is the whole name.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id? string
---@param options? Artifact.list.Options
---@return llmspell.ArtifactInfo[]
function Artifact.list(session_id, options) end

---The versions of a name, oldest first.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id? string
---@param name string
---@return llmspell.ArtifactInfo[]
function Artifact.versions(session_id, name) end

---The artifacts that fit all of what is given, newest first, of all sessions that may be read, or of one.
---
---`name_pattern` is a glob when it has `*` or `?`, else a part of the name, without regard to case. `text` is a part of the
---name, the description, or a textual content of up to 1 MiB, without regard to case. `custom` names fields and their
---values. Tags, type, time and session are found by indexes.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param options? Artifact.query.Options
---@return llmspell.ArtifactInfo[]
function Artifact.query(options) end

---Delete an artifact. A checkpoint that has it keeps it; the bytes go with `llmspell artifact gc`.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id? string
---@param id string|llmspell.ArtifactId
function Artifact.delete(session_id, id) end

---Let another session read, write or admin an artifact; each contains the ones before it.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id? string
---@param id string|llmspell.ArtifactId
---@param to_session_id string
---@param permission llmspell.ArtifactPermission
function Artifact.grant(session_id, id, to_session_id, permission) end

---Take a grant back: all of it, or a permission and those that contain it.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id? string
---@param id string|llmspell.ArtifactId
---@param to_session_id string
---@param permission? llmspell.ArtifactPermission
function Artifact.revoke(session_id, id, to_session_id, permission) end

---How many artifacts a session has, and what they take.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id? string
---@return llmspell.ArtifactStats
function Artifact.stats(session_id) end

---What has happened. `language` is that of the publishing script, or `runtime`; `sequence` grows with every event.
---@class llmspell.EventRecord
---@field id string
---@field event_type string
---@field data? llmspell.Value
---@field timestamp string
---@field sequence integer
---@field correlation_id string
---@field language string
---@field metadata table<string, llmspell.Value>

---A subscription of this script.
---@class llmspell.EventSubscription
---@field id string
---@field pattern string
---@field language string

---What has happened on the bus, and who listens.
---@class llmspell.EventStats
---@field event_bus_stats table<string, integer>
---@field bridge_stats? llmspell.Value

---Options of `Event.publish`.
---@class (exact) Event.publish.Options
---@field correlation_id? string
---@field correlationId? string
---@field ttl? number
---@field tags? string[]
---@field source? string
---@field language? string
---@field ttl_seconds? number
---@field ttlSeconds? number
---@field priority? llmspell.Storable

---Options of `Event.subscribe`.
---@class (exact) Event.subscribe.Options
---@field language? string
---@field ttl_seconds? number
---@field ttlSeconds? number
---@field priority? llmspell.Storable

---Options of `Event.timeline`.
---@class (exact) Event.timeline.Options
---@field since? llmspell.Moment default: 0
---@field limit? integer

---Events: one bus for scripts and for what the runtime itself does (`state.changed`, `session.*`, `artifact.*`,
---`backup.*`, `migration.*`). `docs/events.md` lists them.
---@class Event
Event = {}

---Tell everybody whose pattern matches. Always true; it waits for nobody.
---
---The event carries `correlation_id`, or else the correlation of the moment: that of the script's run, of the session, or of
---the event whose handler is running. After `ttl` seconds it is not delivered any more. Everything else comes out again in
---the event's `metadata`.
---@param type string
---@param data? llmspell.Storable
---@param options? Event.publish.Options
---@return boolean
function Event.publish(type, data, options) end

---Listen to events from now on; the subscription's id. `*` in the pattern stands for one or more characters.
---
---Without a handler, `receive` gives the events. With one, it is called with each event: while the script waits in
---`receive` or `sleep`, at its next call of any function of these globals, and at its end; never inside a transaction, an
---update, a hook or another handler. What it raises is a warning. It runs under the correlation of its event. The queue
---is bounded: the oldest event falls off. A subscription ends with its script. `ttl_seconds` and `priority` mean nothing
---here; old scripts may give them.
---@param pattern string
---@param handler? fun(...: any): any
---@param options? Event.subscribe.Options
---@return string
function Event.subscribe(pattern, handler, options) end

---The next event of a subscription; nothing when none has come in time. `not_found` when it has ended.
---@param subscription string
---@param timeout_ms? number default: 5000
---@return llmspell.EventRecord?
function Event.receive(subscription, timeout_ms) end

---End a subscription of this script; whether there was one. What waits in it is lost.
---@param id string
---@return boolean
function Event.unsubscribe(id) end

---The subscriptions of this script, oldest first.
---@return llmspell.EventSubscription[]
function Event.list_subscriptions() end

---The subscriptions of this script, oldest first.
---
---The same as `Event.list_subscriptions`.
---@return llmspell.EventSubscription[]
function Event.listSubscriptions() end

---Counts of the whole bus: `event_bus_stats` of events, `bridge_stats` of subscriptions.
---@return llmspell.EventStats
function Event.get_stats() end

---Counts of the whole bus: `event_bus_stats` of events, `bridge_stats` of subscriptions.
---
---The same as `Event.get_stats`.
---@return llmspell.EventStats
function Event.getStats() end

---What a correlation has led to, oldest first: `{at, kind, correlation_id, …}`; `since` is a time, exclusive.
---
---Kinds: event.published (with `event_id`, `event_type`, `data`, `sequence`, `language`), state.saved, state.deleted,
---state.expired (with `scope`, `key`, `version`), hook.executed (with `point`, `hook`, `duration`), and those of the
---timelines of sessions. Changes come from the journal, also those of other processes; events and runs of hooks as far as
---this process remembers them, and as the session has them that has this correlation, or is the current one.
---@param correlation_id string
---@param options? Event.timeline.Options
---@return table<string, llmspell.Value>[]
function Event.timeline(correlation_id, options) end

---A hook that this script has registered.
---@class llmspell.HookHandle
local HookHandle = {}

---Its id.
---@return string
function HookHandle:id() end

---The point at which it runs.
---@return string
function HookHandle:hook_point() end

---The point at which it runs.
---
---The same as `HookHandle.hook_point`.
---@return string
function HookHandle:hookPoint() end

---Remove it; whether it was still registered.
---@return boolean
function HookHandle:unregister() end

---A hook and how it has done so far. It is not `enabled` while its circuit breaker has switched it off.
---@class llmspell.HookInfo
---@field id string
---@field name string
---@field point string
---@field priority string
---@field language string
---@field tags string[]
---@field enabled boolean
---@field executions integer
---@field failures integer
---@field avg_ms number

---Hooks: functions that are asked before something happens, and may change or stop it, or are told after it.
---
---`docs/hooks.md` lists the points, and what each result means there.
---@class Hook
Hook = {}

---Run `fn` at a point, for as long as the script runs.
---
---`options` is a priority (highest, high, normal, low, lowest), or a table (object) with any of `priority`, `name`, `tags`,
---`scope` and `key` (patterns in which `*` stands for any characters: only what matches is told), `on_error` ("continue",
---the default, or "cancel": what it means when the hook fails).
---
---`fn` gets `{point, component_id = {type, name}, correlation_id, language, metadata, data}`, and returns nothing or
---"continue"; "skip"; any other text, which cancels with it as the reason; or one of `{type = "modified", data}`,
---`{type = "cancel", reason}`, `{type = "redirect", target}`, `{type = "replace", data}`,
---`{type = "retry", delay_ms, max_attempts}`, `{type = "skipped", reason}`, `{type = "cache", ttl}`.
---It may not take longer than `[state.hooks] timeout_ms`.
---@param point string
---@param fn fun(...: any): any
---@param options? llmspell.Storable
---@return llmspell.HookHandle
function Hook.register(point, fn, options) end

---Remove a hook of this script, by its handle or its id; whether it was still registered.
---@param handle string|llmspell.HookHandle
---@return boolean
function Hook.unregister(handle) end

---The hooks, those of Python too, in the order in which they run at each point.
---
---`filter` is a point, or a table (object) with any of `hook_point`, `language`, `priority`, `tag` and
---`include_builtin`, which adds the built-in hooks that the configuration enables.
---@param filter? llmspell.Storable
---@return llmspell.HookInfo[]
function Hook.list(filter) end

---A value to be put into the context that hooks are given in a replay.
---@class llmspell.ReplayModification
local ReplayModification = {}

---Where it goes: `data.new_value`.
---@return string
function ReplayModification:get_path() end

---Where it goes: `data.new_value`.
---
---The same as `ReplayModification.get_path`.
---@return string
function ReplayModification:getPath() end

---The value.
---@return llmspell.Value
function ReplayModification:get_value() end

---The value.
---
---The same as `ReplayModification.get_value`.
---@return llmspell.Value
function ReplayModification:getValue() end

---Whether it has an effect.
---@return boolean
function ReplayModification:is_enabled() end

---Whether it has an effect.
---
---The same as `ReplayModification.is_enabled`.
---@return boolean
function ReplayModification:isEnabled() end

---Switch it on or off, also in the configurations that it was added to.
---@param enabled boolean
function ReplayModification:set_enabled(enabled) end

---Switch it on or off, also in the configurations that it was added to.
---
---The same as `ReplayModification.set_enabled`.
---@param enabled boolean
function ReplayModification:setEnabled(enabled) end

---A modification as plain values.
---@class llmspell.ReplayChange
---@field path string
---@field value? llmspell.Value
---@field enabled boolean

---How a session is replayed.
---@class llmspell.ReplayConfig
local ReplayConfig = {}

---Its mode.
---@return llmspell.ReplayMode
function ReplayConfig:get_mode() end

---Its mode.
---
---The same as `ReplayConfig.get_mode`.
---@return llmspell.ReplayMode
function ReplayConfig:getMode() end

---Whether results are compared with those that were recorded: by default in all modes but simulate.
---@return boolean
function ReplayConfig:should_compare_results() end

---Whether results are compared with those that were recorded: by default in all modes but simulate.
---
---The same as `ReplayConfig.should_compare_results`.
---@return boolean
function ReplayConfig:shouldCompareResults() end

---How long the replay may take as a whole.
---@return number
function ReplayConfig:get_timeout_seconds() end

---How long the replay may take as a whole.
---
---The same as `ReplayConfig.get_timeout_seconds`.
---@return number
function ReplayConfig:getTimeoutSeconds() end

---Whether the first failure ends the replay.
---@return boolean
function ReplayConfig:should_stop_on_error() end

---Whether the first failure ends the replay.
---
---The same as `ReplayConfig.should_stop_on_error`.
---@return boolean
function ReplayConfig:shouldStopOnError() end

---Put `value` where `path` leads in the context of every hook where all but its last step is there.
---
---A path is `data.new_value`, `data.items[1].name`, or begins with `metadata`, `component_id` or `correlation_id`; a
---leading `context.` is allowed. Places in lists count as the language does. Later ones may lead into what earlier ones put.
---A modification made by `Replay.create_modification` may stand for the three.
---@param path string|llmspell.ReplayModification
---@param value? llmspell.Storable
---@param enabled? boolean default: true
function ReplayConfig:add_modification(path, value, enabled) end

---Put `value` where `path` leads in the context of every hook where all but its last step is there.
---
---The same as `ReplayConfig.add_modification`.
---@param path string|llmspell.ReplayModification
---@param value? llmspell.Storable
---@param enabled? boolean default: true
function ReplayConfig:addModification(path, value, enabled) end

---The modifications in their order.
---@return llmspell.ReplayChange[]
function ReplayConfig:get_modifications() end

---The modifications in their order.
---
---The same as `ReplayConfig.get_modifications`.
---@return llmspell.ReplayChange[]
function ReplayConfig:getModifications() end

---One place where two values differ. `path` begins with `$` and counts as the language does.
---
---critical: something is missing or of another kind. major: it has another value, or was added. minor: it is the same number
---as another kind of number, or nearly the same number.
---@class llmspell.ReplayDifference
---@field path string
---@field description string
---@field severity string

---What a comparison found. `similarity_score` is 1 for identical values only, and 0 when nothing is alike.
---
---It is the share of what is alike among all that is no list or map. At most 1000 differences are listed; `summary` counts all.
---@class llmspell.ReplayComparison
---@field identical boolean
---@field similarity_score number
---@field summary string
---@field differences llmspell.ReplayDifference[]

---Compares values exactly: only the order of fields does not count.
---@class llmspell.ReplayComparator
local ReplayComparator = {}

---In what `actual` differs from `expected`, and how alike they are.
---@param expected llmspell.Storable
---@param actual llmspell.Storable
---@return llmspell.ReplayComparison
function ReplayComparator:compare_json(expected, actual) end

---In what `actual` differs from `expected`, and how alike they are.
---
---The same as `ReplayComparator.compare_json`.
---@param expected llmspell.Storable
---@param actual llmspell.Storable
---@return llmspell.ReplayComparison
function ReplayComparator:compareJson(expected, actual) end

---When replays run. Its text is what `llmspell session replay --schedule` takes.
---@class llmspell.ReplaySchedule
local ReplaySchedule = {}

---once, interval or cron.
---@return string
function ReplaySchedule:type_name() end

---once, interval or cron.
---
---The same as `ReplaySchedule.type_name`.
---@return string
function ReplaySchedule:typeName() end

---When it is due after a time, as RFC 3339 text, or nothing when it is not due any more.
---
---It counts from `started`, by default that same time, and from how many times it ran since.
---@param time llmspell.Moment
---@param started? llmspell.Moment
---@param runs? integer default: 0
---@return string?
function ReplaySchedule:next_after(time, started, runs) end

---When it is due after a time, as RFC 3339 text, or nothing when it is not due any more.
---
---The same as `ReplaySchedule.next_after`.
---@param time llmspell.Moment
---@param started? llmspell.Moment
---@param runs? integer default: 0
---@return string?
function ReplaySchedule:nextAfter(time, started, runs) end

---Options of `Replay.create_config`.
---@class (exact) Replay.create_config.Options
---@field from? llmspell.Moment
---@field to? llmspell.Moment
---@field hook_filter? string
---@field hookFilter? string
---@field compare? boolean
---@field stop_on_error? boolean default: false
---@field stopOnError? boolean default: false
---@field timeout? number default: 30.0

---Options of `Replay.run_scheduled`.
---@class (exact) Replay.run_scheduled.Options
---@field max_runs? integer
---@field maxRuns? integer

---The toolbox of replays: configurations, modifications, schedules, and a comparator of values.
---@class Replay
Replay = {}

---A configuration; the options are those of `Session.replay`.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param mode? llmspell.ReplayModeName|llmspell.ReplayMode default: "exact"
---@param options? Replay.create_config.Options
---@return llmspell.ReplayConfig
function Replay.create_config(mode, options) end

---A configuration; the options are those of `Session.replay`.
---
---The same as `Replay.create_config`.
---@param mode? llmspell.ReplayModeName|llmspell.ReplayMode default: "exact"
---@param options? Replay.create_config.Options
---@return llmspell.ReplayConfig
function Replay.createConfig(mode, options) end

---A modification, to be added to configurations.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param path string
---@param value? llmspell.Storable
---@param enabled? boolean default: true
---@return llmspell.ReplayModification
function Replay.create_modification(path, value, enabled) end

---A modification, to be added to configurations.
---
---The same as `Replay.create_modification`.
---@param path string
---@param value? llmspell.Storable
---@param enabled? boolean default: true
---@return llmspell.ReplayModification
function Replay.createModification(path, value, enabled) end

---A comparator of values.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@return llmspell.ReplayComparator
function Replay.create_comparator() end

---A comparator of values.
---
---The same as `Replay.create_comparator`.
---@return llmspell.ReplayComparator
function Replay.createComparator() end

---Replay a session, as `Session.replay` does.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id string
---@param config? llmspell.ReplayConfig
---@return llmspell.ReplayResult
function Replay.run(session_id, config) end

---Replay a session whenever the schedule says, and wait meanwhile; the results.
---
---A schedule without an end needs `max_runs`.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param session_id string
---@param schedule llmspell.ReplaySchedule
---@param config? llmspell.ReplayConfig
---@param options? Replay.run_scheduled.Options
---@return llmspell.ReplayResult[]
function Replay.run_scheduled(session_id, schedule, config, options) end

---Replay a session whenever the schedule says, and wait meanwhile; the results.
---
---The same as `Replay.run_scheduled`.
---@param session_id string
---@param schedule llmspell.ReplaySchedule
---@param config? llmspell.ReplayConfig
---@param options? Replay.run_scheduled.Options
---@return llmspell.ReplayResult[]
function Replay.runScheduled(session_id, schedule, config, options) end

---The modes of replays, as objects: where one is taken, its name may stand.
---@class Replay.modes
Replay.modes = {}

---With the recorded inputs.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@type llmspell.ReplayMode
Replay.modes.exact = nil

---With modifications of the inputs.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@type llmspell.ReplayMode
Replay.modes.modified = nil

---With or without modifications, and without comparing.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@type llmspell.ReplayMode
Replay.modes.simulate = nil

---As exact, with every step in the result.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@type llmspell.ReplayMode
Replay.modes.debug = nil

---Schedules for `Replay.run_scheduled` and for `llmspell session replay --schedule`.
---@class Replay.schedules
Replay.schedules = {}

---One run, after so many seconds.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param delay? number default: 0.0
---@return llmspell.ReplaySchedule
function Replay.schedules.once(delay) end

---A run after `initial` seconds and then every `every` seconds, at most `max` of them. Runs do not pile up.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param initial number
---@param every number
---@param max? integer
---@return llmspell.ReplaySchedule
function Replay.schedules.interval(initial, every, max) end

---Runs at the times of a cron expression (minute, hour, day of month, month, day of week), in a time zone.
---
---Absent unless the configuration sets `[runtime.sessions] enabled`.
---@param text string
---@param zone? string default: "UTC"
---@return llmspell.ReplaySchedule
function Replay.schedules.cron(text, zone) end

---Options of `JSON.stringify`.
---@class (exact) JSON.stringify.Options
---@field indent? integer default: 0

---JSON text to values and back. Lists and null keep their identity: see `JSON.array` and `JSON.null`.
---@class JSON
JSON = {}

---Marks a table as a list, so that it stays one when it is empty, and returns it; without a table, a new list.
---@type fun(list?: table): table
JSON.array = nil

---The value that stands for null where nil would leave a hole: inside lists and in the fields of objects.
---@type table
JSON.null = nil

---The value of a JSON text.
---
---Numbers with a fraction or an exponent become floats, others integers of 64 bits; null inside a list becomes
---JSON.null, and as a field's value it is absent. Raises bad_value when the text is not JSON.
---@param text string
---@return llmspell.Value
function JSON.parse(text) end

---The JSON text of a value, with sorted keys; with `indent`, on several lines, each level that many spaces in.
---
---Raises bad_value for bytes that are no text, which JSON cannot say.
---@param value llmspell.Storable
---@param options? JSON.stringify.Options
---@return string
function JSON.stringify(value, options) end

---A structured log on standard error: one line a call, as text or, with `--log-format json`, as JSON.
---@class Log
Log = {}

---Log what helps to find a mistake; shown with `--verbose` only.
---@param message string
---@param fields? table<string, llmspell.Storable>
function Log.debug(message, fields) end

---Log what happens in the normal course.
---@param message string
---@param fields? table<string, llmspell.Storable>
function Log.info(message, fields) end

---Log what someone should look at.
---@param message string
---@param fields? table<string, llmspell.Storable>
function Log.warn(message, fields) end

---Log a failure.
---@param message string
---@param fields? table<string, llmspell.Storable>
function Log.error(message, fields) end

---Writes the values to standard output, tables and objects readably, and ends the line.
---@type fun(...: any)
print = nil

---The script's arguments.
---@type string[]
args = nil

---The script's arguments, as Lua has them: `arg[0]` is the script's path.
---@type table<integer, string>
arg = nil

---The result of a Lua file beside the script or in `package_paths`, run once. Needs file access granted for it.
---@type fun(name: string): any
require = nil

---Wait that many seconds; fractions count. Ctrl-C and time limits end it at once.
---@param seconds number
function sleep(seconds) end
