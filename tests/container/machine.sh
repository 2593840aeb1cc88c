# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A booted system in a container, sourced behind scripts/steps.sh. Its root is
# an overlay on one that stays as it is, /sys/fs/bpf as private as systemd
# makes it, and there is no network but what the test makes.

machine='' machine_leader='' machine_place=''

# machine_on ROOT SHARE: boots, with SHARE read-only at /srv/in.
machine_on()
{
	machine_place=$scratch/machine
	mkdir -p "$machine_place"/{upper,work,root,bpf}
	mount -t overlay overlay -o \
		"lowerdir=$1,upperdir=$machine_place/upper,workdir=$machine_place/work" \
		"$machine_place/root"
	mount -t bpf -o mode=0700 bpf "$machine_place/bpf"
	SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 setsid systemd-nspawn --quiet \
		--directory="$machine_place/root" --machine="pepctl-$$" --register=no --keep-unit \
		--boot --console=pipe --private-network --capability=all \
		--system-call-filter='bpf perf_event_open' --bind="$machine_place/bpf:/sys/fs/bpf" \
		--bind-ro="$2:/srv/in" </dev/null >"$machine_place/console" 2>&1 &
	machine=$!
	machine_wait || { cat "$machine_place/console"; die "the container does not boot"; }
}

machine_wait()
{
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		machine_leader=$(pgrep -P "$machine" | head -n 1)
		[ -z "$machine_leader" ] || ! inside test -S /run/systemd/private || break
		kill -0 "$machine" || return
		sleep 0.1
	done
	inside timeout 60 systemctl is-system-running --wait
}

# inside COMMAND...: as root in the container.
inside()
{
	nsenter -t "$machine_leader" -a env -i -C / HOME=/root LANG=C.UTF-8 \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" </dev/null
}

machine_off()
{
	[ -n "$machine_place" ] || return 0
	if [ -n "$machine" ]; then
		end_group "$machine"
		machine=''
	fi
	umount "$machine_place/bpf" "$machine_place/root"
	machine_place=''
}
