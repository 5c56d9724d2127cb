"""The target `postgresql`: tables in a schema of a database, changed in one transaction an org (docs/tables.md).

The lock is an advisory one, which ends with its session, and a row that every transaction holds and compares: a session that was
lost may be replaced by another apply's, but it can commit nothing afterwards.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from hubcfg.applier.holder import Holder, is_gone
from hubcfg.applier.sql import ledger
from hubcfg.applier.sql.postgres import LostError, Postgres, PostgresDatabase
from hubcfg.applier.sql.reader import TablesReader
from hubcfg.applier.sql.schema import STEPS, migrate, read_version
from hubcfg.applier.sql.writing import check_before, write_org
from hubcfg.applier.target import (
    Deployment,
    ForeignStateError,
    LockedError,
    OrgDeployment,
    Outcome,
    Place,
    StaleError,
    TargetError,
    TargetType,
)
from hubcfg.core.errors import HubcfgError, UsageError

_PATIENCE = 10.0  # seconds in which the server notices that a process which has ended is not connected any more
_RECOVERY = 60.0  # seconds in which a server that was restarted is back

_CONTENTS = (
    "hubcfg_bundles, hubcfg_users, hubcfg_sets, hubcfg_permissions, hubcfg_clients, hubcfg_endings, hubcfg_obligations"
)


class PostgresqlTarget(TablesReader):
    """A database of a PostgreSQL server."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._token: str | None = None

    def close(self) -> None:
        """Ends the connection."""
        self._server.disconnect()

    @contextmanager
    def reading(self) -> Iterator[PostgresDatabase | None]:
        """Gives a snapshot of the tables; None where there are none."""
        with self._server.transaction("ISOLATION LEVEL REPEATABLE READ READ ONLY", is_kept=False) as database:
            version = read_version(database)
            if version in (0, STEPS[-1].version):
                yield database if version else None
                return
        # Tables of an earlier version are read as they will be; that is rolled back.
        with self._server.transaction("", is_kept=False) as database:
            migrate(database, version)
            yield database

    @contextmanager
    def _writing(self) -> Iterator[PostgresDatabase]:
        """Gives a transaction that is committed after the block, under the lock that this target has taken."""
        assert self._token is not None, "only under the lock"
        with self._server.transaction() as database:
            ledger.check_owner(database, self._token)
            yield database

    @contextmanager
    def lock(self, holder: Holder) -> Iterator[None]:
        """Holds the lock for a block; one whose session has ended is taken over."""
        assert self._token is None, "the lock is held already"
        with self._server.transaction() as database:
            database.serialize()
            migrate_from = read_version(database)
            if migrate_from == 0:
                database.create_schema()
            migrate(database, migrate_from)
        token = self._token = self._take(holder)
        try:
            yield
        finally:
            self._token = None
            self._release(token)

    def _take(self, holder: Holder) -> str:
        deadline = time.monotonic() + _PATIENCE
        while True:
            with self._server.transaction() as database:
                generation, is_held, other = ledger.hold_row(database)
                if database.try_lock(generation):
                    # Whoever the row names has no session any more.
                    return ledger.take_lock(database, holder)
            # A session that ends, or whose process has, is not always gone at once.
            is_ending = not is_held or (other is not None and is_gone(other))
            if not is_ending or time.monotonic() > deadline:
                raise LockedError(other)
            time.sleep(0.05)

    def _release(self, token: str) -> None:
        try:
            with self._server.transaction() as database:
                generation, _, _ = ledger.hold_row(database)
                ledger.release_lock(database, token)
                is_released = database.unlock(generation)
        except HubcfgError:
            is_released = False  # whatever the row says, a lock whose session has ended is free
        if not is_released:
            self._server.disconnect()

    def unlock(self) -> Holder | None:
        """Ends the lock by force, and returns whose it was; None where there was none. Its session lives on, but can commit nothing."""
        with self.reading() as database:
            if database is None or ledger.read_lock_holder(database) is None:
                return None
        with self._server.transaction() as database:
            return ledger.break_lock(database)

    def append_record(self, record: bytes, serial: int) -> None:
        """Writes down an interrupted deployment's record, and forgets that it was interrupted. Only under the lock."""
        with self._writing() as database:
            ledger.check_serial(database, serial)
            ledger.write_record(database, serial, record, None)

    def deploy(self, deployment: Deployment) -> Outcome:
        """Carries out a deployment, one transaction an org; all orgs are checked before the first one changes."""
        with self._writing() as database:
            ledger.check_serial(database, deployment.serial)
            database.lock_tables(_CONTENTS)
            for change in deployment.orgs:
                check_before(database, change)
            ledger.begin_journal(database, deployment.serial, deployment.beginning)
        done: list[str] = []
        failed: dict[str, str] = {}
        untried = [change.org for change in deployment.orgs]
        for change in deployment.orgs:
            deployment.progress("deploying orgs", len(deployment.orgs) - len(untried), len(deployment.orgs))
            untried.remove(change.org)
            try:
                self._deploy_org(deployment.serial, change)
                done.append(change.org)
            except (StaleError, ForeignStateError) as error:
                failed[change.org] = error.message
            except HubcfgError as error:
                failed[change.org] = error.message
                break
        return self._record(deployment, Outcome(tuple(done), failed, tuple(untried)))

    def _deploy_org(self, serial: int, change: OrgDeployment) -> None:
        try:
            with self._writing() as database:
                if ledger.is_done(database, serial, change.org) is not False:
                    raise StaleError(
                        f"the deployment {serial} was taken for dead, and recorded, while it was under way"
                    )
                database.lock_tables(_CONTENTS)
                write_org(database, change, check_before(database, change))
                ledger.mark_done(database, serial, change.org)
        except LostError as error:
            self._find_out(error, lambda database: ledger.is_done(database, serial, change.org))

    def _record(self, deployment: Deployment, outcome: Outcome) -> Outcome:
        record = deployment.make_record(outcome)
        try:
            try:
                with self._writing() as database:
                    ledger.check_serial(database, deployment.serial)
                    ledger.write_record(database, deployment.serial, record, deployment.sources)
            except LostError as error:
                self._find_out(error, lambda database: ledger.read_record(database, deployment.serial) == record)
        except HubcfgError as error:
            reason = f"its record could not be written: {error.message}"
            return Outcome(outcome.done, outcome.failed, outcome.untried, None, reason)
        return Outcome(outcome.done, outcome.failed, outcome.untried, record)

    def _find_out(self, error: LostError, look: Callable[[PostgresDatabase], bool | None]) -> None:
        """Returns where a transaction was committed although the connection was lost, by what the tables say now.

        Raises TargetError where it was not, and where that cannot be told.
        """
        deadline = time.monotonic() + _RECOVERY
        while True:
            try:
                with self._server.transaction() as database:
                    # As long as that transaction is still under way, it keeps this row from others.
                    ledger.hold_row(database)
                    found = look(database)
                break
            except HubcfgError as other:
                if time.monotonic() > deadline:
                    raise _not_known(f"{error.message}; {other.message}") from other
            time.sleep(0.2)
        if found is None:
            raise _not_known(error.message)
        if not found:
            raise TargetError(error.message, help=error.help) from error


def _not_known(message: str) -> TargetError:
    advice = "`hubcfg plan` shows what the target holds, as soon as it can be reached"
    return TargetError(f"not known whether it was done: {message}", help=advice)


def _open(name: str, options: Mapping[str, object], place: Place) -> PostgresqlTarget:
    variable = options.get("dsn_env")
    if not isinstance(variable, str) or not variable:
        advice = f"write for example `targets: {{{name}: {{type: postgresql, dsn_env: HUB_DSN}}}}`"
        raise UsageError(
            f"`targets.{name}` does not say which environment variable holds the connection string: it has no `dsn_env`",
            help=advice,
        )
    dsn = place.environment.get(variable)
    if not dsn:
        advice = "set it to a connection string, for example `postgresql://hubcfg@db.example/hub`"
        raise UsageError(
            f"the environment variable `{variable}`, which `targets.{name}` names, is not set", help=advice
        )
    return PostgresqlTarget(Postgres(dsn, variable))


TARGET = TargetType("postgresql", _open)
