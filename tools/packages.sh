# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced: need_packages WHAT... makes sure that what the build (build) and the tests (test) need is there.
# As root on a Debian system it installs what is missing; else it names the packages to install.

debian_build="gcc libc6-dev meson ninja-build pkg-config libdw-dev libelf-dev libcapstone-dev libreadline-dev zlib1g-dev liblzma-dev liblzo2-dev libsnappy-dev libzstd-dev xz-utils less"
debian_test="clang python3 tmux binutils bash dwz"
fedora_build="gcc meson ninja-build pkgconf-pkg-config elfutils-devel elfutils-libelf-devel capstone-devel readline-devel zlib-devel xz-devel lzo-devel snappy-devel libzstd-devel xz less"
fedora_test="clang python3 tmux binutils bash dwz"
arch_build="gcc meson ninja pkgconf elfutils capstone readline zlib xz lzo snappy zstd less"
arch_test="clang python tmux binutils bash"
suse_build="gcc meson ninja pkgconf libdw-devel libelf-devel capstone-devel readline-devel zlib-devel xz-devel lzo-devel snappy-devel libzstd-devel xz less"
suse_test="clang python3 tmux binutils bash"

have_tools() { # WHAT
	case $1 in
	build)
		for tool in cc meson ninja pkg-config xz; do
			command -v $tool > /dev/null 2>&1 || return 1
		done
		for library in libdw libelf capstone readline zlib liblzma libzstd; do
			pkg-config --exists $library || return 1
		done
		# no pkg-config file: the header tells
		for header in lzo/lzo1x.h snappy-c.h; do
			echo "#include <$header>" | cc -E - > /dev/null 2>&1 || return 1
		done ;;
	test)
		for tool in clang python3 tmux readelf bash; do
			command -v $tool > /dev/null 2>&1 || return 1
		done ;;
	esac
}

# clang's libFuzzer: Debian has it in a package of its own, Fedora and Arch in compiler-rt
have_fuzzer() {
	echo 'int LLVMFuzzerTestOneInput(const unsigned char *p, unsigned long n) { return n && !p; }' |
		clang -fsanitize=fuzzer,address -x c - -o /dev/null > /dev/null 2>&1
}

# Without it the tests skip the fuzzers by name, so that its lack stops nobody.
want_fuzzer() {
	command -v clang > /dev/null 2>&1 && have_fuzzer && return
	if [ "$family" = debian ] && [ "$(id -u)" = 0 ]; then
		export DEBIAN_FRONTEND=noninteractive
		for again in "" 1; do
			[ -z "$again" ] || apt-get update -q > /dev/null 2>&1
			apt-get install -y -q --no-install-recommends libclang-rt-dev > /dev/null 2>&1 < /dev/null && return
		done
	fi
	echo "no runtime of clang's libFuzzer (Debian: libclang-rt-dev, Fedora and Arch: compiler-rt): the fuzzers will be skipped" >&2
}

need_packages() {
	missing=
	for what; do
		have_tools "$what" || missing="$missing $what"
	done
	id= like=
	[ -r /etc/os-release ] && eval "$(sed -n 's/^ID=/id=/p; s/^ID_LIKE=/like=/p' /etc/os-release)"
	case " $id $like " in
	*" debian "*|*" ubuntu "*) family=debian ;;
	*" fedora "*|*" rhel "*|*" centos "*) family=fedora ;;
	*" arch "*) family=arch ;;
	*" suse "*|*" opensuse "*|*opensuse*) family=suse ;;
	*) family= ;;
	esac
	if [ -n "$missing" ]; then
		install_packages || return 1
	fi
	case " $* " in *" test "*) want_fuzzer ;; esac
}

install_packages() { # $missing
	packages=
	for what in $missing; do
		[ -n "$family" ] && eval "packages=\"\$packages \$${family}_$what\""
	done
	case $family in
	debian) install="apt-get install -y$packages" ;;
	fedora) install="dnf install -y$packages" ;;
	arch) install="pacman -S --needed$packages" ;;
	suse) install="zypper install -y$packages" ;;
	*)
		echo "kanalyze needs: a C compiler, meson >= 1.0, ninja, pkg-config, xz, and the development files of libdw, libelf, capstone," >&2
		echo "readline, zlib, liblzma (and lzo2, snappy, zstd for dumps that use them); its tests need clang, python3, tmux and bash." >&2
		return 1 ;;
	esac
	if [ "$family" = debian ] && [ "$(id -u)" = 0 ]; then
		echo "installing:$packages" >&2
		export DEBIAN_FRONTEND=noninteractive
		apt-get update -q > /dev/null && apt-get install -y -q --no-install-recommends $packages > /dev/null < /dev/null || {
			echo "apt-get could not install:$packages" >&2
			return 1
		}
		return 0
	fi
	echo "Something that kanalyze needs is missing. As root:" >&2
	echo "    $install" >&2
	return 1
}
