"""`python -m escapement`."""

import sys

from escapement.cli import main

sys.exit(main())
