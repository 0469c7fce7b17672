#!/bin/sh
# One command from a fresh clone to a running application on a cluster of three nodes.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
sh tools/setup.sh
exec bin/node --disable-warning=ExperimentalWarning tools/quickstart.ts "$@"
