"""`python -m siam …`."""

import sys

from siam.cli.main import main

sys.exit(main())
