"""A child that is ready once a file is there, which its first argument names."""
import os
import sys
import time

while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)

import child  # noqa: E402, F401  which serves
