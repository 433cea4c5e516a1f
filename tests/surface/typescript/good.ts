// Against types/llmspell.d.ts: what a script author would write. Every line must pass.

interface Profile {
  name: string;
  visits: number;
  picture?: Uint8Array;
}
const ada: Profile = { name: "Ada", visits: 1 };

State.save("global", "greeting", "hello");
State.save("user:1", "profile", ada);
State.save("user:1", "profile", ada, { ttl: 3600, class: "standard", if_version: 0 });
State.save("user:1", "profile", ada, { ifVersion: 3 });
State.save("user:1", "profile", null);
State.save("cache", "page", { html: "<p>", tags: ["a", "b"], size: 10n, raw: new Uint8Array([1]) }, { ttl: 0.5 });

const value: llmspell.Value = State.load("global", "greeting");
if (typeof value === "string") print(value.toUpperCase());
const profile = State.load<Profile>("user:1", "profile");
print(profile?.name ?? "nobody");
const visits = State.load("global", "visits", { default: 0 }) + 1;
const before = State.load<Profile>("user:1", "profile", { at: "2026-11-20T00:00:00Z" });
const earlier = State.load<Profile>("user:1", "profile", { at: 17, default: ada }).visits;

const entry = State.entry<Profile>("user:1", "profile");
if (entry) print(entry.value.name, entry.version, entry.created_at, entry.expires_at ?? "never", entry.class);

for (const key of State.listKeys("user:1", { prefix: "p", after: "pa", limit: 10, reverse: true })) print(key.length);
for (const key of State.list_keys("user:1")) State.delete("user:1", key);
for (const pair of State.list<Profile>("user:1")) print(pair.key, pair.value.visits);
const scopes: string[] = State.listScopes({ prefix: "user:" });
const counted: number = State.count("user:1") + State.clear("user:1", { prefix: "p" });
const gone: boolean = State.delete("user:1", "profile", { if_version: 2 }) || State.exists("user:1", "profile");

const sum: number = State.increment("global", "visits") + State.increment("global", "visits", 2.5);
const changed: Profile = State.update("user:1", "profile", (current: Profile | null) => current ?? ada);
const result: number = State.transaction(() => {
  State.save("global", "a", 1);
  return State.increment("global", "b");
});
State.transaction(() => { State.flush(); });

for (const revision of State.history<Profile>("user:1", "profile", { limit: 5, since: 0 })) {
  print(revision.op, revision.at, revision.value?.name);
}
const feed = State.changes({ since: 0, scope: "user:1", timeout: 1.5 });
print(feed.changes.map((change) => `${change.scope}/${change.key}`), feed.next);
State.changes({ since: feed.next });
print(State.metrics().cache_hit_rate.toFixed(2));

Log.info("saved", { user: 1, profile: ada });
Log.warn("odd");
console.log("a", 1, ada);
console.error(new Error("x"));
sleep(0.1);
await State.load("global", "greeting");
if (args.length > 1) exit(2);

try {
  State.save("global", "", 1);
} catch (problem) {
  if (!(problem instanceof ScriptError)) throw problem;
  const code: llmspell.ErrorCode = problem.code;
  if (code === "invalid_key") print(problem.call, problem.message, problem.hint, problem.stack);
}
