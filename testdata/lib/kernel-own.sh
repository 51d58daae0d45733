# SPDX-License-Identifier: LGPL-2.1-or-later
# kernel-own.sh: the small kernel from Debian's linux-source-6.1, or the one that checks itself from 6.12's. Called by ../make.
set -eu
package=linux-source-6.1
[ -z "$debug" ] || package=linux-source-6.12
cd "$work"
mkdir -p debs
# A package that is there is used, so that a bundle can be made again from the same source.
set -- debs/${package}_*.deb
[ -e "$1" ] || (cd debs && apt-get -q download "$package")
set -- debs/${package}_*.deb
[ $# = 1 ] || { echo "more than one $package in $work/debs: please leave one"; exit 1; }
version=$(dpkg-deb -f "$1" Version)
# A tree for each architecture: what lies about of one is in the other's way.
case $arch in x86_64) source=source ;; *) source=source-$arch ;; esac
[ -z "$debug" ] || source=source-$debug
if [ ! -e "$source/$version" ]; then
	rm -rf "$source"
	mkdir -p "$source"
	dpkg-deb --fsys-tarfile "$1" | tar -x -C "$source" --strip-components=3 ./usr/src/$package.tar.xz
	tar -xf "$source/$package.tar.xz" -C "$source"
	rm "$source/$package.tar.xz"
	touch "$source/$version"
fi
cd "$source/$package"

# Nothing of this machine in the kernel: neither names, nor times, nor paths.
export KBUILD_BUILD_TIMESTAMP='2026-01-01 00:00:00 UTC' KBUILD_BUILD_VERSION=1
export KBUILD_BUILD_USER=kanalyze KBUILD_BUILD_HOST=testdata LC_ALL=C
map="-ffile-prefix-map=$PWD=/usr/src/$package"
tools= clang=
# kexec counts the ranges of a flexible array after it wrote them: clang's __counted_by traps there, and no capture kernel could be loaded.
case $debug in cfi) tools="LLVM=${llvm#clang} UBSAN_SANITIZE_crash.o=n UBSAN_SANITIZE_crash_core.o=n" clang=$llvm ;; esac
export clang
case $arch in
arm64) export ARCH=arm64; image=Image file=arch/arm64/boot/Image ;;
*) export ARCH=x86_64; image=bzImage file=arch/x86/boot/bzImage ;;
esac
# A later file has the last word.
set -- "$here/kernel.config" "$here/kernel.$arch.config"
[ -z "$debug" ] || set -- "$@" "$here/kernel.less.config" "$here/kernel.$debug.config"
awk '{ name = "" }
	match($0, /^(# )?CONFIG_[A-Z0-9_]+( is not set|=)/) { name = $0; sub(/^# /, "", name); sub(/[ =].*/, "", name) }
	name != "" { if (!(name in at)) { at[name] = ++n; names[n] = name } line[name] = $0 }
	END { for (i = 1; i <= n; i++) print line[names[i]] }' "$@" > "$base/wanted.config"
make $tools CC="$here/lib/cc" KCONFIG_ALLCONFIG="$base/wanted.config" allnoconfig
lost=$(grep -E '^CONFIG_' "$base/wanted.config" | grep -vxFf .config || :)
[ -z "$lost" ] || { echo "$*: these did not make it into .config:" $lost; exit 1; }
make $tools CC="$here/lib/cc" -j"$jobs" KCFLAGS="$map" KAFLAGS="$map" $image modules

for m in ktgt kdie; do
	rm -rf "$base/$m"
	cp -r "$here/$m" "$base/$m"
	f="$map -ffile-prefix-map=$base/$m=/usr/src/$m"
	make $tools CC="$here/lib/cc" M="$base/$m" KCFLAGS="$f" KAFLAGS="$f" modules
done

to=$base/kernel
cp $file "$to/vmlinuz"
# The relocations are for the boot image only and more than half of the file.
"${CROSS_COMPILE}objcopy" --remove-section='.rela*' vmlinux "$to/vmlinux"
chmod 644 "$to/vmlinux"
cp "$base/ktgt/ktgt.ko" "$base"/kdie/kdie*.ko "$to/"
cp .config "$to/config"
cat include/config/kernel.release > "$to/release"
: > "$to/modules.list"
for m in drivers/net/dummy drivers/block/loop; do
	[ -e $m.ko ] || continue
	"${CROSS_COMPILE}objcopy" --strip-debug $m.ko "$to/modules/${m##*/}.ko"
	echo "${m##*/}.ko" >> "$to/modules.list"
done
: > "$to/modules.capture"
cat > "$to/origin" <<END
Linux $(cat "$to/release"), built by testdata/make from Debian's $package $version
(source package linux $version), config in this folder, with $("${clang:-${CROSS_COMPILE}gcc}" --version | head -1).
License: GPL-2.0-only WITH Linux-syscall-note for vmlinux and what the dumps have of it,
GPL-2.0-only for ktgt.ko; the dumps also hold busybox 1.35 (GPL-2.0-only) and zoo (LGPL-2.1-or-later).
END
# UBSAN keeps the names of files as they are.
if [ -z "$debug" ] && strings -a "$to/vmlinux" "$to"/k*.ko | grep -F -e "$work" -e "$here"; then
	echo "a path of this machine got into the kernel"; exit 1
fi
