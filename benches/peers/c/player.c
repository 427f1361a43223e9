/*
 * What a program in C does with pthreads, futexes and pipes: `c_player threads`, `c_player processes`. What a player does is
 * told in benches/lib/play.ts.
 */

#include "player.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

bool processes;

/* As it was called. */
static const char *program;

int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

void *share(size_t size) {
  return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void unshare(void *memory, size_t size) {
  munmap(memory, size);
}

struct runner start(void *(*run)(void *), void *argument) {
  struct runner runner = {0};
  if (!processes) {
    pthread_create(&runner.thread, NULL, run, argument);
    return runner;
  }
  runner.pid = fork();
  if (runner.pid == 0) {
    run(argument);
    _exit(0);
  }
  return runner;
}

void join(struct runner runner) {
  if (processes) waitpid(runner.pid, NULL, 0);
  else pthread_join(runner.thread, NULL);
}

static int sharing(void) {
  return processes ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE;
}

void init_mutex(pthread_mutex_t *mutex, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, type);
  pthread_mutexattr_setpshared(&attributes, sharing());
  pthread_mutex_init(mutex, &attributes);
}

void init_condition(pthread_cond_t *condition) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setpshared(&attributes, sharing());
  pthread_cond_init(condition, &attributes);
}

void init_barrier(pthread_barrier_t *barrier, unsigned parties) {
  pthread_barrierattr_t attributes;
  pthread_barrierattr_init(&attributes);
  pthread_barrierattr_setpshared(&attributes, sharing());
  pthread_barrier_init(barrier, &attributes, parties);
}

int64_t run_cold(long n, const char *measure, long count) {
  char command[4096];
  const char *scope = processes ? "processes" : "threads";
  snprintf(command, sizeof command, "exec '%s' %s %s %ld", program, scope, measure, count);
  int64_t sum = 0;
  for (long i = 0; i < n; i++) {
    FILE *output = popen(command, "r");
    long long value;
    if (output == NULL || fscanf(output, "%lld", &value) != 1) abort();
    pclose(output);
    sum += value;
  }
  return sum;
}

/* Keeps the program one with several threads, as all are that need locks: with one thread alone, glibc locks without atomic operations. */
static void *stay(void *argument) {
  for (;;) pause();
  return argument;
}

static const struct work *const parts[] = {starting_works, free_works, contended_works, message_works};

static work_function *work_named(const char *name) {
  for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
    for (const struct work *work = parts[part]; work->name != NULL; work++)
      if (strcmp(work->name, name) == 0) return work->run;
  return NULL;
}

static void greet(void) {
  printf("{\"ready\": true, \"name\": \"c\", \"version\": \"%d.%d\", \"works\": [", __GNUC__, __GNUC_MINOR__);
  const char *comma = "";
  for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
    for (const struct work *work = parts[part]; work->name != NULL; work++, comma = ", ")
      printf("%s\"%s\"", comma, work->name);
  printf("]}\n");
  fflush(stdout);
}

int main(int count, char **arguments) {
  program = arguments[0];
  processes = count > 1 && strcmp(arguments[1], "processes") == 0;
  if (count > 3) {
    int64_t (*measure)(int) = strcmp(arguments[2], "memory") == 0 ? memory_once : start_once;
    printf("%lld\n", (long long)measure(atoi(arguments[3])));
    return 0;
  }
  if (!processes) start(stay, NULL);
  greet();
  char line[1024];
  while (fgets(line, sizeof line, stdin) != NULL) {
    long id, n;
    char name[64];
    if (sscanf(line, "{\"id\":%ld,\"work\":\"%63[^\"]\",\"n\":%ld}", &id, name, &n) != 3) return 1;
    work_function *run = work_named(name);
    if (run == NULL) {
      printf("{\"id\": %ld, \"error\": \"no work '%s'\"}\n", id, name);
    } else {
      int64_t begin = now();
      int64_t own = run(n);
      int64_t whole = now() - begin;
      if (own == WHOLE) printf("{\"id\": %ld, \"ns\": %lld}\n", id, (long long)whole);
      else printf("{\"id\": %ld, \"ns\": %lld, \"own\": true}\n", id, (long long)own);
    }
    fflush(stdout);
  }
  return 0;
}
