#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The version is said in configure.ac; what must repeat it says the same.
set -eu

said=$(sed -n 's/^AC_INIT(\[pepctl\], \[\([^]]*\)\].*/\1/p' "${srcdir:?}/configure.ac")
debian=$(sed -n '1s/^pepctl (\(.*\)-[^-]*).*/\1/p' "${srcdir:?}/debian/changelog")
program=$("${builddir:?}/pepctl" --version)

[ -n "$said" ]
[ "$debian" = "$said" ] || { echo "debian/changelog says $debian, configure.ac $said"; exit 1; }
[ "$program" = "pepctl $said" ] || { echo "the program says $program, configure.ac $said"; exit 1; }
