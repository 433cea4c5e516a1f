// Against the declarations of tests/surface/sample_globals.py: every line with a mark must fail as marked, and no other.

declare const unchecked: unknown;
class Talker { name = "x"; talk() {} }

// What cannot be stored.
Notes.save("app", "a", () => 1); // error TS2345
Notes.save("app", "a", { act() {} }); // error TS2322
Notes.save("app", "a", { deep: { act: () => 1 } }); // error TS2322
Notes.save("app", "a", undefined); // error TS2345
Notes.save("app", "a", [undefined]); // error TS2322
Notes.save("app", "a", Symbol()); // error TS2345
Notes.save("app", "a", new Date()); // error TS2345
Notes.save("app", "a", new Map<string, number>()); // error TS2345
Notes.save("app", "a", new Set<number>()); // error TS2345
Notes.save("app", "a", /x/); // error TS2345
Notes.save("app", "a", new Talker()); // error TS2345
Notes.save("app", "a", Promise.resolve(1)); // error TS2345
Notes.save("app", "a", unchecked); // error TS2345

// Arguments.
Notes.save("app", 5, 1); // error TS2345
Notes.save("app", "a"); // error TS2554
Notes.save(null, "a", 1); // error TS2345
Notes.delete("a", {}); // error TS2554
Notes.import(() => 1, new Uint8Array(), []); // error TS2345
Notes.import(null, "text", []); // error TS2345
Notes.watch("a.*", "handler"); // error TS2345
Notes.create("a", 5, { owner: "me", due_at: 5 }); // error TS2345
sleep_for("1"); // error TS2345

// Options.
Notes.save("app", "a", 1, { tll: 5 }); // error TS2353
Notes.save("app", "a", 1, { ttl: "5" }); // error TS2322
Notes.save("app", "a", 1, { priority: "middle" }); // error TS2322
Notes.listKeys("app", { afterkey: "a" }); // error TS2561
Notes.create("a", {}, { due_at: 5 }); // error TS2345
Notes.create("a", {}, { owner: "me" }); // error TS2345
Notes.create("a", {}); // error TS2554

// Results.
const one: number = Notes.load<number>("app", "a"); // error TS2322
Notes.getNote(5).id; // error TS2531
Notes.sheet(5).text.length; // error TS2531 TS2339
const wrong: string = Notes.update("a", () => 5); // error TS2322
Notes.update("a", async () => 5); // error TS2322
Notes.update("a", () => () => 5); // error TS2322

// What is not there, and what cannot be changed.
Notes.listkeys("app"); // error TS2551
Notes.mark; // error TS2339
setTimeout(() => {}, 5); // error TS2304
Notes.save = () => {}; // error TS2540
Notes.listKeys = Notes.list_keys; // error TS2540
Notes = null; // error TS2588
sleepFor = sleep_for; // error TS2588
sleep_for = sleepFor; // error TS2630
args.push("x"); // error TS2339
new ScriptError(); // error TS2673

// What is no handle, and members of groups that are not there or cannot be changed.
Notes.sign("a", "pen"); // error TS2345
Notes.sign("a", {}); // error TS2345
Notes.sign("a", null, "soon"); // error TS2345
Notes.kinds.pen.inkwell(); // error TS2339
Notes.kinds.pen = Notes.sign("a"); // error TS2540
Notes.kinds = null; // error TS2540
Notes.kinds.pen.setInk(5); // error TS2345
