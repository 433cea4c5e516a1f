// The globals that llmspell gives to JavaScript. Generated from their declarations by `make generate`.
// To check scripts with it, put this into tsconfig.json or jsconfig.json:
//   {
//     "compilerOptions": {
//       "strict": true, "noEmit": true, "allowJs": true, "target": "es2023", "module": "esnext",
//       "moduleDetection": "force", "lib": ["es2023"], "types": []
//     },
//     "include": ["types/llmspell.d.ts", "scripts"]
//   }
// "lib" without "dom", and "types" empty: a script has neither a browser nor Node around it.

declare namespace llmspell {
  /** Any value that was stored. */
  type Value =
    | null | boolean | number | bigint | string | Uint8Array
    | Value[] | { [key: string]: Value };

  /** `T`, when it can be stored: no function, symbol, promise, Date, RegExp, Map or Set in it, no undefined in a list. */
  type Storable<T> = T & Stored<T>;

  type Stored<T> =
    T extends Value ? T
    : T extends Unstorable ? "cannot be stored"
    : T extends { toJSON(): unknown } ? T
    : T extends readonly unknown[] ? { [K in keyof T]: Stored<T[K]> }
    : T extends object ? { [K in keyof T]: Stored<Exclude<T[K], undefined>> | Extract<T[K], undefined> }
    : never;

  type Unstorable =
    | ((...values: never[]) => unknown) | symbol | PromiseLike<unknown> | Date | RegExp
    | ReadonlyMap<any, any> | ReadonlySet<any>;

  /** What a function given to the host may return: a value that can be stored, or nothing; no promise. */
  type Returned<T> = T & (T extends void ? unknown : Stored<T>);

  /** What comes back of it: nothing comes back as null. */
  type Outcome<T> = T extends void ? null : T;

  /** What went wrong: the same code in every language. */
  type ErrorCode =
    /** An argument of the wrong type or out of range, an unknown option, or wrong use of the command line (exit 2). */
    | "bad_argument"
    /** A value that cannot be stored exactly: NaN, a function, a cycle, a float key, nesting deeper than 128. */
    | "bad_value"
    /** A value above `max_value_bytes`. */
    | "value_too_large"
    /** A scope text that is empty, too long, or has a control character. */
    | "invalid_scope"
    /** A key that is empty, too long, reserved, or has a control character. */
    | "invalid_key"
    /** Something the caller said must exist does not. */
    | "not_found"
    /** Another writer was first: the version is not the one the caller named. */
    | "conflict"
    /** The principal or the sandbox may not do this. */
    | "access_denied"
    /** A write to a frozen global, or to a store that was opened for reading. */
    | "read_only"
    /** A hook stopped the operation. */
    | "cancelled"
    /** A time limit was reached; what was unfinished is undone. */
    | "timeout"
    /** A memory, instruction, count or rate limit was reached. */
    | "limit_exceeded"
    /** A session was asked for a step its status does not allow. */
    | "invalid_transition"
    /** The store could not be opened, read or written. */
    | "storage"
    /** Stored bytes do not match their checksum or their format. */
    | "corrupt"
    /** The disk, the quota or the map is full; nothing was changed. */
    | "storage_full"
    /** Another process kept the store locked for too long. */
    | "storage_busy"
    /** A document or a schema breaks a rule; the message names path and rule. */
    | "schema"
    /** A migration failed and was undone. */
    | "migration"
    /** A backup could not be made, read or restored. */
    | "backup"
    /** The key is missing or wrong. */
    | "encryption"
    /** The configuration is missing, broken, or asks for something impossible. */
    | "config"
    /** The configuration switches on, or a script uses, a part that is off or is not built yet. */
    | "not_enabled"
    /** Ctrl-C or a termination signal ended the script. */
    | "interrupted"
    /** A bug of ours; its traceback is in the log. */
    | "internal"
    /** A script's own error, or a mistake in its text, that nothing caught. */
    | "script";

  /** How a value is kept: ephemeral in memory only, trusted without hooks and validation, external with strict validation. */
  type StateClass = "ephemeral" | "trusted" | "standard" | "sensitive" | "external";

  /** A value with what is known about it. Times are RFC 3339 text in UTC. */
  interface StateEntry<T = Value> {
    value: T;
    version: number;
    created_at: string;
    updated_at: string;
    expires_at?: string;
    class: string;
    schema_version: string;
  }

  /** A key with its value. */
  interface StatePair<T = Value> {
    key: string;
    value: T;
  }

  /** One change of one key. `op` is save, delete or expire; `value` is there when it was a save. */
  interface StateRevision<T = Value> {
    version: number;
    at: string;
    op: string;
    value?: T;
    correlation_id: string;
  }

  /** One key that a commit changed. */
  interface StateChange {
    version: number;
    at: string;
    op: string;
    scope: string;
    key: string;
    correlation_id: string;
  }

  /** Changes, oldest first; `next` is the `since` of the next call. */
  interface StateChanges {
    changes: StateChange[];
    next: string | number;
  }

  /**
   * What this run has done so far. Latencies are of a sample of the loads and saves.
   *
   * `hooks`: registered, executions, failures, cancelled, switched_off (by their circuit breakers), waiting and dropped (in the
   * background); empty while there are no hooks.
   */
  interface StateMetrics {
    reads: number;
    writes: number;
    deletes: number;
    ops_per_second: number;
    avg_latency_us: number;
    p99_latency_us: number;
    cache_hit_rate: number;
    hooks: { [key: string]: number };
  }

  /** How a migration ended. A failed one has changed nothing. */
  type MigrationStatus = "completed" | "already_current" | "dry_run" | "failed" | "rolled_back";

  /** What became of a migration. `error` and `code` are there when it failed; `items_skipped` is explained by `warnings`. */
  interface MigrationResult {
    success: boolean;
    status: MigrationStatus;
    from_version: string;
    to_version: string;
    current_version?: string;
    items_migrated: number;
    items_skipped: number;
    duration_ms: number;
    migration_id?: string;
    backup_id?: string;
    plan_hash?: string;
    warnings: string[];
    errors: string[];
    error?: string;
    code?: string;
    hint?: string;
  }

  /** A document before and after; without `after`, `error` says why it cannot be migrated. */
  interface MigrationSample {
    scope: string;
    key: string;
    before?: Value;
    after?: Value;
    error?: string;
  }

  /** What a migration would do. `counts` has documents, to_migrate, already_current, newer and not_covered. */
  interface MigrationPlan<T = Value> {
    to_version: string;
    steps: T[];
    counts: { [key: string]: number };
    samples: MigrationSample[];
    warnings: string[];
    plan_hash: string;
  }

  /**
   * Where the documents are. `pending` counts those that a migration to the latest version would take along.
   *
   * `unfinished` is the id of a migration whose process died: the next one to the same version resumes it.
   */
  interface MigrationState {
    current_version: string;
    latest_version?: string;
    is_latest: boolean;
    total_schemas: number;
    migration_available: boolean;
    migration_targets: string[];
    pending: number;
    unfinished?: string;
    error?: string;
  }

  /** One migration that ended. `checksum` stands for the steps that ran. */
  interface MigrationRecord {
    migration_id: string;
    from_version: string;
    to_version: string;
    status: MigrationStatus;
    started_at: string;
    finished_at: string;
    items_migrated: number;
    items_skipped: number;
    scope?: string;
    key?: string;
    checksum: string;
    plan_hash: string;
    backup_id?: string;
    error?: string;
    code?: string;
  }

  /**
   * One backup. `size_bytes` is what it takes in the folder, `entry_count` the values in it: of an incremental one those
   * that changed. `checksum` is that of its manifest, and so of all. `created_at` is in Unix seconds. When it failed, there are
   * only `success`, `error` and `code`.
   */
  interface BackupResult {
    success: boolean;
    backup_id?: string;
    id?: string;
    type?: string;
    is_incremental?: boolean;
    parent_id?: string;
    size_bytes?: number;
    entry_count?: number;
    created_at?: number;
    duration_ms?: number;
    checksum?: string;
    description?: string;
    scopes?: string[];
    is_encrypted?: boolean;
    compression?: string;
    warnings?: string[];
    error?: string;
    code?: string;
  }

  /** What was found about a backup. `errors` say what is damaged and which entries that affects. */
  interface BackupValidation {
    is_valid: boolean;
    checksum_valid?: boolean;
    integrity_valid?: boolean;
    chain_valid?: boolean;
    backup_id?: string;
    errors?: string[];
    warnings?: string[];
    success?: boolean;
    error?: string;
    code?: string;
  }

  /** What a restore did: the values that are there now because of it, and those removed because they came later. */
  interface BackupRestore {
    success: boolean;
    backup_id?: string;
    restored_count?: number;
    removed_count?: number;
    safety_backup_id?: string;
    duration_ms?: number;
    dry_run?: boolean;
    error?: string;
    code?: string;
  }

  /**
   * What the backups take. `total_size` are the bytes of the listed backups, `stored_size` those of all files in the
   * folder. Times are Unix seconds, absent without backups.
   */
  interface BackupUsage {
    total_backups?: number;
    total_size?: number;
    full_backups?: number;
    incremental_backups?: number;
    oldest_backup?: number;
    newest_backup?: number;
    stored_size?: number;
    success?: boolean;
    error?: string;
    code?: string;
  }

  /** Whether a backup stays, and why. */
  interface BackupDecision {
    backup_id: string;
    keep: boolean;
    reason: string;
  }

  /** What a cleanup did, or would do. `space_freed` is in bytes. */
  interface BackupCleanup {
    success: boolean;
    dry_run?: boolean;
    deleted_count?: number;
    retained_count?: number;
    space_freed?: number;
    decisions?: BackupDecision[];
    warnings?: string[];
    error?: string;
    code?: string;
  }

  /** Options of `State.save`. */
  interface StateSaveOptions {
    ttl?: number | null;
    class?: StateClass | null;
    if_version?: number | null;
    /** The same as `if_version`. */
    ifVersion?: number | null;
  }

  /** Options of `State.load`. */
  interface StateLoadOptions<T = Value> {
    default?: T | null;
    at?: string | number | null;
  }

  /** Options of `State.delete`. */
  interface StateDeleteOptions {
    if_version?: number | null;
    /** The same as `if_version`. */
    ifVersion?: number | null;
  }

  /** Options of `State.list_keys`. */
  interface StateListKeysOptions {
    /** Default: "". */
    prefix?: string | null;
    after?: string | null;
    limit?: number | null;
    /** Default: false. */
    reverse?: boolean | null;
  }

  /** Options of `State.list`. */
  interface StateListOptions {
    /** Default: "". */
    prefix?: string | null;
    after?: string | null;
    limit?: number | null;
    /** Default: false. */
    reverse?: boolean | null;
  }

  /** Options of `State.list_scopes`. */
  interface StateListScopesOptions {
    /** Default: "". */
    prefix?: string | null;
  }

  /** Options of `State.count`. */
  interface StateCountOptions {
    /** Default: "". */
    prefix?: string | null;
  }

  /** Options of `State.clear`. */
  interface StateClearOptions {
    /** Default: "". */
    prefix?: string | null;
  }

  /** Options of `State.history`. */
  interface StateHistoryOptions {
    limit?: number | null;
    since?: string | number | null;
  }

  /** Options of `State.changes`. */
  interface StateChangesOptions {
    /** Default: 0. */
    since?: string | number | null;
    scope?: string | null;
    /** Default: "". */
    prefix?: string | null;
    limit?: number | null;
    timeout?: number | null;
    correlation_id?: string | null;
    /** The same as `correlation_id`. */
    correlationId?: string | null;
  }

  /** Options of `State.plan_migration`. */
  interface StatePlanMigrationOptions {
    scope?: string | null;
  }

  /** Options of `State.create_backup`. */
  interface StateCreateBackupOptions {
    /** Default: "". */
    description?: string | null;
    scopes?: readonly string[] | null;
  }

  /** Options of `State.list_backups`. */
  interface StateListBackupsOptions {
    limit?: number | null;
  }

  /** Options of `State.validate_backup`. */
  interface StateValidateBackupOptions {
    /** Default: false. */
    restore_test?: boolean | null;
    /** The same as `restore_test`. */
    restoreTest?: boolean | null;
  }

  /** Options of `State.restore_backup`. */
  interface StateRestoreBackupOptions {
    scope?: string | null;
    /** Default: false. */
    dry_run?: boolean | null;
    /** The same as `dry_run`. */
    dryRun?: boolean | null;
    /** Default: true. */
    verify?: boolean | null;
    /** Default: true. */
    backup_first?: boolean | null;
    /** The same as `backup_first`. */
    backupFirst?: boolean | null;
  }

  /**
   * The durable state: values under keys, in scopes that are isolated from each other.
   *
   * A scope is a text: `global`, `system`, `agent:<id>`, `user:<id>`, `session:<id>`, `workflow:<id>`,
   * `step:<workflow>:<step>`, `tool:<name>`, `hook:<name>`, `custom:<name>`; any other name is a custom scope. A key is 1 to
   * 256 bytes of UTF-8 without control characters, not beginning with `__`. A call that has returned is on disk, unless the
   * configuration groups writes (`flush_every_ms`). Expired values are absent everywhere.
   *
   * Documents follow their schema: a schema is registered with a version, its fields, and how documents of earlier
   * versions become its own; `migrate` takes the stored documents along. `docs/migrations.md` has the rules.
   *
   * With backups enabled, `State` can back up all that the runtime holds, and put it back.
   *
   * A backup is one consistent snapshot, taken while others write; ephemeral values are not in it. What goes wrong comes back as
   * a result with `success = false`, `error` and `code`; wrong arguments raise.
   */
  interface StateGlobal {
    /**
     * Save a value; null (nil) deletes it.
     *
     * `ttl` is in seconds; a save without it ends an expiry. `if_version` saves only when the value has that version, 0
     * when there is none; otherwise it raises `conflict`.
     */
    save<TValue>(scope: string, key: string, value: Storable<TValue>, options?: StateSaveOptions | null): void;

    /**
     * The value, or `default` (null) when there is none.
     *
     * With `at`, the value that was there at a version or a time, as far back as the journal reaches.
     */
    load<T = Value>(scope: string, key: string, options: StateLoadOptions<T> & { default: T }): T;

    /**
     * The value, or `default` (null) when there is none.
     *
     * With `at`, the value that was there at a version or a time, as far back as the journal reaches.
     */
    load<T = Value>(scope: string, key: string, options?: StateLoadOptions<T> | null): T | null;

    /** The value with its version, times, class and schema version, or null. */
    entry<T = Value>(scope: string, key: string): StateEntry<T> | null;

    /** Delete a value; whether it was there. With `if_version`, only that version, else `conflict`. */
    delete(scope: string, key: string, options?: StateDeleteOptions | null): boolean;

    /** Whether there is a value. */
    exists(scope: string, key: string): boolean;

    /** The keys in byte order, or reversed; only those with `prefix`, after the key `after`, at most `limit`. */
    list_keys(scope: string, options?: StateListKeysOptions | null): string[];

    /**
     * The keys in byte order, or reversed; only those with `prefix`, after the key `after`, at most `limit`.
     *
     * The same as `State.list_keys`.
     */
    listKeys: StateGlobal["list_keys"];

    /** The keys with their values, as `list_keys` would give them. */
    list<T = Value>(scope: string, options?: StateListOptions | null): StatePair<T>[];

    /** The scopes that hold something. */
    list_scopes(options?: StateListScopesOptions | null): string[];

    /**
     * The scopes that hold something.
     *
     * The same as `State.list_scopes`.
     */
    listScopes: StateGlobal["list_scopes"];

    /** How many values a scope holds. */
    count(scope: string, options?: StateCountOptions | null): number;

    /** Delete every value of a scope, in one commit; how many there were. */
    clear(scope: string, options?: StateClearOptions | null): number;

    /**
     * Add to a number and return the sum; a missing one counts as 0. Atomic across processes.
     *
     * Integers stay integers. Raises `bad_value` when the value is no number or the sum leaves 64 bits; nothing changes
     * then. An expiry stays.
     *
     * @param by - Default: 1.
     */
    increment(scope: string, key: string, by?: number | null): number;

    /**
     * Save what `fn(current)` returns; null (nil) deletes. Returns the new value.
     *
     * Atomic across processes: nobody else writes while `fn` runs, so keep it short; it is bounded by
     * `transaction_timeout_ms`.
     */
    update<T = Value>(scope: string, key: string, fn: (...values: any[]) => Returned<T>): Outcome<T>;

    /**
     * Run `fn()`; all changes in it commit together, or none of them when it raises. Returns what `fn` returned.
     *
     * Reads see the transaction's own writes. A transaction inside another is a savepoint: what fails in it and is caught
     * undoes the inner part alone. Nobody else writes while it runs; it is bounded by `transaction_timeout_ms`.
     */
    transaction<T = Value>(fn: (...values: any[]) => Returned<T>): Outcome<T>;

    /** The changes of one key, newest first, as far back as the journal reaches; `since` is a version or a time. */
    history<T = Value>(scope: string, key: string, options?: StateHistoryOptions | null): StateRevision<T>[];

    /**
     * The changes after the version or time `since`, oldest first, of all scopes or one, of all correlations or one.
     *
     * With `timeout` seconds it waits for the first change, also by another process. Pass the result's `next` as `since`
     * to go on.
     */
    changes(options?: StateChangesOptions | null): StateChanges;

    /** After it everything saved so far is on disk. */
    flush(): void;

    /** Counts, rates and latencies of this run. */
    metrics(): StateMetrics;

    /**
     * Register a schema; its version as text.
     *
     * The table has `version`, `fields`, and optionally `scope` and `key` (patterns with `*`), `compatibility`, `additional`
     * and `migration_path`. Registering the same again changes nothing; the same version with other content is
     * `conflict`. A schema that is wrong, or breaks its compatibility, is `schema`, naming field and rule. Functions in it
     * are not stored: register the schema again in each run that migrates with them.
     *
     * Absent unless the configuration sets `[state.migration] enabled`.
     */
    register_schema(schema: object): string;

    /**
     * Register a schema; its version as text.
     *
     * The same as `State.register_schema`.
     */
    registerSchema: StateGlobal["register_schema"];

    /**
     * Take documents to a version: `migrate(version)`, `migrate(scope, key, version)`, or `migrate({…})`.
     *
     * With the version alone, every document that its schema covers, and new saves get that version. The options are
     * `to_version`, `from_version`, `scope`, `key` (patterns with `*`), `dry_run`, `plan_hash` and `transformations`. A
     * document that fails stops it and everything is put back: the result has `error` and `code`. What a crash left is
     * resumed by the next call to the same version. It cannot run inside a transaction.
     *
     * Absent unless the configuration sets `[state.migration] enabled`.
     */
    migrate<TVersion>(target: string | number | object, key?: string | null, version?: Storable<TVersion> | null): MigrationResult;

    /**
     * What `migrate` to a version would do, with three documents before and after. Nothing is changed.
     *
     * The `plan_hash` given to `migrate` makes it fail when documents or schemas have changed since. Instead of the
     * version, the options of `migrate` may be given.
     *
     * Absent unless the configuration sets `[state.migration] enabled`.
     */
    plan_migration<T = Value>(version: string | number | object, options?: StatePlanMigrationOptions | null): MigrationPlan<T>;

    /**
     * What `migrate` to a version would do, with three documents before and after. Nothing is changed.
     *
     * The same as `State.plan_migration`.
     */
    planMigration: StateGlobal["plan_migration"];

    /**
     * Put every document back as it was before the unfinished migration, or the last one that completed.
     *
     * Exact, byte for byte. A document that was changed or deleted since is left alone and counted in `items_skipped`.
     *
     * Absent unless the configuration sets `[state.migration] enabled`.
     */
    rollback_migration(migration_id?: string | null): MigrationResult;

    /**
     * Put every document back as it was before the unfinished migration, or the last one that completed.
     *
     * The same as `State.rollback_migration`.
     */
    rollbackMigration: StateGlobal["rollback_migration"];

    /**
     * The current and the latest version, and what is to be done.
     *
     * Absent unless the configuration sets `[state.migration] enabled`.
     */
    migration_status(): MigrationState;

    /**
     * The current and the latest version, and what is to be done.
     *
     * The same as `State.migration_status`.
     */
    migrationStatus: StateGlobal["migration_status"];

    /**
     * The registered versions, ascending.
     *
     * Absent unless the configuration sets `[state.migration] enabled`.
     */
    schema_versions(): string[];

    /**
     * The registered versions, ascending.
     *
     * The same as `State.schema_versions`.
     */
    schemaVersions: StateGlobal["schema_versions"];

    /**
     * The migrations that ended, newest first, the last 1000.
     *
     * Absent unless the configuration sets `[state.migration] enabled`.
     */
    migration_history(): MigrationRecord[];

    /**
     * The migrations that ended, newest first, the last 1000.
     *
     * The same as `State.migration_history`.
     */
    migrationHistory: StateGlobal["migration_history"];

    /**
     * Make a backup: "full", "incremental", or a boolean that says whether it is incremental.
     *
     * An incremental one holds what has changed since the newest backup, and is full when there is none. `scopes` limits a full
     * backup to the values of some scopes. Its text form is its id.
     *
     * Absent unless the configuration sets `[state.backup] enabled`.
     *
     * @param kind - Default: "full".
     */
    create_backup<TKind>(kind?: Storable<TKind> | null, options?: StateCreateBackupOptions | null): BackupResult;

    /**
     * Make a backup: "full", "incremental", or a boolean that says whether it is incremental.
     *
     * The same as `State.create_backup`.
     */
    createBackup: StateGlobal["create_backup"];

    /**
     * All backups, newest first.
     *
     * Absent unless the configuration sets `[state.backup] enabled`.
     */
    list_backups(options?: StateListBackupsOptions | null): BackupResult[];

    /**
     * All backups, newest first.
     *
     * The same as `State.list_backups`.
     */
    listBackups: StateGlobal["list_backups"];

    /**
     * Read every byte of a backup and of all that it builds on; with `restore_test`, restore it into a scratch store too.
     *
     * Absent unless the configuration sets `[state.backup] enabled`.
     */
    validate_backup(backup: string | BackupResult, options?: StateValidateBackupOptions | null): BackupValidation;

    /**
     * Read every byte of a backup and of all that it builds on; with `restore_test`, restore it into a scratch store too.
     *
     * The same as `State.validate_backup`.
     */
    validateBackup: StateGlobal["validate_backup"];

    /**
     * Make the state what it was in a backup: all of it, or the values of one scope; keys that came later go.
     *
     * All or nothing. First a safety backup of the present state is made, unless there is none; its id is in the result.
     *
     * Absent unless the configuration sets `[state.backup] enabled`.
     */
    restore_backup(backup: string | BackupResult, options?: StateRestoreBackupOptions | null): BackupRestore;

    /**
     * Make the state what it was in a backup: all of it, or the values of one scope; keys that came later go.
     *
     * The same as `State.restore_backup`.
     */
    restoreBackup: StateGlobal["restore_backup"];

    /**
     * What the backups take.
     *
     * Absent unless the configuration sets `[state.backup] enabled`.
     */
    get_storage_usage(): BackupUsage;

    /**
     * What the backups take.
     *
     * The same as `State.get_storage_usage`.
     */
    getStorageUsage: StateGlobal["get_storage_usage"];

    /**
     * Remove the backups that the configured policy gives up. A dry run decides the same and removes nothing.
     *
     * Absent unless the configuration sets `[state.backup] enabled`.
     *
     * @param dry_run - Default: false.
     */
    cleanup_backups(dry_run?: boolean | null): BackupCleanup;

    /**
     * Remove the backups that the configured policy gives up. A dry run decides the same and removes nothing.
     *
     * The same as `State.cleanup_backups`.
     */
    cleanupBackups: StateGlobal["cleanup_backups"];
  }

  /** What a session is: active or suspended, or ended as completed or failed, or archived after that. */
  type SessionStatus = "active" | "suspended" | "completed" | "failed" | "archived";

  /**
   * A session. Times are RFC 3339 text in UTC; `metadata` is the same as `custom_metadata`.
   *
   * `failure_reason` says why it failed, or why it was suspended when its time was over. `operation_count` counts changes of the
   * state and of artifacts that were recorded under it.
   */
  interface SessionInfo {
    id: string;
    name: string;
    description: string;
    tags: string[];
    status: SessionStatus;
    created_at: string;
    updated_at: string;
    ended_at?: string;
    parent_session_id?: string;
    custom_metadata: { [key: string]: Value };
    metadata: { [key: string]: Value };
    artifact_count: number;
    artifact_bytes: number;
    operation_count: number;
    checkpoint_count: number;
    created_by: string;
    failure_reason?: string;
    correlation_id: string;
  }

  /** A status of sessions, or all of them. */
  type SessionFilter = "active" | "suspended" | "completed" | "failed" | "archived" | "all";

  /** What sessions can be sorted by. */
  type SessionOrder = "created_at" | "updated_at" | "name" | "artifact_count" | "operation_count";

  /** A moment of a session that it can be put back to. `version` is that of the store. */
  interface SessionCheckpoint {
    checkpoint_id: string;
    label: string;
    version: number;
    created_at: string;
  }

  /** What is recorded of a session for replay. Times are RFC 3339 text, `total_duration` is what the hooks took, in seconds. */
  interface ReplayMetadata {
    session_id: string;
    correlation_id: string;
    total_hooks: number;
    first_hook_timestamp?: string;
    last_hook_timestamp?: string;
    total_duration: number;
    can_replay: boolean;
  }

  /**
   * How a session is replayed.
   *
   * exact: with the recorded inputs. modified: with modifications of them. simulate: with or without modifications, and without
   * comparing. debug: as exact, with every step in `metadata.steps`.
   */
  type ReplayModeName = "exact" | "modified" | "simulate" | "debug";

  /** A mode of replays. Its text is its name. */
  interface ReplayMode {
    /** Its name: exact, modified, simulate or debug. */
    name(): ReplayModeName;
  }

  /** A difference between what a hook said when it was recorded and what a hook of now said; `path` leads into the result. */
  interface ReplayFinding {
    path: string;
    description: string;
    severity: string;
    seq: number;
    point: string;
    hook: string;
  }

  /**
   * What a replay did. `hooks_replayed` are recorded executions that were run again: well (`successful_replays`), or so that a
   * hook failed or none was there any more (`failed_replays`). `total_duration` is in seconds.
   *
   * `metadata` has `mode`; `recorded`, how many executions there were to replay; `without_hook`; `modified`, how many contexts
   * were; `identical`, whether all were replayed well and nothing differed; `stopped`, "error" or "timeout" when it ended early;
   * and in debug mode `steps`, each `{seq, point, hook, input, recorded_output, output, error, duration_ms}`.
   */
  interface ReplayResult {
    session_id: string;
    correlation_id: string;
    start_time: string;
    total_duration: number;
    hooks_replayed: number;
    successful_replays: number;
    failed_replays: number;
    differences: ReplayFinding[];
    metadata: { [key: string]: Value };
  }

  /** Options of `Session.create`. */
  interface SessionCreateOptions<TMetadata extends object = any> {
    /** Default: "". */
    name?: string | null;
    /** Default: "". */
    description?: string | null;
    tags?: readonly string[] | null;
    metadata?: Storable<TMetadata> | null;
    parent_session_id?: string | null;
    /** The same as `parent_session_id`. */
    parentSessionId?: string | null;
    max_duration?: number | null;
    /** The same as `max_duration`. */
    maxDuration?: number | null;
    max_idle_time?: number | null;
    /** The same as `max_idle_time`. */
    maxIdleTime?: number | null;
    max_artifacts?: number | null;
    /** The same as `max_artifacts`. */
    maxArtifacts?: number | null;
    max_artifact_bytes?: number | null;
    /** The same as `max_artifact_bytes`. */
    maxArtifactBytes?: number | null;
    max_operations?: number | null;
    /** The same as `max_operations`. */
    maxOperations?: number | null;
    max_rate?: number | null;
    /** The same as `max_rate`. */
    maxRate?: number | null;
    /** Default: "". */
    created_by?: string | null;
    /** The same as `created_by`. */
    createdBy?: string | null;
  }

  /** Options of `Session.update`. */
  interface SessionUpdateOptions<TMetadata extends object = any> {
    name?: string | null;
    description?: string | null;
    tags?: readonly string[] | null;
    metadata?: Storable<TMetadata> | null;
    max_duration?: number | null;
    /** The same as `max_duration`. */
    maxDuration?: number | null;
    max_idle_time?: number | null;
    /** The same as `max_idle_time`. */
    maxIdleTime?: number | null;
    max_artifacts?: number | null;
    /** The same as `max_artifacts`. */
    maxArtifacts?: number | null;
    max_artifact_bytes?: number | null;
    /** The same as `max_artifact_bytes`. */
    maxArtifactBytes?: number | null;
    max_operations?: number | null;
    /** The same as `max_operations`. */
    maxOperations?: number | null;
    max_rate?: number | null;
    /** The same as `max_rate`. */
    maxRate?: number | null;
  }

  /** Options of `Session.list`. */
  interface SessionListOptions {
    status?: SessionFilter | null;
    tags?: readonly string[] | null;
    name?: string | null;
    parent_session_id?: string | null;
    /** The same as `parent_session_id`. */
    parentSessionId?: string | null;
    created_after?: string | number | null;
    /** The same as `created_after`. */
    createdAfter?: string | number | null;
    created_before?: string | number | null;
    /** The same as `created_before`. */
    createdBefore?: string | number | null;
    text?: string | null;
    /** Default: "created_at". */
    sort_by?: SessionOrder | null;
    /** The same as `sort_by`. */
    sortBy?: SessionOrder | null;
    /** Default: false. */
    descending?: boolean | null;
    limit?: number | null;
    /** Default: 0. */
    offset?: number | null;
  }

  /** Options of `Session.delete`. */
  interface SessionDeleteOptions {
    /** Default: false. */
    force?: boolean | null;
  }

  /** Options of `Session.save`. */
  interface SessionSaveOptions {
    /** Default: "". */
    label?: string | null;
  }

  /** Options of `Session.load`. */
  interface SessionLoadOptions {
    checkpoint?: string | SessionCheckpoint | null;
  }

  /** Options of `Session.fork`. */
  interface SessionForkOptions {
    checkpoint?: string | SessionCheckpoint | null;
    name?: string | null;
  }

  /** Options of `Session.timeline`. */
  interface SessionTimelineOptions {
    kinds?: readonly string[] | null;
    /** Default: 0. */
    since?: number | null;
    limit?: number | null;
  }

  /** Options of `Session.replay`. */
  interface SessionReplayOptions {
    /** Default: "exact". */
    mode?: ReplayModeName | ReplayMode | null;
    from?: string | number | null;
    to?: string | number | null;
    hook_filter?: string | null;
    /** The same as `hook_filter`. */
    hookFilter?: string | null;
    modifications?: unknown | null;
    compare?: boolean | null;
    /** Default: false. */
    stop_on_error?: boolean | null;
    /** The same as `stop_on_error`. */
    stopOnError?: boolean | null;
    /** Default: 30.0. */
    timeout?: number | null;
  }

  /**
   * Sessions: units of work with a status, a timeline of what happened in them, and checkpoints to go back to.
   *
   * A session has the scope `session:<id>` of `State` to itself. While one is current (`set_current`), changes of the state and
   * of artifacts, hooks and events are recorded in its timeline, in the same commit, and carry its correlation id. A session that
   * is over its time (`max_duration`, `max_idle_time`) is suspended; `resume` or a longer limit lets it go on. Limits that a
   * session does not have of its own are those of `[runtime.sessions]`.
   *
   * Hooks that run while a session is current are recorded, and can be replayed with the hooks of now.
   *
   * A replay changes nothing: its hooks run inside a transaction that is undone, no event that they publish reaches anybody, and
   * nothing is recorded. They see the state as it is now.
   */
  interface SessionGlobal {
    /**
     * Start a session; its id. Times are in seconds, `max_rate` is operations per second.
     *
     * Raises `limit_exceeded` when there are `max_sessions` active or suspended ones already.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    create<TMetadata extends object>(options?: SessionCreateOptions<TMetadata> | null): string;

    /**
     * A session as it is now.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    get(id: string): SessionInfo;

    /**
     * Change what is given; `metadata` is merged with what is there.
     *
     * A session that was suspended because its time was over is active again when the new limits let it go on.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    update<TMetadata extends object>(id: string, options?: SessionUpdateOptions<TMetadata> | null): void;

    /**
     * The sessions that fit all of what is given; without `status`, the active and suspended ones.
     *
     * `tags` must all be there; `name` is the whole name, `text` any part of name or description, without regard to case.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    list(options?: SessionListOptions | null): SessionInfo[];

    /**
     * Put an active session aside; it still counts towards `max_sessions`.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    suspend(id: string): void;

    /**
     * Let a suspended session go on; the times for its limits begin anew.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    resume(id: string): void;

    /**
     * End a session well. An ended session is not current any more.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    complete(id: string): void;

    /**
     * End a session, and say why.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     *
     * @param reason - Default: "".
     */
    fail(id: string, reason?: string | null): void;

    /**
     * Put a completed or failed session away: nothing about it changes any more. It can be read, forked and deleted.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    archive(id: string): void;

    /**
     * Delete a session with its scope, its checkpoints, its timeline and its artifacts.
     *
     * An active one only with `force`, else it raises `invalid_transition`.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    delete(id: string, options?: SessionDeleteOptions | null): void;

    /**
     * Make a checkpoint of a session: of what it is, of its scope and of its artifacts. What does not change is shared.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    save(id: string, options?: SessionSaveOptions | null): SessionCheckpoint;

    /**
     * The checkpoints of a session, oldest first.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    checkpoints(id: string): SessionCheckpoint[];

    /**
     * Delete a checkpoint, by id or label, and let go of what only it needed.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    delete_checkpoint(id: string, checkpoint: string | SessionCheckpoint): void;

    /**
     * Delete a checkpoint, by id or label, and let go of what only it needed.
     *
     * The same as `Session.delete_checkpoint`.
     */
    deleteCheckpoint: SessionGlobal["delete_checkpoint"];

    /**
     * The id of a session that is there; with `checkpoint` (id or label), the session is put back to it.
     *
     * In one commit its scope, its artifacts, and what it is, are what they were: a failed session is active again. The
     * timeline goes on, and other checkpoints stay. Of equal labels the newest one counts.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    load(id: string, options?: SessionLoadOptions | null): string;

    /**
     * Start a new session from another one as it is, or was at a checkpoint (id or label); its id.
     *
     * Its parent is the origin. It has the origin's values, artifacts, metadata, tags and limits, and a timeline of its own.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    fork(id: string, options?: SessionForkOptions | null): string;

    /**
     * The id of the current session, or null.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    get_current(): string | null;

    /**
     * The id of the current session, or null.
     *
     * The same as `Session.get_current`.
     */
    getCurrent: SessionGlobal["get_current"];

    /**
     * Record what happens from now on under this session; with null, under none. It ends with the script.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    set_current(id?: string | null): void;

    /**
     * Record what happens from now on under this session; with null, under none. It ends with the script.
     *
     * The same as `Session.set_current`.
     */
    setCurrent: SessionGlobal["set_current"];

    /**
     * What happened in a session, oldest first: `{seq, at, kind, correlation_id, …}`; `since` is a `seq`, exclusive.
     *
     * Kinds: session.created, .suspended, .resumed, .completed, .failed, .archived (with `reason`), checkpoint.saved, .loaded
     * (with `checkpoint_id`, `label`), state.saved, state.deleted (with `scope`, `key`, `version`), artifact.stored,
     * artifact.deleted, hook.executed (with `point`, `hook`, `duration`), event.published.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    timeline(id: string, options?: SessionTimelineOptions | null): { [key: string]: Value }[];

    /**
     * Whether hooks were recorded under a session.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    can_replay(id: string): boolean;

    /**
     * Whether hooks were recorded under a session.
     *
     * The same as `Session.can_replay`.
     */
    canReplay: SessionGlobal["can_replay"];

    /**
     * The ids of the sessions under which hooks were recorded, oldest first.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    list_replayable(): string[];

    /**
     * The ids of the sessions under which hooks were recorded, oldest first.
     *
     * The same as `Session.list_replayable`.
     */
    listReplayable: SessionGlobal["list_replayable"];

    /**
     * What is recorded of a session.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    get_replay_metadata(id: string): ReplayMetadata;

    /**
     * What is recorded of a session.
     *
     * The same as `Session.get_replay_metadata`.
     */
    getReplayMetadata: SessionGlobal["get_replay_metadata"];

    /**
     * Run the recorded hooks of a session again, in order, and tell what differs. Changes nothing.
     *
     * Each execution meets the hook of the same point and name, else the hooks of that point. `from` and `to` are numbers of the
     * timeline or times, inclusive; `hook_filter` is a pattern on the hook's name or point; `modifications` a list of
     * `{path, value, enabled}` or of what `Replay.create_modification` makes, or a map of paths to values; `timeout` is in
     * seconds, for all. Others that write wait meanwhile.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    replay(id: string, options?: SessionReplayOptions | null): ReplayResult;
  }

  /**
   * The id of an artifact. Its text form, `session/sequence/hash8`, stands for it everywhere, and so does a table with the
   * first three fields.
   */
  interface ArtifactId {
    content_hash: string;
    session_id: string;
    sequence: number;
    text: string;
  }

  /**
   * What is known about an artifact. Times are RFC 3339 text in UTC; sizes are bytes.
   *
   * `version` counts the versions of the name in the session; `custom` is what was given besides the named fields.
   */
  interface ArtifactMetadata {
    name: string;
    artifact_type: string;
    mime_type: string;
    size: number;
    stored_size: number;
    original_size: number;
    is_compressed: boolean;
    tags: string[];
    custom: { [key: string]: Value };
    description?: string;
    version: number;
    created_at: string;
    created_by?: string;
    parent_artifact?: string;
    content_hash: string;
    session_id: string;
    sequence: number;
  }

  /** An artifact with its content. */
  interface ArtifactContent<T = Value> {
    id: ArtifactId;
    metadata: ArtifactMetadata;
    content?: T;
  }

  /** An artifact with its id, and what is known about it once more under `metadata`. */
  interface ArtifactInfo {
    name: string;
    artifact_type: string;
    mime_type: string;
    size: number;
    stored_size: number;
    original_size: number;
    is_compressed: boolean;
    tags: string[];
    custom: { [key: string]: Value };
    description?: string;
    version: number;
    created_at: string;
    created_by?: string;
    parent_artifact?: string;
    content_hash: string;
    session_id: string;
    sequence: number;
    id: ArtifactId;
    metadata: ArtifactMetadata;
  }

  /** What a session may do with an artifact of another: read it, write (delete it as well), admin (grant and revoke as well). */
  type ArtifactPermission = "read" | "write" | "admin";

  /** What the artifacts of a session take. `deduplicated_bytes` are those that had been stored before, and so cost nothing. */
  interface ArtifactStats {
    count: number;
    bytes: number;
    stored_bytes: number;
    deduplicated_bytes: number;
  }

  /** Options of `Artifact.list`. */
  interface ArtifactListOptions {
    type?: string | null;
    tags?: readonly string[] | null;
    name?: string | null;
    limit?: number | null;
  }

  /** Options of `Artifact.query`. */
  interface ArtifactQueryOptions<TCustom extends object = any> {
    session_id?: string | null;
    /** The same as `session_id`. */
    sessionId?: string | null;
    type?: string | null;
    name_pattern?: string | null;
    /** The same as `name_pattern`. */
    namePattern?: string | null;
    tags?: readonly string[] | null;
    created_after?: string | number | null;
    /** The same as `created_after`. */
    createdAfter?: string | number | null;
    created_before?: string | number | null;
    /** The same as `created_before`. */
    createdBefore?: string | number | null;
    min_size?: number | null;
    /** The same as `min_size`. */
    minSize?: number | null;
    max_size?: number | null;
    /** The same as `max_size`. */
    maxSize?: number | null;
    custom?: Storable<TCustom> | null;
    text?: string | null;
    limit?: number | null;
  }

  /**
   * Artifacts: files of a session, with versions, metadata and a content that is stored once, however often it is kept.
   *
   * `session_id` may be "" or null for the current session. An artifact is named by its id, by the id's text form, or by its
   * name, which means the latest version. While a session is current, only what it owns or was granted can be read; without
   * one, everything can. Contents are compared with their hash when they are read: damage raises `corrupt`. Inside of
   * `State.transaction`, what is stored and deleted commits with it, when the sessions are in the state's store.
   */
  interface ArtifactGlobal {
    /**
     * Store a content as the next version of a name; its id.
     *
     * The content is text or bytes up to 100 MiB, or a table or object, which is stored as JSON with sorted keys. `type` is
     * agent_output, tool_result, user_input, system_generated, or any other text. From `metadata`, mime_type, tags,
     * description and parent_artifact are taken out; the rest is `custom`. A name has 1 to 255 bytes.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    store<TContent, TMetadata extends object>(session_id: string | null, type: string, name: string, content: Storable<TContent>, metadata?: Storable<TMetadata> | null): ArtifactId;

    /**
     * Store a file of up to 10 GiB under its own name, or under `metadata.name`. Needs file access for it.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     *
     * @param type - Default: "user_input".
     */
    store_file<TMetadata extends object>(session_id: string | null, path: string, type?: string | null, metadata?: Storable<TMetadata> | null): ArtifactId;

    /**
     * Store a file of up to 10 GiB under its own name, or under `metadata.name`. Needs file access for it.
     *
     * The same as `Artifact.store_file`.
     */
    storeFile: ArtifactGlobal["store_file"];

    /**
     * An artifact with its content: text when it was stored as text or is a file that can be text, else bytes.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    get<T = Value>(session_id: string | null, id: string | ArtifactId): ArtifactContent<T>;

    /**
     * The content of an artifact, as `get` gives it.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    get_content<T = Value>(session_id: string | null, id: string | ArtifactId): T | null;

    /**
     * The content of an artifact, as `get` gives it.
     *
     * The same as `Artifact.get_content`.
     */
    getContent: ArtifactGlobal["get_content"];

    /**
     * Write the content into a file, in place of what was there; the bytes written. Needs file access for it.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    save_to(session_id: string | null, id: string | ArtifactId, path: string): number;

    /**
     * Write the content into a file, in place of what was there; the bytes written. Needs file access for it.
     *
     * The same as `Artifact.save_to`.
     */
    saveTo: ArtifactGlobal["save_to"];

    /**
     * What is known about an artifact.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    info(session_id: string | null, id: string | ArtifactId): ArtifactInfo;

    /**
     * The artifacts of a session in the order of their sequence; `tags` must all be there, `name` is the whole name.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    list(session_id?: string | null, options?: ArtifactListOptions | null): ArtifactInfo[];

    /**
     * The versions of a name, oldest first.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    versions(session_id: string | null, name: string): ArtifactInfo[];

    /**
     * The artifacts that fit all of what is given, newest first, of all sessions that may be read, or of one.
     *
     * `name_pattern` is a glob when it has `*` or `?`, else a part of the name, without regard to case. `text` is a part of the
     * name, the description, or a textual content of up to 1 MiB, without regard to case. `custom` names fields and their
     * values. Tags, type, time and session are found by indexes.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    query<TCustom extends object>(options?: ArtifactQueryOptions<TCustom> | null): ArtifactInfo[];

    /**
     * Delete an artifact. A checkpoint that has it keeps it; the bytes go with `llmspell artifact gc`.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    delete(session_id: string | null, id: string | ArtifactId): void;

    /**
     * Let another session read, write or admin an artifact; each contains the ones before it.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    grant(session_id: string | null, id: string | ArtifactId, to_session_id: string, permission: ArtifactPermission): void;

    /**
     * Take a grant back: all of it, or a permission and those that contain it.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    revoke(session_id: string | null, id: string | ArtifactId, to_session_id: string, permission?: ArtifactPermission | null): void;

    /**
     * How many artifacts a session has, and what they take.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    stats(session_id?: string | null): ArtifactStats;
  }

  /** What has happened. `language` is that of the publishing script, or `runtime`; `sequence` grows with every event. */
  interface EventRecord<T = Value> {
    id: string;
    event_type: string;
    data: T;
    timestamp: string;
    sequence: number;
    correlation_id: string;
    language: string;
    metadata: { [key: string]: T };
  }

  /** A subscription of this script. */
  interface EventSubscription {
    id: string;
    pattern: string;
    language: string;
  }

  /** What has happened on the bus, and who listens. */
  interface EventStats<T = Value> {
    event_bus_stats: { [key: string]: number };
    bridge_stats?: T;
  }

  /** Options of `Event.publish`. */
  interface EventPublishOptions<TPriority = any> {
    correlation_id?: string | null;
    /** The same as `correlation_id`. */
    correlationId?: string | null;
    ttl?: number | null;
    tags?: readonly string[] | null;
    source?: string | null;
    language?: string | null;
    ttl_seconds?: number | null;
    /** The same as `ttl_seconds`. */
    ttlSeconds?: number | null;
    priority?: Storable<TPriority> | null;
  }

  /** Options of `Event.subscribe`. */
  interface EventSubscribeOptions<TPriority = any> {
    language?: string | null;
    ttl_seconds?: number | null;
    /** The same as `ttl_seconds`. */
    ttlSeconds?: number | null;
    priority?: Storable<TPriority> | null;
  }

  /** Options of `Event.timeline`. */
  interface EventTimelineOptions {
    /** Default: 0. */
    since?: string | number | null;
    limit?: number | null;
  }

  /**
   * Events: one bus for scripts and for what the runtime itself does (`state.changed`, `session.*`, `artifact.*`,
   * `backup.*`, `migration.*`). `docs/events.md` lists them.
   */
  interface EventGlobal {
    /**
     * Tell everybody whose pattern matches. Always true; it waits for nobody.
     *
     * The event carries `correlation_id`, or else the correlation of the moment: that of the script's run, of the session, or of
     * the event whose handler is running. After `ttl` seconds it is not delivered any more. Everything else comes out again in
     * the event's `metadata`.
     */
    publish<TData, TPriority>(type: string, data?: Storable<TData> | null, options?: EventPublishOptions<TPriority> | null): boolean;

    /**
     * Listen to events from now on; the subscription's id. `*` in the pattern stands for one or more characters.
     *
     * Without a handler, `receive` gives the events. With one, it is called with each event: while the script waits in
     * `receive` or `sleep`, at its next call of any function of these globals, and at its end; never inside a transaction, an
     * update, a hook or another handler. What it raises is a warning. It runs under the correlation of its event. The queue
     * is bounded: the oldest event falls off. A subscription ends with its script. `ttl_seconds` and `priority` mean nothing
     * here; old scripts may give them.
     */
    subscribe<TPriority>(pattern: string, handler?: ((...values: any[]) => any) | null, options?: EventSubscribeOptions<TPriority> | null): string;

    /**
     * The next event of a subscription; nothing when none has come in time. `not_found` when it has ended.
     *
     * @param timeout_ms - Default: 5000.
     */
    receive<T = Value>(subscription: string, timeout_ms?: number | null): EventRecord<T> | null;

    /** End a subscription of this script; whether there was one. What waits in it is lost. */
    unsubscribe(id: string): boolean;

    /** The subscriptions of this script, oldest first. */
    list_subscriptions(): EventSubscription[];

    /**
     * The subscriptions of this script, oldest first.
     *
     * The same as `Event.list_subscriptions`.
     */
    listSubscriptions: EventGlobal["list_subscriptions"];

    /** Counts of the whole bus: `event_bus_stats` of events, `bridge_stats` of subscriptions. */
    get_stats<T = Value>(): EventStats<T>;

    /**
     * Counts of the whole bus: `event_bus_stats` of events, `bridge_stats` of subscriptions.
     *
     * The same as `Event.get_stats`.
     */
    getStats: EventGlobal["get_stats"];

    /**
     * What a correlation has led to, oldest first: `{at, kind, correlation_id, …}`; `since` is a time, exclusive.
     *
     * Kinds: event.published (with `event_id`, `event_type`, `data`, `sequence`, `language`), state.saved, state.deleted,
     * state.expired (with `scope`, `key`, `version`), hook.executed (with `point`, `hook`, `duration`), and those of the
     * timelines of sessions. Changes come from the journal, also those of other processes; events and runs of hooks as far as
     * this process remembers them, and as the session has them that has this correlation, or is the current one.
     */
    timeline(correlation_id: string, options?: EventTimelineOptions | null): { [key: string]: Value }[];
  }

  /** A hook that this script has registered. */
  interface HookHandle {
    /** Its id. */
    id(): string;

    /** The point at which it runs. */
    hook_point(): string;

    /**
     * The point at which it runs.
     *
     * The same as `HookHandle.hook_point`.
     */
    hookPoint: HookHandle["hook_point"];

    /** Remove it; whether it was still registered. */
    unregister(): boolean;
  }

  /** A hook and how it has done so far. It is not `enabled` while its circuit breaker has switched it off. */
  interface HookInfo {
    id: string;
    name: string;
    point: string;
    priority: string;
    language: string;
    tags: string[];
    enabled: boolean;
    executions: number;
    failures: number;
    avg_ms: number;
  }

  /**
   * Hooks: functions that are asked before something happens, and may change or stop it, or are told after it.
   *
   * `docs/hooks.md` lists the points, and what each result means there.
   */
  interface HookGlobal {
    /**
     * Run `fn` at a point, for as long as the script runs.
     *
     * `options` is a priority (highest, high, normal, low, lowest), or a table (object) with any of `priority`, `name`, `tags`,
     * `scope` and `key` (patterns in which `*` stands for any characters: only what matches is told), `on_error` ("continue",
     * the default, or "cancel": what it means when the hook fails).
     *
     * `fn` gets `{point, component_id = {type, name}, correlation_id, language, metadata, data}`, and returns nothing or
     * "continue"; "skip"; any other text, which cancels with it as the reason; or one of `{type = "modified", data}`,
     * `{type = "cancel", reason}`, `{type = "redirect", target}`, `{type = "replace", data}`,
     * `{type = "retry", delay_ms, max_attempts}`, `{type = "skipped", reason}`, `{type = "cache", ttl}`.
     * It may not take longer than `[state.hooks] timeout_ms`.
     */
    register<TOptions>(point: string, fn: (...values: any[]) => any, options?: Storable<TOptions> | null): HookHandle;

    /** Remove a hook of this script, by its handle or its id; whether it was still registered. */
    unregister(handle: string | HookHandle): boolean;

    /**
     * The hooks, those of Python too, in the order in which they run at each point.
     *
     * `filter` is a point, or a table (object) with any of `hook_point`, `language`, `priority`, `tag` and
     * `include_builtin`, which adds the built-in hooks that the configuration enables.
     */
    list<TFilter>(filter?: Storable<TFilter> | null): HookInfo[];
  }

  /** A value to be put into the context that hooks are given in a replay. */
  interface ReplayModification {
    /** Where it goes: `data.new_value`. */
    get_path(): string;

    /**
     * Where it goes: `data.new_value`.
     *
     * The same as `ReplayModification.get_path`.
     */
    getPath: ReplayModification["get_path"];

    /** The value. */
    get_value<T = Value>(): T | null;

    /**
     * The value.
     *
     * The same as `ReplayModification.get_value`.
     */
    getValue: ReplayModification["get_value"];

    /** Whether it has an effect. */
    is_enabled(): boolean;

    /**
     * Whether it has an effect.
     *
     * The same as `ReplayModification.is_enabled`.
     */
    isEnabled: ReplayModification["is_enabled"];

    /** Switch it on or off, also in the configurations that it was added to. */
    set_enabled(enabled: boolean): void;

    /**
     * Switch it on or off, also in the configurations that it was added to.
     *
     * The same as `ReplayModification.set_enabled`.
     */
    setEnabled: ReplayModification["set_enabled"];
  }

  /** A modification as plain values. */
  interface ReplayChange<T = Value> {
    path: string;
    value?: T;
    enabled: boolean;
  }

  /** How a session is replayed. */
  interface ReplayConfig {
    /** Its mode. */
    get_mode(): ReplayMode;

    /**
     * Its mode.
     *
     * The same as `ReplayConfig.get_mode`.
     */
    getMode: ReplayConfig["get_mode"];

    /** Whether results are compared with those that were recorded: by default in all modes but simulate. */
    should_compare_results(): boolean;

    /**
     * Whether results are compared with those that were recorded: by default in all modes but simulate.
     *
     * The same as `ReplayConfig.should_compare_results`.
     */
    shouldCompareResults: ReplayConfig["should_compare_results"];

    /** How long the replay may take as a whole. */
    get_timeout_seconds(): number;

    /**
     * How long the replay may take as a whole.
     *
     * The same as `ReplayConfig.get_timeout_seconds`.
     */
    getTimeoutSeconds: ReplayConfig["get_timeout_seconds"];

    /** Whether the first failure ends the replay. */
    should_stop_on_error(): boolean;

    /**
     * Whether the first failure ends the replay.
     *
     * The same as `ReplayConfig.should_stop_on_error`.
     */
    shouldStopOnError: ReplayConfig["should_stop_on_error"];

    /**
     * Put `value` where `path` leads in the context of every hook where all but its last step is there.
     *
     * A path is `data.new_value`, `data.items[1].name`, or begins with `metadata`, `component_id` or `correlation_id`; a
     * leading `context.` is allowed. Places in lists count as the language does. Later ones may lead into what earlier ones put.
     * A modification made by `Replay.create_modification` may stand for the three.
     *
     * @param enabled - Default: true.
     */
    add_modification<TValue>(path: string | ReplayModification, value?: Storable<TValue> | null, enabled?: boolean | null): void;

    /**
     * Put `value` where `path` leads in the context of every hook where all but its last step is there.
     *
     * The same as `ReplayConfig.add_modification`.
     */
    addModification: ReplayConfig["add_modification"];

    /** The modifications in their order. */
    get_modifications<T = Value>(): ReplayChange<T>[];

    /**
     * The modifications in their order.
     *
     * The same as `ReplayConfig.get_modifications`.
     */
    getModifications: ReplayConfig["get_modifications"];
  }

  /**
   * One place where two values differ. `path` begins with `$` and counts as the language does.
   *
   * critical: something is missing or of another kind. major: it has another value, or was added. minor: it is the same number
   * as another kind of number, or nearly the same number.
   */
  interface ReplayDifference {
    path: string;
    description: string;
    severity: string;
  }

  /**
   * What a comparison found. `similarity_score` is 1 for identical values only, and 0 when nothing is alike.
   *
   * It is the share of what is alike among all that is no list or map. At most 1000 differences are listed; `summary` counts all.
   */
  interface ReplayComparison {
    identical: boolean;
    similarity_score: number;
    summary: string;
    differences: ReplayDifference[];
  }

  /** Compares values exactly: only the order of fields does not count. */
  interface ReplayComparator {
    /** In what `actual` differs from `expected`, and how alike they are. */
    compare_json<TExpected, TActual>(expected: Storable<TExpected>, actual: Storable<TActual>): ReplayComparison;

    /**
     * In what `actual` differs from `expected`, and how alike they are.
     *
     * The same as `ReplayComparator.compare_json`.
     */
    compareJson: ReplayComparator["compare_json"];
  }

  /** When replays run. Its text is what `llmspell session replay --schedule` takes. */
  interface ReplaySchedule {
    /** once, interval or cron. */
    type_name(): string;

    /**
     * once, interval or cron.
     *
     * The same as `ReplaySchedule.type_name`.
     */
    typeName: ReplaySchedule["type_name"];

    /**
     * When it is due after a time, as RFC 3339 text, or nothing when it is not due any more.
     *
     * It counts from `started`, by default that same time, and from how many times it ran since.
     *
     * @param runs - Default: 0.
     */
    next_after(time: string | number, started?: string | number | null, runs?: number | null): string | null;

    /**
     * When it is due after a time, as RFC 3339 text, or nothing when it is not due any more.
     *
     * The same as `ReplaySchedule.next_after`.
     */
    nextAfter: ReplaySchedule["next_after"];
  }

  /** Options of `Replay.create_config`. */
  interface ReplayCreateConfigOptions {
    from?: string | number | null;
    to?: string | number | null;
    hook_filter?: string | null;
    /** The same as `hook_filter`. */
    hookFilter?: string | null;
    compare?: boolean | null;
    /** Default: false. */
    stop_on_error?: boolean | null;
    /** The same as `stop_on_error`. */
    stopOnError?: boolean | null;
    /** Default: 30.0. */
    timeout?: number | null;
  }

  /** Options of `Replay.run_scheduled`. */
  interface ReplayRunScheduledOptions {
    max_runs?: number | null;
    /** The same as `max_runs`. */
    maxRuns?: number | null;
  }

  /** The toolbox of replays: configurations, modifications, schedules, and a comparator of values. */
  interface ReplayGlobal {
    /** The modes of replays, as objects: where one is taken, its name may stand. */
    readonly modes: Readonly<ReplayModesGlobal>;

    /** Schedules for `Replay.run_scheduled` and for `llmspell session replay --schedule`. */
    readonly schedules: Readonly<ReplaySchedulesGlobal>;

    /**
     * A configuration; the options are those of `Session.replay`.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     *
     * @param mode - Default: "exact".
     */
    create_config(mode?: ReplayModeName | ReplayMode | null, options?: ReplayCreateConfigOptions | null): ReplayConfig;

    /**
     * A configuration; the options are those of `Session.replay`.
     *
     * The same as `Replay.create_config`.
     */
    createConfig: ReplayGlobal["create_config"];

    /**
     * A modification, to be added to configurations.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     *
     * @param enabled - Default: true.
     */
    create_modification<TValue>(path: string, value?: Storable<TValue> | null, enabled?: boolean | null): ReplayModification;

    /**
     * A modification, to be added to configurations.
     *
     * The same as `Replay.create_modification`.
     */
    createModification: ReplayGlobal["create_modification"];

    /**
     * A comparator of values.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    create_comparator(): ReplayComparator;

    /**
     * A comparator of values.
     *
     * The same as `Replay.create_comparator`.
     */
    createComparator: ReplayGlobal["create_comparator"];

    /**
     * Replay a session, as `Session.replay` does.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    run(session_id: string, config?: ReplayConfig | null): ReplayResult;

    /**
     * Replay a session whenever the schedule says, and wait meanwhile; the results.
     *
     * A schedule without an end needs `max_runs`.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    run_scheduled(session_id: string, schedule: ReplaySchedule, config?: ReplayConfig | null, options?: ReplayRunScheduledOptions | null): ReplayResult[];

    /**
     * Replay a session whenever the schedule says, and wait meanwhile; the results.
     *
     * The same as `Replay.run_scheduled`.
     */
    runScheduled: ReplayGlobal["run_scheduled"];
  }

  /** The modes of replays, as objects: where one is taken, its name may stand. */
  interface ReplayModesGlobal {
    /**
     * With the recorded inputs.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    readonly exact: ReplayMode;

    /**
     * With modifications of the inputs.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    readonly modified: ReplayMode;

    /**
     * With or without modifications, and without comparing.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    readonly simulate: ReplayMode;

    /**
     * As exact, with every step in the result.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    readonly debug: ReplayMode;
  }

  /** Schedules for `Replay.run_scheduled` and for `llmspell session replay --schedule`. */
  interface ReplaySchedulesGlobal {
    /**
     * One run, after so many seconds.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     *
     * @param delay - Default: 0.0.
     */
    once(delay?: number | null): ReplaySchedule;

    /**
     * A run after `initial` seconds and then every `every` seconds, at most `max` of them. Runs do not pile up.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     */
    interval(initial: number, every: number, max?: number | null): ReplaySchedule;

    /**
     * Runs at the times of a cron expression (minute, hour, day of month, month, day of week), in a time zone.
     *
     * Absent unless the configuration sets `[runtime.sessions] enabled`.
     *
     * @param zone - Default: "UTC".
     */
    cron(text: string, zone?: string | null): ReplaySchedule;
  }

  /** A structured log on standard error: one line a call, as text or, with `--log-format json`, as JSON. */
  interface LogGlobal {
    /** Log what helps to find a mistake; shown with `--verbose` only. */
    debug<TFields extends object>(message: string, fields?: Storable<TFields> | null): void;

    /** Log what happens in the normal course. */
    info<TFields extends object>(message: string, fields?: Storable<TFields> | null): void;

    /** Log what someone should look at. */
    warn<TFields extends object>(message: string, fields?: Storable<TFields> | null): void;

    /** Log a failure. */
    error<TFields extends object>(message: string, fields?: Storable<TFields> | null): void;
  }
}

/** What the functions of these globals throw. */
declare class ScriptError extends Error {
  private constructor();
  readonly code: llmspell.ErrorCode;
  /** The remedy, or null. */
  readonly hint: string | null;
  /** The function that was called, such as `State.save`, or null. */
  readonly call: string | null;
}

/**
 * The durable state: values under keys, in scopes that are isolated from each other.
 *
 * A scope is a text: `global`, `system`, `agent:<id>`, `user:<id>`, `session:<id>`, `workflow:<id>`,
 * `step:<workflow>:<step>`, `tool:<name>`, `hook:<name>`, `custom:<name>`; any other name is a custom scope. A key is 1 to
 * 256 bytes of UTF-8 without control characters, not beginning with `__`. A call that has returned is on disk, unless the
 * configuration groups writes (`flush_every_ms`). Expired values are absent everywhere.
 *
 * Documents follow their schema: a schema is registered with a version, its fields, and how documents of earlier
 * versions become its own; `migrate` takes the stored documents along. `docs/migrations.md` has the rules.
 *
 * With backups enabled, `State` can back up all that the runtime holds, and put it back.
 *
 * A backup is one consistent snapshot, taken while others write; ephemeral values are not in it. What goes wrong comes back as
 * a result with `success = false`, `error` and `code`; wrong arguments raise.
 */
declare const State: Readonly<llmspell.StateGlobal>;

/**
 * Sessions: units of work with a status, a timeline of what happened in them, and checkpoints to go back to.
 *
 * A session has the scope `session:<id>` of `State` to itself. While one is current (`set_current`), changes of the state and
 * of artifacts, hooks and events are recorded in its timeline, in the same commit, and carry its correlation id. A session that
 * is over its time (`max_duration`, `max_idle_time`) is suspended; `resume` or a longer limit lets it go on. Limits that a
 * session does not have of its own are those of `[runtime.sessions]`.
 *
 * Hooks that run while a session is current are recorded, and can be replayed with the hooks of now.
 *
 * A replay changes nothing: its hooks run inside a transaction that is undone, no event that they publish reaches anybody, and
 * nothing is recorded. They see the state as it is now.
 */
declare const Session: Readonly<llmspell.SessionGlobal>;

/**
 * Artifacts: files of a session, with versions, metadata and a content that is stored once, however often it is kept.
 *
 * `session_id` may be "" or null for the current session. An artifact is named by its id, by the id's text form, or by its
 * name, which means the latest version. While a session is current, only what it owns or was granted can be read; without
 * one, everything can. Contents are compared with their hash when they are read: damage raises `corrupt`. Inside of
 * `State.transaction`, what is stored and deleted commits with it, when the sessions are in the state's store.
 */
declare const Artifact: Readonly<llmspell.ArtifactGlobal>;

/**
 * Events: one bus for scripts and for what the runtime itself does (`state.changed`, `session.*`, `artifact.*`,
 * `backup.*`, `migration.*`). `docs/events.md` lists them.
 */
declare const Event: Readonly<llmspell.EventGlobal>;

/**
 * Hooks: functions that are asked before something happens, and may change or stop it, or are told after it.
 *
 * `docs/hooks.md` lists the points, and what each result means there.
 */
declare const Hook: Readonly<llmspell.HookGlobal>;

/** The toolbox of replays: configurations, modifications, schedules, and a comparator of values. */
declare const Replay: Readonly<llmspell.ReplayGlobal>;

/** A structured log on standard error: one line a call, as text or, with `--log-format json`, as JSON. */
declare const Log: Readonly<llmspell.LogGlobal>;

/** Writes the values to standard output, tables and objects readably, and ends the line. */
declare const print: (...values: unknown[]) => void;

/** `log` and `info` write to standard output like `print`; `warn`, `error` and `debug` to standard error. */
declare const console: { readonly [name in 'log' | 'info' | 'warn' | 'error' | 'debug']: (...values: unknown[]) => void };

/** The script's arguments. */
declare const args: string[];

/** Ends the script now with an exit status of 0 to 255. Nothing catches it; an open transaction is undone. */
declare const exit: (status?: number) => never;

/** Wait that many seconds; fractions count. Ctrl-C and time limits end it at once. */
declare function sleep(seconds: number): void;
