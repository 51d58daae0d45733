# SPDX-License-Identifier: LGPL-2.1-or-later
# guest.sh: the guest's initramfs (also that of the capture kernel). Called by ../make.
set -eu
root=$base/root
release=$(cat "$base/kernel/release")
rm -rf "$root"
for d in bin sbin etc proc sys dev tmp mnt run lib/modules/"$release"; do mkdir -p "$root/$d"; done

# A program and the libraries it wants, at the same places.
add() {
	file=$(command -v "$1")
	mkdir -p "$root${file%/*}"
	cp -L "$file" "$root$file"
	ldd "$file" 2> /dev/null | grep -oE '/[^ )]+' | while read -r l; do
		mkdir -p "$root${l%/*}"
		[ -e "$root$l" ] || cp -L "$l" "$root$l"
	done
}
cp -L "$(command -v busybox)" "$root/bin/busybox"
if ldd "$root/bin/busybox" > /dev/null 2>&1; then echo "busybox is not static: please install busybox-static" >&2; exit 1; fi
for l in $("$root/bin/busybox" --list); do [ "$l" = busybox ] || ln -sf busybox "$root/bin/$l"; done
add kexec
add makedumpfile
gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -O1 -static -pthread -s -o "$root/bin/zoo" "$here/guest/zoo.c" "$here/guest/zoo-things.c"
cp "$here/guest/init" "$here/guest/truth.sh" "$root/"
chmod 755 "$root/init" "$root/truth.sh"
cp "$base/kernel"/modules/*.ko "$root/lib/modules/$release/"
[ ! -e "$base/kernel/ktgt.ko" ] || objcopy --strip-debug "$base/kernel/ktgt.ko" "$root/lib/modules/$release/ktgt.ko"
cp "$base/kernel/modules.list" "$root/modules.guest"
cp "$base/kernel/modules.capture" "$root/modules.capture"
echo root:x:0:0:root:/:/bin/sh > "$root/etc/passwd"
find "$root" -exec touch -h -d '2026-01-01 00:00:00 UTC' {} +
(cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible | gzip -9n > "$base/initrd")
