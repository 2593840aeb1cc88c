# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian packages of any suite, from the mirror that this machine's apt uses and
# without a change to its own lists; and what is made of them and kept, so that
# it is made once. Sourced.

# Where that is kept: TEST_CACHE.
test_cache=${TEST_CACHE:-/var/cache/pepctl-tests}

# The release this machine has, and the line for apt's sources of a suite.
# mirror_line TYPE SUITE
mirror_line()
{
	local uri codename
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016 # apt expands it
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		'Component: main' 'Origin: Debian' "Codename: $codename" | head -n 1)
	[ -n "$uri" ] || { echo "apt has no mirror of Debian $codename" >&2; return 1; }
	echo "$1 [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $2 main"
}

# mirror_begin DIRECTORY TYPE SUITE: fetches a suite's lists into a directory
# of its own; mirror_options are then apt's for it.
mirror_begin()
{
	mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
	: >"$1/status"
	mirror_line "$2" "$3" >"$1/sources.list" || return
	mirror_options=(-qq -o "Dir::Etc::sourcelist=$1/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o "Dir::State::lists=$1/lists" -o "Dir::State::status=$1/status"
		-o "Dir::Cache=$1/cache" -o APT::Sandbox::User=root)
	# Without a suite of that name update only warns, unless it is told.
	apt-get "${mirror_options[@]}" -o APT::Update::Error-Mode=any update
}

# kept NAME COMMAND...: the directory in the cache; COMMAND fills one that is empty
# and given behind its arguments, when it is not there yet or is older than a month.
kept()
{
	local place=$test_cache/$1 partial
	shift
	if [ -z "$(find "$place" -maxdepth 0 -mtime -30 2>/dev/null)" ]; then
		mkdir -p "$test_cache"
		partial=$(mktemp -d "$place.XXXXXX")
		chmod 755 "$partial"
		"$@" "$partial" >&2 || { rm -rf -- "$partial"; return 1; }
		rm -rf -- "$place"
		touch "$partial"
		mv "$partial" "$place"
	fi
	echo "$place"
}

# make_root PACKAGES SUITE DIRECTORY: an installed system, without its documents.
make_root()
{
	mmdebstrap --quiet --variant=minbase --aptopt='APT::Sandbox::User "root"' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --include="$1" "$2" "$3" \
		"$(mirror_line deb "$2")"
}
