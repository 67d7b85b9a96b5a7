#!/bin/sh
# The command fdgraft-exec of the npm package: starts the program that `make` builds beside this file, or the one that
# the package brings. Descriptors, pid, environment and exit code are those of the program.
set -eu

# Prints the path of the program. Runs in a subshell, so that its variables are in no environment.
find_program() {
	# The PATH of the caller may lack the commands below.
	PATH=${PATH-}:/usr/bin:/bin
	native=$(dirname "$(readlink -f "$0")")
	case $(uname -m) in
	x86_64) name=linux-x64 loader=/lib64/ld-linux-x86-64.so.2 ;;
	aarch64) name=linux-arm64 loader=/lib/ld-linux-aarch64.so.1 ;;
	*) name=none loader=none ;;
	esac
	program=$native/build/fdgraft-exec
	# The package's is for glibc, which a system with another C library has not.
	if [ ! -x "$program" ] && [ -e "$loader" ]; then
		program=$native/prebuilt/$name/fdgraft-exec
	fi
	if [ ! -x "$program" ]; then
		printf 'fdgraft-exec: %s is not built; run: make -C "%s"\n' "$native/build/fdgraft-exec" "$native" >&2
		printf 'fdgraft-exec: it needs gcc make protobuf-c-compiler libprotobuf-c-dev (Debian)\n' >&2
		exit 111
	fi
	printf '%s\n' "$program"
}

FDGRAFT_PROGRAM=$(find_program)
exec "$FDGRAFT_PROGRAM" "$@"
