"""What is observed of a site: its meters, the states of its assets, the runs of the program."""

from datetime import datetime

from pointsman.core.values import Value


class Measurement(Value, frozen=True):
    """What a meter said of one asset over one period of at most a minute."""

    asset_id: str
    from_: datetime
    until: datetime
    average_kw: float
    least_kw: float
    most_kw: float
    charged_kwh: float
    """Since the first run here, as is the next."""
    discharged_kwh: float
    soc_percent: float | None = None
    register_charged_kwh: float | None = None
    """What the meter's own register said at `until`. None: it has none."""
    register_discharged_kwh: float | None = None


class AssetState(Value, frozen=True):
    """The state that a device last reported: a word of the asset's state machine."""

    asset_id: str
    state: str
    previous: str = ""
    reason: str = ""


class Run(Value, frozen=True):
    """One life of the program that carries out plans here."""

    number: int
    """Grows from 1."""
    speed: float
    dry_run: bool
    started_at: datetime
    """By the run's own clock."""
    pid: int = 0
    timezone: str = ""
    """The site's zone, by its IANA name, for whoever shows times. Empty: not known."""
    ahead_seconds: float = 0.0
    """A command is handed out this long before its time, or a little more, and sent at its time:
    so it is durable by then, and no disk makes it late.
    """
