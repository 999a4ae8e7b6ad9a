/* What the kernel refuses to a process in the sandbox, tried from C, as if the wall in Lua were not there. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "core/allowed.h"
#include "host/host.h"

static char directory[] = "/tmp/nnlua-sandbox-XXXXXX";

static void make_file(const char *name, const char *text) {
  char path[200];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *f = fopen(path, "w");
  if (f) {
    fputs(text, f);
    fclose(f);
  }
}

static bool opens(const char *name, int flags) {
  char path[200];
  snprintf(path, sizeof path, name[0] == '/' ? "%s%s" : "%s/%s", name[0] == '/' ? "" : directory, name);
  int fd = open(path, flags, 0600);
  if (fd >= 0) {
    close(fd);
  }
  return fd >= 0;
}

static void *nothing(void *p) {
  return p;
}

static bool starts_thread(void) {
  pthread_t t;
  return pthread_create(&t, NULL, nothing, NULL) == 0 && pthread_join(t, NULL) == 0;
}

static bool renames(const char *from, const char *to) {
  char a[200], b[200];
  snprintf(a, sizeof a, "%s/%s", directory, from);
  snprintf(b, sizeof b, "%s/%s", directory, to);
  return rename(a, b) == 0;
}

/* Files, by Landlock. */
static void try_files(bool writing) {
  CHECK(opens("in/a", O_RDONLY), "reading what is allowed: %s", strerror(errno));
  CHECK(!opens("out/secret", O_RDONLY), "reading what is not");
  CHECK(!opens("in/../out/secret", O_RDONLY), "by ..");
  CHECK(!opens("in/link", O_RDONLY), "by a link");
  CHECK(!opens("/etc/passwd", O_RDONLY), "/etc");
  CHECK(!opens("/proc/self/environ", O_RDONLY), "/proc");
  CHECK(!opens("/proc/self/root/etc/passwd", O_RDONLY), "/proc/self/root");
  CHECK(!opens("/proc/self/mem", O_RDWR), "/proc/self/mem");
  CHECK(opens("in/new", O_WRONLY | O_CREAT) == writing, "writing where it is allowed");
  CHECK(!renames("in/a", "out/a"), "moved out of the directory");
  CHECK(!renames("out/secret", "in/secret"), "moved into the directory");
  CHECK(!opens("out/new", O_WRONLY | O_CREAT), "writing where it is not");
}

/* Calls, by seccomp. */
static void try_calls(void) {
  char *const none[] = {NULL};
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  CHECK(execve("/bin/true", none, none) < 0 && errno == EPERM, "execve");
  pid_t child = fork();
  CHECK(child < 0, "fork");
  if (child == 0) {
    _exit(0);
  }
  CHECK(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) < 0, "clone");
  CHECK(syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS, "clone3");
  CHECK(starts_thread(), "threads are needed");
  CHECK(socket(AF_INET, SOCK_STREAM, 0) < 0, "socket");
  CHECK(socket(AF_UNIX, SOCK_STREAM, 0) < 0, "socket of the machine");
  CHECK(kill(getppid(), 0) < 0, "kill");
  CHECK(syscall(SYS_tgkill, getppid(), getppid(), 0) < 0, "tgkill");
  CHECK(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0) == 0, "a signal to itself");
  CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0, "ptrace");
  CHECK(syscall(SYS_setitimer, 0, NULL, NULL) < 0 && errno == EPERM, "the clock of --max-seconds");
  CHECK(setrlimit(RLIMIT_DATA, &limit) < 0, "setrlimit");
  CHECK(getrlimit(RLIMIT_DATA, &limit) == 0, "getrlimit");
  CHECK(ioctl(0, TIOCSTI, "x") < 0 && errno == EPERM, "typing for the user");
  CHECK(fcntl(1, F_SETOWN, 1) < 0, "signals by fcntl");
  CHECK(symlink("/etc", "/tmp/nnlua-link") < 0 && errno == EPERM, "symlink");
  CHECK(syscall(425, 1, NULL) < 0 && errno == EPERM, "io_uring_setup");
}

/* Runs in a child; gives its counts to the parent by its status. */
static void in_child(void (*f)(bool), bool flag) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    check_failed = check_passed = 0;
    f(flag);
    fflush(stdout);
    _exit(check_failed < 100 ? check_failed : 100);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "in the child, status %d", status);
}

static void try_all(bool writing) {
  char in[200];
  snprintf(in, sizeof in, "%s/in", directory);
  CHECK(nl_allow(in, writing ? NL_ALLOW_WRITE : NL_ALLOW_READ) == NL_OK, "%s", nl_error_message());
  nl_allow_only();
  nl_locks locks = nl_lock_kernel();
  if (locks.files) {
    try_files(writing);
  } else {
    printf("not held: this kernel has no Landlock\n");
  }
  if (locks.calls) {
    try_calls();
    CHECK(opens("out/made", O_WRONLY | O_CREAT) == (writing && !locks.files), "writing outside");
  } else {
    printf("not held: this kernel has no seccomp\n");
  }
}

/* As on a kernel without Landlock: seccomp still holds what it can. */
static void try_without_landlock(bool writing) {
  enum { CREATE_RULESET = 444 };
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CREATE_RULESET, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof steps / sizeof *steps, steps};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0) {
    try_all(writing);
    CHECK(opens("out/secret", O_RDONLY), "only Lua holds reading then");
    CHECK(opens("in/more", O_WRONLY | O_CREAT) == writing, "writing");
  }
}

/* Names, by core/allowed.c. */
static void try_names(bool unused) {
  (void)unused;
  char deep[4000] = "a";
  while (strlen(deep) < sizeof deep - 3) {
    strcat(deep, "/a");
  }
  CHECK(chdir(directory) == 0 && nl_allow("in", NL_ALLOW_WRITE) == NL_OK && nl_allow("code", NL_ALLOW_LOAD) == NL_OK,
        "%s", nl_error_message());
  CHECK(nl_may_read("out/secret") == NL_OK, "nothing is refused before");
  nl_allow_only();
  static const char *const fine[] = {"in",        "in/a",           "./in//a", "in/../in/a",    "in/none",
                                     "in/none/b", "out/../in/none", "in/.",    "out/back/none", "in/..a"};
  static const char *const wrong[] = {
      "",  "out/secret", "in/../out/secret", "in/link", "in/dangling",      "in/none/..", "in/none/../../out/secret",
      ".", "/",          "in/../none",       "in2/a",   "in/up/out/secret", "code/m.lua", "in/a/../../out/secret"};
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
    CHECK(nl_may_read(fine[i]) == NL_OK && nl_may_write(fine[i]) == NL_OK, "'%s'", fine[i]);
  }
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CHECK(nl_may_read(wrong[i]) != NL_OK && nl_may_write(wrong[i]) != NL_OK, "'%s'", wrong[i]);
  }
  CHECK(nl_may_read(deep) != NL_OK, "a long way down");
  CHECK(nl_may_rename("in/link") == NL_OK, "a link lies where it lies");
  CHECK(nl_may_rename("out/back") != NL_OK, "and a link from outside does not lie inside");
  CHECK(nl_may_rename("in") != NL_OK && nl_may_rename("in/.") != NL_OK, "the directory itself");
  CHECK(nl_may_load("code/m.lua") == NL_OK && nl_may_load("code/m.txt") != NL_OK, "code is .lua");
  CHECK(nl_may_load("code/text.lua") != NL_OK, "a link that only looks like code");
}

int main(void) {
  char command[300];
  if (!mkdtemp(directory) || chdir(directory) != 0) {
    return 1;
  }
  static const char *const made[] = {"in", "out", "code", "in2"};
  for (int i = 0; i < 4; i++) {
    mkdir(made[i], 0700);
  }
  make_file("in/a", "a");
  make_file("in2/a", "a");
  make_file("out/secret", "secret");
  make_file("code/m.lua", "return 1");
  make_file("code/m.txt", "no code");
  bool linked = symlink("../out/secret", "in/link") == 0 && symlink("../out/none", "in/dangling") == 0 &&
                symlink("..", "in/up") == 0 && symlink("../in", "out/back") == 0 &&
                symlink("m.txt", "code/text.lua") == 0;
  CHECK(linked, "links");
  in_child(try_names, false);
  in_child(try_all, true);
  in_child(try_all, false);
  in_child(try_without_landlock, false);
  in_child(try_without_landlock, true);
  snprintf(command, sizeof command, "rm -r %s", directory);
  CHECK(system(command) == 0, "%s", command);
  return finish();
}
