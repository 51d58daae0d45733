#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# unpack.sh SRCDIR DESTDIR: unpack a bundle of test data for the tests; needs only xz.
# Checks each file against SHA256SUMS, does nothing for what is there already, and
# leaves DESTDIR/unpacked, a copy of SHA256SUMS, when everything is right.
set -eu
die() { echo "unpack.sh: $*" >&2; exit 1; }
[ $# = 2 ] || { echo "usage: unpack.sh SRCDIR DESTDIR" >&2; exit 2; }
[ -r "$1/SHA256SUMS" ] || die "$1 is no bundle: it has no SHA256SUMS"
mkdir -p "$2"
src=$(cd "$1" && pwd)
cd "$2"
if [ -e unpacked ] && cmp -s unpacked "$src/SHA256SUMS"; then exit 0; fi
rm -f unpacked
right() { # FILE : is it what SHA256SUMS says?
	sum=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$1\$/\1/p" "$src/SHA256SUMS")
	[ -n "$sum" ] || die "SHA256SUMS does not name $1"
	[ -e "$2/$1" ] && [ "$(sha256sum < "$2/$1" | cut -d' ' -f1)" = "$sum" ]
}
for file in "$src"/*; do
	name=${file##*/}
	[ "$name" != SHA256SUMS ] || continue
	case $name in
	*.xz) to=${name%.xz} ;;
	*) to=$name ;;
	esac
	right "$to" . && continue
	right "$name" "$src" || die "$file does not have the sum of SHA256SUMS: please get it again"
	rm -f "$to.new"
	case $name in
	*.xz) xz -dc "$file" > "$to.new" ;;
	*) cp "$file" "$to.new" ;;
	esac || die "cannot unpack $file"
	mv "$to.new" "$to"
	right "$to" . || die "$to, unpacked, does not have the sum of SHA256SUMS"
done
cp "$src/SHA256SUMS" unpacked.new
mv unpacked.new unpacked
