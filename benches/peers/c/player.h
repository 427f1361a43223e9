/* What the parts of the C player share: threads and processes seen as one, and the table of works. */

#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a work returns where the time of the whole call counts: 0 and less are measures, too. */
#define WHOLE INT64_MIN

/* Does something n times. Returns its own measure where not all that it does counts, else WHOLE. */
typedef int64_t work_function(long n);

struct work {
  const char *name;
  work_function *run;
};

/* The works of each part, up to one without a name. */
extern const struct work free_works[], contended_works[], message_works[], starting_works[];

/* Whether it plays with processes. */
extern bool processes;

/* What is measured once, in a program in which nothing was done before: `c_player threads cold 1`, `… memory 5`. */
int64_t start_once(int count);
int64_t memory_once(int count);
/* Does that n times and adds up what the programs print. */
int64_t run_cold(long n, const char *measure, long count);

int64_t now(void);

/* Memory that threads and processes share, zeroed. */
void *share(size_t size);
void unshare(void *memory, size_t size);

/* A thread or a process that runs a function once. */
struct runner {
  pthread_t thread;
  int pid;
};
struct runner start(void *(*run)(void *), void *argument);
void join(struct runner runner);

void init_mutex(pthread_mutex_t *mutex, int type);
void init_condition(pthread_cond_t *condition);
void init_barrier(pthread_barrier_t *barrier, unsigned parties);
