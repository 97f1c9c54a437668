// Preloaded into a server (LD_PRELOAD), it ends the process at one boundary of its SQLite store: the
// server itself is the one that is shipped.
//
// A boundary is a moment just before or just after a call that makes something durable: writes to the
// write-ahead log and their synchronisation. KILL_AT names the boundary, counted from 1; KILL_LOG the
// file that gets one line for each that is passed.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long passed;
// Writes since the last synchronisation, which ends a transaction.
static long writes;

// The process ends here where this is the boundary that is asked for.
static void boundary(const char *name) {
  const char *at = getenv("KILL_AT"), *log = getenv("KILL_LOG");
  char line[64];
  int file;
  if (at == NULL || log == NULL) return;
  pthread_mutex_lock(&lock);
  passed++;
  file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) abort();
  int length = snprintf(line, sizeof line, "%ld %s\n", passed, name);
  if (write(file, line, (size_t)length) != length) abort();
  close(file);
  if (passed == atol(at)) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  pthread_mutex_unlock(&lock);
}

// Whether the file is a store's database or its log.
static int is_store(int file) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, ".db") != NULL && strstr(path, ".db-shm") == NULL
      && strstr(path, ".db-lock") == NULL;
}

// Before a transaction's first write nothing of it is there, at its fourth a part without its end.
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
  static ssize_t (*real)(int, const void *, size_t, off64_t);
  if (real == NULL) real = dlsym(RTLD_NEXT, "pwrite64");
  if (is_store(file)) {
    long number = __atomic_add_fetch(&writes, 1, __ATOMIC_RELAXED);
    if (number == 1) boundary("before write");
    if (number == 4) boundary("in write");
  }
  return real(file, bytes, count, offset);
}

// Before: everything is written, and nothing is known to be durable. After: the transaction is durable,
// and nobody has been told.
int fdatasync(int file) {
  static int (*real)(int);
  if (real == NULL) real = dlsym(RTLD_NEXT, "fdatasync");
  int counts = is_store(file);
  if (counts) {
    boundary("before sync");
    __atomic_store_n(&writes, 0, __ATOMIC_RELAXED);
  }
  int result = real(file);
  if (counts) boundary("after sync");
  return result;
}
