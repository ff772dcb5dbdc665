"""`python -m siam …`."""

import sys

from siam.cli import main

sys.exit(main())
