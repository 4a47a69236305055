"""Users who ask the service over HTTP, one request after the other each, and report what became of the answers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from ml_platform_tests.end_to_end.running_service import CLIENTS, MODEL, Answers, RunningService

USERS = tuple(f"user {number}" for number in range(300))


@dataclass
class UsersAnswers(Answers):
    """What users got."""

    by_user: dict[str, list[tuple[str, str]]] = field(
        default_factory=lambda: {user: [] for user in USERS}
    )
    """Version and arm of each answer, in the order in which they came."""
    failed_canaries: int = 0
    """Answers of the champion, since the canary failed."""
    reported: list[int] = field(default_factory=list)
    """The statuses of reports of outcomes."""

    def since(self, marks: dict[str, int]) -> set[tuple[str, str]]:
        """Versions and arms of what came after so many answers of each user."""
        return {each for user, given in self.by_user.items() for each in given[marks[user] :]}

    @property
    def marks(self) -> dict[str, int]:
        """How many answers each user has."""
        return {user: len(given) for user, given in self.by_user.items()}

    @property
    def of_canary(self) -> int:
        """How often the canary was asked."""
        arms = [arm for given in self.by_user.values() for _, arm in given]
        return arms.count("canary") + self.failed_canaries


@dataclass
class Asking:
    """Clients that ask for users until they are told to end."""

    service: RunningService
    answers: UsersAnswers = field(default_factory=UsersAnswers)
    rows: Callable[[int], float] = lambda count: float(count % 1_000)
    """The feature of a request, by its number."""
    ended: bool = False
    _count: int = 0

    async def ask(self) -> None:
        """Ask, and report the outcome of every tenth answer, until it is `ended`."""
        await asyncio.gather(*(self._client(USERS[number::CLIENTS]) for number in range(CLIENTS)))

    async def _client(self, users: tuple[str, ...]) -> None:
        headers = {"Authorization": f"Bearer {self.service.key}"}
        address = self.service.address
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=20) as http:
            while not self.ended:
                for user in users:
                    self._count += 1
                    await self._one(http, user, self._count)

    async def _one(self, http: httpx.AsyncClient, user: str, number: int) -> None:
        body = {
            "model": MODEL,
            "user_id": user,
            "row_id": f"row {number}",
            "features": {"x": self.rows(number) + number / 1e7},
        }
        try:
            response = await http.post("/api/ml/predict", json=body)
        except httpx.HTTPError as error:
            self.answers.errors.append(type(error).__name__)
            return
        self.answers.statuses.append(response.status_code)
        if response.status_code != 200:
            return
        answer = response.json()
        self.answers.ids[answer["prediction_id"]] = answer["version"]
        self.answers.by_user[user].append((answer["version"], answer["arm"]))
        self.answers.failed_canaries += "rolled out failed" in answer["cause"]
        if number % 10 == 0:
            sent = {"prediction_id": answer["prediction_id"], "label": "a"}
            try:
                reported = await http.post("/api/ml/outcomes", json=sent)
            except httpx.HTTPError as error:
                self.answers.errors.append(type(error).__name__)
                return
            self.answers.reported.append(reported.status_code)
