/* The sampler: one thread, one meter, a growing list of samples of the total energy since the
 * start. Called by runs (energy between two times), by the window (a live strip) and by the command
 * line. Must not know what is run meanwhile. Which meter is chosen is eng-power-choice.c.
 *
 *     sample k: time, joules since the start, how wrong integrating may be so far, hole: why
 *       nothing is known between k - 1 and k
 */
#include "eng-power.h"

#include <math.h>
#include <sys/resource.h>
#include <time.h>

#include "eng-error.h"
#include "rt-pool.h"

/* Hours at the usual rates; then the older half goes. */
#define MAX_SAMPLES 131072

/* A power meter that was silent for longer than this many intervals, and a second, has a hole. */
#define MAX_SILENT_INTERVALS 10
#define MAX_SILENT_NS 1000000000ull

/* No machine of ours takes more: a counter that could have gone round twice within an interval is
 * not believed. */
#define MAX_WATTS 2000.0

/* A meter that is gone is looked for again so often: it may be plugged in again. */
#define REOPEN_NS 1000000000ull

typedef struct
{
  guint64 t_ns;
  double joules;    /* total since the start, holes left out */
  double spread_j;  /* of the integration, since the start */
  double watts;     /* now (power meters), or the mean since the sample before (counters) */
  const char *hole; /* interned: nothing is known since the sample before; NULL: all is */
} Sample;

struct _EngPower
{
  gatomicrefcount ref_count;
  const RtMeterKind *kind;
  char *place, *covers;
  guint64 age_ns;
  GThread *thread;

  GMutex meter_mutex; /* guards the meter and last_*; taken before mutex */
  RtMeter *meter;     /* NULL: gone */
  double last[RT_METER_MAX_CHANNELS];
  guint64 last_ns; /* 0: no reading that a next one can be joined to */
  guint64 tried_ns;

  GMutex mutex; /* guards what follows */
  GCond cond;
  gboolean stop;
  GArray *samples;     /* Sample */
  const char *failure; /* interned: why the meter cannot be read now; NULL: it can */
  guint64 start_ns;
  double own_s; /* processor time of reading */
  EngFigure idle;
};

/* ---- One reading ---- */

/* Of this thread, and of the programs that a meter starts. */
static double
processor_s (void)
{
  struct timespec now;
  struct rusage children;
  double s = clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now) == 0
                 ? (double)now.tv_sec + 1e-9 * (double)now.tv_nsec
                 : 0;
  if (getrusage (RUSAGE_CHILDREN, &children) == 0)
    s += (double)(children.ru_utime.tv_sec + children.ru_stime.tv_sec)
         + 1e-6 * (double)(children.ru_utime.tv_usec + children.ru_stime.tv_usec);
  return s;
}

/* Joules of one channel since the reading before; *@spread: how wrong that may be. FALSE: they are
 * not known, *@why. */
static gboolean
channel_joules (const RtMeterChannel *channel, double before, double now, double dt_s,
                gboolean silent, double *joules, double *spread, const char **why)
{
  if (channel->quantity == RT_METER_WATTS)
    {
      *joules = 0.5 * (before + now) * dt_s;
      *spread = 0.5 * fabs (now - before) * dt_s;
      *why = "the meter was not read for more than a second";
      return !silent;
    }
  *spread = 0;
  *joules = now - before;
  if (channel->range_j > 0 && dt_s * MAX_WATTS > channel->range_j)
    {
      *why = "the energy counter may have gone round more than once between two readings";
      return FALSE;
    }
  if (*joules < 0 && channel->range_j > 0)
    *joules += channel->range_j;
  *why = "the energy counter went backwards";
  return *joules >= 0;
}

/* Meter mutex held. The sample that @values at @t_ns make, joined to the reading before. */
static Sample
make_sample (EngPower *self, const double *values, guint64 t_ns)
{
  Sample sample = { .t_ns = t_ns };
  double dt_s = (double)(t_ns - self->last_ns) * 1e-9;
  guint64 silence = MAX (MAX_SILENT_INTERVALS * self->kind->interval_ns, MAX_SILENT_NS);
  gboolean joined = self->last_ns != 0 && t_ns > self->last_ns;

  for (gsize i = 0; i < rt_meter_n_channels (self->meter); i++)
    {
      const RtMeterChannel *channel = rt_meter_channel (self->meter, i);
      double joules, spread;
      const char *why;
      if (!channel->in_total)
        continue;
      if (channel->quantity == RT_METER_WATTS)
        sample.watts += values[i];
      if (!joined)
        continue;
      if (!channel_joules (channel, self->last[i], values[i], dt_s, t_ns - self->last_ns > silence,
                           &joules, &spread, &why))
        {
          sample.hole = why;
          continue;
        }
      sample.joules += joules;
      sample.spread_j += spread;
      if (channel->quantity == RT_METER_JOULES)
        sample.watts += joules / dt_s;
    }
  return sample;
}

/* Mutex held. */
static void
append (EngPower *self, Sample sample)
{
  if (self->samples->len == MAX_SAMPLES)
    g_array_remove_range (self->samples, 0, MAX_SAMPLES / 2);
  if (self->samples->len > 0)
    {
      const Sample *before = &g_array_index (self->samples, Sample, self->samples->len - 1);
      /* What the hole held is not known; the list goes on behind it. */
      sample.joules = before->joules + (sample.hole == NULL ? sample.joules : 0);
      sample.spread_j = before->spread_j + (sample.hole == NULL ? sample.spread_j : 0);
    }
  if (sample.hole == NULL && self->failure != NULL)
    sample.hole = self->failure;
  self->failure = NULL;
  g_array_append_val (self->samples, sample);
}

static void
fail (EngPower *self, const RtError *error)
{
  g_mutex_lock (&self->mutex);
  self->failure = g_intern_string (error->message);
  g_mutex_unlock (&self->mutex);
}

/* Meter mutex held. Read, or find out why not; a meter that is gone is opened again now and
 * then. */
static gboolean
read_meter (EngPower *self, double *values, RtError *error)
{
  if (self->meter != NULL && rt_meter_read (self->meter, values, error))
    return TRUE;
  self->last_ns = 0;
  if (self->meter == NULL && rt_now_ns () - self->tried_ns < REOPEN_NS)
    {
      *error = (RtError){ 0 };
      return FALSE;
    }
  if (self->meter == NULL)
    {
      self->tried_ns = rt_now_ns ();
      self->meter = rt_meter_open (self->kind, self->place, error);
      return self->meter != NULL && rt_meter_read (self->meter, values, error);
    }
  /* What it says of itself (on mains, reset) may pass; a closed port never comes back. */
  rt_meter_close (self->meter);
  self->meter = NULL;
  self->tried_ns = rt_now_ns ();
  return FALSE;
}

/* The time of the reading; 0: there was none. */
static guint64
take (EngPower *self)
{
  double values[RT_METER_MAX_CHANNELS];
  RtError error = { 0 };
  guint64 t_ns = 0;

  g_mutex_lock (&self->meter_mutex);
  double own = processor_s ();
  guint64 begin = rt_now_ns ();
  gboolean ok = read_meter (self, values, &error);
  if (ok)
    {
      t_ns = begin + (rt_now_ns () - begin) / 2;
      Sample sample = make_sample (self, values, t_ns);
      memcpy (self->last, values, sizeof self->last);
      g_mutex_lock (&self->mutex);
      append (self, sample);
      g_mutex_unlock (&self->mutex);
      self->last_ns = t_ns;
    }
  else if (error.status != RT_OK)
    fail (self, &error);
  own = processor_s () - own;
  g_mutex_lock (&self->mutex);
  self->own_s += MAX (own, 0);
  g_mutex_unlock (&self->mutex);
  g_mutex_unlock (&self->meter_mutex);
  return t_ns;
}

/* ---- The thread ---- */

static gpointer
sample_on (gpointer data)
{
  EngPower *self = data;
  gint64 next_us = g_get_monotonic_time ();

  for (;;)
    {
      next_us += (gint64)(self->kind->interval_ns / 1000);
      next_us = MAX (next_us, g_get_monotonic_time ());
      g_mutex_lock (&self->mutex);
      while (!self->stop && g_cond_wait_until (&self->cond, &self->mutex, next_us))
        ;
      gboolean stop = self->stop;
      g_mutex_unlock (&self->mutex);
      if (stop)
        return NULL;
      take (self);
    }
}

static EngPower *
power_new (const RtMeterKind *kind, const char *place, GError **error)
{
  RtError rt_error = { 0 };
  RtMeter *meter = rt_meter_open (kind, place, &rt_error);
  if (meter == NULL)
    {
      eng_error_take_rt (&rt_error, error);
      return NULL;
    }
  EngPower *self = g_new0 (EngPower, 1);
  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->mutex);
  g_mutex_init (&self->meter_mutex);
  g_cond_init (&self->cond);
  self->kind = kind;
  self->meter = meter;
  self->place = g_strdup (rt_meter_get_place (meter));
  self->covers = g_strdup (rt_meter_get_covers (meter));
  self->age_ns = rt_meter_get_age_ns (meter);
  self->samples = g_array_new (FALSE, FALSE, sizeof (Sample));
  self->start_ns = rt_now_ns ();
  self->idle = eng_figure_unavailable ("W", "idle power was not asked for");
  take (self);
  self->thread = g_thread_new ("power", sample_on, self);
  return self;
}

EngPower *
eng_power_new (const char *choice, GError **error)
{
  g_return_val_if_fail (choice != NULL, NULL);

  if (g_str_equal (choice, "auto"))
    {
      g_autoptr (GPtrArray) meters = eng_meters_list (NULL);
      for (guint i = 0; i < meters->len; i++)
        {
          const EngMeterInfo *info = meters->pdata[i];
          if (info->available)
            return power_new (rt_meter_kind_find (info->id), info->place, error);
        }
      g_autofree char *why = eng_meters_describe (meters);
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND, "there is no power sensor here\n%s", why);
      return NULL;
    }
  const char *colon = strchr (choice, ':');
  g_autofree char *id
      = colon != NULL ? g_strndup (choice, (gsize)(colon - choice)) : g_strdup (choice);
  const RtMeterKind *kind = rt_meter_kind_find (id);
  if (kind == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
                   "there is no meter called \"%s\": auto, none, rapl, hwmon, pi5, battery or "
                   "serial:PORT",
                   id);
      return NULL;
    }
  return power_new (kind, colon != NULL ? colon + 1 : NULL, error);
}

EngPower *
eng_power_ref (EngPower *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_power_unref (EngPower *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_mutex_lock (&self->mutex);
  self->stop = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
  g_thread_join (self->thread);
  rt_meter_close (self->meter);
  g_array_unref (self->samples);
  g_free (self->place);
  g_free (self->covers);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->mutex);
  g_mutex_clear (&self->meter_mutex);
  g_free (self);
}

const char *
eng_power_get_id (EngPower *self)
{
  return self->kind->id;
}

const char *
eng_power_get_title (EngPower *self)
{
  return self->kind->title;
}

const char *
eng_power_get_place (EngPower *self)
{
  return self->place;
}

const char *
eng_power_get_covers (EngPower *self)
{
  return self->covers;
}

double
eng_power_get_interval_s (EngPower *self)
{
  return (double)self->kind->interval_ns * 1e-9;
}

double
eng_power_get_age_s (EngPower *self)
{
  return (double)self->age_ns * 1e-9;
}

double
eng_power_get_cost_frac (EngPower *self)
{
  g_mutex_lock (&self->mutex);
  double wall_s = (double)(rt_now_ns () - self->start_ns) * 1e-9;
  double frac = wall_s > 0 ? self->own_s / wall_s : 0;
  g_mutex_unlock (&self->mutex);
  return frac;
}

guint64
eng_power_mark (EngPower *self)
{
  return take (self);
}

/* ---- Between two times ---- */

static EngPowerEnergy
unknown (const char *reason)
{
  return (EngPowerEnergy){ .reason = g_intern_string (reason) };
}

/* The last sample at or before @t_ns. */
static guint
find_sample (const GArray *samples, guint64 t_ns)
{
  guint low = 0, high = samples->len;
  while (high - low > 1)
    {
      guint middle = (low + high) / 2;
      if (g_array_index (samples, Sample, middle).t_ns <= t_ns)
        low = middle;
      else
        high = middle;
    }
  return low;
}

/* The running total at @t_ns, which lies in the interval behind sample @k; *@uncertainty is added
 * to. */
static double
joules_at (const GArray *samples, guint k, guint64 t_ns, double age_s, double *uncertainty)
{
  const Sample *a = &g_array_index (samples, Sample, k);
  *uncertainty += age_s * a->watts;
  if (t_ns == a->t_ns || k + 1 == samples->len)
    return a->joules;
  const Sample *b = a + 1;
  double f = (double)(t_ns - a->t_ns) / (double)(b->t_ns - a->t_ns);
  double joules = b->joules - a->joules;
  *uncertainty += MIN (f, 1 - f) * joules;
  return a->joules + f * joules;
}

static EngPowerEnergy
between (const GArray *samples, guint64 from_ns, guint64 to_ns, double age_s)
{
  guint first = find_sample (samples, from_ns), last = find_sample (samples, to_ns);
  /* The interval that an end cuts counts, too. */
  guint end = g_array_index (samples, Sample, last).t_ns < to_ns ? last + 1 : last;
  EngPowerEnergy energy = { .available = TRUE, .n_samples = end - first + 1 };

  for (guint i = first + 1; i <= end; i++)
    if (g_array_index (samples, Sample, i).hole != NULL)
      return unknown (g_array_index (samples, Sample, i).hole);
  energy.uncertainty_j = g_array_index (samples, Sample, end).spread_j
                         - g_array_index (samples, Sample, first).spread_j;
  double from_j = joules_at (samples, first, from_ns, age_s, &energy.uncertainty_j);
  energy.joules = joules_at (samples, last, to_ns, age_s, &energy.uncertainty_j) - from_j;
  return energy;
}

EngPowerEnergy
eng_power_between (EngPower *self, guint64 from_ns, guint64 to_ns)
{
  g_return_val_if_fail (from_ns <= to_ns, unknown (NULL));

  g_mutex_lock (&self->mutex);
  gboolean late = self->samples->len == 0
                  || g_array_index (self->samples, Sample, self->samples->len - 1).t_ns < to_ns;
  g_mutex_unlock (&self->mutex);
  if (late)
    take (self);

  g_mutex_lock (&self->mutex);
  EngPowerEnergy energy;
  const GArray *samples = self->samples;
  if (samples->len == 0 || g_array_index (samples, Sample, samples->len - 1).t_ns < to_ns)
    energy = unknown (self->failure != NULL ? self->failure : "the meter was not read so late");
  else if (from_ns == 0 || g_array_index (samples, Sample, 0).t_ns > from_ns)
    energy = unknown (self->failure != NULL ? self->failure : "the meter was not read so early");
  else
    energy = between (samples, from_ns, to_ns, eng_power_get_age_s (self));
  g_mutex_unlock (&self->mutex);
  return energy;
}

/* ---- Live ---- */

guint
eng_power_get_recent (EngPower *self, double seconds, double *ages_s, double *watts, guint max)
{
  guint64 now = rt_now_ns ();
  guint n = 0;

  g_mutex_lock (&self->mutex);
  guint first = self->samples->len > max ? self->samples->len - max : 0;
  for (guint i = MAX (first, 1); i < self->samples->len; i++)
    {
      const Sample *sample = &g_array_index (self->samples, Sample, i);
      double age_s = ((double)now - (double)sample->t_ns) * 1e-9;
      if (age_s > seconds)
        continue;
      ages_s[n] = age_s;
      watts[n++] = sample->hole != NULL ? NAN : sample->watts;
    }
  g_mutex_unlock (&self->mutex);
  return n;
}

EngFigure
eng_power_get_now (EngPower *self)
{
  g_mutex_lock (&self->mutex);
  EngFigure figure = eng_figure_unavailable ("W", "the meter was read only once yet");
  guint n = self->samples->len;
  if (self->failure != NULL)
    figure.reason = self->failure;
  else if (n > 1 && g_array_index (self->samples, Sample, n - 1).hole == NULL)
    figure = eng_figure_exact (g_array_index (self->samples, Sample, n - 1).watts, "W");
  g_mutex_unlock (&self->mutex);
  return figure;
}

EngFigure
eng_power_get_idle (EngPower *self)
{
  g_mutex_lock (&self->mutex);
  EngFigure idle = self->idle;
  g_mutex_unlock (&self->mutex);
  return idle;
}

static EngFigure
measure_idle (EngPower *self, double seconds, GCancellable *cancellable)
{
  guint n = (guint)CLAMP (seconds / 0.5, 1, 1000), i = 0;
  g_autofree double *watts = g_new (double, n);
  guint64 from = eng_power_mark (self);

  for (; i < n && !g_cancellable_is_cancelled (cancellable); i++)
    {
      g_usleep (500000);
      guint64 to = eng_power_mark (self);
      EngPowerEnergy energy = from != 0 && to != 0 ? eng_power_between (self, from, to)
                                                   : unknown ("the meter cannot be read");
      if (!energy.available)
        return eng_figure_unavailable ("W", energy.reason);
      watts[i] = energy.joules / ((double)(to - from) * 1e-9);
      from = to;
    }
  return i > 0 ? eng_figure_from_samples (watts, i, "W")
               : eng_figure_unavailable ("W", "stopped before idle power was measured");
}

EngFigure
eng_power_measure_idle (EngPower *self, double seconds, GCancellable *cancellable)
{
  EngFigure idle = measure_idle (self, seconds, cancellable);
  g_mutex_lock (&self->mutex);
  self->idle = idle;
  g_mutex_unlock (&self->mutex);
  return idle;
}
