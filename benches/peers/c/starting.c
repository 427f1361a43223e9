/* Works: starts and ends, and what an idle thread or process takes. */

#include "player.h"

#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

enum { TEN = 10, MOST = 64 };

static void *nothing(void *argument) {
  return argument;
}

int64_t start_once(int count) {
  struct runner runners[MOST];
  int64_t begin = now();
  for (int i = 0; i < count; i++) runners[i] = start(nothing, NULL);
  for (int i = 0; i < count; i++) join(runners[i]);
  return now() - begin;
}

static int64_t one(long n) {
  int64_t ns = 0;
  for (long i = 0; i < n; i++) ns += start_once(1);
  return ns;
}

static int64_t ten(long n) {
  int64_t ns = 0;
  for (long i = 0; i < n; i++) ns += start_once(TEN);
  return ns;
}

static int64_t one_cold(long n) {
  return run_cold(n, "cold", 1);
}

static int64_t ten_cold(long n) {
  return run_cold(n, "cold", TEN);
}

/* As in bare/repeated.ts. */
static int64_t after_others(long n) {
  start_once(1);
  start_once(1);
  int64_t ns = 0;
  for (long i = 0; i < n; i++) {
    usleep(500000);
    ns += start_once(1);
  }
  return ns;
}

struct idle {
  sem_t there, end;
};

static void *idle(void *argument) {
  struct idle *shared = argument;
  sem_post(&shared->there);
  sem_wait(&shared->end);
  return NULL;
}

static long memory_of(int pid) {
  char name[64], line[256];
  snprintf(name, sizeof name, "/proc/%d/smaps_rollup", pid);
  FILE *file = fopen(name, "r");
  long kilobytes = 0;
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "Pss: %ld", &kilobytes) == 1) break;
  if (file != NULL) fclose(file);
  return kilobytes * 1024;
}

int64_t memory_once(int count) {
  struct idle *shared = share(sizeof *shared);
  sem_init(&shared->there, processes, 0);
  sem_init(&shared->end, processes, 0);
  struct runner runners[MOST];
  long before = memory_of(getpid());
  for (int i = 0; i < count; i++) runners[i] = start(idle, shared);
  for (int i = 0; i < count; i++) sem_wait(&shared->there);
  long after = memory_of(getpid());
  for (int i = 0; processes && i < count; i++) after += memory_of(runners[i].pid);
  for (int i = 0; i < count; i++) sem_post(&shared->end);
  for (int i = 0; i < count; i++) join(runners[i]);
  unshare(shared, sizeof *shared);
  return after - before;
}

static int64_t memory(long n) {
  return run_cold(1, "memory", n < MOST ? n : MOST);
}

const struct work starting_works[] = {
  {"start/cold", one_cold},     {"start/ten cold", ten_cold}, {"start/spare", after_others},
  {"start/in turn", one},       {"start/ten", ten},           {"memory/idle", memory},
  {NULL, NULL},
};
