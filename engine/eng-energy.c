/* Energy of a run as a value: windows under the meter, the division over layers, the figures.
 * Called by the makers of runs and by whoever shows them. How passes are made is
 * eng-measure-energy.c, the cost model eng-energy-model.c, the document eng-energy-json.c. */
#include "eng-energy-private.h"

#include <math.h>

#include "eng-run-private.h"
#include "rt-pool.h"

/* A window is so many times longer than what the meter may be late by, within these bounds; as many
 * windows as an interval takes with one to spare, while there is time. */
#define AGES_PER_WINDOW 20
#define SHORTEST_S 0.3
#define LONGEST_S 3.0
#define WINDOWS 7
#define BUDGET_S 10.0

const char eng_energy_rule[]
    = "Attributed: the measured joules of clean passes, divided over the nodes by their share of "
      "the "
      "time of instrumented passes. All threads work on one node at a time or wait for each other, "
      "so time stands for the busy time of all; what lies between nodes is spread with them.";

G_DEFINE_BOXED_TYPE (EngEnergy, eng_energy, eng_energy_ref, eng_energy_unref)

const char *
eng_energy_grade_name (EngEnergyGrade grade)
{
  static const char *const names[] = { "measured", "attributed", "modelled" };
  g_return_val_if_fail (grade < G_N_ELEMENTS (names), NULL);
  return names[grade];
}

/* ---- Under the meter ---- */

void
eng_energy_measured_clear (EngEnergyMeasured *measured, const char *unit, const char *reason)
{
  *measured
      = (EngEnergyMeasured){ .joules = eng_figure_unavailable (unit, g_intern_string (reason)),
                             .watts = eng_figure_unavailable ("W", g_intern_string (reason)) };
}

/* Passes for at least @seconds. *@n_units 0: stopped. */
static gboolean
run_window (EngEnergyPass pass, gpointer data, double seconds, guint64 *n_units, GError **error)
{
  guint64 start = rt_now_ns ();

  *n_units = 0;
  do
    {
      g_autoptr (GError) local = NULL;
      guint n = 0;
      if (!pass (data, &n, &local))
        {
          *n_units = 0;
          if (local == NULL)
            return TRUE;
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      *n_units += n;
    }
  while ((double)(rt_now_ns () - start) * 1e-9 < seconds);
  return TRUE;
}

/* The interval of the median, and what reading adds to either side of it. */
static EngFigure
figure_of (double *samples, guint n, double uncertainty, const char *unit)
{
  EngFigure figure = eng_figure_from_samples (samples, n, unit);
  if (!isnan (figure.low))
    {
      figure.low = MAX (figure.low - uncertainty, 0);
      figure.high += uncertainty;
    }
  return figure;
}

gboolean
eng_energy_measure (EngPower *power, const char *unit, EngEnergyPass pass, gpointer data,
                    EngEnergyMeasured *measured, GError **error)
{
  double joules[WINDOWS], watts[WINDOWS], joules_off = 0, watts_off = 0, sum_j = 0;
  double late_s = MAX (eng_power_get_age_s (power), 0.1 * eng_power_get_interval_s (power));
  double window_s = CLAMP (AGES_PER_WINDOW * late_s, SHORTEST_S, LONGEST_S);
  guint64 begin = rt_now_ns (), n_units = 0, n_all = 0;
  const char *reason = NULL;
  guint n = 0;

  eng_energy_measured_clear (measured, unit, "stopped before energy was measured");
  while (reason == NULL && n < WINDOWS && (double)(rt_now_ns () - begin) * 1e-9 < BUDGET_S)
    {
      guint64 from = eng_power_mark (power);
      if (!run_window (pass, data, window_s, &n_units, error))
        return FALSE;
      if (n_units == 0)
        break;
      guint64 to = eng_power_mark (power);
      EngPowerEnergy energy = eng_power_between (power, from, to != 0 ? to : rt_now_ns ());
      double seconds = (double)(to - from) * 1e-9;
      reason = energy.reason;
      if (!energy.available)
        break;
      sum_j += energy.joules;
      joules[n] = energy.joules / (double)n_units;
      watts[n] = energy.joules / seconds;
      joules_off += energy.uncertainty_j / (double)n_units;
      watts_off += energy.uncertainty_j / seconds;
      n_all += n_units;
      n++;
    }
  if (reason != NULL)
    {
      /* What was measured before it failed is not of the same run any more. */
      eng_energy_measured_clear (measured, unit, reason);
      return TRUE;
    }
  if (n == 0)
    return TRUE;
  /* Virtual machines have counters that stand still; a current sensor may be in the line the other
   * way round. Neither is an energy. */
  if (!(sum_j > 0))
    {
      eng_energy_measured_clear (measured, unit,
                                 sum_j < 0 ? "the meter counts backwards: its current is negative"
                                           : "the meter stands still: it reads no energy at all");
      return TRUE;
    }
  measured->joules = figure_of (joules, n, joules_off / n, unit);
  measured->watts = figure_of (watts, n, watts_off / n, "W");
  measured->n_units = n_all;
  measured->window_s = window_s;
  return TRUE;
}

/* ---- Over the layers ---- */

void
eng_energy_attribute (EngProfile *profile, RtPhase phase, double joules,
                      EngEnergyAttributed *attributed)
{
  const EngPhaseProfile *data = eng_profile_get_phase (profile, phase);
  guint n_nodes = eng_profile_get_n_nodes (profile);
  int n_layers = eng_profile_get_n_layers (profile);
  double sum_ns = 0;

  *attributed = (EngEnergyAttributed){ .total_j = joules };
  for (guint i = 0; i < n_nodes; i++)
    if (data->nodes[i].n > 0)
      sum_ns += data->nodes[i].median_ns;
  if (!(sum_ns > 0))
    {
      attributed->reason = "no pass of this phase was instrumented";
      return;
    }
  attributed->nodes_j = g_new (double, n_nodes + 1);
  attributed->layers_j = g_new0 (double, (gsize)n_layers + 2);
  for (guint i = 0; i < n_nodes; i++)
    {
      int layer = CLAMP (eng_profile_get_node_layer (profile, i), -1, n_layers);
      attributed->nodes_j[i]
          = data->nodes[i].n > 0 ? joules * data->nodes[i].median_ns / sum_ns : NAN;
      if (data->nodes[i].n > 0)
        attributed->layers_j[layer + 1] += attributed->nodes_j[i];
    }
}

void
eng_energy_attributed_clear (EngEnergyAttributed *attributed)
{
  g_clear_pointer (&attributed->nodes_j, g_free);
  g_clear_pointer (&attributed->layers_j, g_free);
}

/* ---- The value ---- */

static const char *
unit_of (RtPhase phase)
{
  return phase == RT_PHASE_INFERENCE ? "J" : "J/tok";
}

EngEnergy *
eng_energy_new (void)
{
  EngEnergy *self = g_new0 (EngEnergy, 1);
  EngPower *power = self->power = eng_power_dup_current ();

  g_atomic_ref_count_init (&self->ref_count);
  self->cost_frac = self->interval_s = NAN;
  self->idle = eng_figure_unavailable ("W", "idle power was not asked for");
  if (power != NULL)
    {
      self->meter
          = g_strdup_printf ("%s: %s", eng_power_get_title (power), eng_power_get_covers (power));
      self->meter_id = g_strdup (eng_power_get_id (power));
      self->meter_place = g_strdup (eng_power_get_place (power));
      self->interval_s = eng_power_get_interval_s (power);
      self->idle = eng_power_get_idle (power);
    }
  else
    self->reason = g_strdup (eng_power_get_current_reason ());
  for (RtPhase phase = 0; phase < RT_N_PHASES; phase++)
    {
      EngPhaseEnergy *data = &self->phases[phase];
      const char *why
          = self->reason != NULL ? g_intern_string (self->reason) : "this phase was not run";
      eng_energy_measured_clear (&data->measured, unit_of (phase), why);
      data->attributed.reason = why;
      data->modelled.reason = "this phase was not run";
    }
  return self;
}

EngEnergy *
eng_energy_ref (EngEnergy *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_energy_unref (EngEnergy *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->ref_count))
    return;
  for (RtPhase phase = 0; phase < RT_N_PHASES; phase++)
    {
      eng_energy_attributed_clear (&self->phases[phase].attributed);
      eng_energy_modelled_clear (&self->phases[phase].modelled);
    }
  g_clear_pointer (&self->power, eng_power_unref);
  g_free (self->meter);
  g_free (self->meter_id);
  g_free (self->meter_place);
  g_free (self->reason);
  g_free (self->model);
  g_free (self);
}

const EngPhaseEnergy *
eng_energy_get_phase (EngEnergy *self, RtPhase phase)
{
  g_return_val_if_fail (phase < RT_N_PHASES, NULL);
  return &self->phases[phase];
}

guint
eng_energy_get_n_nodes (EngEnergy *self)
{
  return self->n_nodes;
}

int
eng_energy_get_n_layers (EngEnergy *self)
{
  return self->n_layers;
}

const char *
eng_energy_get_meter (EngEnergy *self)
{
  return self->meter;
}

const char *
eng_energy_get_reason (EngEnergy *self)
{
  return self->reason;
}

const char *
eng_energy_get_model (EngEnergy *self)
{
  return self->model;
}

EngFigure
eng_energy_get_idle (EngEnergy *self)
{
  return self->idle;
}

double
eng_energy_get_cost_frac (EngEnergy *self)
{
  return self->cost_frac;
}

/* ---- Finishing ---- */

void
eng_energy_finish (EngEnergy *self, EngProfile *profile, const char *isa, guint n_threads,
                   EngMachine *machine)
{
  EngEnergyModel model;
  gboolean measured = FALSE;
  const char *why = NULL;

  eng_energy_model_init (&model, isa, n_threads, machine);
  self->model = eng_energy_model_describe (&model);
  self->n_nodes = eng_profile_get_n_nodes (profile);
  self->n_layers = eng_profile_get_n_layers (profile);
  for (RtPhase phase = 0; phase < RT_N_PHASES; phase++)
    {
      EngPhaseEnergy *data = &self->phases[phase];
      eng_energy_model_phase (&model, profile, phase, &data->modelled);
      if (data->measured.joules.available)
        eng_energy_attribute (profile, phase, data->measured.joules.value, &data->attributed);
      else
        data->attributed.reason = data->measured.joules.reason;
      measured |= data->measured.joules.available;
      if (data->modelled.reason == NULL && !data->measured.joules.available)
        why = data->measured.joules.reason;
    }
  if (!measured && self->reason == NULL)
    self->reason = g_strdup (why != NULL ? why : "nothing was run under the meter");
  g_clear_pointer (&self->power, eng_power_unref);
}

/* A model's sum has no samples, and that it is not off by anything nobody says: so it has no
 * interval either. */
static EngFigure
modelled_figure (const EngEnergyModelled *modelled, const char *unit)
{
  if (modelled->reason != NULL)
    return eng_figure_unavailable (unit, modelled->reason);
  return (EngFigure){ .available = TRUE,
                      .value = eng_energy_parts_sum (&modelled->total),
                      .low = NAN,
                      .high = NAN,
                      .unit = unit,
                      .reason = "no interval" };
}

static void
fill_accuracy (EngFigure *figures, EngFigureId accuracy, EngFigureId measured, EngFigureId modelled)
{
  figures[ENG_FIGURE_ACCURACY_PER_JOULE]
      = eng_energy_accuracy_per_joule (&figures[accuracy], &figures[measured]);
  figures[ENG_FIGURE_ACCURACY_PER_JOULE_MODEL]
      = eng_energy_accuracy_per_joule (&figures[accuracy], &figures[modelled]);
}

void
eng_energy_fill_figures (EngEnergy *self, EngWorkloadKind kind, EngFigure *figures)
{
  const EngPhaseEnergy *decode = &self->phases[RT_PHASE_DECODE];
  const EngPhaseEnergy *prefill = &self->phases[RT_PHASE_PREFILL];
  const EngPhaseEnergy *inference = &self->phases[RT_PHASE_INFERENCE];

  if (kind == ENG_WORKLOAD_TEXT)
    {
      figures[ENG_FIGURE_TOKEN_ENERGY] = decode->measured.joules;
      figures[ENG_FIGURE_PROMPT_ENERGY] = prefill->measured.joules;
      figures[ENG_FIGURE_POWER] = decode->measured.watts;
      figures[ENG_FIGURE_TOKEN_ENERGY_MODEL] = modelled_figure (&decode->modelled, "J/tok");
      figures[ENG_FIGURE_PROMPT_ENERGY_MODEL] = modelled_figure (&prefill->modelled, "J/tok");
      fill_accuracy (figures, ENG_FIGURE_CHOICE_ACCURACY, ENG_FIGURE_TOKEN_ENERGY,
                     ENG_FIGURE_TOKEN_ENERGY_MODEL);
      return;
    }
  figures[ENG_FIGURE_INFERENCE_ENERGY] = inference->measured.joules;
  figures[ENG_FIGURE_POWER] = inference->measured.watts;
  figures[ENG_FIGURE_INFERENCE_ENERGY_MODEL] = modelled_figure (&inference->modelled, "J");
  fill_accuracy (figures,
                 figures[ENG_FIGURE_MEAN_PRECISION].available ? ENG_FIGURE_MEAN_PRECISION
                 : figures[ENG_FIGURE_MEAN_IOU].available     ? ENG_FIGURE_MEAN_IOU
                                                              : ENG_FIGURE_ACCURACY,
                 ENG_FIGURE_INFERENCE_ENERGY, ENG_FIGURE_INFERENCE_ENERGY_MODEL);
}

EngFigure
eng_energy_accuracy_per_joule (const EngFigure *accuracy, const EngFigure *joules)
{
  if (!accuracy->available)
    return eng_figure_unavailable ("%/J", "no accuracy was measured in this run");
  if (!joules->available)
    return eng_figure_unavailable ("%/J", joules->reason);
  if (!(joules->value > 0))
    return eng_figure_unavailable ("%/J", "no energy was spent");

  /* The interval of one of the two alone would promise too much. */
  gboolean both = isfinite (accuracy->low) && joules->low > 0;
  EngFigure figure = { .available = TRUE,
                       .value = accuracy->value / joules->value,
                       .low = both ? accuracy->low / joules->high : NAN,
                       .high = both ? accuracy->high / joules->low : NAN,
                       .n = both ? accuracy->n : 0,
                       .unit = "%/J" };
  if (!both)
    figure.reason = "no interval: one of the two has none";
  return figure;
}
