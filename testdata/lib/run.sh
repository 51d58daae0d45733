# SPDX-License-Identifier: LGPL-2.1-or-later
# run.sh CRASH MEMORY LIMIT RAW QUICK MORE: start the guest, wait for its end, take the dump out of its
# disk, and look whether it is one. Called by ../make.
set -eu
crash=$1 memory=$2 limit=$3 raw=$4 quick=$5 more=$6
run=$base/$crash
rm -rf "$run"
mkdir -p "$run/boot" "$run/data/dir" "$run/loop"
die() { echo "crash $crash: $*" >&2; exit 1; }

# Two disks: one brings the capture kernel and takes truth and dump away, the other is
# the file system that is mounted when the crash comes.
ln "$base/kernel/vmlinuz" "$run/boot/vmlinuz" 2> /dev/null || cp "$base/kernel/vmlinuz" "$run/boot/vmlinuz"
cp "$base/initrd" "$run/boot/initrd"
echo 'a file in a file system in a file' > "$run/loop/inner.txt"
disk() { # FILE MB UUID-DIGIT FOLDER OPTION ... : an ext4 that is the same each time
	f=$1 mb=$2 uuid=$3$3$3$3$3$3$3$3-$3$3$3$3-4$3$3$3-8$3$3$3-$3$3$3$3$3$3$3$3$3$3$3$3 from=$4
	shift 4
	truncate -s "${mb}M" "$f"
	mke2fs -q -F -t ext4 -U "$uuid" -E "hash_seed=$uuid,root_owner=0:0" -d "$from" "$@" "$f"
}
disk "$run/data/loop.img" 4 3 "$run/loop" -O ^has_journal
disk "$run/data.img" 32 2 "$run/data" -L data
disk "$run/out.img" $((memory * 2 + 128)) 1 "$run/boot" -O ^has_journal -L out

case $debian$debug in '') reserve=96M ;; *) reserve=256M ;; esac
words=
case $arch in
arm64)	# pauth-impdef: keys of another kind, as the default ones are slow to emulate
	set -- qemu-system-aarch64 -machine virt,gic-version=3 -cpu max,pauth-impdef=on -smp 2
	console=ttyAMA0 ;;
*)	# no_timer_check: on a busy machine the timer comes too late for the kernel to trust it.
	words=" no_timer_check"
	# cx16=off: qemu 7.2 gets the flags of a failed cmpxchg16b wrong, on which newer kernels trip.
	set -- qemu-system-x86_64 -machine pc -cpu max,la57=off,cx16=off -smp 2,sockets=2 \
		-smbios type=1,manufacturer=kanalyze,product=test-guest,version=1
	console=ttyS0,115200 ;;
esac
# What the log says of this crash: a guest that died of something else is no test.
case $crash in
sysrq) says='sysrq: Trigger a crash' ;;
null) says='(RIP: 0010:|pc : )ktgt_update_lat_stats' ;;
nullptr|irq) says='(RIP: 0010:|pc : )kdie_null' ;;
uafpoison) words="$words slub_debug=FZPU,kdie_queue" says='(RIP: 0010:|pc : )kdie_uaf' ;;
slableft|jumpfreed) says='last unloaded: kdie_left' ;;
jumpnull) says='dying of jumpnull' ;;
list) says='list_del corruption|(RIP: 0010:|pc : )kdie_list' ;;
warn|refcount) says='panic_on_warn set' ;;
panic|softirq) says='Kernel panic - not syncing: kdie: kdisk0' ;;
stackprot) says='stack-protector: Kernel stack is corrupted in: kdie_stackprot' ;;
uaftracks) words="$words slub_debug=FZPU,kmore_tape" says='dying of uaf' ;;
redzone|doublefree) words="$words slub_debug=FZPU,kmore_tape" says='BUG kmore_tape|BUG: KASAN: double-free' ;;
ubsan|shift) says='UBSAN: ' ;;
oob|stackoob) says='BUG: KASAN: ' ;;
listadd) says='list_add corruption' ;;
badpage) words="$words page_poison=1" says='BUG: Bad page state' ;;
cfi) says='CFI failure at kmore_' ;;
fortify) says='detected buffer overflow' ;;
usercopy) says='usercopy: Kernel memory' ;;
nx|userjump) says='execute' ;;
memcpy) says='kmore_memcpy' ;;
bti) says='kmore_' ;;
doublefault) says='double fault' ;;
stackend) says='corrupted stack end' ;;
atomic) says='scheduling while atomic' ;;
killinit) says='Attempted to kill init' ;;
hardlockup) says='hard LOCKUP' ;;
mce) says='[Mm]achine [Cc]heck' ;;
overflow) says='stack guard page|kernel stack overflow|Insufficient stack space' ;;
workqueue) says='(RIP: 0010:|pc : )kdie_bug' ;;
softlockup|spinlock) says='softlockup: hung tasks' ;;
rcu) says='RCU Stall' ;;
deadlock|waits) says='hung_task: blocked tasks' ;;
nmi|allnmi) says='NMI: Not continuing' ;;
oom) says='panic_on_oom' ;;
*) says="(RIP: 0010:|pc : )(kdie|kmore)_$crash" ;;
esac
# ... or what a checking kernel says of it: KASAN of memory, CFI of jumps, which it reads before
case $debug:$crash in
debug:uaf|debug:nullptr) says='BUG: KASAN: ' ;;
esac
# A report of KASAN is survived unless told.
[ -z "$debug" ] || words="$words kasan.fault=panic"
# -no-reboot: kexec is no reboot to qemu, so the machine ends with the capture kernel's reboot.
set -- "$@" -nodefaults -display none -no-reboot -accel tcg,thread=multi -m "$memory" -rtc base=2026-01-02T03:04:05,clock=vm \
	-kernel "$base/kernel/vmlinuz" -initrd "$base/initrd" \
	-append "console=$console panic=1 crashkernel=$reserve ka_crash=$crash ka_raw=$raw ka_quick=$quick ka_more=$more$words" \
	-serial "file:$run/console.log" \
	-drive "if=none,id=out,format=raw,cache=unsafe,file=$run/out.img" -device virtio-blk-pci,drive=out \
	-drive "if=none,id=data,format=raw,cache=unsafe,file=$run/data.img" -device virtio-blk-pci,drive=data \
	-netdev user,id=net,restrict=on -device virtio-net-pci,netdev=net,romfile=
echo "$@" > "$run/qemu.cmd"
# Those that wait for an NMI, or a machine check, get it from outside, by a word to qemu's monitor.
nmi() {
	until grep -q 'kdie.*: waiting for ' "$run/console.log" 2> /dev/null || [ -e "$run/ended" ]; do sleep 1; done
	sleep 2
	# an uncorrected error of bank 1: VAL UC EN MISCV ADDRV PCC, data cache read; MCG_STATUS: in progress, no return
	case $crash in mce) echo "mce 0 1 0xbe00000000000134 0x4 0x1234000 0x8c" ;; *) echo nmi ;; esac
	until [ -e "$run/ended" ]; do sleep 1; done
}
status=0
case $crash in
nmi|allnmi|mce)
	mkfifo "$run/monitor"
	nmi > "$run/monitor" &
	timeout "$limit" "$@" -monitor stdio < "$run/monitor" > "$run/qemu.log" 2>&1 || status=$?
	touch "$run/ended"
	wait
	rm "$run/monitor" "$run/ended" ;;
*)	timeout "$limit" "$@" < /dev/null > "$run/qemu.log" 2>&1 || status=$? ;;
esac
[ $status != 124 ] || die "not done after $limit s; see $run/console.log"
[ $status = 0 ] || die "qemu failed ($status): $(tail -1 "$run/qemu.log")"
grep -q 'GUEST DUMP DONE' "$run/console.log" || die "no dump was written; see $run/console.log"

take() { debugfs -R "dump /$1 $run/$1" "$run/out.img" > /dev/null 2>&1; [ -s "$run/$1" ] || die "$1 is missing in $run/out.img"; }
for f in vmcore makedumpfile.log dmesg; do take $f; done
[ -n "$quick" ] || take truth.txt
if [ -n "$raw" ]; then take vmcore.raw; fi
# The dump has to be of this very kernel and of this crash, the truth whole.
[ "$(head -c 8 "$run/vmcore")" = "KDUMP   " ] || die "the dump is no kdump-compressed file"
id=$(readelf -n "$base/kernel/vmlinux" | sed -n 's/.*Build ID: //p' | head -1)
grep -q "BUILD-ID=$id" "$run/vmcore" || die "the dump is of another kernel than build-id $id"
[ -n "$quick" ] || grep -q '##### END' "$run/truth.txt" || die "the truth is not whole"
grep -Eq "$says" "$run/dmesg" || die "the guest died of something else; see $run/dmesg"
[ -n "$quick" ] || grep '^ZOO.*FAILED' "$run/truth.txt" | sed 's/^/note: /' || :
rm -rf "$run/boot" "$run/data" "$run/loop" "$run/data.img" "$run/out.img"
touch "$run/done"
