/* A power meter on a serial port, in the supply line of a board or of this computer. The line
 * protocol is in README.md beside this file: after a greeting the meter sends one line per sample,
 * "t_us,mV,mA*CC". Energy is integrated here on the meter's own clock, so that the rate at which we
 * are read does not matter. Lines that are damaged are counted and left out; silence, a gap and a
 * port that is gone are errors. */
#include "rt-meter-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "rt-pool.h"

#define VERSION 1
#define ASK_NS                                                                                     \
  500000000ull /* a board that resets when its port is opened misses the first question */
#define GREETING_NS 2000000000ull
#define SILENCE_NS 2000000000ull
#define MAX_GAP_US 1000000u /* of the meter's clock; longer, or backwards, cannot be bridged */

typedef struct
{
  int fd;
  struct termios before;
  char port[256];
  char line[128];
  size_t n_line;
  bool too_long;    /* the rest of an overlong line is skipped */
  bool has_sample;  /* t_us and watts are of the last one */
  bool jumped;      /* the clock did: reported once */
  unsigned version; /* that it greeted with; 0: it did not */
  uint32_t t_us;
  double watts, joules;
  uint64_t heard_ns; /* when the last sample came */
} Serial;

/* ---- Lines ---- */

/* The two hexadecimal digits behind '*' are the exclusive or of the bytes before it. */
static bool
checksum_is_right (char *line)
{
  char *star = strrchr (line, '*'), *end;
  unsigned sum = 0;

  if (star == NULL || strlen (star) != 3)
    return false;
  for (const char *p = line; p < star; p++)
    sum ^= (unsigned char)*p;
  unsigned long told = strtoul (star + 1, &end, 16);
  *star = '\0';
  return *end == '\0' && told == sum;
}

static void
add_sample (Serial *self, uint32_t t_us, double watts)
{
  uint32_t dt_us = t_us - self->t_us; /* right over the wrap of the clock, too */
  self->heard_ns = rt_now_ns ();
  if (self->has_sample && dt_us > 0 && dt_us <= MAX_GAP_US)
    self->joules += 0.5 * (watts + self->watts) * dt_us * 1e-6;
  else if (self->has_sample && dt_us > MAX_GAP_US)
    self->jumped = true;
  self->has_sample = true;
  self->t_us = t_us;
  self->watts = watts;
}

static bool
parse_sample (Serial *self, char *line)
{
  char *end;
  const char *after;

  if (line[0] < '0' || line[0] > '9' || !checksum_is_right (line))
    return false;
  unsigned long long t_us = strtoull (line, &end, 10);
  if (*end != ',' || t_us > UINT32_MAX)
    return false;
  const char *volts_at = end + 1;
  double mv = rt_meter_decimal (volts_at, &after);
  if (after == volts_at || *after != ',')
    return false;
  const char *amperes_at = after + 1;
  double ma = rt_meter_decimal (amperes_at, &after);
  if (after == amperes_at || *after != '\0' || !(fabs (mv) < 1e6) || !(fabs (ma) < 1e6))
    return false;
  add_sample (self, (uint32_t)t_us, mv * ma * 1e-6);
  return true;
}

static void
parse_line (RtMeter *meter, char *line)
{
  Serial *self = meter->state;
  static const char word[] = "lathe-meter ";
  char *name = line;

  if (line[0] == '\0' || line[0] == '#')
    return;
  unsigned long version = 0;
  if (strncmp (line, word, sizeof word - 1) == 0)
    version = strtoul (line + sizeof word - 1, &name, 10);
  if (name != line && name != line + sizeof word - 1)
    {
      self->version = version <= UINT_MAX ? (unsigned)version : UINT_MAX;
      name += strspn (name, " \t");
      snprintf (meter->covers, sizeof meter->covers, "what hangs behind the meter \"%.60s\"",
                name[0] != '\0' ? name : self->port);
      return;
    }
  if (!parse_sample (self, line))
    meter->n_bad++;
}

/* Everything that has come. false: the port is gone. */
static bool
drain (RtMeter *meter, RtError *error)
{
  Serial *self = meter->state;
  char buffer[512];

  for (;;)
    {
      ssize_t n = read (self->fd, buffer, sizeof buffer);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return true;
      if (n <= 0) /* 0 is a hang-up, because VMIN is 1 */
        return rt_fail (error, RT_ERROR_IO,
                        "%s is gone: the meter was unplugged or its other end closed", self->port);
      for (ssize_t i = 0; i < n; i++)
        {
          char c = buffer[i];
          if (c == '\n' || c == '\r')
            {
              self->line[self->n_line] = '\0';
              if (self->too_long)
                meter->n_bad++;
              else
                parse_line (meter, self->line);
              self->n_line = 0;
              self->too_long = false;
            }
          else if (self->n_line + 1 < sizeof self->line)
            self->line[self->n_line++] = c != '\0' ? c : '?';
          else
            self->too_long = true;
        }
    }
}

static void
say (const Serial *self, const char *text)
{
  /* A meter that only talks does not listen: that nothing can be written is no failure. */
  ssize_t n = write (self->fd, text, strlen (text));
  (void)n;
}

/* ---- Opening ---- */

static const struct
{
  unsigned long baud;
  speed_t speed;
} speeds[] = { { 9600, B9600 },     { 19200, B19200 },   { 38400, B38400 },   { 57600, B57600 },
               { 115200, B115200 }, { 230400, B230400 }, { 460800, B460800 }, { 921600, B921600 } };

/* "/dev/ttyACM0@9600": the port and the speed behind it. */
static bool
split_place (const RtMeter *meter, Serial *self, speed_t *speed, RtError *error)
{
  char *at, *end;

  snprintf (self->port, sizeof self->port, "%s", meter->place);
  *speed = B115200;
  at = strrchr (self->port, '@');
  if (at == NULL)
    return true;
  unsigned long baud = strtoul (at + 1, &end, 10);
  for (size_t i = 0; *end == '\0' && i < sizeof speeds / sizeof speeds[0]; i++)
    if (speeds[i].baud == baud)
      {
        *speed = speeds[i].speed;
        *at = '\0';
        return true;
      }
  return rt_fail (error, RT_ERROR_RANGE,
                  "\"%s\" is no speed of a serial port: 9600 to 921600, as in /dev/ttyACM0@115200",
                  at + 1);
}

static bool
open_port (Serial *self, speed_t speed, RtError *error)
{
  struct termios raw;

  self->fd = open (self->port, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (self->fd < 0)
    return rt_fail (error, RT_ERROR_IO, "%s cannot be opened: %s%s", self->port, strerror (errno),
                    errno == EACCES
                        ? ". Join the group that owns it: sudo usermod -aG dialout $USER"
                        : "");
  if (!isatty (self->fd) || tcgetattr (self->fd, &self->before) != 0)
    {
      close (self->fd);
      self->fd = -1;
      return rt_fail (error, RT_ERROR_FORMAT, "%s is not a serial port", self->port);
    }
  ioctl (self->fd, TIOCEXCL);
  raw = self->before;
  cfmakeraw (&raw);
  raw.c_cflag |= CLOCAL | CREAD;
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  cfsetispeed (&raw, speed);
  cfsetospeed (&raw, speed);
  if (tcsetattr (self->fd, TCSANOW, &raw) != 0)
    return rt_fail (error, RT_ERROR_IO, "%s does not take its settings: %s", self->port,
                    strerror (errno));
  tcflush (self->fd, TCIFLUSH);
  return true;
}

/* Ask until a sample came. */
static bool
greet (RtMeter *meter, RtError *error)
{
  Serial *self = meter->state;
  uint64_t start = rt_now_ns (), asked = 0, now = start;
  bool started = false;

  while (!self->has_sample && now - start < GREETING_NS)
    {
      struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN };
      if (self->version == 0 && (asked == 0 || now - asked > ASK_NS))
        {
          say (self, "lathe-meter?\n");
          asked = now;
        }
      poll (&poll_fd, 1, 50);
      if (!drain (meter, error))
        return false;
      if (self->version > VERSION)
        return rt_fail (error, RT_ERROR_UNSUPPORTED,
                        "the meter on %s speaks version %u of the protocol; this program speaks %d",
                        self->port, self->version, VERSION);
      if (self->version != 0 && !started)
        {
          say (self, "start\n");
          started = true;
        }
      now = rt_now_ns ();
    }
  if (self->has_sample)
    return true;
  if (self->version != 0)
    return rt_fail (error, RT_ERROR_IO, "the meter on %s greeted but sends no sample", self->port);
  return rt_fail (error, RT_ERROR_IO,
                  "nothing on %s speaks the meter's protocol (%llu other lines in %d s): is it the "
                  "right port and speed?",
                  self->port, (unsigned long long)meter->n_bad, (int)(GREETING_NS / 1000000000));
}

static bool
serial_open (RtMeter *meter, RtError *error)
{
  speed_t speed;
  Serial *self = meter->state = calloc (1, sizeof *self);

  if (self == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "no memory for the serial meter");
  self->fd = -1;
  if (!split_place (meter, self, &speed, error) || !open_port (self, speed, error))
    return false;
  snprintf (meter->covers, sizeof meter->covers, "what hangs behind the meter on %.100s",
            self->port);
  if (!greet (meter, error))
    return false;
  RtMeterChannel *channel = rt_meter_add_channel (meter, RT_METER_JOULES, "supply");
  channel->in_total = true;
  return true;
}

static bool
serial_read (RtMeter *meter, double *values, RtError *error)
{
  Serial *self = meter->state;

  if (!drain (meter, error))
    return false;
  if (self->jumped)
    {
      self->jumped = false;
      return rt_fail (error, RT_ERROR_IO,
                      "the meter on %s was reset, or left out more than a second of samples",
                      self->port);
    }
  if (rt_now_ns () - self->heard_ns > SILENCE_NS)
    return rt_fail (error, RT_ERROR_IO, "the meter on %s has been silent for %d s", self->port,
                    (int)(SILENCE_NS / 1000000000));
  values[0] = self->joules;
  return true;
}

static void
serial_close (RtMeter *meter)
{
  Serial *self = meter->state;

  if (self != NULL && self->fd >= 0)
    {
      say (self, "stop\n");
      tcsetattr (self->fd, TCSANOW, &self->before);
      ioctl (self->fd, TIOCNXCL);
      close (self->fd);
    }
  free (self);
}

const RtMeterKind rt_meter_serial = {
  .id = "serial",
  .title = "Power meter on a serial port",
  .place_title = "port",
  .default_place = NULL, /* ports are not guessed: writing to a wrong one may do harm */
  .attach = "A microcontroller with an INA226 in the supply line, speaking the line protocol of "
            "the meters' README.",
  .interval_ns = 50000000,
  .age_ns = 20000000, /* the line itself, and the port's buffer */
  .open = serial_open,
  .read = serial_read,
  .close = serial_close,
};
