#!/bin/sh
# Keeps one of Naru's programs running: starts it again when it ends by itself, however that came about.
# Usage: keeper.sh PIDFILE LOGFILE PROGRAM [ARGUMENT...]
# A shell, since it has to live as long as the program and should cost next to nothing: 0.2 MB.
pidfile=$1
log=$2
shift 2
echo $$ >"$pidfile.keeper"
while :; do
  "$@" >>"$log" 2>&1 </dev/null &
  echo $! >"$pidfile.new" && mv "$pidfile.new" "$pidfile"
  wait $!
  status=$?
  # 0: it was asked to end. 78 (EX_CONFIG of sysexits.h): it would fail again.
  if [ $status -eq 0 ] || [ $status -eq 78 ]; then
    rm -f "$pidfile" "$pidfile.keeper"
    exit $status
  fi
  sleep 1
done
