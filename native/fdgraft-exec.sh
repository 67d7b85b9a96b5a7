#!/bin/sh
# The command fdgraft-exec of the npm package: starts the program that `make` builds beside this file. Descriptors, pid
# and exit code are those of the program.
set -eu
native=$(dirname "$(readlink -f "$0")")
program=$native/build/fdgraft-exec
if [ ! -x "$program" ]; then
	printf 'fdgraft-exec: %s is not built; run: make -C %s\n' "$program" "$native" >&2
	printf 'fdgraft-exec: it needs gcc make protobuf-c-compiler libprotobuf-c-dev (Debian)\n' >&2
	exit 111
fi
exec "$program" "$@"
