/* lathe-runner: the program that runs builds on boards. One file, nothing to install; what it tells
 * is in TELEMETRY.md. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rn-log.h"
#include "rn-machine.h"
#include "rn-tell.h"
#include "rn-version.h"

#define EXIT_USAGE 2
#define READING_NS 250000000u /* between lines of how far a file is read */

static const char help[]
    = "lathe-runner " RN_VERSION ": runs builds of Lathe on a board and tells what they take\n"
      "\n"
      "  lathe-runner board [FOLDER]                  what this board is; FOLDER: where builds go\n"
      "  lathe-runner hash FILE...                    SHA-256 of files\n"
      "  lathe-runner run BUILD WORK [--log FILE]     run a build; telemetry to standard output\n"
      "  lathe-runner start BUILD WORK --log FILE     the same in the background\n"
      "  lathe-runner follow LOG [--from BYTES]       a log as it grows, until its end\n"
      "  lathe-runner stop LOG                        end the run that writes LOG\n"
      "\n"
      "Telemetry is one JSON object a line (engine/runner/TELEMETRY.md). Exit status: 0 complete, "
      "1 failed,\n2 wrong command line, 3 cancelled. LATHE_CPU caps the instruction set,\n"
      "LATHE_METER=KIND[:PLACE] names the power meter, "
      "LATHE_RUNNER_BUFFER_BYTES is the size of the buffer of lines.\n";

static int
usage (const char *what)
{
  fprintf (stderr, "lathe-runner: %s\n\n%s", what, help);
  return EXIT_USAGE;
}

/* ---- board ---- */

static int
board (const char *folder)
{
  RnLine line = { 0 };
  RtSensors *sensors = rt_sensors_new ("/");
  RtError error = { 0 };

  if (sensors == NULL)
    {
      rt_fail (&error, RT_ERROR_MEMORY, "No memory to look at the board");
      return rn_tell_end (rn_tell_error ("board", &error));
    }
  rn_line_begin (&line, "board");
  rn_machine_fill_board (&line, sensors, folder);
  int status = rn_tell (&line, 0);
  rn_line_clear (&line);
  rt_sensors_free (sensors);
  return rn_tell_end (status);
}

/* ---- hash ---- */

/* A card may take minutes for a large file: who waits wants to see that it goes on. */
static void
tell_reading (const char *path, uint64_t n_done, uint64_t n_bytes)
{
  RnLine line = { 0 };

  rn_line_begin (&line, "reading");
  rn_line_string (&line, "name", path);
  rn_line_uint (&line, "n_done", n_done);
  rn_line_uint (&line, "n_bytes", n_bytes);
  rn_tell (&line, 0);
  rn_line_clear (&line);
}

static bool
sum_file (const char *path, uint64_t *n_bytes, uint8_t digest[RT_SHA256_BYTES], RtError *error)
{
  static uint8_t bytes[1 << 16];
  RtSha256 sum;
  ssize_t n = 0;
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat about = { 0 };
  uint64_t told_ns = rt_now_ns ();

  rt_sha256_init (&sum);
  *n_bytes = 0;
  if (fd >= 0)
    fstat (fd, &about);
  while (fd >= 0 && ((n = read (fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR)))
    {
      rt_sha256_add (&sum, bytes, n > 0 ? (size_t)n : 0);
      *n_bytes += n > 0 ? (uint64_t)n : 0;
      if (rt_now_ns () - told_ns < READING_NS)
        continue;
      told_ns = rt_now_ns ();
      tell_reading (path, *n_bytes, (uint64_t)about.st_size);
    }
  bool ok = (fd >= 0 && n == 0)
            || rt_fail (error, RT_ERROR_IO, "%s cannot be read: %s", path, strerror (errno));
  rt_sha256_end (&sum, digest);
  if (fd >= 0)
    close (fd);
  return ok;
}

static int
hash (char **paths, int n_paths)
{
  RnLine line = { 0 };
  int status = 0;

  for (int i = 0; i < n_paths; i++)
    {
      uint8_t digest[RT_SHA256_BYTES];
      char text[2 * RT_SHA256_BYTES + 1];
      RtError error = { 0 };
      uint64_t n_bytes;
      if (!sum_file (paths[i], &n_bytes, digest, &error))
        {
          status = rn_tell_error (paths[i], &error);
          continue;
        }
      rn_line_begin (&line, "file");
      rn_line_string (&line, "name", paths[i]);
      rn_line_uint (&line, "bytes", n_bytes);
      rn_line_string (&line, "sha256", rt_sha256_text (digest, text));
      status = rn_tell (&line, status);
    }
  rn_line_clear (&line);
  return rn_tell_end (status);
}

/* ---- run, start, follow ---- */

/* The value of the only option that may follow the positions; NULL: it is not there, and *@wrong
 * when something else is. */
static const char *
option (int argc, char **argv, int first, const char *name, bool *wrong)
{
  *wrong = argc != first && !(argc == first + 2 && strcmp (argv[first], name) == 0);
  return argc == first + 2 ? argv[first + 1] : NULL;
}

static int
run (int argc, char **argv, bool detached)
{
  RnRunConfig config = { .fd = STDOUT_FILENO, .command = argv[1] };
  RtError error = { 0 };
  const char *buffer = getenv ("LATHE_RUNNER_BUFFER_BYTES");
  bool wrong = argc < 4;
  const char *log = wrong ? NULL : option (argc, argv, 4, "--log", &wrong);

  if (wrong || (detached && log == NULL))
    return usage (detached ? "start takes BUILD WORK --log FILE"
                           : "run takes BUILD WORK [--log FILE]");
  config.build_path = argv[2];
  config.work_path = argv[3];
  config.buffer_bytes = buffer != NULL ? strtoul (buffer, NULL, 10) : 0;
  if (detached)
    return rn_log_start (&config, log);
  if (log != NULL)
    {
      config.fd = rn_log_open (log, &error);
      config.log = log;
      if (config.fd < 0)
        return rn_tell_error ("log", &error);
    }
  int status = rn_run (&config);
  if (log != NULL)
    close (config.fd);
  return status;
}

static int
follow (int argc, char **argv)
{
  bool wrong = argc < 3;
  const char *from = wrong ? NULL : option (argc, argv, 3, "--from", &wrong);
  char *end = NULL;
  unsigned long long offset = from != NULL ? strtoull (from, &end, 10) : 0;

  if (wrong || (from != NULL && (end == from || *end != '\0' || from[0] == '-')))
    return usage ("follow takes LOG [--from BYTES]");
  return rn_log_follow (argv[2], offset);
}

int
main (int argc, char **argv)
{
  const char *command = argc > 1 ? argv[1] : "";

  /* The packed program runs from memory, where its name is a number. */
  prctl (PR_SET_NAME, "lathe-runner");
  rn_stop_take_signals ();
  if (strcmp (command, "board") == 0 && argc <= 3)
    return board (argc > 2 ? argv[2] : ".");
  if (strcmp (command, "hash") == 0 && argc > 2)
    return hash (argv + 2, argc - 2);
  if (strcmp (command, "run") == 0)
    return run (argc, argv, false);
  if (strcmp (command, "start") == 0)
    return run (argc, argv, true);
  if (strcmp (command, "follow") == 0)
    return follow (argc, argv);
  if (strcmp (command, "stop") == 0 && argc == 3)
    return rn_log_stop (argv[2]);
  if (strcmp (command, "--version") == 0 || strcmp (command, "--help") == 0)
    {
      fputs (command[2] == 'v' ? "lathe-runner " RN_VERSION "\n" : help, stdout);
      return 0;
    }
  return usage (command[0] == '\0' ? "no command was given" : "this is no command of it");
}
