#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What bash puts on the line for completions/pepctl, of the program's words.
set -uo pipefail

# shellcheck source=completions/pepctl
. "${srcdir:?}/completions/pepctl"
program=$(realpath "${builddir:?}/pepctl") failed=0
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT
touch "$files/policies.json" "$files/two words.json"
cat >"$files/stub" <<'STUB'
#!/bin/sh
for last; do word=$last; done
printf 'a:1\na:2@x\n' | sed -n "/^$word/p"
STUB
chmod 755 "$files/stub"

# completes PROGRAM LINE WORD...: bash is offered the WORDs for its last word, or for
# what is behind the last character in it that breaks words.
completes()
{
	local COMP_LINE="$1 $2" COMP_POINT line=$2 got
	COMP_POINT=${#COMP_LINE}
	shift 2
	COMPREPLY=()
	_pepctl
	got=$(printf '%s|' "${COMPREPLY[@]}")
	[ "$got" = "$(printf '%s|' "$@")" ] || {
		echo "'$line' offers '$got' instead of '$*'"
		failed=1
	}
}

compopt()
{
	: # bash has it while it completes, which it is not doing here
}

COMP_WORDBREAKS=$' \t\n"\'@><=;|&(:'
completes "$program" "inter" interfaces
completes "$program" "list --ma" --match
completes "$program" "events --verdict d" drop
completes "$program" "events --verdict=d" drop
completes "$program" "set p" put
completes "$program" "apply $files/p" "$files/policies.json"
completes "$program" "apply $files/t" "$files/two words.json"
completes "$program" "add --file=$files/p" "$files/policies.json"
completes "$files/stub" "show " a:1 a:2@x
completes "$files/stub" "show a:" 1 2@x
completes "$files/stub" "show a:2@" x
[ "$(complete -p pepctl)" = "complete -F _pepctl pepctl" ] || failed=1
exit "$failed"
