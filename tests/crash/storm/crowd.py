"""People and programs who start runs over HTTP, often twice at once, and steer them at random, each by its own dice."""

import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from .sizes import Size

__all__ = ["Crowd"]

PEOPLE = ("demo", "other")  # with their names as tokens
OPERATIONS = (
    "tests.storm",
    "tests.storm_in_parts",
    "tests.storm_outside",
    "tests.storm_holding",
    "tests.storm_of_trees",
)
TIMEOUT = 30.0  # s
PATIENCE = 60.0  # s: for an answer, whoever gives it
ACCEPTED = (200, 202)


class Crowd:
    """Several clients at work until `calm`; then they only let go on what is paused, until `leave`."""

    def __init__(self, urls: Sequence[str], seed: int, journal: Path, size: Size) -> None:
        self.journal, self.lock = journal, threading.Lock()
        self.answers: Counter[str] = Counter()
        self.calmed, self.left = threading.Event(), threading.Event()
        self.clients = [
            Client(self, PEOPLE[number % len(PEOPLE)], urls, random.Random(f"{seed}/client/{number}"), size)
            for number in range(size.clients)
        ]
        self.threads = [threading.Thread(target=client.live, daemon=True) for client in self.clients]

    def come(self) -> None:
        for thread in self.threads:
            thread.start()

    def calm(self) -> None:
        self.calmed.set()

    def leave(self) -> None:
        self.left.set()
        for thread in self.threads:
            thread.join()

    def note(self, what: str, answer: httpx.Response | None) -> None:
        """Count an answer, by what was asked."""
        with self.lock:
            self.answers[f"{what} {'none' if answer is None else answer.status_code}"] += 1

    def tell(self, run: dict[str, Any], key: str | None) -> None:
        """Write an accepted start down, for the judge."""
        with self.lock, self.journal.open("a") as journal:
            journal.write(json.dumps({"run": run["id"], "name": run["params"]["name"], "key": key}) + "\n")


class Client:
    """One of them."""

    def __init__(self, crowd: Crowd, person: str, urls: Sequence[str], dice: random.Random, size: Size) -> None:
        self.crowd, self.dice, self.size = crowd, dice, size
        self.name = f"{person}-{dice.getrandbits(32):08x}"
        self.started = 0
        headers = {"Authorization": f"Token {person}"}
        self.webs = [httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT) for url in urls]

    def live(self) -> None:
        """Look at the live runs of this person, and do something with one, or start another."""
        while not self.crowd.left.wait(self.dice.uniform(*self.size.client_gap)):
            live = self.runs(active="true", limit=200)
            if live is None:
                continue  # who doesn't know how many there are must not start more
            paused = [run for run in live if "resume" in run["actions"]]
            if self.crowd.calmed.is_set():
                for run in paused:
                    self.steer(run, "resume")
            else:
                self.act(live, paused)

    def act(self, live: list[dict[str, Any]], paused: list[dict[str, Any]]) -> None:
        throw = self.dice.random()
        if len(live) < self.size.live_runs and throw < 0.4:
            self.start(live)
        elif throw < 0.55:
            self.steer_one(live, "pause")
        elif throw < 0.75 or len(paused) > 3:
            self.steer_one(paused, "resume")
        elif throw < 0.82:
            self.steer_one([run for run in live if not is_long(run) or self.dice.random() < 0.1], "cancel")
        elif throw < 0.95:
            ended = self.runs(active="false", limit=60) or []
            self.steer_one([run for run in ended if "retry" in run["actions"]], "retry")
        else:
            self.start_again(live)

    def start(self, live: list[dict[str, Any]]) -> None:
        """A new run, asked for once or by several at once; with an idempotency key or without."""
        self.started += 1
        name = f"{self.name}-{self.started}"
        params = self.size.params(self.dice, name, allow_long=sum(map(is_long, live)) < self.size.long_runs)
        key = str(uuid.UUID(int=self.dice.getrandbits(128))) if self.dice.random() < 0.6 else None
        operation = self.dice.choice(OPERATIONS)
        self.at_once(lambda: self.ask_start(operation, params, key), self.dice.choice((1, 1, 2, 4, 6)))

    def start_again(self, live: list[dict[str, Any]]) -> None:
        """One that lives already: to be joined when the parameters are the same, refused otherwise."""
        if live:
            run = self.dice.choice(live)
            params = run["params"] | {"work_us": run["params"]["work_us"] + self.dice.choice((0, 0, 1))}
            self.at_once(lambda: self.ask_start(run["operation"], params, None), 2)

    def ask_start(self, operation: str, params: dict[str, Any], key: str | None) -> None:
        """Until it is answered: with the key it is the same start however often it is sent."""
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = self.post("start", f"/api/operations/{operation}/runs/", json=params, headers=headers)
        if answer is not None and answer.status_code in ACCEPTED:
            self.crowd.tell(answer.json(), key)

    def steer_one(self, runs: list[dict[str, Any]], action: str) -> None:
        """One of them, or none; a retry is asked for by two at once, now and then."""
        if runs:
            run = self.dice.choice(runs)
            self.at_once(lambda: self.steer(run, action), self.dice.choice((1, 1, 2)))

    def steer(self, run: dict[str, Any], action: str) -> None:
        answer = self.post(action, f"/api/runs/{run['id']}/{action}/")
        if action == "retry" and answer is not None and answer.status_code in ACCEPTED:
            self.crowd.tell(answer.json(), None)

    def at_once(self, ask: Callable[[], None], times: int) -> None:
        with ThreadPoolExecutor(times) as pool:
            for asked in [pool.submit(ask) for _ in range(times)]:
                asked.result()

    def runs(self, **query: Any) -> list[dict[str, Any]] | None:
        """This person's, the newest first; None when whoever was asked can't tell."""
        try:
            answer = self.dice.choice(self.webs).get("/api/runs/", params=query)
        except httpx.HTTPError:
            answer = None
        self.crowd.note("list", answer)
        return answer.json()["results"] if answer is not None and answer.status_code == 200 else None

    def post(self, what: str, path: str, **request: Any) -> httpx.Response | None:
        """Sent until it is answered for good: a process that is killed, or a database that is gone, answers later."""
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up and not self.crowd.left.is_set():
            try:
                answer = random.choice(self.webs).post(path, **request)
            except httpx.HTTPError:
                self.crowd.note(what, None)
            else:
                self.crowd.note(what, answer)
                if answer.status_code < 500:
                    return answer
            time.sleep(0.2)
        return None


def is_long(run: dict[str, Any]) -> bool:
    return bool(run["params"]["read_ms"])
