"""The rules of `sql/access.sql` in force in a real engine: grants, row policies and limits of its one user.

The embedded engine cannot store users, but reads a file of users. So what the statements say is written as
such a file: the engine enforces it by the same code as a server. Views belong to another user, as on a
server. Not shown by this: CREATE ROLE and CREATE QUOTA themselves, and that policies are RESTRICTIVE.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

_OWNER: Final = (
    "<password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>"
)
_CONFIG: Final = (
    "<clickhouse><user_directories><users_xml><path>{}</path></users_xml></user_directories></clickhouse>"
)
_SETTING: Final = re.compile(r"(\w+) = (\w+) CONST")
_GRANTED: Final = re.compile(r"SELECT ON (dongbo\.[\w*]+)")
_POLICY: Final = re.compile(
    r"CREATE ROW POLICY .*? ON\s+(.*?)\s+USING (.*?)(?:\s+AS RESTRICTIVE)?\s+TO (\w+)", re.S
)
_ASK: Final = """
import json, sys
from chdb import _chdb
connection = _chdb.connect(sys.argv[1])
def ask(sql):
    try:
        return [True, connection.query(sql, "TSV").bytes().decode(errors="replace")]
    except RuntimeError as error:
        return [False, str(error)]
print(json.dumps([ask(sql) for sql in json.load(sys.stdin)]))
"""


class Said(NamedTuple):
    """What the engine answered."""

    well: bool
    text: str


def policies(statements: Sequence[str], role: str) -> dict[str, str]:
    """By object, the condition that a role's policies put on it."""
    found = [_POLICY.match(one) for one in statements]
    return {
        name.strip().removeprefix("dongbo."): policy[2]
        for policy in found
        if policy is not None and policy[3] == role
        for name in policy[1].split(",")
    }


def granted(statements: Sequence[str], role: str) -> list[str]:
    """What a role may read, as `dongbo.name`, or a pattern."""
    ours = [one for one in statements if one.startswith("GRANT") and one.endswith(f"TO {role}")]
    return [name for one in ours for name in _GRANTED.findall(one)]


def limits(statements: Sequence[str]) -> dict[str, str]:
    """The settings of all profiles among the statements."""
    return {
        name: value
        for one in statements
        if one.startswith("CREATE SETTINGS PROFILE")
        for name, value in _SETTING.findall(one)
    }


def users_file(statements: Sequence[str], role: str) -> str:
    """The file of users that makes the engine's user one of this role."""
    grants = "".join(f"<query>GRANT SELECT ON {name}</query>" for name in granted(statements, role))
    rows = "".join(
        f"<{name}><filter>{escape(condition)}</filter></{name}>"
        for name, condition in policies(statements, role).items()
    )
    profile = "".join(f"<{name}>{value}</{name}>" for name, value in limits(statements).items())
    fixed = "".join(f"<{name}><const/></{name}>" for name in limits(statements))
    user = _OWNER.replace("<profile>default", "<profile>role")
    return (
        f"<clickhouse><profiles><default/><role>{profile}<constraints>{fixed}</constraints></role></profiles>"
        f"<quotas><default/></quotas><users><owner>{_OWNER}</owner><default>{user}"
        f"<grants>{grants}</grants><databases><dongbo>{rows}</dongbo></databases></default></users></clickhouse>"
    )


ADMINISTRATOR: Final = (
    "<clickhouse><profiles><default/></profiles><quotas><default/></quotas>"
    f"<users><owner>{_OWNER}</owner><default>{_OWNER}<access_management>1</access_management></default></users>"
    "</clickhouse>"
)


def asked(folder: Path, data: Path, users: str, statements: Sequence[str]) -> list[Said]:
    """Run statements in an engine of its own process over a folder of data, with a file of users."""
    users_path, config = folder / "users.xml", folder / "config.xml"
    users_path.write_text(users)
    config.write_text(_CONFIG.format(users_path))
    done = subprocess.run(
        [sys.executable, "-c", _ASK, f"{data}?config-file={config}"],
        input=json.dumps(list(statements)),
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [Said(*one) for one in json.loads(done.stdout.splitlines()[-1])]
