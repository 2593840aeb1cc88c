# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What building and testing needs, said once; sourced by demo, check and
# .ci/run. packages_install USE... installs with apt or dnf what is missing for
# these uses, and touches no network when nothing is.
#
# Debian 12 and newer, Ubuntu 24.04 and newer; Fedora and RHEL 9 with its
# rebuilds, where it has been read about but not been tried.

# use, how to see that it is there, package of apt, package of dnf ("-": none).
package_table()
{
	cat <<-'TABLE'
	build	command:autoconf	autoconf	autoconf
	build	command:automake	automake	automake
	build	command:make	make	make
	build	command:gcc	gcc	gcc
	build	file:stdio.h	libc6-dev	glibc-devel
	build	command:pkg-config	pkg-config	pkgconf-pkg-config
	build	file:/usr/share/aclocal/pkg.m4	pkg-config	pkgconf-m4
	build	command:clang	clang	clang
	build	bpftool	bpftool	bpftool
	build	library:libbpf	libbpf-dev	libbpf-devel
	build	library:libnl-route-3.0	libnl-route-3-dev	libnl3-devel
	build	library:libevent_extra	libevent-dev	libevent-devel
	build	library:libssl	libssl-dev	openssl-devel
	build	library:json-c	libjson-c-dev	json-c-devel
	build	library:libsystemd	libsystemd-dev	systemd-devel
	run	command:ip	iproute2	iproute
	run	command:tc	iproute2	iproute-tc
	run	command:ping	iputils-ping	iputils
	run	command:curl	curl	curl
	run	python	python3	python3
	run	command:setpriv	util-linux	util-linux
	run	command:ps	procps	procps-ng
	test	library:check	check	check-devel
	test	python:fastjsonschema	python3-fastjsonschema	python3-fastjsonschema
	test	python:yaml	python3-yaml	python3-pyyaml
	test	command:zsh	zsh	zsh
	test	command:nc	netcat-openbsd	nmap-ncat
	test	command:ethtool	ethtool	ethtool
	test	command:openssl	openssl	openssl
	test	command:promtool	prometheus	-
	package	command:dh	debhelper	-
	package	command:dpkg-buildpackage	dpkg-dev	-
	package	command:lintian	lintian	-
	container	command:mmdebstrap	mmdebstrap	-
	container	command:systemd-nspawn	systemd-container	systemd-container
	container	command:ip	iproute2	iproute
	rpm	command:rpmbuild	rpm	rpm-build
	rpm	command:rpmlint	rpmlint	rpmlint
	rpm	command:find-debuginfo	debugedit	debugedit
	rpm	command:eu-strip	elfutils	elfutils
	rpm	command:createrepo_c	createrepo-c	createrepo_c
	kernels	command:qemu-system-x86_64	qemu-system-x86	qemu-system-x86-core
	kernels	command:busybox	busybox-static	busybox
	kernels	command:modprobe	kmod	kmod
	kernels	command:cpio	cpio	cpio
	kernels	command:zstd	zstd	zstd
	bench	command:nft	nftables	nftables
	bench	command:iptables	iptables	iptables-nft
	bench	command:ipset	ipset	ipset
	bench	command:xdp-filter	xdp-tools	xdp-tools
	bench	command:xz	xz-utils	xz
	ci	command:xz	xz-utils	xz
	ci	command:clang-format	clang-format	clang-tools-extra
	ci	command:clang-tidy	clang-tidy	clang-tools-extra
	ci	command:cppcheck	cppcheck	cppcheck
	ci	command:shellcheck	shellcheck	ShellCheck
	ci	command:codespell	codespell	codespell
	ci	command:reuse	reuse	reuse
	ci	command:ctags	universal-ctags	ctags
	ci	command:npm	npm	nodejs-npm
	ci	command:valgrind	valgrind	valgrind
	ci	command:mandoc	mandoc	mandoc
	TABLE
}

package_is_there()
{
	local what=${1#*:} places
	case $1 in
	command:*) [ -n "$(PATH=$PATH:/usr/sbin:/sbin command -v "$what")" ] ;;
	library:*) pkg-config --exists "$what" 2>/dev/null ;;
	file:/*) [ -e "$what" ] ;;
	file:*) echo "#include <$what>" | gcc -E - >/dev/null 2>&1 ;;
	python:*) /usr/bin/python3 -c "import $what" 2>/dev/null ;;
	python) # not only its least part, which some systems come with
		python3 -c 'import ctypes, http.client, unittest' 2>/dev/null
		;;
	bpftool)
		# Ubuntu's /usr/sbin/bpftool is a script that may find nothing behind it.
		mapfile -t places < <(compgen -G '/usr/lib/linux-tools*/*/bpftool')
		for what in "${places[@]}" bpftool /usr/sbin/bpftool; do
			"$what" version >/dev/null 2>&1 && return
		done
		return 1
		;;
	*) return 1 ;;
	esac
}

# "apt" or "dnf".
package_installer()
{
	if command -v apt-get >/dev/null; then
		echo apt
	elif command -v dnf >/dev/null; then
		echo dnf
	else
		return 1
	fi
}

# The missing packages for the uses, one a line, each once.
# shellcheck disable=SC2034 # apt and dnf are read through their names
packages_missing()
{
	local installer=$1 use what apt dnf package
	shift
	while IFS=$'\t' read -r use what apt dnf; do
		[[ " $* " == *" $use "* ]] || continue
		! package_is_there "$what" || continue
		package=${!installer}
		if [ "$package" = bpftool ] && grep -qx 'ID=ubuntu' /etc/os-release; then
			package=linux-tools-generic
		fi
		[ "$package" = - ] || echo "$package"
	done < <(package_table) | LC_ALL=C sort -u
}

packages_by_apt()
{
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update
	apt-get -q install -y --no-install-recommends "$@"
	# It is there to be a test's own; nobody asked for one that runs.
	if [[ " $* " == *" prometheus "* ]] && [ -d /run/systemd/system ]; then
		systemctl disable --now prometheus.service
	fi
}

packages_by_dnf()
{
	dnf -y install "$@" || {
		cat >&2 <<-'EPEL'
		On RHEL 9 and its rebuilds some of these are in CRB and EPEL, which are yours to enable:
		  RHEL     subscription-manager repos --enable codeready-builder-for-rhel-9-$(arch)-rpms
		  others   dnf config-manager --set-enabled crb
		  all      dnf install epel-release (RHEL: see https://docs.fedoraproject.org/en-US/epel/)
		EPEL
		return 1
	}
}

# shellcheck disable=SC2034 # as above
packages_install()
{
	local installer missing use what apt dnf
	installer=$(package_installer) || {
		echo "neither apt-get nor dnf is here; needed are:" >&2
		package_table >&2
		return 1
	}
	mapfile -t missing < <(packages_missing "$installer" "$@")
	if ((${#missing[@]} > 0)); then
		echo "installing ${missing[*]}"
		"packages_by_$installer" "${missing[@]}"
	fi
	while IFS=$'\t' read -r use what apt dnf; do
		[[ " $* " == *" $use "* ]] || continue
		package_is_there "$what" && continue
		if [ "${!installer}" = - ]; then
			echo "not packaged here, and its tests will be skipped: ${what#*:}"
		else
			echo "still missing after installation: $what" >&2
			return 1
		fi
	done < <(package_table)
}
