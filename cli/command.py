"""How a function becomes a command, and the checks before every command: options given once, paths and text in UTF-8,
`-`, standard streams and processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option
from typer.core import TyperCommand, TyperOption

from seq2seq import torchrun
from seq2seq.errors import SeqxError

from . import options, processes, streams
from .printing import note, settings

_SHARED = ("train", "translate", "evaluate")  # several processes of torchrun share the work
_PIPED = ("translate", "generate", "score")  # results go to --output in place of standard output
_STANDARD_INPUT = ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_KEPT = ("train", "export", "get", "copy")  # results go to files alone


def add(app: typer.Typer, function: Callable[..., None]) -> None:
    """Add a function, all of whose parameters are keywords, to an app as the command of its name, with --quiet and
    --debug. A parameter that is a dataclass stands for the options that are its fields."""
    groups: dict[str, Any] = {}
    parameters: list[Parameter] = []
    for parameter in signature(function, eval_str=True).parameters.values():
        if is_dataclass(group := parameter.annotation) and isinstance(group, type):
            groups[parameter.name] = group
            parameters += signature(group, eval_str=True).parameters.values()
        else:
            parameters.append(parameter)

    @wraps(function)
    def command(quiet: bool, debug: bool, **values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        function(**values)

    parameters += signature(_Everywhere, eval_str=True).parameters.values()
    command.__signature__ = signature(function).replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app.command(cls=Command)(command)


def _remember(parameter: typer.CallbackParam, value: bool) -> bool:
    settings[str(parameter.name)] |= value
    return value


@dataclass(frozen=True, kw_only=True)
class _Everywhere:
    """Options of every command."""

    quiet: Annotated[
        bool, Option("--quiet", "-q", help="Print results and errors only.", callback=_remember, is_eager=True)
    ] = False
    debug: Annotated[
        bool, Option("--debug", help="Show the traceback of an error.", callback=_remember, is_eager=True)
    ] = False


class Command(TyperCommand):
    """A command of seqx."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse. Usage errors: an option of one value given twice, text or a path that is not UTF-8, `-` for another
        file than --input and --output."""
        given = self._given(ctx, args)
        rest = super().parse_args(ctx, args)
        for parameter in self.params:
            name = "/".join(parameter.opts) if isinstance(parameter, TyperOption) else str(parameter.name)
            names_files = any(isinstance(value, Path) for value in _listed(ctx.params.get(parameter.name)))
            for value in _listed(given.get(parameter.name)):
                _must_be_utf8(name, value)
                if names_files:
                    self._dash(ctx, parameter.name, name, value)
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run. Raises what `must_be_ready` does."""
        must_be_ready(str(self.name), ctx.params)
        return super().invoke(ctx)

    def _given(self, ctx: Any, args: list[str]) -> dict[str, Any]:
        """The arguments as typed, with all values of each option. Usage error where several are given and one is
        allowed."""
        parser: Any = self.make_parser(ctx)
        single = [each for each in self.params if isinstance(each, TyperOption) and not each.multiple]
        for parameter in single:
            add = {"obj": parameter, "dest": parameter.name}
            if not parameter.is_flag:
                parser.add_option(opts=parameter.opts, action="append", **add)
            for option in (*parameter.opts, *parameter.secondary_opts) if parameter.is_flag else ():
                parser.add_option(opts=[option], action="append_const", const=option, **add)
        given, _, _ = parser.parse_args(list(args))
        for parameter in single:
            values = list(dict.fromkeys(given.get(parameter.name, [])))
            if len(values) > 1:
                both, name = " and ".join(values), "/".join(parameter.opts)
                options.usage_error(
                    f"both {both} were given; give one" if parameter.is_flag else f"{name} was given twice: {both}"
                )
        return dict(given)

    def _dash(self, ctx: Any, key: str, name: str, value: str) -> None:
        """A lone - is standard input or output; a file of that name is ./-"""
        piped = self.name in _PIPED and key in ("input", "output")
        if value == "-":
            if not piped:
                options.usage_error(f"{name} -: a file is needed here; for a file named -, use ./-")
            if key == "output":
                ctx.params[key] = None
        elif piped and key == "input" and value in _STANDARD_INPUT and streams.is_closed("stdin"):
            ctx.params[key] = options.STANDARD_INPUT  # reading it reports the error
        elif piped and Path(value) == options.STANDARD_INPUT:
            ctx.params[key] = Path.cwd() / value


def must_be_ready(name: str, values: Mapping[str, Any]) -> None:
    """Check the environment of a command. Usage error: several processes for a command that does not share its work.
    Raises SeqxError: standard output is needed and closed, or the working directory was deleted."""
    for variable in ("SEQX_RUNS", "SEQX_DATA"):
        _must_be_utf8(variable, os.environ.get(variable, ""))
    try:
        Path.cwd()
    except OSError as error:  # checked first: libraries end the process in various ways
        raise SeqxError("the working directory was deleted or cannot be read; change to another (cd)") from error
    if processes.several() and name not in _SHARED:
        options.usage_error(
            f"several processes share train, evaluate and translate --input, not {name}: leave out torchrun, or unset "
            f"{', '.join(torchrun.VARIABLES)}"
        )
    settings["quiet"] |= not processes.main()
    if reason := torchrun.ignored():
        note(f"NOTE: {reason}: not set by torchrun; running as one process")
    if name in _KEPT:
        streams.drop_output()
    if streams.is_closed("stdout") and not (name in _PIPED and values.get("output")):
        remedy = "; name a file with --output" if name in _PIPED else ""
        raise SeqxError(f"standard output is closed, and the results go there{remedy}")


def _listed(values: Any) -> Sequence[Any]:
    """The values of a parameter that may have several, or none."""
    return values if isinstance(values, list | tuple) else [] if values is None else [values]


def _must_be_utf8(name: str, value: str) -> None:
    """End with a usage error where a value is not text."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        byte = os.fsencode(value[error.start])[0]
        options.usage_error(f"{name}: {value} has the byte 0x{byte:02x}, which is not UTF-8; rename or convert it")
