// Against the declarations of tests/surface/sample_globals.py: every line must pass.

interface Profile {
  name: string;
  age?: number;
  tags: string[];
  inner: { ok: boolean | null };
  picture: Uint8Array;
}
interface Tree {
  left?: Tree;
  right: Tree | null;
}
enum Color { Red, Blue = "blue" }
class Money {
  constructor(readonly cents: number) {}
  toJSON() { return { cents: this.cents }; }
}
declare const profile: Profile;
declare const tree: Tree;

// What can be stored.
Notes.save("app", "a", null);
Notes.save("app", "a", 1);
Notes.save("app", "a", 10n);
Notes.save("app", "a", [1, "two", null, { three: [new Uint8Array(3)] }]);
Notes.save("app", "a", { a: 1, b: undefined, c: [profile, profile] });
Notes.save("app", "a", profile);
Notes.save("app", "a", tree);
Notes.save("app", "a", Color.Blue);
Notes.save("app", "a", new Money(5));
Notes.save("app", "a", { price: new Money(5) });
Notes.save("app", "a", Object.freeze({ list: [1, 2] as const }));
Notes.save("app", "a", JSON.parse("{}"));
Notes.save("app", "a", Notes.load("app", "b"));
Notes.save("app", "a", Notes.load<Profile>("app", "b"));

// Options in both spellings, null for what is not given.
Notes.save("app", "a", profile, { ttl: 5, if_version: 0, priority: "low" });
Notes.save("app", "a", profile, { ifVersion: null });
Notes.save("app", "a", profile, {});
Notes.save("app", "a", profile, null);

// Results.
const any_value: llmspell.Value = Notes.load("app", "a");
const maybe: Profile | null = Notes.load<Profile>("app", "a");
const count: number = Notes.load("app", "a", { default: 0 }) + 1;
const given: Profile = Notes.load<Profile>("app", "a", { default: profile, at: "2026-11-20T00:00:00Z" });
const past: Profile | null = Notes.load<Profile>("app", "a", { at: 17 });
const note = Notes.get_note(5);
const email: string | undefined = note?.authors[0]?.email;
const remark: llmspell.Value | undefined = note?.remark;
const text: Profile = Notes.sheet<Profile>(5).text;
const pages: string[] = Notes.pages<string>().flatMap((page) => page.sheets.map((sheet) => sheet.text));
const next: string | undefined = Notes.pages(null, 5)[0]?.next;
const removed: (string | null)[] = Notes.delete("a");
const shredded: number | undefined = Notes.shred({ dryRun: true, weights: { a: 0.5 } })["a"];

// Both spellings of functions.
const keys: string[] = Notes.list_keys("app", { after_key: "a" });
const more: string[] = Notes.listKeys("app", { afterKey: "a", limit: 5 });
if (Notes.getNote) print(Notes.getNote(5));
sleepFor(1.5);
sleep_for(1, { reason: "rest", profile });

// Functions of the script.
const total: number = Notes.update("a", (current) => (current ?? 0) + 1 as number);
const made: Profile = Notes.update("a", () => profile);
const nothing: null = Notes.update("a", () => {});
const stated: number = Notes.update<number>("a", (current: number) => current + 1);
const subscription: string = Notes.watch("a.*", (event) => print(event.id), { tags: ["x"] as const });
Notes.watch("a.*");
Notes.watch("a.*", async () => {});

// Options that must be given, in either spelling.
const id: number = Notes.create("a", { profile }, { owner: "me", due_at: 5 });
Notes.create("a", profile, { owner: "me", dueAt: "2026-11-20T00:00:00Z", extra: profile });
Notes.import(null, new Uint8Array(), [1, profile, [tree]]);

// Errors.
try {
  Notes.delete("a");
} catch (problem) {
  if (problem instanceof ScriptError && problem.code === "not_found") print(problem.message, problem.hint, problem.call);
}
const code: llmspell.ErrorCode = "conflict";
print(Notes.empty.id, args.map((arg) => arg.length));

// Handles, groups and constants.
const pen: llmspell.Pen = Notes.sign("a");
Notes.sign("a", pen, "high");
Notes.sign("a", null, pen);
const other: llmspell.Pen | null = Notes.findPen("mine") ?? Notes.find_pen(pen);
pen.set_ink("blue", null, { as_default: true });
pen.setInk("blue", { dark: profile });
const widths: number[] = pen.nibs().map((nib) => nib.width());
const kinds: string[] = Notes.kinds.listAll({ limit: widths.length });
print(Notes.kinds.mostCommon.length, Notes.kinds.pen.owner() ?? other, kinds);
