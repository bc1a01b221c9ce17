/* The writer thread and its ring. The ring has one producer and one consumer; head and tail are all
 * they share, so that neither can hold the other up. Called by the measuring loops; knows nothing
 * of what lines mean. */
#include "rn-output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "rn-stop.h"
#include "rt-pool.h"

/* From one look at the ring to the next. */
#define TICK_NS 20000000ull
#define STATE_NS 1000000000ull
/* At once: a pipe that polls as writable takes so much without waiting (POSIX, PIPE_BUF). */
#define PIECE_BYTES 4096
/* Gathered before it is written. */
#define GATHER_BYTES 65536
/* Of memory for what is gathered, from one write to the next. */
#define MOST_KEPT_BYTES (1u << 20)
/* Of a reader that takes nothing, after the measurement. */
#define PATIENCE_NS 60000000000ull
/* Of a log, always reserved for the last lines. */
#define RESERVE_BYTES 16384
/* Which of these there are at most. */
#define LAST_WORDS_BYTES 2048

/* Before each line's bytes in the ring. */
typedef struct
{
  const char *kind;
  uint64_t t_ns;
  uint64_t n_bytes;
} Header;

typedef enum
{
  LENDING_NONE,
  LENDING_OFFERED, /* the owner may take it back */
  LENDING_COPIED,  /* is being copied: in a moment it is NONE again */
} Lending;

struct RnOutput
{
  RnOutputConfig config;
  uint8_t *ring;
  size_t capacity;
  _Alignas(64) atomic_size_t head; /* bytes ever put in */
  _Alignas(64) atomic_size_t tail; /* bytes ever taken out */
  atomic_bool quiet;
  atomic_uint_fast64_t n_dropped;
  _Atomic (const char *) stage;
  const RnLine *large; /* one that the ring has no room for, whose owner waits */
  atomic_int lending;  /* Lending of it */

  pthread_t thread;
  pthread_mutex_t mutex; /* of the end only */
  pthread_cond_t wake;
  const char *status; /* under the mutex; NULL: goes on */

  /* The writer's. */
  RtBytes pending;  /* whole lines, but for those that were begun to be written */
  size_t n_written; /* of pending */
  uint64_t n_lines, next_state_ns;
  off_t log_bytes, log_whole, reserved; /* of a log: its size, that of its whole lines, and up to
                                         * where it has space */
  bool can_reserve, is_pipe;
  RnLine state;
  int failed; /* errno; the reader or the disk is gone */
};

/* ---- The measuring thread ---- */

static void
ring_put (RnOutput *self, size_t at, const void *bytes, size_t n)
{
  size_t place = at % self->capacity, first = self->capacity - place;

  first = n < first ? n : first;
  memcpy (self->ring + place, bytes, first);
  memcpy (self->ring, (const uint8_t *)bytes + first, n - first);
}

static bool
try_send (RnOutput *self, const RnLine *line, RnLineClass line_class)
{
  Header header = { line->kind, rt_now_ns () - self->config.start_ns, line->body.n };
  size_t head = atomic_load_explicit (&self->head, memory_order_relaxed);
  size_t used = head - atomic_load_explicit (&self->tail, memory_order_acquire);
  size_t room = line_class == RN_LINE_TRACE ? self->capacity / 4 * 3 : self->capacity;

  if (line->body.failed || used > room || room - used < sizeof header + line->body.n)
    return false;
  ring_put (self, head, &header, sizeof header);
  ring_put (self, head + sizeof header, line->body.bytes, line->body.n);
  atomic_store_explicit (&self->head, head + sizeof header + line->body.n, memory_order_release);
  return true;
}

bool
rn_output_send (RnOutput *self, const RnLine *line, RnLineClass line_class)
{
  bool sent = try_send (self, line, line_class);

  if (!sent)
    atomic_fetch_add_explicit (&self->n_dropped, 1, memory_order_relaxed);
  return sent;
}

static bool
has_run_out (const uint64_t start_ns, uint64_t patience_ns)
{
  struct timespec pause = { .tv_nsec = 5000000 };

  if (rt_now_ns () - start_ns > patience_ns || rn_stop_reason () != RN_STOP_NONE)
    return true;
  nanosleep (&pause, NULL);
  return false;
}

/* Lent to the writer, which copies it when all before it are written. */
static bool
lend (RnOutput *self, const RnLine *line, uint64_t patience_ns)
{
  uint64_t start = rt_now_ns ();

  self->large = line;
  atomic_store (&self->lending, LENDING_OFFERED);
  while (atomic_load (&self->lending) != LENDING_NONE)
    {
      int offered = LENDING_OFFERED;
      if (has_run_out (start, patience_ns)
          && atomic_compare_exchange_strong (&self->lending, &offered, LENDING_NONE))
        return false;
    }
  return true;
}

bool
rn_output_send_patiently (RnOutput *self, const RnLine *line, uint64_t patience_ns)
{
  uint64_t start = rt_now_ns ();
  bool sent = false;

  if (sizeof (Header) + line->body.n > self->capacity / 2)
    sent = !line->body.failed && lend (self, line, patience_ns);
  else
    while (!(sent = try_send (self, line, RN_LINE_NORMAL)))
      if (line->body.failed || has_run_out (start, patience_ns))
        break;
  if (!sent)
    atomic_fetch_add_explicit (&self->n_dropped, 1, memory_order_relaxed);
  return sent;
}

void
rn_output_set_quiet (RnOutput *self, bool quiet)
{
  atomic_store_explicit (&self->quiet, quiet, memory_order_relaxed);
}

void
rn_output_set_stage (RnOutput *self, const char *stage)
{
  atomic_store (&self->stage, stage);
}

const char *
rn_output_stage (RnOutput *self)
{
  return atomic_load (&self->stage);
}

/* ---- The writer: lines ---- */

static void
ring_get (const RnOutput *self, size_t at, void *bytes, size_t n)
{
  size_t place = at % self->capacity, first = self->capacity - place;

  first = n < first ? n : first;
  memcpy (bytes, self->ring + place, first);
  memcpy ((uint8_t *)bytes + first, self->ring, n - first);
}

/* What begins a line: everything but its own members. */
static void
begin_pending (RnOutput *self, const char *kind, uint64_t t_ns)
{
  char text[120];
  int n = snprintf (text, sizeof text, "{\"kind\":\"%s\",\"n\":%llu,\"t_ns\":%llu", kind,
                    (unsigned long long)self->n_lines++, (unsigned long long)t_ns);

  rt_bytes_add (&self->pending, text, (size_t)n);
}

static void
add_pending (RnOutput *self, const RnLine *line)
{
  begin_pending (self, line->kind, rt_now_ns () - self->config.start_ns);
  rt_bytes_add (&self->pending, line->body.bytes, line->body.n);
  rt_bytes_add (&self->pending, "}\n", 2);
}

/* The line that is lent, when all before it are written; false: there is none. */
static bool
take_large (RnOutput *self)
{
  int offered = LENDING_OFFERED;

  if (self->pending.n > 0
      || !atomic_compare_exchange_strong (&self->lending, &offered, LENDING_COPIED))
    return false;
  if (self->failed == 0)
    add_pending (self, self->large);
  if (self->pending.failed)
    {
      self->pending.failed = false;
      self->pending.n = 0;
      atomic_fetch_add_explicit (&self->n_dropped, 1, memory_order_relaxed);
    }
  atomic_store (&self->lending, LENDING_NONE);
  return true;
}

/* The oldest line of the ring; false: there is none, or no memory for it now. */
static bool
take_line (RnOutput *self)
{
  size_t tail = atomic_load_explicit (&self->tail, memory_order_relaxed);
  Header header;

  if (tail == atomic_load_explicit (&self->head, memory_order_acquire))
    return take_large (self);
  ring_get (self, tail, &header, sizeof header);
  size_t at = self->pending.n;
  begin_pending (self, header.kind, header.t_ns);
  for (size_t done = 0; done < header.n_bytes;)
    {
      uint8_t piece[4096];
      size_t n = (size_t)header.n_bytes - done;
      n = n < sizeof piece ? n : sizeof piece;
      ring_get (self, tail + sizeof header + done, piece, n);
      rt_bytes_add (&self->pending, piece, n);
      done += n;
    }
  rt_bytes_add (&self->pending, "}\n", 2);
  if (self->pending.failed) /* no memory: this line is lost, whole */
    {
      self->pending.failed = false;
      self->pending.n = at;
      atomic_fetch_add_explicit (&self->n_dropped, 1, memory_order_relaxed);
    }
  atomic_store_explicit (&self->tail, tail + sizeof header + (size_t)header.n_bytes,
                         memory_order_release);
  return true;
}

/* ---- The writer: bytes ---- */

static void
give_up (RnOutput *self, int number)
{
  self->failed = number != 0 ? number : EIO;
  rn_stop_request (self->config.log != NULL ? RN_STOP_OUTPUT : RN_STOP_READER);
}

/* Space for @n bytes and the last lines, so that a log can always tell how it ended. */
static bool
reserve (RnOutput *self, size_t n)
{
  off_t wanted = self->log_bytes + (off_t)n + RESERVE_BYTES;

  if (!self->can_reserve || wanted <= self->reserved)
    return true;
  wanted += GATHER_BYTES;
  if (fallocate (self->config.fd, FALLOC_FL_KEEP_SIZE, self->log_bytes, wanted - self->log_bytes)
      == 0)
    self->reserved = wanted;
  else if (errno == ENOSPC || errno == EDQUOT)
    return false;
  else
    self->can_reserve = false; /* this file system cannot: writing will tell */
  return true;
}

/* One write, as much as can be done without waiting longer than @wait_ms. Bytes; 0: not now;
 * negative: -errno. */
static ssize_t
write_some (const RnOutput *self, const uint8_t *bytes, size_t n, int wait_ms)
{
  struct pollfd poller = { .fd = self->config.fd, .events = POLLOUT };
  ssize_t done;

  if (self->config.log == NULL)
    {
      int ready = poll (&poller, 1, wait_ms);
      if (ready == 0 || (ready < 0 && errno == EINTR))
        return 0;
      n = n < PIECE_BYTES ? n : PIECE_BYTES;
    }
  do
    done = write (self->config.fd, bytes, n);
  while (done < 0 && errno == EINTR);
  if (done < 0)
    return errno == EAGAIN ? 0 : -errno;
  return done > 0 ? done : -ENOSPC;
}

/* Bytes of the whole lines among the first @n of what is pending. */
static size_t
whole_lines (const RnOutput *self, size_t n)
{
  while (n > 0 && self->pending.bytes[n - 1] != '\n')
    n--;
  return n;
}

/* What is pending, to a log, in one go. Of a full disk's log the lines that fit are there. */
static void
flush_log (RnOutput *self)
{
  size_t n = self->pending.n, n_written = 0;
  off_t before = self->log_bytes;
  int failed = 0;

  if (!reserve (self, n))
    {
      off_t fits = self->reserved - self->log_bytes - RESERVE_BYTES;
      n = fits > 0 && (size_t)fits < n ? whole_lines (self, (size_t)fits) : fits > 0 ? n : 0;
      failed = ENOSPC;
    }
  while (n_written < n)
    {
      ssize_t done = write_some (self, self->pending.bytes + n_written, n - n_written, 0);
      if (done < 0)
        {
          failed = (int)-done;
          break;
        }
      n_written += (size_t)done;
    }
  self->log_bytes += (off_t)n_written;
  self->log_whole = self->log_bytes;
  if (n_written < n) /* and of these, as much goes as the last words take */
    self->log_whole
        = before
          + (off_t)whole_lines (self,
                                n_written > LAST_WORDS_BYTES ? n_written - LAST_WORDS_BYTES : 0);
  self->pending.n = 0;
  if (failed != 0)
    give_up (self, failed);
}

/* Writes what is pending, as far as the reader takes it. False: it takes no more now. */
static bool
flush (RnOutput *self, int wait_ms)
{
  RtBytes *pending = &self->pending;

  if (self->config.log != NULL && self->failed == 0 && pending->n > 0)
    flush_log (self);
  while (self->failed == 0 && self->n_written < pending->n)
    {
      ssize_t done = write_some (self, pending->bytes + self->n_written,
                                 pending->n - self->n_written, wait_ms);
      if (done == 0)
        return false;
      if (done < 0)
        give_up (self, (int)-done);
      else
        self->n_written += (size_t)done;
    }
  pending->n = self->n_written = 0;
  if (pending->capacity > MOST_KEPT_BYTES) /* a large line was there: such are few */
    {
      free (pending->bytes);
      *pending = (RtBytes){ 0 };
    }
  return true;
}

/* A reader that went away is felt although nothing is written. */
static void
look_for_reader (RnOutput *self)
{
  struct pollfd poller = { .fd = self->config.fd, .events = 0 };

  if (self->failed == 0 && self->is_pipe && poll (&poller, 1, 0) > 0
      && (poller.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
    give_up (self, EPIPE);
}

static void
beat (RnOutput *self)
{
  uint64_t now = rt_now_ns ();

  if (now < self->next_state_ns || self->pending.n > 0 || self->config.state == NULL)
    return;
  self->next_state_ns = now + STATE_NS;
  rn_line_begin (&self->state, "state");
  self->config.state (&self->state, self->config.state_data);
  add_pending (self, &self->state);
}

/* Everything that is there, unless a clean pass begins meanwhile. */
static void
write_lines (RnOutput *self, bool at_end, int wait_ms)
{
  for (;;)
    {
      while (self->pending.n < GATHER_BYTES && take_line (self))
        if (!at_end && atomic_load_explicit (&self->quiet, memory_order_relaxed))
          break;
      if (self->pending.n == 0 || !flush (self, wait_ms))
        return;
      if (!at_end && atomic_load_explicit (&self->quiet, memory_order_relaxed))
        return;
    }
}

/* ---- The writer: its life ---- */

/* Until the next look; the status when the end was asked for. */
static const char *
wait_tick (RnOutput *self)
{
  struct timespec until;

  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_nsec += (long)TICK_NS;
  if (until.tv_nsec >= 1000000000)
    {
      until.tv_nsec -= 1000000000;
      until.tv_sec++;
    }
  pthread_mutex_lock (&self->mutex);
  if (self->status == NULL)
    pthread_cond_timedwait (&self->wake, &self->mutex, &until);
  const char *status = self->status;
  pthread_mutex_unlock (&self->mutex);
  return status;
}

static void
add_end (RnOutput *self, const char *status)
{
  RnLine line = { 0 };

  rn_line_begin (&line, "end");
  rn_line_string (&line, "status", status);
  rn_line_uint (&line, "n_lines", self->n_lines + 1);
  rn_line_uint (&line, "dropped", atomic_load (&self->n_dropped));
  add_pending (self, &line);
  rn_line_clear (&line);
}

/* The last words of a log whose disk is full, into the space that was kept for them. */
static void
write_last_words (RnOutput *self)
{
  RnLine line = { 0 };
  int number = self->failed;
  char message[300];

  snprintf (message, sizeof message,
            "The log %s cannot be written: %s. Make room where it lies, and run again.",
            self->config.log, strerror (number));
  /* What was not written whole is not there. */
  if (self->log_bytes > self->log_whole && ftruncate (self->config.fd, self->log_whole) == 0)
    self->log_bytes = self->log_whole;
  self->failed = 0;
  self->pending.n = self->n_written = 0;
  rn_line_begin (&line, "error");
  rn_line_string (&line, "code", "io");
  rn_line_string (&line, "where", "log");
  rn_line_string (&line, "message", message);
  add_pending (self, &line);
  add_end (self, "failed");
  self->can_reserve = false;
  flush (self, 0);
  self->failed = number;
  rn_line_clear (&line);
}

static void
write_end (RnOutput *self, const char *status)
{
  uint64_t start = rt_now_ns ();
  size_t tail = atomic_load (&self->tail);
  size_t n_written = self->n_written;
  bool told = false;

  for (;;)
    {
      write_lines (self, true, 100);
      if (self->failed != 0)
        break;
      if (self->pending.n == 0 && told)
        break;
      if (self->pending.n == 0)
        {
          add_end (self, status);
          told = true;
          continue;
        }
      /* The reader is slow, which is allowed, or does not read at all. */
      if (tail != atomic_load (&self->tail) || n_written != self->n_written)
        start = rt_now_ns ();
      tail = atomic_load (&self->tail);
      n_written = self->n_written;
      if (rt_now_ns () - start > PATIENCE_NS)
        give_up (self, ETIMEDOUT);
    }
  if (self->failed != 0 && self->config.log != NULL)
    write_last_words (self);
  if (self->config.log != NULL && self->reserved > 0
      && ftruncate (self->config.fd, self->log_bytes) != 0)
    self->failed = self->failed != 0 ? self->failed : errno; /* gives the reserve back */
}

static void *
writer (void *data)
{
  RnOutput *self = data;
  const char *status;

  while ((status = wait_tick (self)) == NULL)
    {
      beat (self);
      if (self->pending.n > 0)
        flush (self, 0);
      if (self->failed != 0)
        {
          self->pending.n = self->n_written = 0;
          while (take_line (self))
            self->pending.n = 0;
          continue;
        }
      look_for_reader (self);
      if (self->pending.n == 0 && !atomic_load_explicit (&self->quiet, memory_order_relaxed))
        write_lines (self, false, 0);
    }
  write_end (self, status);
  return NULL;
}

RnOutput *
rn_output_new (const RnOutputConfig *config, RtError *error)
{
  RnOutput *self = aligned_alloc (64, (sizeof *self + 63) / 64 * 64);
  pthread_condattr_t attributes;
  struct stat info;

  if (self == NULL)
    {
      rt_fail (error, RT_ERROR_MEMORY, "No memory for the telemetry's buffer");
      return NULL;
    }
  memset (self, 0, sizeof *self);
  self->config = *config;
  self->capacity = config->n_bytes > 0 ? config->n_bytes : RN_OUTPUT_BYTES;
  self->ring = malloc (self->capacity);
  self->can_reserve = config->log != NULL;
  self->is_pipe = config->log == NULL && fstat (config->fd, &info) == 0
                  && (S_ISFIFO (info.st_mode) || S_ISSOCK (info.st_mode));
  self->next_state_ns = config->start_ns + STATE_NS;
  atomic_store (&self->stage, "open");
  pthread_mutex_init (&self->mutex, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&self->wake, &attributes);
  pthread_condattr_destroy (&attributes);
  if (self->ring == NULL || pthread_create (&self->thread, NULL, writer, self) != 0)
    {
      rt_fail (error, RT_ERROR_MEMORY, "No memory for the telemetry's buffer and thread");
      free (self->ring);
      free (self);
      return NULL;
    }
  return self;
}

bool
rn_output_end (RnOutput *self, const char *status, RtError *error)
{
  pthread_mutex_lock (&self->mutex);
  self->status = status;
  pthread_cond_signal (&self->wake);
  pthread_mutex_unlock (&self->mutex);
  pthread_join (self->thread, NULL);

  int failed = self->failed;
  if (failed != 0)
    rt_fail (error, RT_ERROR_IO, "%s cannot be written: %s",
             self->config.log != NULL ? self->config.log : "The telemetry", strerror (failed));
  pthread_cond_destroy (&self->wake);
  pthread_mutex_destroy (&self->mutex);
  free (self->pending.bytes);
  free (self->ring);
  rn_line_clear (&self->state);
  free (self);
  return failed == 0;
}
