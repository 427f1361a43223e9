/* Works: primitives that nothing else wants. */

#include "player.h"

#include <linux/futex.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

static int64_t hold(long n, int type) {
  pthread_mutex_t *mutex = share(sizeof *mutex);
  init_mutex(mutex, type);
  for (long i = 0; i < n; i++) {
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
  }
  unshare(mutex, sizeof *mutex);
  return WHOLE;
}

static int64_t lock(long n) {
  return hold(n, PTHREAD_MUTEX_NORMAL);
}

static int64_t rlock(long n) {
  return hold(n, PTHREAD_MUTEX_RECURSIVE);
}

static int64_t semaphore(long n) {
  sem_t *semaphore = share(sizeof *semaphore);
  sem_init(semaphore, processes, 1);
  for (long i = 0; i < n; i++) {
    sem_wait(semaphore);
    sem_post(semaphore);
  }
  unshare(semaphore, sizeof *semaphore);
  return WHOLE;
}

/* A word and a futex: 0 not set, 1 set, 2 not set and waited for. */
static int64_t event(long n) {
  atomic_int *word = share(sizeof *word);
  for (long i = 0; i < n; i++) {
    if (atomic_exchange(word, 1) == 2) syscall(SYS_futex, word, FUTEX_WAKE, 1 << 30);
    while (atomic_load(word) != 1) syscall(SYS_futex, word, FUTEX_WAIT, 2, NULL);
    atomic_store(word, 0);
  }
  unshare(word, sizeof *word);
  return WHOLE;
}

static int64_t condition(long n) {
  struct {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
  } *shared = share(sizeof *shared);
  init_mutex(&shared->mutex, PTHREAD_MUTEX_NORMAL);
  init_condition(&shared->condition);
  for (long i = 0; i < n; i++) {
    pthread_mutex_lock(&shared->mutex);
    pthread_cond_signal(&shared->condition);
    pthread_mutex_unlock(&shared->mutex);
  }
  unshare(shared, sizeof *shared);
  return WHOLE;
}

static int64_t barrier(long n) {
  pthread_barrier_t *barrier = share(sizeof *barrier);
  init_barrier(barrier, 1);
  for (long i = 0; i < n; i++) pthread_barrier_wait(barrier);
  unshare(barrier, sizeof *barrier);
  return WHOLE;
}

static int64_t hold_side(long n, int (*take)(pthread_rwlock_t *)) {
  pthread_rwlock_t *lock = share(sizeof *lock);
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setpshared(&attributes, processes ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
  pthread_rwlock_init(lock, &attributes);
  for (long i = 0; i < n; i++) {
    take(lock);
    pthread_rwlock_unlock(lock);
  }
  unshare(lock, sizeof *lock);
  return WHOLE;
}

static int64_t read_side(long n) {
  return hold_side(n, pthread_rwlock_rdlock);
}

static int64_t write_side(long n) {
  return hold_side(n, pthread_rwlock_wrlock);
}

static int64_t set(long n) {
  atomic_int *word = share(sizeof *word);
  for (long i = 0; i < n; i++) atomic_store(word, (int)i);
  unshare(word, sizeof *word);
  return WHOLE;
}

static int64_t add(long n) {
  atomic_int *word = share(sizeof *word);
  for (long i = 0; i < n; i++) atomic_fetch_add(word, 1);
  unshare(word, sizeof *word);
  return WHOLE;
}

const struct work free_works[] = {
  {"lock/free", lock},          {"rlock/free", rlock},         {"semaphore/free", semaphore}, {"event/free", event},
  {"condition/free", condition}, {"barrier/free", barrier},     {"rwlock/read", read_side},    {"rwlock/write", write_side},
  {"value/set", set},           {"value/add", add},            {NULL, NULL},
};
