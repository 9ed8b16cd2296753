"""What is kept: a report goes in, times and verdicts of cases come out."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history import reading, saving
from harness.history.changes import Career, Series
from harness.history.database import Database, StoreError
from harness.records.report_file import Report


@dataclass(frozen=True)
class Saved:
    """Where a report went; ``new`` is false where it had been there before."""

    run: int
    new: bool
    database: str

    @property
    def text(self) -> str:
        """Say it."""
        return f"{'' if self.new else 'already '}saved as run {self.run} of {self.database}"


@dataclass(frozen=True)
class Store:
    """A history store whose schema is there; connections are made as they are needed."""

    database: Database

    def save(self, report: Report, branch: str = "") -> Saved:
        """Add a report; one that is there already is left as it is.

        Parameters
        ----------
        report : Report
            Of a conformance run or a benchmark; its header says of which commit.
        branch : str

        Raises
        ------
        StoreError
            If the run was interrupted, if the report holds what a database cannot, or if the
            database cannot be written.
        """
        if report.footer is None:
            raise StoreError("an interrupted run is not saved; complete it first.")
        with self.database.writing() as connection:
            run, new = saving.add(connection, report, branch)
        return Saved(run, new, self.database.name)

    def times(self, selection: reading.Selection) -> tuple[Series, ...]:
        """Give the series by machine, case, framework and direction; the oldest run is first."""
        with self.database.reading() as connection:
            return reading.times(connection, selection)

    def careers(self, selection: reading.Selection) -> tuple[Career, ...]:
        """Give what became of the cases in conformance runs, by case and framework."""
        with self.database.reading() as connection:
            return reading.careers(connection, selection)


def opened(url: str | None = None, *, create: bool = True) -> Store:
    """Open a store, and bring its schema up to date.

    Parameters
    ----------
    url : str, optional
        Of SQLite or PostgreSQL.  Without one ``DECONFORM_DATABASE`` says it, or it is
        ``deconform/history.sqlite`` in the user's data folder.
    create : bool
        Whether to make a store where there is none.

    Raises
    ------
    StoreError
        If there is none, or if it cannot be used.
    """
    database = Database.of(url)
    if not database.prepare(create=create):
        raise StoreError(f"{database.name} holds no history yet; save a run: deconform run --save")
    return Store(database)


def save(report: Report, url: str | None = None, branch: str = "") -> Saved:
    """Add a report to the store of that URL; see :func:`opened` and :meth:`Store.save`."""
    return opened(url).save(report, branch)
