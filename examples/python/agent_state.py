"""An agent that remembers: conversation, settings, tool usage and execution state, from run to run and over a crash.

The "model" here answers at once; put your own in its place. The agent's record lies in the scope `agent:tour-guide`, where
a script finds it too: `State.load("agent:tour-guide", "agent.state")`.

Run: python examples/python/agent_state.py [folder]      (the folder of the state; without one, llmspell_state)

Prints:

    First run, model small
      > Where is the castle?
        The map says: up the hill.
      > What does it cost?
        I do not know.
    Second run, knows 4 messages, was stopped
      > When does it open?
        I do not know.
    Third run breaks off: TimeoutError: the model did not answer
      stored: error, TimeoutError: the model did not answer
    An operator changes the model while the guide runs
      model large, 9 messages, nothing lost
    The next prompt begins with:
      user: When does it open?
      assistant: I do not know.
      user: Are you there?
      user: And now?
    Tools: map 1 of 2 worked, last error: no such place
    Forgotten: 4 of 9 messages left, settings still there: large
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from llmspell import AgentStates, PersistentAgentBase, PersistentAgentState, StateManager

MAP = {"castle": "up the hill"}


class TourGuide(PersistentAgentBase):
    """Answers from its map. Starts from what is stored, saves when it pauses, stops or fails."""

    agent_type = "tour guide"

    def ask(self, question: str) -> str:
        """Answer a question. The turn is saved at once: that costs the same however long the conversation is."""
        self.remember("user", question)
        answer = "I do not know."
        for place in ("castle", "cost"):
            if place in question:
                try:
                    with self.using("map"):
                        answer = f"The map says: {self.look_up(place)}."
                except LookupError:
                    pass
        self.remember("assistant", answer)
        self.save()
        return answer

    def look_up(self, place: str) -> str:
        if place not in MAP:
            raise LookupError("no such place")
        return MAP[place]

    def prompt(self, size: int) -> Iterator[str]:
        """The last messages: only these are read from the store."""
        for message in self.state.history[-size:]:
            yield f"{message.role}: {message.content}"


def talk(guide: TourGuide, *questions: str) -> None:
    for question in questions:
        print(f"  > {question}")
        print(f"    {guide.ask(question)}")


@contextmanager
def open_agents() -> Iterator[AgentStates]:
    folder = sys.argv[1] if len(sys.argv) > 1 else "llmspell_state"
    with StateManager.with_backend("lmdb", path=folder) as state:
        yield AgentStates(state)


def main() -> None:
    with open_agents() as agents:
        agents.delete("tour-guide")  # a real agent keeps its memory; this one tells the same story every time
        with TourGuide(agents, "tour-guide", configuration={"model": "small"}) as guide:
            print(f"First run, model {guide.state.configuration['model']}")
            talk(guide, "Where is the castle?", "What does it cost?")

    with open_agents() as agents:
        stopped = agents.load("tour-guide")
        assert stopped is not None
        print(f"Second run, knows {len(stopped.history)} messages, was {stopped.execution_state}")
        with TourGuide(agents, "tour-guide") as guide:
            talk(guide, "When does it open?")

        try:
            with TourGuide(agents, "tour-guide") as guide:
                guide.remember("user", "Are you there?")
                raise TimeoutError("the model did not answer")
        except TimeoutError as error:
            print(f"Third run breaks off: {type(error).__name__}: {error}")
        broken = agents.load("tour-guide")
        assert broken is not None
        print(f"  stored: {broken.execution_state}, {broken.error}")

        print("An operator changes the model while the guide runs")
        with TourGuide(agents, "tour-guide") as guide:
            guide.remember("user", "And now?")

            def upgrade(state: PersistentAgentState) -> None:
                state.configuration["model"] = "large"
                state.say("system", "The model was changed.")

            agents.update("tour-guide", upgrade)
            guide.save()  # neither takes anything from the other
            count = len(guide.state.history)
            print(f"  model {guide.state.configuration['model']}, {count} messages, nothing lost")
            print("The next prompt begins with:")
            for line in guide.prompt(5):
                if not line.startswith("system"):
                    print(f"  {line}")
            usage = guide.state.tools["map"]
            print(f"Tools: map {usage.successes} of {usage.count} worked, last error: {usage.last_error}")
            guide.state.history.drop_oldest(5)
            guide.save()
            left = len(guide.state.history)
            model = guide.state.configuration["model"]
            print(f"Forgotten: {left} of {count} messages left, settings still there: {model}")


if __name__ == "__main__":
    main()
