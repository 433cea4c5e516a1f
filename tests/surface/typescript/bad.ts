// Against types/llmspell.d.ts: mistakes of script authors. Every line with a mark must fail as marked, and no other.

State.save("global", 5, 1); // error TS2345
State.save("global", "key"); // error TS2554
State.save("global", "key", () => 1); // error TS2345
State.save("global", "key", { run: () => 1 }); // error TS2322
State.save("global", "key", new Date()); // error TS2345
State.save("global", "key", undefined); // error TS2345
State.save("global", "key", 1, { tll: 5 }); // error TS2353
State.save("global", "key", 1, { ttl: "5s" }); // error TS2322
State.save("global", "key", 1, { class: "secret" }); // error TS2322
State.save("global", "key", 1, 3600); // error TS2559
State.load("global"); // error TS2554
State.load("global", "count") + 1; // error TS2531 TS2365
State.load<string>("global", "name").length; // error TS2531
State.entry("global", "key").value; // error TS2531
State.listKeys("global", { limit: "all" }); // error TS2322
State.list_keys("global", "prefix"); // error TS2559
State.increment("global", "key", "1"); // error TS2345
State.update("global", "key", async () => 1); // error TS2322
State.transaction(async () => { State.flush(); }); // error TS2345
State.changes({ since: 0, key: "x" }); // error TS2353
State.listkeys("global"); // error TS2551
State.forget("global", "key"); // error TS2339
State.save = () => {}; // error TS2540
State.listKeys = State.list_keys; // error TS2540
State = {}; // error TS2588
sleep = (seconds: number) => {}; // error TS2630
sleep(); // error TS2554
sleep("1"); // error TS2345
Log.info({ user: 1 }); // error TS2345
Log.info("saved", { act: () => {} }); // error TS2322
console.table([]); // error TS2339
document.title; // error TS2584
process.exit(1); // error TS2591
JSON.array([]); // error TS2339
