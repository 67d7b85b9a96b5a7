#!/bin/sh
# install.sh install | uninstall, for make: BUILD, SHARE, DOCS, PREFIX, PLUGINDIR ("": find it) and DESTDIR are in the
# environment.
#
#   PREFIX/lib/fdgraft/     fdgraft-exec, the plugin that it gives to CRIU, and the list of what was installed
#   PREFIX/bin/             a link to fdgraft-exec, and the helpers of the command fdgraft
#   PREFIX/share/           man pages and shell completion, if SHARE has them, and the documents of DOCS
#   PLUGINDIR/fdgraft.so    for a CRIU that a service starts
set -eu

fail() {
	printf 'fdgraft: %s\n' "$1" >&2
	exit 1
}

without_end_slash() {
	case $1 in
	/*/) printf '%s\n' "${1%/}" ;;
	/*) printf '%s\n' "$1" ;;
	*) fail "$2=$1: not an absolute path; begin it with a slash" ;;
	esac
}

# The directory that the criu in PATH was built with is a string in its file.
dir_of_criu() {
	criu=$(PATH="$PATH:/usr/local/sbin:/usr/sbin" && command -v criu) && criu=$(readlink -f "$criu") || return 1
	dir=$(tr '\0' '\n' <"$criu" | LC_ALL=C grep -aE '^/[[:alnum:]/._+-]+/lib[[:alnum:]/._+-]*/criu/?$' | head -n 1)
	if [ -n "$dir" ]; then
		printf '%s\n' "${dir%/}"
		return
	fi
	above=$(dirname "$(dirname "$criu")")
	for dir in "${above%/}/lib/criu" "${above%/}/lib64/criu"; do
		if [ -d "$dir" ]; then
			printf '%s\n' "$dir"
			return
		fi
	done
	return 1
}

find_plugin_dir() {
	dir_of_criu && return
	for root in "$DESTDIR" ''; do
		for dir in /usr/lib/criu /usr/lib64/criu /usr/local/lib/criu /usr/local/lib64/criu; do
			if [ -d "$root$dir" ]; then
				printf '%s\n' "$dir"
				return
			fi
		done
	done
	printf '%s\n' /usr/lib/criu
}

dirs=
# Directories that were there before are not ours to remove.
make_dir() {
	[ -d "$DESTDIR$1" ] && return
	make_dir "$(dirname "$1")"
	mkdir "$DESTDIR$1"
	chmod 755 "$DESTDIR$1"
	dirs="${dirs}dir $1
"
}

# A program that runs keeps its old file.
put() {
	cp "$2" "$DESTDIR$3.new"
	chmod "$1" "$DESTDIR$3.new"
	mv -f "$DESTDIR$3.new" "$DESTDIR$3"
	printf '%s\n' "$DESTDIR$3"
}

write_list() {
	sort -u >"$DESTDIR$list.new"
	chmod 644 "$DESTDIR$list.new"
	mv -f "$DESTDIR$list.new" "$DESTDIR$list"
}

# Lines of the list of one kind, without the kind.
listed() {
	if [ -e "$DESTDIR$list" ]; then sed -n "s|^$1 ||p" "$DESTDIR$list"; fi
}

# The files of a directory, relative to it; of none without it.
files_of() {
	[ -z "$1" ] || [ ! -d "$1" ] || (cd "$1" && find . -type f | sed 's|^\./||' | sort)
}

# Prints the source of a file below PREFIX/share.
source_of() {
	case $1 in
	$docs/*) printf '%s\n' "$DOCS${1#"$docs"}" ;;
	*) printf '%s\n' "$SHARE/$1" ;;
	esac
}

install_all() {
	if [ -n "${PLUGINDIR:-}" ]; then
		plugins=$(without_end_slash "$PLUGINDIR" PLUGINDIR)
	else
		plugins=$(find_plugin_dir)
	fi
	files="file $lib/fdgraft-exec
file $lib/fdgraft.so
file $PREFIX/bin/fdgraft-exec
file $PREFIX/bin/fdgraft-exchange
file $PREFIX/bin/fdgraft-lock
file $PREFIX/bin/fdgraft-sparse
file $plugins/fdgraft.so"
	for name in $shared; do
		files="$files
file $share/$name"
	done
	printf '%s\n' "$files" | while IFS= read -r path; do
		path=$DESTDIR${path#file }
		[ ! -d "$path" ] || fail "$path: cannot install: it is a directory; remove it"
	done
	[ -z "$DESTDIR" ] || mkdir -p "$DESTDIR"
	for dir in "$lib" "$PREFIX/bin" "$plugins"; do make_dir "$dir"; done
	for name in $shared; do make_dir "$(dirname "$share/$name")"; done
	old=$(listed file)
	dirs="$dirs$(listed dir | sed 's/^/dir /')"
	# First, so that uninstall knows what an install that is cut short has put there.
	printf '%s\n' "$dirs" "$files" "$(printf '%s\n' "$old" | sed 's/^/file /')" | grep '^[a-z]* /' | write_list
	put 755 "$BUILD/fdgraft-exec" "$lib/fdgraft-exec"
	put 644 "$BUILD/fdgraft.so" "$lib/fdgraft.so"
	put 755 "$BUILD/fdgraft-exchange" "$PREFIX/bin/fdgraft-exchange"
	put 755 "$BUILD/fdgraft-lock" "$PREFIX/bin/fdgraft-lock"
	put 755 "$BUILD/fdgraft-sparse" "$PREFIX/bin/fdgraft-sparse"
	put 644 "$BUILD/fdgraft.so" "$plugins/fdgraft.so"
	for name in $shared; do put 644 "$(source_of "$name")" "$share/$name"; done
	# fdgraft-exec looks for its plugin where the link leads.
	ln -sf ../lib/fdgraft/fdgraft-exec "$DESTDIR$PREFIX/bin/fdgraft-exec"
	printf '%s\n' "$DESTDIR$PREFIX/bin/fdgraft-exec"
	printf '%s\n' "$old" | while IFS= read -r path; do
		[ -z "$path" ] || printf '%s\n' "$files" | grep -Fqx "file $path" || rm -f "$DESTDIR$path"
	done
	printf '%s\n' "$dirs" "$files" | grep '^[a-z]* /' | write_list
}

uninstall_all() {
	[ -r "$DESTDIR$list" ] ||
		fail "$DESTDIR$list: cannot read: make install did not put it there; give the PREFIX and DESTDIR of make install"
	made=$(listed dir | sort -r)
	listed file | while IFS= read -r path; do rm -f "$DESTDIR$path"; done
	rm -f "$DESTDIR$list"
	# Those that others put files into stay.
	printf '%s\n' "$made" | while IFS= read -r path; do
		[ -z "$path" ] || rmdir "$DESTDIR$path" 2>/dev/null || :
	done
}

DESTDIR=${DESTDIR:-}
DESTDIR=${DESTDIR%/}
PREFIX=$(without_end_slash "$PREFIX" PREFIX)
PREFIX=${PREFIX%/}
lib=$PREFIX/lib/fdgraft
list=$lib/installed
SHARE=${SHARE:-}
DOCS=${DOCS:-}
share=$PREFIX/share
docs=doc/fdgraft/docs
# Names of ours: without spaces.
shared="$(files_of "$SHARE") $(files_of "$DOCS" | sed "s|^|$docs/|")"
case $1 in
install) install_all ;;
uninstall) uninstall_all ;;
esac
