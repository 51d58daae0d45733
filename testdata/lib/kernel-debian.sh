# SPDX-License-Identifier: LGPL-2.1-or-later
# kernel-debian.sh: a kernel of Debian, from its packages, laid out as kernel-own.sh does.
# Called by ../make. A .deb that lies in WORK/debs is used; others come by apt-get download,
# so the release has to be in a suite of the system's sources (or of $APT_CONFIG's).
set -eu
R=$debian
tree=$base/tree to=$base/kernel
mkdir -p "$work/debs" "$tree"

deb() { # PACKAGE : its file, fetched if need be; empty if there is none
	set -- "$1" "$work/debs/$1"_*.deb
	if [ ! -e "$2" ]; then
		(cd "$work/debs" && apt-get -q download "$1" >&2) || return 0
		set -- "$1" "$work/debs/$1"_*.deb
	fi
	[ ! -e "$2" ] || echo "$2"
}
unpack() { # PACKAGE
	file=$(deb "$1")
	[ -n "$file" ] || return 1
	echo "unpacking $file"
	dpkg-deb -x "$file" "$tree"
}
rm -rf "$tree"
mkdir -p "$tree"
unpack "linux-image-$R-unsigned" || unpack "linux-image-$R" || {
	# From 7.x on the image is in three parts.
	unpack "linux-binary-unsigned-$R" && unpack "linux-modules-$R" && unpack "linux-base-$R"
} || { echo "no image package of $R: is the release right, and its suite in the apt sources?"; exit 1; }
unpack "linux-image-$R-dbg" || { echo "no debuginfo package linux-image-$R-dbg"; exit 1; }
dbg=$(deb "linux-image-$R-dbg")

for f in "$tree/boot/vmlinuz-$R" "$tree/usr/lib/modules/$R"/vmlinuz*; do [ ! -e "$f" ] || cp "$f" "$to/vmlinuz"; done
cp "$tree/usr/lib/debug/boot/vmlinux-$R" "$to/vmlinux"
cp "$tree/boot/config-$R" "$to/config" 2> /dev/null || cp "$tree/usr/lib/modules/$R/config" "$to/config"
echo "$R" > "$to/release"

# ---- modules, each after those it depends on
dir=$tree/lib/modules/$R
[ -d "$dir/kernel" ] || dir=$tree/usr/lib/modules/$R
mkdir -p "$base/depmod/lib/modules"
ln -sfn "$dir" "$base/depmod/lib/modules/$R"
busybox depmod -b "$base/depmod" "$R"
module() { # LIST NAME
	path=$(cut -d: -f1 "$dir/modules.dep" | grep -E "/$(echo "$2" | sed 's/[-_]/[-_]/g')\.ko(\.xz|\.zst|\.gz)?$" | head -1)
	[ -n "$path" ] || { echo "no module $2 (built in, or not configured)"; return 0; }
	for p in $(sed -n "s|^$path: *||p" "$dir/modules.dep" | tr ' ' '\n' | tac) "$path"; do
		name=${p##*/}
		name=${name%.ko*}.ko
		case $p in
		*.xz) xz -dc "$dir/$p" ;;
		*.zst) zstd -qdc "$dir/$p" ;;
		*.gz) gzip -dc "$dir/$p" ;;
		*) cat "$dir/$p" ;;
		esac > "$to/modules/$name"
		grep -qxF "$name" "$1" || echo "$name" >> "$1"
	done
}
: > "$to/modules.list"
: > "$to/modules.capture"
for m in virtio_pci virtio_blk crc32c_generic ext4; do
	module "$to/modules.list" $m
	module "$to/modules.capture" $m
done
for m in virtio_net overlay loop dummy veth af_packet; do module "$to/modules.list" $m; done
[ -z "$more" ] || for m in vsock_loopback vsock_diag unix_diag tcp_diag udp_diag xsk_diag zram tun bonding ipvlan macvlan; do module "$to/modules.list" $m; done

# ---- ktgt and kdie; without headers that fit there is just no crash but "sysrq"
targets() {
	headers=$(deb "linux-headers-$R")
	[ -n "$headers" ] || return 1
	unpack "linux-headers-$R" || return 1
	for p in $(dpkg-deb -f "$headers" Depends | tr ',' '\n' | grep -oE '^ *linux-(headers|kbuild)-[^ ]*'); do
		unpack "$p" || return 1
	done
	# The makefiles name /usr/src, the scripts link to /usr/lib: all is below $tree here.
	h=$tree/usr/src/linux-headers-$R
	sed -i -E "s#(include |KBUILD_OUTPUT=)/usr/src/#\1$tree/usr/src/#" "$h/Makefile"
	for l in "$h/scripts" "$h/tools"; do
		case $(readlink "$l" || :) in /*) ln -sfn "$tree$(readlink "$l")" "$l" ;; esac
	done
	for m in ktgt kdie; do
		rm -rf "$base/$m"
		cp -r "$here/$m" "$base/$m"
		make -C "$h" M="$base/$m" CC=gcc CONFIG_DEBUG_INFO_BTF_MODULES= modules || return 1
		cp "$base/$m/$m"*.ko "$to/"
	done
}
targets || echo "ktgt.ko and kdie.ko could not be built for $R: no crash but \"sysrq\""

cat > "$to/origin" <<END
Linux $R, Debian's, from $(dpkg-deb -f "$dbg" Source | grep . || echo linux) $(dpkg-deb -f "$dbg" Version).
License: GPL-2.0-only WITH Linux-syscall-note.
END
