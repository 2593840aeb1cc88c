# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# How demo, check and .ci/run work, sourced by them: a scratch directory that
# goes when they end, however they end, and steps in process groups of their
# own, so that an interruption ends all of a step.

source_dir=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
scratch='' step_group=''

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# Ends a process group, politely at first.
end_group()
{
	local tries
	for ((tries = 0; tries < 100; tries++)); do
		kill -TERM -- "-$1" 2>/dev/null || return 0
		sleep 0.05
	done
	kill -KILL -- "-$1" 2>/dev/null || return 0
}

# Overridden by who has more to clean up.
at_end()
{
	return 0
}

finish()
{
	trap '' INT TERM HUP
	[ -z "$step_group" ] || end_group "$step_group"
	at_end
	wait
	[ -z "$scratch" ] || rm -rf -- "$scratch"
}

# Call first, as root.
steps_begin()
{
	(($(id -u) == 0)) || die "needs root: sudo $0 $*"
	exec </dev/null
	scratch=$(mktemp -d "/var/tmp/pepctl-${0##*/}.XXXXXX")
	chmod 755 "$scratch"
	trap finish EXIT
	trap 'echo "interrupted" >&2; exit 130' INT
	trap 'echo "terminated" >&2; exit 143' TERM HUP
}

# step COMMAND...: runs it, and returns its status. bash lets what it starts
# in the background ignore SIGINT, which env undoes.
step()
{
	local status=0
	env --default-signal=INT,QUIT setsid "$@" &
	step_group=$!
	wait "$step_group" || status=$?
	step_group=''
	return "$status"
}

# COMMAND... as nobody, in the current directory and without the outside network.
unprivileged()
{
	# shellcheck disable=SC2016 # the inner shell expands
	step unshare --net -- bash -c 'ip link set lo up && exec setpriv --reuid=65534 \
		--regid=65534 --clear-groups --inh-caps=-all --no-new-privs env HOME=/nonexistent \
		TMPDIR="$0" "$@"' "$scratch/tmp" "$@"
}

# Names what is in the tree and no product, each ended by NUL.
source_files()
{
	local file
	cd "$source_dir" || return
	if [ -e .git ] && command -v git >/dev/null; then
		git -c safe.directory="$source_dir" ls-files -z --cached --others --exclude-standard
	else
		find . -type f ! -path './.git/*' ! -path './build*' -print0
	fi | while IFS= read -rd '' file; do
		[ ! -e "$file" ] || printf '%s\0' "$file" # it may be deleted, not yet in git
	done
}

# Copies the sources to $scratch/source and prepares configure, so that the
# tree we stand in stays as it is.
copy_sources()
{
	mkdir "$scratch/source" "$scratch/tmp"
	chmod 1777 "$scratch/tmp"
	source_files | tar -C "$source_dir" --null --files-from=- -c | tar -C "$scratch/source" -x
	chown -R 0:0 "$scratch/source"
	chmod -R a+rX "$scratch/source"
	quietly step env -C "$scratch/source" autoreconf --force --install
}

# Runs a command and shows what it said only when it fails.
quietly()
{
	"$@" >"$scratch/output" 2>&1 || { cat "$scratch/output"; die "failed: $*"; }
}

# build NAME [OPTION...]: configures and makes $scratch/NAME out of tree.
build()
{
	local name=$1
	shift
	mkdir "$scratch/$name"
	chown 65534:65534 "$scratch/$name"
	quietly unprivileged env -C "$scratch/$name" "$scratch/source/configure" "$@"
	sed -n '/^configure: *$/,$p' "$scratch/output"
	quietly unprivileged make --no-print-directory -C "$scratch/$name" -j "$(nproc)"
}
