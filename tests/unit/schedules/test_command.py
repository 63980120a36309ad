"""What commands have in common, and keep once."""

import msgspec

from pointsman.core.values import whole
from pointsman.schedules.model import PATIENT, UNTRIED, Command, CommandType, Policy
from tests.unit.schedules.given import DAY


def read_anew(command: Command) -> Command:
    """As from a line that says all fields."""
    return msgspec.json.decode(msgspec.json.encode(whole(command)), type=Command)


def command(id: str, policy: Policy = PATIENT) -> Command:
    return Command(id, "ast_charger_bay_1", CommandType.SET_CHARGE_RATE, DAY, policy=policy)


def test_commands_read_from_a_journal_share_what_is_equal() -> None:
    hasty = Policy(max_retries=0)
    one, other = (read_anew(command(id, hasty)) for id in ("cmd_1", "cmd_2"))
    assert one == command("cmd_1", hasty)
    assert one.asset_id is other.asset_id
    assert one.policy is other.policy
    assert one.progress is UNTRIED
