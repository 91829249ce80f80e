"""What a kind of data is: one registered object that a command or a comparison asks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import msgspec

from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.training.base.progress import Progress
from dlrsd.training.data.sources import Source
from dlrsd.training.runs.row import Row

S = TypeVar("S", bound=msgspec.Struct)


class Cell(NamedTuple):
    """What decides a row of a comparison."""

    settings: Any
    method: str


class Axis(NamedTuple):
    """A setting that a comparison varies: the values that are known (None: any), and the usual."""

    known: Collection[str] | None
    usual: tuple[Any, ...]


class Kind(ABC, Generic[S]):
    """A kind of data, from its settings to what is said of a training.

    Attributes
    ----------
    source : Source
        Its data before they are read, with the tag that runs, tables and bundles state.
    settings : class
        A frozen struct with the fields ``data``, ``protocol``, ``seed`` and ``classifier``, tagged
        by the kind's name.
    axes : dict
        Settings that a comparison varies besides the method; the last ones share what is prepared.
    methods : collection of str
        That a run can be trained with.
    compared : collection of str
        That a comparison knows, in the order of tables.
    reference : str
        The method that a run is trained with, and that others are compared to.
    former_methods : dict
        What methods were called before.
    figures : tuple of str
        Of a row, those that a person is shown first.
    """

    source: ClassVar[Source]
    settings: type[S]
    axes: ClassVar[Mapping[str, Axis]]
    methods: ClassVar[Collection[str]]
    compared: ClassVar[Collection[str]]
    reference: ClassVar[str]
    former_methods: ClassVar[Mapping[str, str]]
    figures: ClassVar[tuple[str, ...]]

    def located(self, data: str) -> str:
        """What settings state for what a user calls ``data``."""
        return data

    def completed(self, stated: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a user stated of settings, with what is decided by the data where they left it."""
        return stated

    def settled(self, settings: S) -> tuple[S, str | None]:
        """The settings once the data are known; and a sentence on what the data decided, if
        anything."""
        return settings, None

    @abstractmethod
    def fit(self, settings: S, out: Path, *, method: str, progress: Progress) -> dict[str, Any]:
        """Train a run."""

    @abstractmethod
    def run_name(self, settings: S) -> str:
        """What a run's folder is called where nobody names it."""

    @abstractmethod
    def summary(self, settings: S, metrics: Mapping[str, Any]) -> list[str]:
        """Lines on a finished run, for a person."""

    @abstractmethod
    def load_run(self, folder: Path) -> Any:
        """Read a finished run."""

    @property
    @abstractmethod
    def run_cell(self) -> Callable[[Cell], Row]:
        """A function of a module: train and test a cell, on one thread."""

    @abstractmethod
    def prepared(self, settings: S) -> Any:
        """What cells of such settings share, kept for the next one."""

    @abstractmethod
    def notes(self, settings: Sequence[S]) -> list[str]:
        """What is to be said before cells of these settings are run; all can be prepared."""

    def named(self, names: Sequence[str], settings: S) -> tuple[str, ...]:
        """Names of methods, with those of groups of them replaced by the methods."""
        return tuple(method for name in names for method in self.groups(settings).get(name, [name]))

    @abstractmethod
    def groups(self, settings: S) -> dict[str, list[str]]:
        """Groups of methods by name; ``all`` among them."""

    def require_method(self, method: str, settings: S) -> None:
        """Make sure that a comparison knows a method, and that it suits the settings.

        Raises
        ------
        InputError
            If not.
        """
        if method not in self.compared:
            raise InputError(f"got method {method!r}: expected one of {', '.join(self.compared)}")

    def check(self, settings: Sequence[S]) -> list[str]:
        """Refuse settings that cannot be prepared; else `notes`."""
        for each in settings:
            try:
                self.prepared(each)
            except DlrsdError as error:  # noqa: PERF203
                raise InputError(f"{self.place(each)}: {error}") from error
        return self.notes(settings)

    def caveats(self, row: Row) -> list[str]:
        """What has to be said beside the figures of a row."""
        return []

    @abstractmethod
    def place(self, settings: S) -> str:
        """Which split and seed these settings are of, in words."""
