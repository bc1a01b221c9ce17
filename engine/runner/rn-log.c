/* Log files of detached runs: written by one process, read by others who may come and go. Called by
 * main. */
#include "rn-log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "rn-tell.h"

/* From one look at a log that does not grow to the next. */
#define LOOK_NS 50000000
/* Looked at for the line "end" before the place where following begins. */
#define TAIL_BYTES 65536

int
rn_log_open (const char *path, RtError *error)
{
  /* Not emptied before it is locked: it may be another run's. */
  int fd = open (path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

  if (fd < 0)
    {
      rt_fail (error, RT_ERROR_IO, "The log %s cannot be written: %s", path, strerror (errno));
      return -1;
    }
  if (flock (fd, LOCK_EX | LOCK_NB) != 0)
    rt_fail (error, RT_ERROR_IO,
             errno == EWOULDBLOCK
                 ? "The log %s is being written by another run. Stop that one, or name another log."
                 : "The log %s cannot be locked",
             path);
  else if (ftruncate (fd, 0) == 0 || errno == EINVAL) /* EINVAL: no file but a device */
    return fd;
  else
    rt_fail (error, RT_ERROR_IO, "The log %s cannot be emptied: %s", path, strerror (errno));
  close (fd);
  return -1;
}

/* ---- start ---- */

static void
detach (void)
{
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

  setsid ();
  for (int fd = 0; null >= 0 && fd < 3; fd++)
    dup2 (null, fd);
  if (null > 2)
    close (null);
}

int
rn_log_start (RnRunConfig *config, const char *path)
{
  RtError error = { 0 };
  RnLine line = { 0 };
  int fd = rn_log_open (path, &error);

  if (fd < 0)
    return rn_tell_error ("log", &error);
  pid_t pid = fork ();
  if (pid < 0)
    {
      rt_fail (&error, RT_ERROR_MEMORY, "No process can be started: %s", strerror (errno));
      close (fd);
      return rn_tell_error ("process", &error);
    }
  if (pid == 0) /* the lock goes with the file's description, which both hold */
    {
      detach ();
      config->fd = fd;
      config->log = path;
      _exit (rn_run (config));
    }
  close (fd);
  rn_line_begin (&line, "started");
  rn_line_int (&line, "pid", pid);
  rn_line_string (&line, "log", path);
  int status = rn_tell (&line, 0);
  rn_line_clear (&line);
  return status;
}

/* ---- follow ---- */

static bool
put_all (const char *bytes, size_t n)
{
  while (n > 0)
    {
      ssize_t done = write (STDOUT_FILENO, bytes, n);
      if (done < 0 && errno == EINTR)
        continue;
      if (done <= 0)
        return false;
      bytes += done;
      n -= (size_t)done;
    }
  return true;
}

/* What has been copied, line by line, as far as it matters. */
typedef struct
{
  char start[16]; /* of the line that goes on */
  size_t n;       /* of the line */
  bool ended;     /* the line "end" is complete */
} Lines;

static void
look_at (Lines *lines, const char *bytes, size_t n)
{
  static const char end[] = "{\"kind\":\"end\"";

  for (size_t i = 0; i < n; i++)
    {
      if (bytes[i] == '\n')
        {
          lines->ended
              = lines->n >= sizeof end - 1 && memcmp (lines->start, end, sizeof end - 1) == 0;
          lines->n = 0;
          continue;
        }
      if (lines->n < sizeof lines->start)
        lines->start[lines->n] = bytes[i];
      lines->n++;
    }
}

/* What lies right before @from, so that a log which was read to its end is known to be over. */
static void
look_before (int fd, uint64_t from, Lines *lines)
{
  static char bytes[TAIL_BYTES];
  uint64_t start = from > TAIL_BYTES ? from - TAIL_BYTES : 0;
  ssize_t n = pread (fd, bytes, (size_t)(from - start), (off_t)start);
  const char *line = bytes;

  if (n <= 0)
    return;
  if (start > 0) /* from the first line that is there whole */
    line = memchr (bytes, '\n', (size_t)n);
  if (line != NULL)
    look_at (lines, line, (size_t)(bytes + n - line));
  else
    lines->n = sizeof lines->start + 1;
}

/* A log that became shorter than what was read of it: on a full disk its last lines made room for
 * two that say so. Returns where those begin. */
static uint64_t
find_last_words (int fd, uint64_t n_bytes)
{
  static char bytes[TAIL_BYTES];
  uint64_t start = n_bytes > TAIL_BYTES ? n_bytes - TAIL_BYTES : 0;
  ssize_t n = pread (fd, bytes, (size_t)(n_bytes - start), (off_t)start), at;
  int n_lines = 0;

  for (at = n; at > 0; at--)
    if (bytes[at - 1] == '\n' && ++n_lines == 3)
      break;
  return start + (uint64_t)(at > 0 ? at : 0);
}

static bool
writer_is_gone (int fd)
{
  if (flock (fd, LOCK_SH | LOCK_NB) != 0)
    return false;
  flock (fd, LOCK_UN);
  return true;
}

/* Whether anybody still reads what is copied. */
static bool
reader_is_there (void)
{
  struct pollfd poller = { .fd = STDOUT_FILENO, .events = 0 };
  return poll (&poller, 1, 0) <= 0 || (poller.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
}

static int
tell_lost (const char *path, const Lines *lines)
{
  RtError error = { 0 };

  if (lines->n > 0 && !put_all ("\n", 1)) /* a line that was never finished */
    return 1;
  rt_fail (
      &error, RT_ERROR_IO,
      "The program that wrote %s died without a last line: it was killed, or the board was. What "
      "it had measured until then is above; run again.",
      path);
  return rn_tell_lost ("log", error.message);
}

int
rn_log_follow (const char *path, uint64_t from)
{
  static char bytes[TAIL_BYTES];
  struct timespec pause = { .tv_nsec = LOOK_NS };
  struct stat info;
  RtError error = { 0 };
  Lines lines = { .n = 0 };
  bool gone = false;
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0 || fstat (fd, &info) != 0)
    {
      rt_fail (&error, RT_ERROR_IO, "The log %s cannot be read: %s", path, strerror (errno));
      return rn_tell_error ("log", &error);
    }
  if (from > (uint64_t)info.st_size)
    {
      rt_fail (&error, RT_ERROR_RANGE,
               "The log %s has %lld bytes, and following was to begin at %llu", path,
               (long long)info.st_size, (unsigned long long)from);
      close (fd);
      return rn_tell_error ("log", &error);
    }
  look_before (fd, from, &lines);
  while (!lines.ended)
    {
      ssize_t n = pread (fd, bytes, sizeof bytes, (off_t)from);
      if (n < 0)
        {
          rt_fail (&error, RT_ERROR_IO, "The log %s cannot be read: %s", path, strerror (errno));
          close (fd);
          return rn_tell_error ("log", &error);
        }
      if (n == 0 && fstat (fd, &info) == 0 && (uint64_t)info.st_size < from && writer_is_gone (fd))
        {
          if (lines.n > 0 && !put_all ("\n", 1))
            break;
          lines.n = 0;
          fstat (fd, &info);
          from = find_last_words (fd, (uint64_t)info.st_size);
          continue;
        }
      if (n == 0)
        {
          if (gone)
            break; /* all that it wrote has been read since */
          gone = writer_is_gone (fd);
          if (!gone)
            nanosleep (&pause, NULL);
          if (!reader_is_there () || rn_stop_reason () != RN_STOP_NONE)
            break;
          continue;
        }
      if (!put_all (bytes, (size_t)n))
        break;
      look_at (&lines, bytes, (size_t)n);
      from += (uint64_t)n;
    }
  close (fd);
  if (lines.ended)
    return 0;
  return gone ? tell_lost (path, &lines) : 1;
}

/* ---- stop ---- */

/* The writer's number, from the line "hello"; 0: there is none yet. */
static long
read_pid (int fd)
{
  char text[1024];
  ssize_t n = pread (fd, text, sizeof text - 1, 0);
  const char *pid;

  if (n <= 0)
    return 0;
  text[n] = '\0';
  text[strcspn (text, "\n")] = '\0';
  pid = strstr (text, "\"pid\":");
  return strncmp (text, "{\"kind\":\"hello\"", 15) == 0 && pid != NULL ? strtol (pid + 6, NULL, 10)
                                                                       : 0;
}

int
rn_log_stop (const char *path)
{
  RtError error = { 0 };
  RnLine line = { 0 };
  int fd = open (path, O_RDONLY | O_CLOEXEC), status;

  if (fd < 0)
    {
      rt_fail (&error, RT_ERROR_IO, "The log %s cannot be read: %s", path, strerror (errno));
      return rn_tell_error ("log", &error);
    }
  bool gone = writer_is_gone (fd);
  long pid = gone ? 0 : read_pid (fd);
  close (fd);
  /* It lives, and the lock is its own: its number is no other program's. */
  if (!gone && (pid <= 1 || kill ((pid_t)pid, SIGTERM) != 0))
    {
      rt_fail (&error, RT_ERROR_IO, "The run that writes %s cannot be stopped: %s", path,
               pid <= 1 ? "it has not said its number yet" : strerror (errno));
      return rn_tell_error ("log", &error);
    }
  rn_line_begin (&line, "stopped");
  rn_line_bool (&line, "was_running", !gone);
  status = rn_tell (&line, 0);
  rn_line_clear (&line);
  return status;
}
