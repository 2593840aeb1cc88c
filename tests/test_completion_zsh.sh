#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What zsh is told by completions/_pepctl, of the program's words.
set -uo pipefail

command -v zsh >/dev/null || { echo "zsh is not here"; exit 77; }
program=$(realpath "${builddir:?}/pepctl") failed=0

# completes LINE OFFER...: zsh is given the OFFERs, with summaries.
completes()
{
	local line=$1 got
	shift
	# shellcheck disable=SC2016 # zsh expands
	got=$(zsh -f -c '
		_describe() { print -l -- "${(@P)2}" }
		_files() { print "files $PREFIX" }
		compset() { PREFIX=${PREFIX#*=} }
		words=("$1" "${(@s: :)2}") CURRENT=$#words PREFIX=$words[-1]
		_pepctl() { source "$3/completions/_pepctl" }
		_pepctl "$@"' zsh "$program" "$line" "${srcdir:?}" | sed '/^$/d')
	[ "$got" = "$(printf '%s\n' "$@")" ] || {
		echo "'$line' offers '$got' instead of '$*'"
		failed=1
	}
}

completes "inter" "interfaces:where it is attached, and how"
completes "show --no" "--no-color:no colours, on a terminal too"
completes "events --verdict d" drop
completes "apply pol" "files pol"
completes "add --file=pol" "files pol"
exit "$failed"
