#!/bin/busybox sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# truth.sh: what the guest's own /proc says, as one text. A section opens with
# "=== FILE" or "=== COMMAND"; the sections of a process follow "##### PID n comm",
# those of its other threads "##### TID n OF pid comm".
run() { echo "=== $*"; "$@" 2>&1; }
files() {
  for f; do
    [ -e "$f" ] || continue
    echo "=== $f"
    cat "$f" 2>&1
  done
}
# Texts whose ends are NULs, one item a line.
lines() { echo "=== $1"; tr '\0' '\n' < "$1"; }

echo "##### KANALYZE TRUTH $(uname -r)"
files "$ZOO" /proc/ktgt
run uname -a
run date -u
run hostname
files /proc/version /proc/cmdline /proc/uptime /proc/loadavg /proc/stat /proc/meminfo /proc/vmstat \
  /proc/zoneinfo /proc/buddyinfo /proc/pagetypeinfo /proc/slabinfo /proc/vmallocinfo /proc/interrupts \
  /proc/softirqs /proc/iomem /proc/ioports /proc/swaps /proc/mounts /proc/self/mountinfo /proc/filesystems \
  /proc/modules /proc/devices /proc/misc /proc/partitions /proc/diskstats /proc/cgroups /proc/locks \
  /proc/timer_list /proc/schedstat /proc/cpuinfo /proc/key-users /proc/keys /proc/consoles /proc/crypto \
  /proc/sysvipc/shm /proc/sysvipc/sem /proc/sysvipc/msg
for f in tcp tcp6 udp udp6 raw raw6 unix packet netlink dev arp route ipv6_route if_inet6 fib_trie sockstat \
  sockstat6 protocols ptype; do files "/proc/net/$f"; done
files /proc/sys/kernel/ostype /proc/sys/kernel/tainted /proc/sys/kernel/random/boot_id /proc/sys/kernel/pid_max \
  /proc/sys/kernel/threads-max /proc/sys/fs/file-nr /sys/kernel/vmcoreinfo /sys/kernel/kexec_crash_size \
  /sys/class/dmi/id/* /sys/module/ktgt/sections/* /sys/module/ktgt/sections/.[a-z]* /sys/module/ktgt/coresize \
  /sys/fs/cgroup/zoo.slice/memory.max /sys/fs/cgroup/zoo.slice/one/pids.max /sys/fs/cgroup/zoo.slice/memory.current
run ip addr
run ip route
run ip -6 route
run ps -o pid,ppid,pgid,user,tty,vsz,rss,stat,nice,comm,args

if [ -n "$ka_more" ]; then
  run ip neigh
  run ip -6 neigh
  run ip route show table all
  run ip -6 route show table all
  run ip rule
  for f in dev_mcast igmp igmp6 snmp snmp6 netstat udplite udplite6 icmp icmp6 ping ip_tables_names fib_triestat rt_cache; do files "/proc/net/$f"; done
  for p in $(pidof zoo); do
    [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && continue
    echo "##### NETNS OF PID $p $(readlink /proc/$p/ns/net)"
    for f in tcp tcp6 udp udp6 raw unix packet netlink dev arp route ipv6_route if_inet6 fib_trie; do
      echo "=== ns net/$f"
      cat "/proc/$p/net/$f"
    done
    for c in "ip addr" "ip neigh" "ip route" "ip -6 route"; do
      echo "=== ns $c"
      nsenter -n -t $p $c
    done
  done
  echo "##### CGROUPS"
  for g in $(find /sys/fs/cgroup /mnt/cg1 /mnt/cg1n -type d); do
    for f in cgroup.procs cgroup.threads cgroup.controllers cgroup.events memory.current memory.peak memory.max memory.high memory.low memory.min \
      memory.swap.current memory.swap.max memory.stat pids.current pids.max cpu.weight cpu.max cpu.stat io.weight freezer.state net_cls.classid; do files $g/$f; done
  done
  echo "##### REST"
fi

run df
run free
run losetup -a

for p in $(ls /proc | grep '^[0-9]*$' | sort -n); do
  [ -e "/proc/$p/stat" ] && [ "$p" != $$ ] || continue
  d=/proc/$p
  echo "##### PID $p $(cat "$d/comm")"
  [ -z "$ka_more" ] || files $d/personality $d/loginuid $d/sessionid $d/coredump_filter $d/syscall $d/attr/current
  files $d/stat $d/status $d/stack $d/wchan $d/cgroup $d/sched $d/schedstat $d/oom_score_adj $d/task/$p/children
  run ls -l $d/cwd $d/root $d/exe
  run ls -l $d/ns
  if [ -n "$(tr -d '\0' < $d/cmdline)" ]; then
    lines $d/cmdline
    lines $d/environ
    echo "=== $d/auxv"
    od -A n -t x8 -w16 -v $d/auxv
    files $d/statm $d/maps $d/smaps_rollup $d/limits $d/io $d/timers $d/mountinfo $d/uid_map
    [ -z "$ka_more" ] || case $(cat $d/comm) in more-*|zoo-maps|zoo-ipc|zoo-threads) files $d/smaps ;; esac
    run ls -l $d/fd
    for f in $d/fdinfo/*; do files "$f"; done
  else
    files $d/limits
  fi
  for t in "$d"/task/*; do
    t=${t##*/}
    [ "$t" = "$p" ] && continue
    echo "##### TID $t OF $p $(cat $d/task/$t/comm)"
    files $d/task/$t/stat $d/task/$t/status $d/task/$t/stack $d/task/$t/wchan
  done
done

echo "##### KALLSYMS"
echo "=== /proc/kallsyms selection"
grep -E '\[|[ ](_text|_stext|_etext|_sdata|_edata|_end|__init_begin|__init_end|__bss_start|__bss_stop|linux_banner|init_[a-z_]*|swapper_pg_dir|phys_base|page_offset_base|vmalloc_base|vmemmap_base|__per_cpu_offset|__per_cpu_start|pcpu_hot|current_task|runqueues|modules|super_blocks|slab_caches|kmalloc_caches|net_namespace_list|net_todo_list|irq_desc_tree|irq_to_desc|jiffies|jiffies_64|tk_core|log_buf|prb|printk_rb_static|node_data|contig_page_data|mem_section|sys_call_table|panic|schedule|__schedule|do_exit|sysrq_handle_crash|crash_kexec|machine_kexec|vfs_read|do_sys_open)$' /proc/kallsyms
echo "##### LOG"
run dmesg -r
echo "##### END"
