"""templates: the words of a letter filled into its templates; one's own before those that come with the program."""

import traceback
from pathlib import Path

import jinja2

from aggregator.errors import RenderError
from aggregator.render.columns import padded, wrap
from aggregator.shipped import shipped


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
            return self._templates.get_template(name).render(values)
        except jinja2.TemplateNotFound as error:
            raise RenderError(f"{self._place(name, error)}: there is no template {error.name}") from None
        except jinja2.TemplateSyntaxError as error:
            raise RenderError(f"{error.filename or self.path(name)}, line {error.lineno}: {error.message}") from None
        except Exception as error:
            what = " ".join(str(error).split()) or type(error).__name__
            raise RenderError(f"{self._place(name, error)}: {what}; correct the template") from error

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
