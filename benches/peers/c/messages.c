/* Works: a bounded queue in shared memory, and pipes. */

#include "player.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 1024, MEBIBYTE = 1 << 20 };

struct item {
  long id;
  char name[1024];
};

struct queue {
  pthread_barrier_t line, end;
  pthread_mutex_t lock;
  pthread_cond_t not_empty, not_full;
  long first, size, times, bytes;
  struct item slots[SLOTS];
};

static void *produce(void *argument) {
  struct queue *queue = argument;
  struct item item;
  memset(&item, 'x', sizeof item);
  pthread_barrier_wait(&queue->line);
  pthread_barrier_wait(&queue->line);
  for (long i = 0; i < queue->times; i++) {
    item.id = i;
    pthread_mutex_lock(&queue->lock);
    while (queue->size == SLOTS) pthread_cond_wait(&queue->not_full, &queue->lock);
    memcpy(&queue->slots[(queue->first + queue->size++) % SLOTS], &item, queue->bytes);
    pthread_cond_signal(&queue->not_empty);
    pthread_mutex_unlock(&queue->lock);
  }
  return NULL;
}

static void *consume(void *argument) {
  struct queue *queue = argument;
  struct item item;
  pthread_barrier_wait(&queue->line);
  pthread_barrier_wait(&queue->line);
  for (long i = 0; i < queue->times; i++) {
    pthread_mutex_lock(&queue->lock);
    while (queue->size == 0) pthread_cond_wait(&queue->not_empty, &queue->lock);
    memcpy(&item, &queue->slots[queue->first], queue->bytes);
    queue->first = (queue->first + 1) % SLOTS;
    queue->size--;
    pthread_cond_signal(&queue->not_full);
    pthread_mutex_unlock(&queue->lock);
    if (item.id != i) abort();
  }
  pthread_barrier_wait(&queue->end);
  return NULL;
}

static int64_t queue_of(long n, long bytes) {
  struct queue *queue = share(sizeof *queue);
  queue->times = n;
  queue->bytes = bytes;
  init_mutex(&queue->lock, PTHREAD_MUTEX_NORMAL);
  init_condition(&queue->not_empty);
  init_condition(&queue->not_full);
  init_barrier(&queue->line, 3);
  init_barrier(&queue->end, 2);
  struct runner producer = start(produce, queue), consumer = start(consume, queue);
  /* All are there; the time begins before they go, as this thread may be the last to hear of that. */
  pthread_barrier_wait(&queue->line);
  int64_t begin = now();
  pthread_barrier_wait(&queue->line);
  pthread_barrier_wait(&queue->end);
  int64_t ns = now() - begin;
  join(producer);
  join(consumer);
  unshare(queue, sizeof *queue);
  return ns;
}

static int64_t integers(long n) {
  return queue_of(n, sizeof(long));
}

static int64_t objects(long n) {
  return queue_of(n, 32);
}

static int64_t kilobytes(long n) {
  return queue_of(n, sizeof(struct item));
}

/* Room for one number. */
struct slot {
  pthread_mutex_t lock;
  pthread_cond_t filled;
  bool full;
  long number;
};

struct slots {
  struct slot asked, answered;
};

static void init_slot(struct slot *slot) {
  init_mutex(&slot->lock, PTHREAD_MUTEX_NORMAL);
  init_condition(&slot->filled);
}

static void put(struct slot *slot, long number) {
  pthread_mutex_lock(&slot->lock);
  slot->number = number;
  slot->full = true;
  pthread_cond_signal(&slot->filled);
  pthread_mutex_unlock(&slot->lock);
}

static long get(struct slot *slot) {
  pthread_mutex_lock(&slot->lock);
  while (!slot->full) pthread_cond_wait(&slot->filled, &slot->lock);
  slot->full = false;
  long number = slot->number;
  pthread_mutex_unlock(&slot->lock);
  return number;
}

static void *answer(void *argument) {
  struct slots *slots = argument;
  for (long number = get(&slots->asked); number >= 0; number = get(&slots->asked)) put(&slots->answered, number);
  return NULL;
}

static int64_t wake(long n) {
  struct slots *slots = share(sizeof *slots);
  init_slot(&slots->asked);
  init_slot(&slots->answered);
  struct runner partner = start(answer, slots);
  put(&slots->asked, n);
  get(&slots->answered);
  int64_t ns = 0;
  for (long i = 0; i < n; i++) {
    poll(NULL, 0, 6);
    int64_t begin = now();
    put(&slots->asked, i);
    long number = get(&slots->answered);
    ns += now() - begin;
    if (number != i) abort();
  }
  put(&slots->asked, -1);
  join(partner);
  unshare(slots, sizeof *slots);
  return ns;
}

/* A pipe to the partner and one from it. */
struct pipes {
  int there[2], back[2];
};

static bool read_all(int file, void *bytes, size_t size) {
  for (size_t got = 0; got < size;) {
    ssize_t count = read(file, (char *)bytes + got, size - got);
    if (count <= 0) return false;
    got += count;
  }
  return true;
}

static bool write_all(int file, const void *bytes, size_t size) {
  for (size_t put = 0; put < size;) {
    ssize_t count = write(file, (const char *)bytes + put, size - put);
    if (count <= 0) return false;
    put += count;
  }
  return true;
}

static void *echo(void *argument) {
  struct pipes *pipes = argument;
  long message;
  while (read_all(pipes->there[0], &message, sizeof message) && message >= 0)
    write_all(pipes->back[1], &message, sizeof message);
  return NULL;
}

static void *take(void *argument) {
  struct pipes *pipes = argument;
  char *bytes = malloc(MEBIBYTE);
  do read_all(pipes->there[0], bytes, MEBIBYTE);
  while (bytes[0] != 0);
  write_all(pipes->back[1], bytes, sizeof(long));
  free(bytes);
  return NULL;
}

static void open_pipes(struct pipes *pipes) {
  if (pipe(pipes->there) != 0 || pipe(pipes->back) != 0) abort();
}

static void close_pipes(struct pipes *pipes) {
  for (int i = 0; i < 2; i++) {
    close(pipes->there[i]);
    close(pipes->back[i]);
  }
}

static int64_t round_trips(long n, int pause_ms) {
  struct pipes pipes;
  open_pipes(&pipes);
  struct runner partner = start(echo, &pipes);
  long message = 0, end = -1;
  write_all(pipes.there[1], &message, sizeof message);
  read_all(pipes.back[0], &message, sizeof message);
  int64_t ns = 0;
  for (long i = 0; i < n; i++) {
    if (pause_ms > 0) poll(NULL, 0, pause_ms);
    int64_t begin = now();
    write_all(pipes.there[1], &i, sizeof i);
    read_all(pipes.back[0], &message, sizeof message);
    ns += now() - begin;
  }
  write_all(pipes.there[1], &end, sizeof end);
  join(partner);
  close_pipes(&pipes);
  return ns;
}

static int64_t busy(long n) {
  return round_trips(n, 0);
}

static int64_t asleep(long n) {
  return round_trips(n, 5);
}

static int64_t mebibytes(long n) {
  struct pipes pipes;
  open_pipes(&pipes);
  struct runner partner = start(take, &pipes);
  char *bytes = malloc(MEBIBYTE);
  memset(bytes, 1, MEBIBYTE);
  write_all(pipes.there[1], bytes, MEBIBYTE);
  long message;
  int64_t begin = now();
  for (long i = 0; i < n; i++) {
    if (i == n - 1) bytes[0] = 0;
    write_all(pipes.there[1], bytes, MEBIBYTE);
  }
  read_all(pipes.back[0], &message, sizeof message);
  int64_t ns = now() - begin;
  join(partner);
  free(bytes);
  close_pipes(&pipes);
  return ns;
}

const struct work message_works[] = {
  {"queue/integers", integers}, {"queue/objects", objects}, {"queue/1 KB", kilobytes}, {"pipe/busy", busy},
  {"pipe/asleep", asleep},      {"pipe/1 MiB", mebibytes},  {"wake/thread", wake},      {NULL, NULL},
};
