"""What scripts may do to each other and to the host through events is bounded."""

import time

import pytest

from llmspell.errors import ScriptError
from llmspell.languages import language as language_
from tests.languages.engine import open_runtime

FOREVER = {
    "lua": """Hook.register("AfterStateWrite", function() Event.publish("again", {}) end)
    local n = 0
    Event.subscribe("again", function() n = n + 1 State.save("app", "n", n) end)
    State.save("app", "n", 0)""",
    "javascript": """Hook.register('AfterStateWrite', () => { Event.publish('again', {}) })
    let n = 0
    Event.subscribe('again', () => { n++; State.save('app', 'n', n) })
    State.save('app', 'n', 0)""",
}
LONG_WAIT = {
    "lua": """local s = Event.subscribe("never")
    local ok, e = pcall(State.transaction, function()
      State.save("app", "k", 1) Event.receive(s, 60000) State.save("app", "k", 2)
    end)
    State.save("app", "code", e.code)""",
    "javascript": """const s = Event.subscribe('never')
    try { State.transaction(() => { State.save('app', 'k', 1); Event.receive(s, 60000); State.save('app', 'k', 2) }) }
    catch (e) { State.save('app', 'code', e.code) }""",
}


@pytest.mark.parametrize("language", FOREVER)
def test_hooks_and_handlers_that_cause_each_other_end_with_the_script(
    language: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(language_, "MAX_ROUNDS", 50)
    with open_runtime() as runtime:
        runtime.run(FOREVER[language].encode(), name="x", language=language)
        assert 10 <= runtime.state.get("app", "n") <= 100
    assert capfd.readouterr().err.count(" WARN ") == 1  # of the hooks or of the events, whichever came last


@pytest.mark.parametrize("language", LONG_WAIT)
def test_to_wait_for_an_event_in_a_transaction_ends_with_its_time(language: str) -> None:
    with open_runtime(state__transaction_timeout_ms=200) as runtime:
        started = time.perf_counter()
        runtime.run(LONG_WAIT[language].encode(), name="x", language=language)
        assert time.perf_counter() - started < 10
        assert runtime.state.get("app", "code") == "timeout"
        assert runtime.state.get("app", "k") is None


@pytest.mark.parametrize("language", ["lua", "javascript"])
def test_many_large_events_do_not_fill_the_memory_of_the_host(language: str) -> None:
    source = {
        "lua": """for i = 1, 20 do Event.subscribe("*") end
        local text = ("x"):rep(4000000)
        for i = 1, 40 do Event.publish("big", text) end""",
        "javascript": """for (let i = 0; i < 20; i++) Event.subscribe('*')
        const text = 'x'.repeat(4000000)
        for (let i = 0; i < 40; i++) Event.publish('big', text)""",
    }[language]
    with open_runtime() as runtime:
        with pytest.raises(ScriptError) as refused:
            runtime.run(source.encode(), name="x", language=language)
        assert refused.value.code == "limit_exceeded"
        assert runtime.events._held.bytes == 0
