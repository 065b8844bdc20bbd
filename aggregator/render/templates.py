"""templates: the words of a letter filled into its templates; one's own before those that come with the program."""

import re
import traceback
from difflib import get_close_matches
from pathlib import Path

import jinja2

from aggregator.errors import RenderError
from aggregator.render.columns import padded, wrap
from aggregator.shipped import shipped

_OBJECT = re.compile(r"(?<=')aggregator\.[\w.]*\.(\w+) object(?=')")
"""What Jinja calls our values, as in "'aggregator.render.letter.Letter object' has no attribute …"."""


class Templates:
    """The templates in `own`, and for those that are not there ours, which are also called "base/NAME".

    Raises RenderError if there is no such folder.
    """

    def __init__(self, own: Path | None = None) -> None:
        ours = shipped("templates/email")
        if own and not own.is_dir():
            raise RenderError(f"[mail] templates: there is no folder {own}; make it, or take the key out")
        self._own = own
        self._folders = [own, ours] if own else [ours]
        loaders = [jinja2.FileSystemLoader(folder) for folder in self._folders]
        self._templates = jinja2.Environment(
            loader=jinja2.ChoiceLoader([*loaders, jinja2.PrefixLoader({"base": jinja2.FileSystemLoader(ours)})]),
            autoescape=jinja2.select_autoescape(("html",)),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters |= {"wrap": wrap, "padded": padded}

    def filled(self, name: str, **values: object) -> str:
        """The template with the values in it. Raises RenderError, with the file and the line that are at fault."""
        try:
            filled = self._checked(name).render(values)
        except jinja2.TemplateNotFound as error:
            raise RenderError(f"{self._place(name, error)}: there is no template {error.name}") from None
        except jinja2.TemplateSyntaxError as error:
            raise RenderError(f"{error.filename or self.path(name)}, line {error.lineno}: {error.message}") from None
        except Exception as error:
            what = _OBJECT.sub(lambda found: found[1].lower(), " ".join(str(error).split())) or type(error).__name__
            raise RenderError(f"{self._place(name, error)}: {what}; correct the template") from error
        if not filled.strip():
            raise RenderError(f"{self.path(name)}: the template is empty; write something, or delete the file")
        return filled

    def _checked(self, name: str) -> jinja2.Template:
        """The template; one of one's own may not miss a block of ours by a letter: it would be left out in silence."""
        template, ours = self._templates.get_template(name), self._templates.get_template(f"base/{name}")
        for block in template.blocks.keys() - ours.blocks.keys():
            if near := get_close_matches(block, ours.blocks, n=1, cutoff=0.75):
                raise RenderError(f"{self.path(name)}: there is no block {block!r} (did you mean `{near[0]}`?)")
        return template

    def path(self, name: str) -> Path:
        """The file that a template stands in."""
        return next((path for folder in self._folders if (path := folder / name).exists()), self._folders[-1] / name)

    def _place(self, name: str, error: Exception) -> str:
        """The line that an error came from; of several templates in each other, the innermost of one's own."""
        frames = traceback.extract_tb(error.__traceback__)
        for folder in self._folders:
            if lines := [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]:
                return f"{lines[-1].filename}, line {lines[-1].lineno}"
        return str(self.path(name))
