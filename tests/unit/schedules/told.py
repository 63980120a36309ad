"""Stories that are told by the rules themselves, and kept as the views get to see them."""

from dataclasses import dataclass, field
from datetime import datetime

from pointsman.core.entity import Wake
from pointsman.schedules.facts import AboutCommand, Dispatched, Fact
from pointsman.schedules.intents import (
    Activate,
    Intent,
    Measure,
    Open,
    ReportState,
    Write,
)
from pointsman.schedules.lifecycle import initial
from pointsman.schedules.model import AssetState, Command, Measurement, Plan, Run, Timeline
from pointsman.schedules.site import Site
from tests.unit.schedules.given import BAY, ask, no, yes


@dataclass
class Told:
    site: Site = field(default_factory=initial)
    facts: list[tuple[str, Fact, datetime]] = field(default_factory=list)

    def asks(self, intent: Intent | Wake, now: datetime) -> list[Fact]:
        facts = list(ask(self.site, intent, now))
        self.facts += [("schedules/home/engine", fact, now) for fact in facts]
        return facts

    def opens(self, now: datetime, **also: object) -> None:
        given = {"number": 1, "speed": 1.0, "dry_run": False, "started_at": now} | also
        self.asks(Open(Run(**given)), now)  # type: ignore[arg-type]

    def imports(
        self,
        plan: Plan,
        *timelines: Timeline,
        now: datetime | None = None,
        in_force: dict[str, float] | None = None,
    ) -> None:
        now = now or plan.activated_at or plan.start
        self.asks(Write(timelines), now)
        self.asks(Activate(plan, in_force or {}), now)

    def wakes(self, now: datetime) -> list[Command]:
        """Everything due happens. The commands that were handed out."""
        sent: list[Command] = []
        while facts := self.asks(Wake(), now):
            sent += [fact.command for fact in facts if isinstance(fact, Dispatched)]
        return sent

    def sends(self, now: datetime) -> Command:
        [command] = self.wakes(now)
        return command

    def accepts(self, command: Command, now: datetime, **also: object) -> None:
        self.asks(yes(command, **also), now)

    def refuses(self, command: Command, now: datetime, **also: object) -> list[Fact]:
        return self.asks(no(command, **also), now)

    def says(self, now: datetime) -> Command:
        """What is due is sent, and accepted at once."""
        command = self.sends(now)
        self.accepts(command, now)
        return command

    def measures(
        self, from_: datetime, until: datetime, average_kw: float, *registers_kwh: float
    ) -> None:
        charged_kwh, discharged_kwh = registers_kwh
        self.asks(
            Measure(
                Measurement(
                    BAY,
                    from_,
                    until,
                    average_kw,
                    average_kw,
                    average_kw,
                    charged_kwh,
                    discharged_kwh,
                    soc_percent=55.0,
                )
            ),
            until,
        )

    def becomes(self, state: str, now: datetime, **also: str) -> None:
        self.asks(ReportState(AssetState(BAY, state, **also)), now)

    def commands(self) -> list[Command]:
        return [fact.command for _, fact, _ in self.facts if isinstance(fact, AboutCommand)]
