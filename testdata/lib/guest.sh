# SPDX-License-Identifier: LGPL-2.1-or-later
# guest.sh: the guest's initramfs (also that of the capture kernel). Called by ../make.
set -eu
root=$base/root
release=$(cat "$base/kernel/release")
rm -rf "$root"
for d in bin sbin etc proc sys dev tmp mnt run lib/modules/"$release"; do mkdir -p "$root/$d"; done

# The programs of another architecture: Debian's packages and all they depend on, unpacked
# below $foreign. Neither root nor "dpkg --add-architecture" is needed for it.
foreign=
if [ "$arch" != x86_64 ]; then
	foreign=$base/debian
	if [ ! -e "$foreign/done" ]; then
		rm -rf "$foreign"
		mkdir -p "$foreign/apt/lists/partial" "$foreign/apt/archives/partial"
		: > "$foreign/apt/status"
		apt() {
			apt-get -q -o Dir::State="$foreign/apt" -o Dir::State::status="$foreign/apt/status" -o Dir::Cache="$foreign/apt" \
				-o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User= -o Debug::NoLocking=1 "$@"
		}
		{ apt update && apt install -y --download-only --no-install-recommends busybox-static kexec-tools makedumpfile
		} > "$foreign/apt.log" 2>&1 || { tail -5 "$foreign/apt.log" >&2; echo "no packages of $arch: see $foreign/apt.log" >&2; exit 1; }
		for f in "$foreign"/apt/archives/*.deb; do dpkg-deb -x "$f" "$foreign"; done
		touch "$foreign/done"
	fi
fi
add_foreign() { # FILE PLACE : it and the libraries it wants
	[ ! -e "$root$2" ] || return 0
	mkdir -p "$root${2%/*}"
	cp -L "$1" "$root$2"
	for l in $("${CROSS_COMPILE}readelf" -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
		case $l in ld-*) to=/lib/$l ;; *) to=/usr/lib/$l ;; esac
		(add_foreign "$(find "$foreign" -name "$l" | head -1)" "$to")
	done
}

# A program and the libraries it wants, at the same places.
add() {
	if [ -n "$foreign" ]; then
		add_foreign "$(find "$foreign" -type f -path "*bin/$1" | head -1)" "/bin/$1"
		return
	fi
	file=$(command -v "$1")
	mkdir -p "$root${file%/*}"
	cp -L "$file" "$root$file"
	ldd "$file" 2> /dev/null | grep -oE '/[^ )]+' | while read -r l; do
		mkdir -p "$root${l%/*}"
		[ -e "$root$l" ] || cp -L "$l" "$root$l"
	done
}
if [ -n "$foreign" ]; then cp "$(find "$foreign" -type f -path "*bin/busybox" | head -1)" "$root/bin/busybox"; else cp -L "$(command -v busybox)" "$root/bin/busybox"; fi
if [ -z "$foreign" ] && ldd "$root/bin/busybox" > /dev/null 2>&1; then echo "busybox is not static: please install busybox-static" >&2; exit 1; fi
for l in $(busybox --list); do [ "$l" = busybox ] || ln -sf busybox "$root/bin/$l"; done
add kexec
add makedumpfile
"${CROSS_COMPILE}gcc" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -O1 -static -pthread -s -o "$root/bin/zoo" "$here/guest/zoo.c" "$here/guest/zoo-things.c" \
	"$here/guest/zoo-more.c"
cp "$here/guest/init" "$here/guest/truth.sh" "$root/"
chmod 755 "$root/init" "$root/truth.sh"
for m in "$base/kernel"/modules/*.ko; do [ ! -e "$m" ] || cp "$m" "$root/lib/modules/$release/"; done
for m in ktgt kdie kdie_left kdie_more; do
	[ ! -e "$base/kernel/$m.ko" ] || "${CROSS_COMPILE}objcopy" --strip-debug "$base/kernel/$m.ko" "$root/lib/modules/$release/$m.ko"
done
cp "$base/kernel/modules.list" "$root/modules.guest"
cp "$base/kernel/modules.capture" "$root/modules.capture"
echo root:x:0:0:root:/:/bin/sh > "$root/etc/passwd"
find "$root" -exec touch -h -d '2026-01-01 00:00:00 UTC' {} +
(cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible | gzip -9n > "$base/initrd")
