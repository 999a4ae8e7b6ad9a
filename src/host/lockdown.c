/* The kernel's part of the sandbox: Landlock says which files, seccomp which calls. Both by direct system calls, since
   no library is needed for two of them; numbers and structures stand here because older headers lack them. Nothing
   here can be undone by the process. */
#include "host/host.h"

#ifndef __linux__

nl_locks nl_lock_kernel(void) {
  return (nl_locks){false, false};
}

#else

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/allowed.h"

/* ---- Landlock: docs.kernel.org/userspace-api/landlock.html ---- */

enum { CREATE_RULESET = 444, ADD_RULE, RESTRICT_SELF }; /* the same numbers on all machines */
enum { GIVE_VERSION = 1, BELOW_PATH = 1 };

typedef struct ruleset {
  uint64_t files, net, scoped;
} ruleset;

typedef struct __attribute__((packed)) path_rule {
  uint64_t rights;
  int32_t fd;
} path_rule;

enum {
  WRITE_FILE = 1 << 1,
  READ_FILE = 1 << 2,
  READ_DIRECTORY = 1 << 3,
  REMOVE_DIRECTORY = 1 << 4,
  REMOVE_FILE = 1 << 5,
  MAKE_DIRECTORY = 1 << 7,
  MAKE_FILE = 1 << 8,
  MOVE = 1 << 13,
  TRUNCATE = 1 << 14,
  READING = READ_FILE | READ_DIRECTORY,
  WRITING = WRITE_FILE | REMOVE_DIRECTORY | REMOVE_FILE | MAKE_DIRECTORY | MAKE_FILE | MOVE | TRUNCATE,
  OF_FILES = READ_FILE | WRITE_FILE | TRUNCATE, /* the others are a directory's */
};

/* All that a version of Landlock can refuse: rights on files, TCP, signals and sockets to processes outside. */
static ruleset all_rights(long version, size_t *size) {
  static const unsigned char bits[] = {0, 13, 14, 15, 15, 16}; /* rights on files by version */
  ruleset all = {.files = (UINT64_C(1) << bits[version < 5 ? version : 5]) - 1};
  all.net = version >= 4 ? 3 : 0;
  all.scoped = version >= 6 ? 3 : 0;
  *size = version >= 6 ? 24 : (version >= 4 ? 16 : 8);
  return all;
}

static bool add_path(int rules, const nl_allowed *a, uint64_t known) {
  path_rule rule = {.fd = open(a->path, O_PATH | O_CLOEXEC)};
  struct stat st;
  if (rule.fd < 0 || fstat(rule.fd, &st) != 0) {
    return rule.fd < 0; /* gone since: nothing to allow */
  }
  rule.rights = (uint64_t)(READING | (a->access == NL_ALLOW_WRITE ? WRITING : 0)) & known;
  if (!S_ISDIR(st.st_mode)) {
    rule.rights &= OF_FILES;
  }
  bool added = syscall(ADD_RULE, rules, BELOW_PATH, &rule, 0) == 0;
  close(rule.fd);
  return added;
}

static bool lock_files(void) {
  long version = syscall(CREATE_RULESET, NULL, 0, GIVE_VERSION);
  if (version < 1) {
    return false;
  }
  size_t size;
  ruleset all = all_rights(version, &size);
  int rules = (int)syscall(CREATE_RULESET, &all, size, 0);
  bool ok = rules >= 0;
  for (int i = 0; ok && nl_allowed_at(i); i++) {
    ok = add_path(rules, nl_allowed_at(i), all.files);
  }
  ok = ok && syscall(RESTRICT_SELF, rules, 0) == 0;
  if (rules >= 0) {
    close(rules);
  }
  return ok;
}

/* ---- seccomp: docs.kernel.org/userspace-api/seccomp_filter.html ---- */

#if defined(__x86_64__)
#define THIS_MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE AUDIT_ARCH_AARCH64
#endif

#ifndef THIS_MACHINE

static bool lock_calls(void) {
  return false;
}

#else

/* What an interpreter with threads needs, and nothing that reaches another process. What is not here is refused, so
   what kernels learn later is, too. */
static const int harmless[] = {
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_close,
    SYS_lseek,
    SYS_dup,
    SYS_dup3,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_fstatfs,
    SYS_getdents64,
    SYS_faccessat,
    SYS_readlinkat,
    SYS_getcwd,
    SYS_fadvise64,
    SYS_ppoll,
    SYS_pselect6, /* files that are open, and names */
    SYS_mmap,
    SYS_munmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_madvise,
    SYS_brk, /* memory */
    SYS_futex,
    SYS_set_robust_list,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_membarrier,
    SYS_getcpu, /* threads */
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_restart_syscall, /* signals */
    SYS_getpid,
    SYS_gettid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_uname,
    SYS_sysinfo,
    SYS_getrusage,
    SYS_umask,
    SYS_times, /* who and where */
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getrandom,
    SYS_exit,
    SYS_exit_group,
#ifdef SYS_rseq
    SYS_rseq,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
#ifdef __x86_64__
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_dup2,
    SYS_poll,
    SYS_select,
    SYS_time,
    SYS_arch_prctl,
#endif
};

/* Names and sizes of files: only where some directory may be written. */
static const int writing[] = {
    SYS_mkdirat,  SYS_unlinkat, SYS_renameat2, SYS_fsync,  SYS_fdatasync, SYS_ftruncate, SYS_flock, SYS_fchmod,
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef __x86_64__
    SYS_mkdir,    SYS_unlink,   SYS_rmdir,     SYS_rename,
#endif
};

typedef struct filter {
  struct sock_filter at[512];
  unsigned short n;
} filter;

static void put_step(filter *f, unsigned code, unsigned char yes, unsigned char no, uint32_t k) {
  f->at[f->n++] = (struct sock_filter){(uint16_t)code, yes, no, k};
}

static void load_word(filter *f, size_t offset) {
  put_step(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void answer(filter *f, uint32_t what) {
  put_step(f, BPF_RET | BPF_K, 0, 0, what);
}

static void refuse_with(filter *f, uint32_t error) {
  answer(f, SECCOMP_RET_ERRNO | error);
}

/* What follows, `steps` of it, is for this call only. */
static void if_call(filter *f, int number, unsigned char steps) {
  put_step(f, BPF_JMP | BPF_JEQ | BPF_K, 0, steps, (uint32_t)number);
}

static void permit(filter *f, const int *calls, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if_call(f, calls[i], 1);
    answer(f, SECCOMP_RET_ALLOW);
  }
}

/* Both machines are little-endian: the low half comes first. */
static size_t low_half(int argument) {
  return offsetof(struct seccomp_data, args) + 8 * (size_t)argument;
}

/* Permits a call whose argument has one of the values. */
static void permit_values(filter *f, int call, int argument, const uint32_t *values, unsigned char n) {
  if_call(f, call, (unsigned char)(n + 3));
  load_word(f, low_half(argument));
  for (unsigned char i = 0; i < n; i++) {
    put_step(f, BPF_JMP | BPF_JEQ | BPF_K, (unsigned char)(n - i), 0, values[i]);
  }
  refuse_with(f, EPERM);
  answer(f, SECCOMP_RET_ALLOW);
}

/* Permits a call by bits of an argument: with one of them set, or with none. */
static void permit_bits(filter *f, int call, int argument, uint32_t bits, bool set) {
  if_call(f, call, 4);
  load_word(f, low_half(argument));
  put_step(f, BPF_JMP | BPF_JSET | BPF_K, set, !set, bits);
  refuse_with(f, EACCES);
  answer(f, SECCOMP_RET_ALLOW);
}

static void permit_opening(filter *f, bool may_write) {
  const uint32_t changes = may_write ? 0 : O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  permit_bits(f, SYS_openat, 2, changes, false);
#ifdef SYS_open
  permit_bits(f, SYS_open, 1, changes, false);
#endif
}

/* A limit may be asked for, not set: the last argument but one, where the new limit would stand, is NULL. */
static void permit_asking_for_limits(filter *f) {
  if_call(f, SYS_prlimit64, 6);
  load_word(f, low_half(2));
  put_step(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0);
  load_word(f, low_half(2) + 4);
  put_step(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
  answer(f, SECCOMP_RET_ALLOW);
  refuse_with(f, EPERM);
}

static bool any_writing(void) {
  for (int i = 0; nl_allowed_at(i); i++) {
    if (nl_allowed_at(i)->access == NL_ALLOW_WRITE) {
      return true;
    }
  }
  return false;
}

static void make_filter(filter *f) {
  const uint32_t me = (uint32_t)getpid();
  const uint32_t asking[] = {TCGETS, TIOCGWINSZ}; /* TIOCSTI would type for the user */
  const uint32_t handles[] = {F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC};
  load_word(f, offsetof(struct seccomp_data, arch));
  put_step(f, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, THIS_MACHINE);
  answer(f, SECCOMP_RET_KILL_PROCESS);
  load_word(f, offsetof(struct seccomp_data, nr));
  permit(f, harmless, sizeof harmless / sizeof *harmless);
  if (any_writing()) {
    permit(f, writing, sizeof writing / sizeof *writing);
  }
  permit_opening(f, any_writing());
  permit_bits(f, SYS_clone, 0, CLONE_THREAD, true);
  permit_values(f, SYS_tgkill, 0, &me, 1);
  permit_values(f, SYS_ioctl, 1, asking, 2);
  permit_values(f, SYS_fcntl, 1, handles, 6);
  permit_asking_for_limits(f);
  if_call(f, SYS_clone3, 1); /* its flags stand where a filter cannot look; the C library then takes clone */
  refuse_with(f, ENOSYS);
  refuse_with(f, EPERM);
}

static bool lock_calls(void) {
  static filter f;
  f.n = 0;
  make_filter(&f);
  struct sock_fprog program = {f.n, f.at};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

#endif

nl_locks nl_lock_kernel(void) {
  nl_locks locks = {false, false};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
    locks.files = lock_files();
    locks.calls = lock_calls();
  }
  return locks;
}

#endif
