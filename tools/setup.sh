#!/bin/sh
# Prepares a fresh clone: npm packages (Naru's own Node is one of them), Debian packages, generated code.
# Usage: setup.sh [--tests]   (--tests: also what only the tests and benchmarks need)
# Each step looks first whether there is anything to do, so a second run takes a moment and changes nothing.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."

say() { printf '%s\n' "$*" >&2; }

if [ "$(id -u)" -ne 0 ]; then
  say "naru: containers, networks and cgroups need root; run this as root, or as: sudo $(basename "$0")"
  exit 1
fi
if ! command -v npm >/dev/null; then
  say "naru: npm is missing; install Node.js 20 or later with npm (on Debian: apt-get install npm)"
  exit 1
fi

lock=$(cksum <package-lock.json)
if [ "$(cat node_modules/.naru-lock 2>/dev/null)" != "$lock" ] || ! bin/node --version >/dev/null 2>&1; then
  say "setup: npm packages, among them Naru's own Node"
  # What a stopped installation leaves must not pass for a whole one.
  rm -f node_modules/.naru-lock
  # Without a network, say so within seconds; npm's own patience is minutes.
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error \
    --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 >&2
  printf '%s\n' "$lock" >node_modules/.naru-lock
fi

# package | a file of it | why
wanted="libnftables1|/usr/lib/*/libnftables.so.1|services: changes the kernel's packet rules in-process"
if [ "${1:-}" = --tests ]; then
  wanted="$wanted
busybox-static|/bin/busybox|tests: the smallest real container
binutils|/usr/bin/as|tests: assembles the runner and compares
binutils-aarch64-linux-gnu|/usr/bin/aarch64-linux-gnu-as|tests: the same for arm64
qemu-user|/usr/bin/qemu-aarch64|tests: runs arm64 code
runc|/usr/sbin/runc|tests and benchmarks: the control and the peer of the container engine
podman|/usr/bin/podman|tests: runs containers by naru-oci
containerd|/usr/bin/containerd|tests: runs containers by naru-oci
etcd-server|/usr/bin/etcd|tests: the store over etcd
docker-registry|/usr/bin/docker-registry|tests: pulls from a real registry
skopeo|/usr/bin/skopeo|tests: copies images into the registry
umoci|/usr/bin/umoci|tests: builds images from real packages
iproute2|/usr/sbin/ip|tests: network namespaces of their own
nftables|/usr/sbin/nft|tests: looks at the kernel's rules from outside
bind9-dnsutils|/usr/bin/dig|tests: asks the cluster's DNS"
fi
missing=
while IFS='|' read -r package file why; do
  # shellcheck disable=SC2086 # the pattern is meant to be expanded
  if ! ls $file >/dev/null 2>&1; then
    say "setup: Debian package $package ($why)"
    missing="$missing $package"
  fi
done <<EOF
$wanted
EOF
if [ -n "$missing" ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >/dev/null
  # shellcheck disable=SC2086 # one word a package
  apt-get install -q -y --no-install-recommends $missing >/dev/null
fi

bin/node tools/generate.ts --if-stale
if [ ! -e dist/server.mjs ] || [ -n "$(find apiserver client controllers lib naru nodeagent proto scheduler -name '*.ts' -newer dist/server.mjs -print -quit)" ]; then
  say "setup: bundles of the long-running programs"
  bin/node tools/bundle.ts
fi
