/* Works: a lock that several want. */

#include "player.h"

enum { MOST = 4 };

struct contended {
  pthread_barrier_t line, end;
  pthread_mutex_t lock;
  long count, times;
};

static void *increment(void *argument) {
  struct contended *shared = argument;
  pthread_barrier_wait(&shared->line);
  pthread_barrier_wait(&shared->line);
  for (long i = 0; i < shared->times; i++) {
    pthread_mutex_lock(&shared->lock);
    shared->count++;
    pthread_mutex_unlock(&shared->lock);
  }
  pthread_barrier_wait(&shared->end);
  return NULL;
}

static int64_t locked_by(int workers, long n) {
  struct contended *shared = share(sizeof *shared);
  shared->times = (n + workers - 1) / workers;
  init_mutex(&shared->lock, PTHREAD_MUTEX_NORMAL);
  init_barrier(&shared->line, workers + 1);
  init_barrier(&shared->end, workers + 1);
  struct runner runners[MOST];
  for (int i = 0; i < workers; i++) runners[i] = start(increment, shared);
  /* All are there; the time begins before they go, as this thread may be the last to hear of that. */
  pthread_barrier_wait(&shared->line);
  int64_t begin = now();
  pthread_barrier_wait(&shared->line);
  pthread_barrier_wait(&shared->end);
  int64_t ns = now() - begin;
  for (int i = 0; i < workers; i++) join(runners[i]);
  unshare(shared, sizeof *shared);
  return ns;
}

static int64_t by_two(long n) {
  return locked_by(2, n);
}

static int64_t by_four(long n) {
  return locked_by(4, n);
}

const struct work contended_works[] = {{"lock/2", by_two}, {"lock/4", by_four}, {NULL, NULL}};
