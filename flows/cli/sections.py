"""How the help of n2m is laid out: commands under headings, and an example below each command's options."""

import click

EXAMPLE = "Example:"


class Sections(click.Group):
    """A group of commands whose help lists them under headings, in the order in which they were added."""

    def __init__(self, *arguments: object, **settings: object) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        self.sections: dict[str, list[str]] = {}

    def add_section(self, heading: str, *commands: click.Command) -> None:
        """Add the commands below a heading."""
        for command in commands:
            self.add_command(command)
        self.sections.setdefault(heading, []).extend(command.name for command in commands if command.name)

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
