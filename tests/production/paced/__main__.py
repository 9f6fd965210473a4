"""`python -m tests.production.paced CUT`: `make demo-full` with that operation, and a cut of so many seconds."""

import sys

from servers import demo_full, topology

if __name__ == "__main__":
    topology.SETTINGS["DJANGO_SETTINGS_MODULE"] = "tests.production.paced.settings"
    demo_full.CUT_SECONDS = int(sys.argv[1])
    sys.exit(demo_full.main())
