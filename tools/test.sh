#!/bin/sh
# The whole test run, from a fresh clone on: set-up, checks, then every test. Files that use the machine as a whole
# (network namespaces, cgroups, whole clusters) run one after the other, the others side by side.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
sh tools/setup.sh --tests
bin/node tools/check.ts
bin/node tools/run-tests.ts "$@"
