"""What an import is started with."""

from django import forms

from headway.forms import CsvFileField

from .rows import COLUMNS


class ImportForm(forms.Form):
    """A file of one's own, or none for the bundled one."""

    file = CsvFileField(
        columns=COLUMNS,
        required=False,
        label="CSV file",
        help_text=f"With the columns {', '.join(COLUMNS)}. Without a file, the bundled one is taken.",
    )
