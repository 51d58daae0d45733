/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks and the network of older generations of kernels, on fake_kernel.c: argv[1] is the fake vmlinux, argv[2] its generation. */
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kanalyze/cgroup.h>
#include <kanalyze/kernel.h>
#include <kanalyze/net.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/type.h>
#include "check.h"

#define IMAGE_BASE 0xffffffff80000000ull

static const uint8_t *elf;
static size_t elf_size;
static char core_path[] = "/tmp/kanalyze-old-kernels-XXXXXX";

/* A write into the dead kernel's memory, to break it. */
struct patch {
	uint64_t at, value;
};

static void core_write(const struct patch *patches, size_t patch_count)
{
	static const char info[] = "OSRELEASE=0.0.0-fake\nPAGESIZE=4096\nNUMBER(phys_base)=0\n";
	const Elf64_Ehdr *from = (const void *)elf;
	const Elf64_Phdr *ph = (const void *)(elf + from->e_phoff);
	Elf64_Phdr out[16] = {{0}};
	uint8_t note[256] = {0};
	Elf64_Nhdr nhdr = { 11, sizeof(info) - 1, 0 };
	size_t n = 1, at = 0x1000;
	FILE *f = fopen(core_path, "w");

	memcpy(note, &nhdr, sizeof(nhdr));
	memcpy(note + 12, "VMCOREINFO", 11);
	memcpy(note + 24, info, sizeof(info) - 1);
	out[0] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = 0x800, .p_filesz = 24 + ((sizeof(info) + 2) & ~3ul) };
	fseek(f, 0x800, SEEK_SET);
	fwrite(note, 1, sizeof(note), f);
	for (int i = 0; i < from->e_phnum && n < 16; i++) {
		uint8_t *bytes;

		if (ph[i].p_type != PT_LOAD || !ph[i].p_memsz)
			continue;
		bytes = calloc(1, ph[i].p_memsz);
		memcpy(bytes, elf + ph[i].p_offset, ph[i].p_filesz);
		for (size_t p = 0; p < patch_count; p++)
			if (patches[p].at >= ph[i].p_vaddr && patches[p].at + 8 <= ph[i].p_vaddr + ph[i].p_memsz)
				memcpy(bytes + patches[p].at - ph[i].p_vaddr, &patches[p].value, 8);
		out[n++] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = at, .p_vaddr = ph[i].p_vaddr,
					 .p_paddr = ph[i].p_vaddr - IMAGE_BASE, .p_filesz = ph[i].p_memsz, .p_memsz = ph[i].p_memsz };
		fseek(f, at, SEEK_SET);
		fwrite(bytes, 1, ph[i].p_memsz, f);
		at += (ph[i].p_memsz + 4095) & ~4095ul;
		free(bytes);
	}
	Elf64_Ehdr ehdr = *from;
	ehdr.e_type = ET_CORE;
	ehdr.e_phoff = sizeof(ehdr);
	ehdr.e_phnum = n;
	ehdr.e_shoff = ehdr.e_shnum = ehdr.e_shstrndx = 0;
	fseek(f, 0, SEEK_SET);
	fwrite(&ehdr, 1, sizeof(ehdr), f);
	fwrite(out, sizeof(out[0]), n, f);
	fclose(f);
}

static struct ka_kernel *open_kernel(const char *vmlinux)
{
	const char *const paths[] = { vmlinux, core_path, NULL };
	struct ka_open_options o = { .paths = paths };
	struct ka_kernel *k = NULL;
	struct ka_error *err = ka_kernel_open(&o, &k);

	if (err)
		fprintf(stderr, "cannot open: %s\n", err->message);
	CHECK(!err);
	ka_error_free(err);
	return k;
}

static uint64_t symbol(struct ka_kernel *k, const char *name)
{
	struct ka_symbol s = {0};

	CHECK(ka_symbol_lookup(k, name, &s));
	return s.addr;
}

static uint64_t offset(struct ka_kernel *k, const char *type, const char *path)
{
	uint64_t v = 0;

	CHECK(!ka_error_drop(ka_type_offset(k, type, path, &v)));
	return v;
}

struct expected {
	int32_t pid, tgid;
	const char *comm, *state, *state_long;
	uint32_t cpu;
};
static const struct expected expected[] = {
	{ 0, 0, "swapper", "RU", "TASK_RUNNING", 0 },
	{ 0, 0, "swapper", "RU", "TASK_RUNNING", 1 },
	{ 1, 1, "init", "IN", "TASK_INTERRUPTIBLE", 0 },
	{ 2, 2, "kthreadd", "IN", "TASK_INTERRUPTIBLE", 1 },
	{ 100, 100, "server", "UN", "TASK_UNINTERRUPTIBLE", 1 },
	{ 101, 100, "server-a", "RU", "TASK_RUNNING", 1 },
	{ 102, 100, "server-b", "ST", "TASK_STOPPED", 0 },
	{ 200, 200, "gone", "ZO", "TASK_DEAD|EXIT_ZOMBIE", 0 },
	{ 300, 300, "traced", "TR", "TASK_TRACED", 0 },
	{ 301, 301, "parked", "PA", "TASK_PARKED", 0 },
};

/* All tasks in order; *fault, the caller's, when the walk told one. */
static size_t walk(struct ka_kernel *k, ka_addr *ret, size_t max, struct ka_error **fault)
{
	struct ka_walk w = ka_walk_tasks(k);
	size_t n = 0;

	for (ka_addr at; ka_walk_next(&w, &at) && n < max; )
		ret[n++] = at;
	*fault = ka_walk_end(&w);
	return n;
}

static void check_tasks(struct ka_kernel *k)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_error *fault;
	ka_addr tasks[32];
	size_t n = walk(k, tasks, 32, &fault);

	CHECK_STR(fault ? fault->message : "none", "none");
	ka_error_free(fault);
	CHECK_INT(n, KA_COUNT(expected));
	CHECK_INT(ka_task_count(k), KA_COUNT(expected));
	for (size_t i = 0; i < n && i < KA_COUNT(expected); i++) {
		const struct expected *e = &expected[i];
		struct ka_task t;

		CHECK(!ka_error_drop(ka_task_read(k, tasks[i], &t)));
		CHECK_INT(t.pid, e->pid);
		CHECK_INT(t.tgid, e->tgid);
		CHECK_STR(t.comm, e->comm);
		CHECK_STR(ka_task_state_name(k, &t), e->state);
		CHECK_STR(ka_task_state_long(k, &t, a), e->state_long);
		CHECK_INT(t.cpu, e->cpu);
		CHECK_INT(t.thread_sp, 0xffffffff81234560ull);
		CHECK_INT(t.start_time, 5000000600ull);
		CHECK_INT(t.start_boottime, 5000000601ull);
		CHECK_INT(t.last_arrival, 1000 + t.pid);
		CHECK_INT(ka_task_is_kthread(k, &t), e->pid == 0 || e->pid == 2 || e->pid == 301);
		CHECK(ka_task_is(k, tasks[i]));
	}
	ka_arena_free(a);
}

static void check_cpus(struct ka_kernel *k, int generation)
{
	uint64_t clock_ns;
	unsigned cpu = 99;
	ka_addr at;

	CHECK_INT(ka_cpu_count(k), 2);
	CHECK_INT(ka_cpu_online_count(k), 2);
	CHECK_INT(ka_cpu_task(k, 1), symbol(k, "t101"));
	CHECK_INT(ka_cpu_idle_task(k, 1), symbol(k, "t_idle1"));
	CHECK(ka_task_is_active(k, symbol(k, "t101"), &cpu));
	CHECK_INT(cpu, 1);
	CHECK(!ka_task_is_active(k, symbol(k, "t100"), &cpu));
	CHECK(!ka_error_drop(ka_cpu_clock(k, 1, &clock_ns)));
	CHECK_INT(clock_ns, 6000);
	CHECK(ka_error_drop(ka_percpu_offset(k, 2, &clock_ns)));
	CHECK_INT(ka_panic_task(k), symbol(k, "t101"));
	CHECK_INT(ka_panic_cpu(k), 1);
	CHECK_INT(ka_task_time_unit_ns(k), generation < 417 ? 1000000 : 1);
	CHECK(!ka_error_drop(ka_task_by_pid(k, 102, &at)));
	CHECK_INT(at, symbol(k, "t102"));
	CHECK(ka_error_drop(ka_task_by_pid(k, 103, &at)));
}

static void check_mm(struct ka_kernel *k, int generation)
{
	struct ka_mm mm;
	struct ka_error *err = NULL;
	char bytes[16];

	CHECK(!ka_error_drop(ka_mm_read(k, symbol(k, "mm100"), &mm)));
	CHECK_INT(mm.total_vm_pages, 1000);
	CHECK_INT(mm.arg_end - mm.arg_start, 16);
	/* what the threads hold back is added before a counter below zero is taken for 0; swap entries are no pages */
	CHECK_INT(mm.rss_pages, generation == 206 ? 30 + 12 : (30 + 2 - 1) + (-5 + 20));
	CHECK(!ka_error_drop(ka_mm_read(k, 0, &mm)));
	CHECK_INT(mm.rss_pages, 0);
	CHECK_INT(ka_read_user(k, symbol(k, "mm100"), 0x1000, bytes, 16, &err), 0);
	CHECK(err != NULL);
	ka_error_free(err);
}

/* Devices, addresses and neighbours. */
static void check_devices(struct ka_kernel *k, struct ka_arena *a)
{
	struct ka_neighbour *neighbours = NULL;
	struct ka_netaddr *addrs = NULL;
	struct ka_netdev *devs = NULL;
	struct ka_net *nets = NULL;
	size_t count;

	CHECK(!ka_error_drop(ka_nets_read(k, a, &nets, &count)));
	CHECK_INT(count, 1);
	CHECK_INT(nets[0].addr, symbol(k, "init_net"));
	CHECK(!ka_error_drop(ka_netdevs_read(k, nets[0].addr, a, &devs, &count)));
	CHECK_INT(count, 1);
	CHECK_STR(devs[0].name, "eth0");
	CHECK_INT(devs[0].mtu, 1500);
	CHECK_INT(devs[0].hw[5], 9);
	CHECK_INT(devs[0].flags, 0x11043);	/* and running, with its link */
	CHECK(!ka_error_drop(ka_netaddrs_read(k, &devs[0], a, &addrs, &count)));
	CHECK_INT(count, 3);
	CHECK_STR(ka_ip_text(a, addrs[0].family, addrs[0].local), "10.0.0.1");
	CHECK_STR(ka_ip_text(a, addrs[1].family, addrs[1].local), "10.0.0.2");
	CHECK_STR(addrs[1].label, "eth0:1");
	CHECK(addrs[1].has_broadcast && !addrs[0].has_broadcast && !addrs[0].has_peer);
	CHECK_STR(ka_ip_text(a, addrs[2].family, addrs[2].local), "fe80::9");
	CHECK_STR(ka_ip_scope_name(addrs[2].scope), "link");
	CHECK(!ka_error_drop(ka_neighbours_read(k, KA_AF_INET, a, &neighbours, &count)));
	CHECK_INT(count, 1);
	CHECK_STR(ka_ip_text(a, neighbours[0].family, neighbours[0].key), "10.0.0.7");
	CHECK_INT(neighbours[0].hw[5], 7);
	CHECK_INT(neighbours[0].dev, devs[0].addr);
}

struct expected_sock {
	const char *symbol, *state, *local, *remote;
	uint32_t local_port, remote_port;
	uint64_t recv_q, send_q;
};
static const struct expected_sock expected_socks[] = {
	{ "tcp_listen", "LISTEN", "10.0.0.1", "0.0.0.0", 80, 0, 3, 128 },
	{ "tcp_estab", "ESTAB", "10.0.0.1", "10.0.0.5", 80, 4000, 100, 10 },
	{ "tcp_wait", "TIME-WAIT", "10.0.0.1", "10.0.0.5", 80, 4001, 0, 0 },
	{ "tcp6_estab", "ESTAB", "::1", "::2", 81, 0, 0, 0 },
	{ "udp1", "UNCONN", "10.0.0.1", "0.0.0.0", 53, 0, 640, 0 },
	{ "unix1", "ESTAB", NULL, NULL, 0, 0, 0, 0 },
	{ "unix2", "ESTAB", NULL, NULL, 0, 0, 111, 0 },
	{ "netlink1", NULL, NULL, NULL, 0, 0, 0, 0 },
};

static void check_sockets(struct ka_kernel *k, struct ka_arena *a)
{
	struct ka_sock_owner *owners = NULL;
	struct ka_sock *socks = NULL;
	size_t count, owner_count, found = 0;
	struct ka_error *err = ka_socks_read(k, KA_SOCK_ALL & ~(unsigned)(KA_SOCK_VSOCK | KA_SOCK_RAW | KA_SOCK_PACKET), a, &socks, &count, &owners,
					     &owner_count);

	CHECK_STR(err ? err->message : "none", "none");
	ka_error_free(err);
	CHECK_INT(count, KA_COUNT(expected_socks));
	CHECK_INT(owner_count, 0);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < KA_COUNT(expected_socks); j++) {
			const struct expected_sock *e = &expected_socks[j];
			const struct ka_sock *s = &socks[i];

			if (s->addr != symbol(k, e->symbol))
				continue;
			found++;
			CHECK_INT(s->net, symbol(k, "init_net"));
			CHECK_INT(s->refs, 2);
			if (e->state)
				CHECK_STR(ka_sock_state_name(s->state), e->state);
			if (e->local) {
				CHECK_STR(ka_ip_text(a, s->family, s->local), e->local);
				CHECK_STR(ka_ip_text(a, s->family, s->remote), e->remote);
			}
			CHECK_INT(s->local_port, e->local_port);
			CHECK_INT(s->remote_port, e->remote_port);
			CHECK_INT(s->recv_q, e->recv_q);
			CHECK_INT(s->send_q, e->send_q);
			if (!strcmp(e->symbol, "tcp_listen")) {
				CHECK_INT(s->ino, 4711);
				CHECK_INT(s->uid, 33);
			} else if (!strcmp(e->symbol, "unix1")) {
				CHECK_STR(s->path, "@abc@d");
				CHECK_INT(s->peer, symbol(k, "unix2"));
			} else if (!strcmp(e->symbol, "netlink1")) {
				CHECK_INT(s->portid, 1234);
				CHECK_INT(s->protocol, 15);
			}
		}
	CHECK_INT(found, KA_COUNT(expected_socks));
}

static void check_routes(struct ka_kernel *k, struct ka_arena *a)
{
	struct ka_route *routes = NULL;
	size_t count = 0;
	struct ka_error *err = ka_routes_read(k, symbol(k, "init_net"), KA_AF_INET, a, &routes, &count);

	CHECK_STR(err ? err->message : "none", "none");
	ka_error_free(err);
	CHECK_INT(count, 2);
	if (count != 2)
		return;
	CHECK_INT(routes[0].table, 254);
	CHECK_STR(ka_ip_text(a, KA_AF_INET, routes[0].dst), "0.0.0.0");
	CHECK_INT(routes[0].prefix_len, 0);
	CHECK_INT(routes[0].metric, 5);
	CHECK_INT(routes[0].scope, 0);
	CHECK_INT(routes[0].hop_count, 1);
	CHECK_STR(ka_ip_text(a, KA_AF_INET, routes[0].hops[0].gateway), "10.0.0.5");
	CHECK_INT(routes[0].hops[0].dev, 2);
	CHECK_STR(ka_ip_text(a, KA_AF_INET, routes[1].dst), "10.0.0.0");
	CHECK_INT(routes[1].prefix_len, 24);
	CHECK_INT(routes[1].scope, 253);
	CHECK(routes[1].has_prefsrc && !routes[0].has_prefsrc);
	CHECK_INT(routes[1].hops[0].gateway_family, 0);
}

/* Hierarchies of v1, whose names are in dentries or copies of those. */
static void check_cgroups(struct ka_kernel *k)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_cgroup_root *roots = NULL;
	struct ka_cgroup *groups = NULL;
	const char *path = NULL;
	size_t count = 0;
	ka_addr at = 0;

	CHECK(!ka_error_drop(ka_cgroup_roots(k, a, &roots, &count)));
	CHECK_INT(count, 2);
	if (count == 2) {
		CHECK_STR(roots[0].controllers, "cpu,memory");
		CHECK_STR(roots[1].controllers, "name=systemd");
		CHECK(!ka_error_drop(ka_task_cgroup(k, symbol(k, "t100"), &roots[0], &at)));
		CHECK_INT(at, symbol(k, "g_one"));
		CHECK(!ka_error_drop(ka_cgroup_path(k, at, a, &path)));
		CHECK_STR(path, "/slice/one");
		CHECK(!ka_error_drop(ka_task_cgroup(k, symbol(k, "t100"), &roots[1], &at)));
		CHECK(!ka_error_drop(ka_cgroup_path(k, at, a, &path)));
		CHECK_STR(path, "/");
		CHECK(!ka_error_drop(ka_cgroups_read(k, roots[0].cgroup, a, &groups, &count)));
		CHECK_INT(count, 4);
	}
	if (count == 4) {
		CHECK_STR(groups[0].name, "/");
		CHECK_STR(groups[1].path, "/slice");
		CHECK_STR(groups[2].name, "one");
		CHECK(groups[2].has_memory && groups[3].has_memory && !groups[1].has_memory);
		CHECK_INT(groups[2].memory_bytes, 7 * 4096);
		CHECK_INT(groups[2].memory_max_bytes, 100 * 4096);
		CHECK_STR(groups[3].path, "/slice/two");
		CHECK_INT(groups[3].memory_max_bytes, UINT64_MAX);
	}
	ka_arena_free(a);
}

static void check_net(struct ka_kernel *k)
{
	struct ka_arena *a = ka_arena_new();

	check_devices(k, a);
	check_sockets(k, a);
	check_routes(k, a);
	ka_arena_free(a);
}

/* With one source broken, the other has all tasks still, and the fault names what is broken. */
static void check_broken(const char *vmlinux, const struct patch *patches, size_t count, const char *words, size_t want)
{
	struct ka_kernel *k;
	struct ka_error *fault;
	ka_addr tasks[32];

	core_write(patches, count);
	k = open_kernel(vmlinux);
	if (!k)
		return;
	CHECK_INT(walk(k, tasks, 32, &fault), want);
	CHECK(fault && strstr(fault->message, words));
	if (fault && !strstr(fault->message, words))
		fprintf(stderr, "told is: %s\n", fault->message);
	ka_error_free(fault);
	ka_kernel_close(k);
}

static void check_guards(const char *vmlinux, struct ka_kernel *k, int generation)
{
	uint64_t next = symbol(k, "t100") + offset(k, "task_struct", "tasks.next");
	uint64_t back = symbol(k, "t1") + offset(k, "task_struct", "tasks");
	uint64_t link = symbol(k, "p100") + offset(k, "pid", "tasks");
	uint64_t pids = generation < 417 ? symbol(k, "pid_hash") : symbol(k, "n_top") + offset(k, "radix_tree_node", "slots");
	uint64_t thread = symbol(k, "t101") + offset(k, "task_struct", generation < 404 ? "thread_group" : "thread_node");
	size_t all = KA_COUNT(expected);

	check_broken(vmlinux, &(struct patch){ next, 0x10 }, 1, "task list is not whole", all);
	check_broken(vmlinux, &(struct patch){ next, back }, 1, "comes back", all);
	check_broken(vmlinux, &(struct patch){ next, symbol(k, "init_level4_pgt") }, 1, "is no task", all);
	check_broken(vmlinux, &(struct patch){ next, symbol(k, "init_task") + offset(k, "task_struct", "tasks") }, 1,
		     "in the pid structures but not in the task list", all);
	check_broken(vmlinux, &(struct patch){ thread, 0x10 }, 1, "threads of PID 100", all);
	check_broken(vmlinux, &(struct patch){ pids, 0x12 }, 1,
		     generation < 417 ? "pid structures are not whole" : "in the task list but not in", all);
	check_broken(vmlinux, &(struct patch){ link, 0 }, 1, "PID 100 ", all);
	check_broken(vmlinux, &(struct patch){ link, 0x10 }, 1, "pid structures are not whole", all);
	/* broken both ways round, the list still gives what lies outside of the break; without pids the rest is lost, and told */
	uint64_t previous = symbol(k, "t300") + offset(k, "task_struct", "tasks.prev");
	check_broken(vmlinux, (struct patch[]){ { next, 0x10 }, { pids, 0x12 } }, 2, "and 3 from its end", all);
	check_broken(vmlinux, (struct patch[]){ { next, 0x10 }, { previous, 0x10 }, { pids, 0x12 } }, 3, "task list is not whole",
		     generation < 417 ? all - 1 : all);
}

/* A chain that bites its tail, and one that leads nowhere: what was found before stays, and the fault says where. */
static void check_net_broken(const char *vmlinux, const char *sock, uint64_t next, bool is_self, const char *words)
{
	struct ka_kernel *k = open_kernel(vmlinux);
	struct ka_arena *a = ka_arena_new();
	struct ka_sock_owner *owners = NULL;
	struct ka_sock *socks = NULL;
	size_t count = 0, owner_count;
	struct ka_error *err;
	uint64_t node;

	if (!k)
		return;
	node = symbol(k, sock) + offset(k, "sock_common", "skc_node");
	ka_kernel_close(k);
	core_write(&(struct patch){ node, is_self ? node : next }, 1);
	k = open_kernel(vmlinux);
	if (k) {
		err = ka_socks_read(k, KA_SOCK_TCP, a, &socks, &count, &owners, &owner_count);
		CHECK(err && strstr(err->message, words));
		if (err && !strstr(err->message, words))
			fprintf(stderr, "told is: %s\n", err->message);
		ka_error_free(err);
		CHECK_INT(count, strcmp(sock, "tcp_estab") ? 4 : 3);
		ka_kernel_close(k);
	}
	ka_arena_free(a);
}

int main(int argc, char **argv)
{
	int generation = argc == 3 ? atoi(argv[2]) : 0, fd = argc == 3 ? open(argv[1], O_RDONLY) : -1;
	struct stat st;
	struct ka_kernel *k;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 2;
	elf_size = st.st_size;
	elf = mmap(NULL, elf_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	close(mkstemp(core_path));
	core_write(NULL, 0);
	k = open_kernel(argv[1]);
	if (k) {
		check_tasks(k);
		check_cpus(k, generation);
		check_mm(k, generation);
		if (generation < 404) {
			check_net(k);
			check_cgroups(k);
		}
		check_guards(argv[1], k, generation);
		ka_kernel_close(k);
	}
	if (generation < 404) {
		check_net_broken(argv[1], "tcp_listen", 0, true, "listening TCP, bucket 5");
		check_net_broken(argv[1], "tcp_estab", 0x10, false, "TCP, bucket 1");
	}
	unlink(core_path);
	return CHECK_DONE();
}
