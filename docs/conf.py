"""The documentation's site: `make docs` builds it, and takes a warning for an error."""

import os
import sys
from pathlib import Path

import django

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ["DJANGO_SETTINGS_MODULE"] = "_site.settings"
django.setup()

import headway  # noqa: E402  (it needs the settings)

project = "Headway"
author = "The Headway authors"
project_copyright = author
release = version = headway.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "_site.names", "_site.http", "_site.commands"]
exclude_patterns = ["_site"]
html_theme = "furo"
html_title = "Headway"
html_copy_source = False
nitpicky = True

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"
default_role = "code"
smartquotes = False
