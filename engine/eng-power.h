/* Power: a thread that reads one meter at a low rate, and answers how many joules went by between
 * two times. What could not be read is a hole: energy over a hole is unavailable with its reason,
 * never zero. Any thread may ask. */
#pragma once

#include <gio/gio.h>

#include "eng-figure.h"
#include "meters/rt-meter.h"

G_BEGIN_DECLS

typedef struct _EngPower EngPower;

/* @choice: "KIND", "KIND:PLACE" (rt-meter.h), or "auto" for the best that there is here; a serial
 * meter must be named. Opens the meter and starts the thread. */
EngPower *eng_power_new (const char *choice, GError **error);
EngPower *eng_power_ref (EngPower *power);
void eng_power_unref (EngPower *power); /* the last stops the thread and closes the meter */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngPower, eng_power_unref)

const char *eng_power_get_id (EngPower *power); /* "rapl" */
const char *eng_power_get_title (EngPower *power);
const char *eng_power_get_place (EngPower *power);  /* root directory or port */
const char *eng_power_get_covers (EngPower *power); /* what its joules are of */
double eng_power_get_interval_s (EngPower *power);
double eng_power_get_age_s (EngPower *power); /* a reading may be of so long ago */
/* Processor time that reading has taken, as a share of one processor's time since the start. */
double eng_power_get_cost_frac (EngPower *power);

/* Read now. The time of the reading on rt_now_ns()'s clock, or 0 when the meter cannot be read.
 * Between two of these energy is as exact as the meter. */
guint64 eng_power_mark (EngPower *power);

typedef struct
{
  gboolean available;
  double joules;
  double uncertainty_j; /* worst case, from the spacing of samples and the age of readings */
  guint n_samples;      /* within */
  const char *reason;   /* interned: why unavailable */
} EngPowerEnergy;

/* Between two times, as eng_power_mark() gives them; reads once more where @to_ns is later than the
 * last sample.
 *
 * A counter is interpolated between its samples, power is integrated by trapezoids. Uncertainty: at
 * an end that lies the share f into an interval, min (f, 1 - f) of the interval's joules (power
 * between nothing and twice its mean); for power meters half the step between two samples over
 * their interval, for each interval (power is monotone between samples); and at both ends what
 * flows within the meter's age. All are added. */
EngPowerEnergy eng_power_between (EngPower *power, guint64 from_ns, guint64 to_ns);

/* Mean power between samples, newest last, at most @max and not older than @seconds. @ages_s:
 * before now; @watts: NAN over a hole. Returns how many. For live strips. */
guint eng_power_get_recent (EngPower *power, double seconds, double *ages_s, double *watts,
                            guint max);
/* Power in the last interval; unavailable with the reason while the meter cannot be read. */
EngFigure eng_power_get_now (EngPower *power);

/* Blocking: the power of a machine that does nothing for us, from windows of half a second over
 * @seconds. Stated beside energies, never taken off them. */
EngFigure eng_power_measure_idle (EngPower *power, double seconds, GCancellable *cancellable);

/* What eng_power_measure_idle() found is kept with the meter and stated in the runs that follow;
 * unavailable until then. */
EngFigure eng_power_get_idle (EngPower *power);

/* ---- Which meters there are ---- */

typedef struct
{
  const char *id, *title, *attach; /* static */
  gboolean available;
  char *place;    /* NULL: the user must name one */
  char *covers;   /* when available */
  char *channels; /* "VDD_IN*, VDD_SOC": * is counted in the total; when available */
  char *reason;   /* when not */
} EngMeterInfo;

void eng_meter_info_free (EngMeterInfo *info);

/* Of every kind, best first. Blocking: opens each; some ten milliseconds. @root NULL: "/". Ports
 * are not tried. */
GPtrArray *eng_meters_list (const char *root);
/* The same for reading: one line per kind, the reason or what it covers. */
char *eng_meters_describe (const GPtrArray *meters);

/* ---- The meter of this process ---- */

/* What runs measure energy with; NULL: nothing (energy is then modelled). Thread-safe. */
void eng_power_set_current (EngPower *power);
EngPower *eng_power_dup_current (void);
/* Why there is none, for figures: "no power sensor was chosen", or what eng_power_choose() found.
 * Interned. */
const char *eng_power_get_current_reason (void);
/* Make @choice the current one; "none" takes it away, "auto" is no error where there is none: then
 * FALSE with @why (nullable) alone. */
gboolean eng_power_choose (const char *choice, char **why, GError **error);

G_END_DECLS
