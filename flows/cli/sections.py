"""How the help of n2m is laid out: commands under headings, and an example below each command's options."""

import click

EXAMPLE = "Example:"


class Sections(click.Group):
    """A group of commands whose help lists them under headings, in the order in which they were added."""

    def __init__(self, *arguments: object, **settings: object) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        self.sections: dict[str, list[str]] = {}
        self.aliases: dict[str, str] = {}

    def add_section(self, heading: str, *commands: click.Command) -> None:
        """Add the commands below a heading."""
        for command in commands:
            self.add_command(command)
        self.sections.setdefault(heading, []).extend(command.name for command in commands if command.name)

    def add_alias(self, old: str, new: str) -> None:
        """Let a command that was renamed be called by its old name as well, which no help lists."""
        self.aliases[old] = new

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name. For an old name the new one is said on stderr."""
        if new := self.aliases.get(cmd_name):
            click.echo(f"`n2m {cmd_name}` is now called `n2m {new}`.", err=True)
        return super().get_command(ctx, new or cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with; a name may have two words, and goes before the command of the first alone."""
        name = " ".join(args[:2])
        if len(args) > 1 and (command := self.commands.get(name)):
            return name, command, args[2:]
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the help; what is below no heading comes last."""
        listed = [name for names in self.sections.values() for name in names]
        return [*listed, *(name for name in super().list_commands(ctx) if name not in listed)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A list for each heading, all with the same width of the first column."""
        commands = {name: command for name in self.list_commands(ctx) if (command := self.get_command(ctx, name)) and not command.hidden}
        width = max(map(len, commands), default=0)
        listed = {name for names in self.sections.values() for name in names}
        rest = {"Other": [name for name in commands if name not in listed]}
        for heading, names in (self.sections | rest).items():
            limit = formatter.width - 6 - width
            rows = [(name.ljust(width), commands[name].get_short_help_str(limit)) for name in names if name in commands]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


def example(*lines: str) -> str:
    """The `epilog` of a command: lines that can be typed as they stand. What follows two spaces and # is a remark."""
    return "\n".join(["\b", EXAMPLE, *(f"  {line}" for line in lines)])
