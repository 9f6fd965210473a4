"""The import's own page: it asks which file, before it asks for one."""

from typing import Any

from django import forms

from headway.ui import StartRunView

from .forms import ImportForm
from .operations import ImportAirports

__all__ = ["StartImport"]


class ImportPageForm(ImportForm):
    """The import's form, with the question that only a person is asked."""

    source = forms.ChoiceField(
        label="Which file?",
        choices=[("bundled", "The bundled file"), ("own", "Your own file")],
        initial="bundled",
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs["aria-label"] = "Your own file"  # it stands inside that choice

    def clean(self) -> dict[str, Any]:
        """Either file, never one for the other: which is meant must be clear."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("source") == "bundled":
            if self.files.get("file"):
                self.add_error("file", "A file was chosen, but “The bundled file” is selected. Select which is meant.")
        elif not cleaned.get("file") and "file" not in self.errors:
            self.add_error("file", "Choose a file, or take the bundled one.")
        return cleaned


class StartImport(StartRunView):
    """`/start/airports.import_airports/`, in the place of the library's own page."""

    operation = ImportAirports
    form_class = ImportPageForm
    template_name = "airports/start_import.html"
