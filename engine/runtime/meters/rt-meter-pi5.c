/* Raspberry Pi 5: its power chip measures current and voltage of every rail; the firmware tells
 * them through `vcgencmd pmic_read_adc`:
 *
 *    VDD_CORE_A current(7)=1.08053000A
 *    VDD_CORE_V volt(15)=0.72178200V
 *
 * A rail counts when both its lines are there (the 5 V input, EXT5V, has no current: what the chip
 * itself loses and what hangs on USB is not in the sum). Names pair them: the numbers in brackets
 * do not. The place is a root directory (ROOT/usr/bin/vcgencmd is started, so a recorded tree may
 * hold a script) or a file with recorded output. */
#include "rt-meter-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define COMMAND "usr/bin/vcgencmd"
#define MAX_OUTPUT 16384
#define TIMEOUT_MS 2000

typedef struct
{
  char name[32];
  double amperes, volts;
  bool has_amperes, has_volts;
} Rail;

typedef struct
{
  char path[1024]; /* of the recorded file, or of the command */
  bool is_command;
  char output[MAX_OUTPUT];
  Rail rails[2 * RT_METER_MAX_CHANNELS];
  size_t n_rails;
} Pi5;

/* ---- The text ---- */

static Rail *
find_rail (Pi5 *self, const char *name, size_t length)
{
  for (size_t i = 0; i < self->n_rails; i++)
    if (strlen (self->rails[i].name) == length && memcmp (self->rails[i].name, name, length) == 0)
      return &self->rails[i];
  if (self->n_rails == sizeof self->rails / sizeof self->rails[0]
      || length >= sizeof self->rails[0].name)
    return NULL;
  Rail *rail = &self->rails[self->n_rails++];
  *rail = (Rail){ 0 };
  memcpy (rail->name, name, length);
  return rail;
}

/* "  NAME_A current(7)=1.08053000A". false: it is no such line. */
static bool
parse_line (Pi5 *self, char *line)
{
  char *name = line + strspn (line, " \t");
  size_t length = strcspn (name, " \t");
  const char *equals = strchr (name, '=');
  char unit = length > 2 && name[length - 2] == '_' ? name[length - 1] : '\0';
  const char *end;

  if (equals == NULL || (unit != 'A' && unit != 'V'))
    return false;
  double value = rt_meter_decimal (equals + 1, &end);
  if (end == equals + 1 || *end != unit || !(value >= 0 && value < 1000))
    return false;
  Rail *rail = find_rail (self, name, length - 2);
  if (rail == NULL)
    return false;
  if (unit == 'A')
    {
      rail->amperes = value;
      rail->has_amperes = true;
    }
  else
    {
      rail->volts = value;
      rail->has_volts = true;
    }
  return true;
}

static void
parse (RtMeter *meter)
{
  Pi5 *self = meter->state;
  char *rest = NULL;

  self->n_rails = 0;
  for (char *line = strtok_r (self->output, "\r\n", &rest); line != NULL;
       line = strtok_r (NULL, "\r\n", &rest))
    if (line[strspn (line, " \t")] != '\0' && !parse_line (self, line))
      meter->n_bad++;
}

/* ---- Where it comes from ---- */

/* Until the end of @fd, or the deadline. */
static bool
collect (int fd, char *output, RtError *error)
{
  size_t n = 0;

  for (;;)
    {
      struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
      int ready = poll (&poll_fd, 1, TIMEOUT_MS);
      if (ready < 0 && errno == EINTR)
        continue;
      if (ready == 0)
        return rt_fail (error, RT_ERROR_IO, "vcgencmd did not answer within %d s",
                        TIMEOUT_MS / 1000);
      ssize_t got = ready > 0 ? read (fd, output + n, MAX_OUTPUT - 1 - n) : -1;
      if (got < 0)
        return rt_fail (error, RT_ERROR_IO, "the answer of vcgencmd cannot be read: %s",
                        strerror (errno));
      n += (size_t)got;
      output[n] = '\0';
      if (got == 0 || n == MAX_OUTPUT - 1)
        return true;
    }
}

static bool
run_command (Pi5 *self, RtError *error)
{
  char *argv[] = { self->path, (char[]){ "pmic_read_adc" }, NULL };
  posix_spawn_file_actions_t actions;
  int pipe_fds[2], status = 0;
  pid_t child;

  if (pipe2 (pipe_fds, O_CLOEXEC) != 0)
    return rt_fail (error, RT_ERROR_IO, "no pipe for vcgencmd: %s", strerror (errno));
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_adddup2 (&actions, pipe_fds[1], STDOUT_FILENO);
  int failed = posix_spawn (&child, self->path, &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy (&actions);
  close (pipe_fds[1]);
  bool ok
      = failed == 0
        || rt_fail (error, RT_ERROR_IO, "%s cannot be started: %s", self->path, strerror (failed));
  if (ok)
    {
      ok = collect (pipe_fds[0], self->output, error);
      if (!ok)
        kill (child, SIGKILL);
      while (waitpid (child, &status, 0) < 0 && errno == EINTR)
        ;
      self->output[strcspn (self->output, ok && status == 0 ? "" : "\r\n")] = '\0';
      if (ok && (!WIFEXITED (status) || WEXITSTATUS (status) != 0))
        ok = rt_fail (error, RT_ERROR_IO,
                      "%s pmic_read_adc failed: \"%.100s\". It needs the group video: sudo usermod "
                      "-aG video $USER",
                      self->path, self->output);
    }
  close (pipe_fds[0]);
  return ok;
}

static bool
read_recording (Pi5 *self, RtError *error)
{
  FILE *file = fopen (self->path, "re");
  if (file == NULL)
    return rt_fail (error, RT_ERROR_IO, "%s cannot be read: %s", self->path, strerror (errno));
  size_t n = fread (self->output, 1, MAX_OUTPUT - 1, file);
  self->output[n] = '\0';
  fclose (file);
  return true;
}

static bool
take_reading (RtMeter *meter, RtError *error)
{
  Pi5 *self = meter->state;
  if (!(self->is_command ? run_command (self, error) : read_recording (self, error)))
    return false;
  parse (meter);
  return true;
}

static bool
find_place (RtMeter *meter, Pi5 *self, RtError *error)
{
  struct stat info;

  if (stat (meter->place, &info) == 0 && S_ISREG (info.st_mode))
    {
      snprintf (self->path, sizeof self->path, "%s", meter->place);
      return true;
    }
  self->is_command = true;
  if (!rt_meter_path (self->path, meter, COMMAND, NULL) || access (self->path, X_OK) != 0)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "there is no %s: this is not a Raspberry Pi, or its package libraspberrypi-bin "
                    "(raspi-utils) is not installed",
                    self->path);
  return true;
}

static bool
pi5_open (RtMeter *meter, RtError *error)
{
  Pi5 *self = meter->state = calloc (1, sizeof *self);

  if (self == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "no memory for the Raspberry Pi 5 meter");
  if (!find_place (meter, self, error) || !take_reading (meter, error))
    return false;
  for (size_t i = 0; i < self->n_rails; i++)
    {
      const Rail *rail = &self->rails[i];
      RtMeterChannel *channel = rail->has_amperes && rail->has_volts
                                    ? rt_meter_add_channel (meter, RT_METER_WATTS, rail->name)
                                    : NULL;
      if (channel != NULL)
        channel->in_total = true;
    }
  if (meter->n_channels == 0)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s names no rail with both current and voltage: only the Raspberry Pi 5 and "
                    "its modules measure them",
                    self->path);
  snprintf (meter->covers, sizeof meter->covers,
            "%zu rails behind the power chip, without its own loss and without USB",
            meter->n_channels);
  return true;
}

static bool
pi5_read (RtMeter *meter, double *values, RtError *error)
{
  Pi5 *self = meter->state;

  if (!take_reading (meter, error))
    return false;
  for (size_t i = 0; i < meter->n_channels; i++)
    {
      const char *name = meter->channels[i].name;
      const Rail *rail = find_rail (self, name, strlen (name));
      if (rail == NULL || !rail->has_amperes || !rail->has_volts)
        return rt_fail (error, RT_ERROR_FORMAT, "%s no longer tells the rail %s", self->path, name);
      values[i] = rail->amperes * rail->volts;
    }
  return true;
}

static void
pi5_close (RtMeter *meter)
{
  free (meter->state);
}

const RtMeterKind rt_meter_pi5 = {
  .id = "pi5",
  .title = "Power chip of the Raspberry Pi 5",
  .place_title = "root directory, or a file with recorded output",
  .default_place = "/",
  .attach = "A Raspberry Pi 5 has it, and tells members of the group video.",
  .interval_ns = 200000000, /* every reading starts a program */
  .age_ns = 20000000,
  .open = pi5_open,
  .read = pi5_read,
  .close = pi5_close,
};
