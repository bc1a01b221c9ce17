/* Records of layers and units folded into figures. Filled by eng-sensitivity.c and from the
 * history, read by the command line and the window; runs nothing. */
#include "eng-layer-error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eng-figure.h"
#include "eng-json.h"
#include "eval/eng-interval.h"

struct _EngLayerErrors
{
  gatomicrefcount ref_count;
  EngModelKind kind;
  int n_layers;
  guint n_units, n_known, n_wanted;
  char *data, *recipe;
  GStrv names;           /* NULL: those of the model's layers */
  EngLayerError *layers; /* [n_layers + 3]: layer + 1, then the whole */
};

G_DEFINE_BOXED_TYPE (EngLayerErrors, eng_layer_errors, eng_layer_errors_ref, eng_layer_errors_unref)

struct _EngLayerTable
{
  EngModelKind kind;
  int n_layers;
  guint n_units;
  char *data, *recipe;
  GStrv names;
  char **reasons;        /* [n_layers + 2] */
  gboolean *is_known;    /* [n_layers + 3][n_units] */
  gboolean *is_borrowed; /* the same; never both */
  EngLayerUnit *records; /* [n_layers + 3][n_units] */
};

EngLayerErrors *
eng_layer_errors_ref (EngLayerErrors *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_layer_errors_unref (EngLayerErrors *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_free (self->data);
  g_free (self->recipe);
  g_strfreev (self->names);
  g_free (self->layers);
  g_free (self);
}

/* ---- figures ---- */

/* One number of a record. */
typedef double (*Part) (const EngLayerUnit *record);

typedef struct
{
  double value, half; /* half the interval's width; NAN: too few units */
  double top, bottom; /* the sums */
  guint n;
} Ratio;

/* sum of tops / sum of bottoms over units, as a ratio estimator whose units are independent
 * (Cochran, Sampling Techniques, 3rd edition 1977, equation 6.13, without the correction for finite
 * populations). */
static Ratio
ratio_of (const EngLayerUnit *const *records, guint n, Part top, Part bottom)
{
  Ratio ratio = { .half = NAN };
  double squares = 0;

  for (guint i = 0; i < n; i++)
    {
      ratio.n += bottom (records[i]) > 0;
      ratio.top += top (records[i]);
      ratio.bottom += bottom (records[i]);
    }
  ratio.value = ratio.top / ratio.bottom;
  for (guint i = 0; i < n; i++)
    {
      double d = top (records[i]) - ratio.value * bottom (records[i]);
      squares += d * d;
    }
  if (ratio.n >= ENG_MIN_UNITS)
    {
      double m = ratio.n;
      ratio.half = eng_t_95 (ratio.n - 1) * sqrt (squares * m / (m - 1)) / ratio.bottom;
    }
  return ratio;
}

static const char few_units[] = "fewer than 6 windows or inputs: no interval";

static EngFigure
ratio_figure (const EngLayerUnit *const *records, guint n, Part top, Part bottom, double scale,
              const char *unit, const char *missing)
{
  Ratio ratio = ratio_of (records, n, top, bottom);
  if (!(ratio.bottom > 0))
    return eng_figure_unavailable (unit, missing);
  return (EngFigure){ .available = TRUE,
                      .value = scale * ratio.value,
                      .low = scale * ratio.value - fabs (scale) * ratio.half,
                      .high = scale * ratio.value + fabs (scale) * ratio.half,
                      .n = ratio.n,
                      .unit = unit,
                      .reason = ratio.n < ENG_MIN_UNITS ? few_units : NULL };
}

/* Accuracy lost, of inputs that are right or wrong: the difference of two paired shares with the
 * interval of Bonett and Price 2012 (J. Educ. Behav. Stat. 37, equation 5), which has a width even
 * where no input differs. */
static EngFigure
accuracy_lost (const EngLayerUnit *const *records, guint n_records)
{
  double n = 0, n_lost = 0, n_gained = 0;

  for (guint i = 0; i < n_records; i++)
    {
      n += records[i]->n_labelled;
      n_lost += records[i]->n_labelled > 0 && records[i]->loss > records[i]->reference_loss;
      n_gained += records[i]->n_labelled > 0 && records[i]->loss < records[i]->reference_loss;
    }
  if (!(n > 0))
    return eng_figure_unavailable ("pp", "the inputs have no labels");
  double lost = (n_lost + 1) / (n + 2), gained = (n_gained + 1) / (n + 2), change = lost - gained;
  double half = 1.959963984540054 * sqrt ((lost + gained - change * change) / (n + 2));
  return (EngFigure){ .available = TRUE,
                      .value = 100 * (n_lost - n_gained) / n,
                      .low = 100 * (change - half),
                      .high = 100 * (change + half),
                      .n = (guint)n,
                      .unit = "pp" };
}

#define PART(name, expression)                                                                     \
  static double name (const EngLayerUnit *r)                                                       \
  {                                                                                                \
    return expression;                                                                             \
  }

PART (local_signal, r->local.signal)
PART (local_noise, r->local.noise)
PART (accumulated_signal, r->accumulated.signal)
PART (accumulated_noise, r->accumulated.noise)
PART (outputs_signal, r->outputs.signal)
PART (outputs_noise, r->outputs.noise)
PART (scored, r->n_scored)
PART (loss_change, r->loss - r->reference_loss)
PART (divergence, r->divergence)
PART (agreeing, r->n_agree)

/* The interval is that of the logarithm of noise / signal: the ratio is positive and skewed, and
 * decibels are its logarithm. */
static EngLayerDeviation
deviation_of (const EngLayerUnit *const *records, guint n, const EngErrorSums *sums, Part noise,
              Part signal)
{
  const char *missing = sums->signal > 0 ? "not measured" : "the reference is zero everywhere";
  EngLayerDeviation result = { .sqnr_db = eng_figure_unavailable ("dB", missing),
                               .relative = eng_figure_unavailable ("%", missing),
                               .cosine = sums->dot / sqrt (sums->signal * sums->changed) };
  if (!(sums->signal > 0))
    return result;
  if (sums->noise == 0)
    {
      result.is_exact = TRUE;
      result.cosine = 1;
      result.sqnr_db = eng_figure_unavailable ("dB", "exact: no bit differs");
      result.relative = eng_figure_exact (0, "%");
      result.relative.n = n;
      return result;
    }
  Ratio ratio = ratio_of (records, n, noise, signal);
  double spread = ratio.half / ratio.value; /* of the logarithm, to first order */
  result.sqnr_db = (EngFigure){ .available = TRUE,
                                .value = -10 * log10 (ratio.value),
                                .low = -10 * (log10 (ratio.value) + spread * M_LOG10E),
                                .high = -10 * (log10 (ratio.value) - spread * M_LOG10E),
                                .n = ratio.n,
                                .unit = "dB",
                                .reason = ratio.n < ENG_MIN_UNITS ? few_units : NULL };
  result.relative = (EngFigure){ .available = TRUE,
                                 .value = 100 * sqrt (ratio.value),
                                 .low = 100 * sqrt (ratio.value) * exp (-spread / 2),
                                 .high = 100 * sqrt (ratio.value) * exp (spread / 2),
                                 .n = ratio.n,
                                 .unit = "%",
                                 .reason = result.sqnr_db.reason };
  return result;
}

static EngLayerDeviation
unknown_deviation (const char *reason)
{
  return (EngLayerDeviation){ .sqnr_db = eng_figure_unavailable ("dB", reason),
                              .relative = eng_figure_unavailable ("%", reason),
                              .cosine = NAN };
}

static void
add_sums (EngErrorSums *to, const EngErrorSums *from)
{
  to->signal += from->signal;
  to->noise += from->noise;
  to->changed += from->changed;
  to->dot += from->dot;
}

static void
fold_layer (EngLayerError *layer, EngModelKind kind, const EngLayerUnit *const *records, guint n)
{
  gboolean language = kind == ENG_MODEL_LANGUAGE;
  EngErrorSums local = { 0 }, accumulated = { 0 }, outputs = { 0 };

  for (guint i = 0; i < n; i++)
    {
      add_sums (&local, &records[i]->local);
      add_sums (&accumulated, &records[i]->accumulated);
      add_sums (&outputs, &records[i]->outputs);
    }
  layer->n_units = n;
  layer->local = deviation_of (records, n, &local, local_noise, local_signal);
  layer->accumulated
      = deviation_of (records, n, &accumulated, accumulated_noise, accumulated_signal);
  layer->outputs = deviation_of (records, n, &outputs, outputs_noise, outputs_signal);
  if (language)
    layer->loss = ratio_figure (records, n, loss_change, scored, 1, "nat", "not measured");
  else
    layer->loss = accuracy_lost (records, n);
  layer->divergence = language
                          ? ratio_figure (records, n, divergence, scored, 1, "nat", "not measured")
                          : eng_figure_unavailable ("nat", "of language models only");
  layer->agreement = ratio_figure (records, n, agreeing, scored, 100, "%", "not measured");
  if (!language && layer->agreement.available) /* one yes or no an input */
    layer->agreement = eng_figure_share ((guint)llround (layer->agreement.value * n / 100), n);
}

/* ---- the table ---- */

static guint
row_of (EngLayerTable *self, int layer)
{
  return layer == ENG_LAYER_WHOLE ? (guint)self->n_layers + 2 : (guint)(layer + 1);
}

EngLayerTable *
eng_layer_table_new (EngModelKind kind, int n_layers, guint n_units, const char *data,
                     const char *recipe)
{
  g_return_val_if_fail (n_layers >= 0 && n_units > 0, NULL);

  EngLayerTable *self = g_new0 (EngLayerTable, 1);
  self->kind = kind;
  self->n_layers = n_layers;
  self->n_units = n_units;
  self->data = g_strdup (data);
  self->recipe = g_strdup (recipe);
  self->reasons = g_new0 (char *, n_layers + 2);
  self->is_known = g_new0 (gboolean, (gsize)(n_layers + 3) * n_units);
  self->is_borrowed = g_new0 (gboolean, (gsize)(n_layers + 3) * n_units);
  self->records = g_new0 (EngLayerUnit, (gsize)(n_layers + 3) * n_units);
  return self;
}

void
eng_layer_table_free (EngLayerTable *self)
{
  if (self == NULL)
    return;
  for (int i = 0; i < self->n_layers + 2; i++)
    g_free (self->reasons[i]);
  g_free (self->reasons);
  g_strfreev (self->names);
  g_free (self->data);
  g_free (self->recipe);
  g_free (self->is_known);
  g_free (self->is_borrowed);
  g_free (self->records);
  g_free (self);
}

void
eng_layer_table_set_names (EngLayerTable *self, const char *const *names)
{
  g_return_if_fail (g_strv_length ((GStrv)names) == (guint)self->n_layers + 2);
  g_strfreev (self->names);
  self->names = g_strdupv ((GStrv)names);
}

void
eng_layer_table_set_reason (EngLayerTable *self, int layer, const char *reason)
{
  g_free (self->reasons[layer + 1]);
  self->reasons[layer + 1] = g_strdup (reason);
}

void
eng_layer_table_put (EngLayerTable *self, guint unit, int layer, const EngLayerUnit *record)
{
  g_return_if_fail (unit < self->n_units);
  gsize at = (gsize)row_of (self, layer) * self->n_units + unit;
  self->is_known[at] = TRUE;
  self->is_borrowed[at] = FALSE;
  self->records[at] = *record;
}

void
eng_layer_table_borrow (EngLayerTable *self, guint unit, int layer, const EngLayerUnit *record)
{
  g_return_if_fail (unit < self->n_units);
  gsize at = (gsize)row_of (self, layer) * self->n_units + unit;
  if (self->is_known[at])
    return;
  self->is_borrowed[at] = TRUE;
  self->records[at] = *record;
  self->records[at].accumulated = (EngErrorSums){ 0 };
}

const EngLayerUnit *
eng_layer_table_get_borrowed (EngLayerTable *self, guint unit, int layer)
{
  g_return_val_if_fail (unit < self->n_units, NULL);
  gsize at = (gsize)row_of (self, layer) * self->n_units + unit;
  return self->is_borrowed[at] ? &self->records[at] : NULL;
}

gboolean
eng_layer_table_has (EngLayerTable *self, guint unit, int layer)
{
  g_return_val_if_fail (unit < self->n_units, FALSE);
  return self->is_known[(gsize)row_of (self, layer) * self->n_units + unit];
}

EngLayerErrors *
eng_layer_table_snapshot (EngLayerTable *self)
{
  EngLayerErrors *errors = g_new0 (EngLayerErrors, 1);
  g_autofree const EngLayerUnit **records = g_new (const EngLayerUnit *, self->n_units);

  g_atomic_ref_count_init (&errors->ref_count);
  errors->kind = self->kind;
  errors->n_layers = self->n_layers;
  errors->n_units = self->n_units;
  errors->data = g_strdup (self->data);
  errors->recipe = g_strdup (self->recipe);
  errors->names = g_strdupv (self->names);
  errors->layers = g_new0 (EngLayerError, self->n_layers + 3);
  for (int row = 0; row < self->n_layers + 3; row++)
    {
      guint n = 0, n_known = 0;
      for (guint unit = 0; unit < self->n_units; unit++)
        {
          gsize at = (gsize)row * self->n_units + unit;
          if (self->is_known[at] || self->is_borrowed[at])
            records[n++] = &self->records[at];
          n_known += self->is_known[at];
        }
      EngLayerError *layer = &errors->layers[row];
      layer->reason = row < self->n_layers + 2 ? g_intern_string (self->reasons[row]) : NULL;
      fold_layer (layer, self->kind, records, n);
      layer->is_borrowed = n_known < n;
      if (layer->is_borrowed)
        layer->accumulated = unknown_deviation ("not measured with this recipe");
      errors->n_known += layer->reason == NULL ? n_known : 0;
      errors->n_wanted += layer->reason == NULL ? self->n_units : 0;
    }
  return errors;
}

/* ---- text ---- */

char *
eng_layer_unit_to_text (const EngLayerUnit *record)
{
  const double *numbers = (const double *)record;
  GString *text = g_string_new (NULL);
  for (gsize i = 0; i < ENG_LAYER_UNIT_NUMBERS; i++)
    g_string_append_printf (text, "%s%a", i > 0 ? " " : "", numbers[i]);
  return g_string_free (text, FALSE);
}

gboolean
eng_layer_unit_from_text (const char *text, EngLayerUnit *record)
{
  double *numbers = (double *)record;
  for (gsize i = 0; i < ENG_LAYER_UNIT_NUMBERS; i++)
    {
      char *end;
      numbers[i] = g_ascii_strtod (text, &end);
      if (end == text || !isfinite (numbers[i]))
        return FALSE;
      text = end;
    }
  return *text == '\0';
}

/* ---- looking ---- */

EngModelKind
eng_layer_errors_get_kind (EngLayerErrors *self)
{
  return self->kind;
}

int
eng_layer_errors_get_n_layers (EngLayerErrors *self)
{
  return self->n_layers;
}

char *
eng_layer_errors_dup_name (EngLayerErrors *self, EngModel *model, int layer)
{
  g_return_val_if_fail (layer >= -1 && layer <= self->n_layers, NULL);
  return self->names != NULL ? g_strdup (self->names[layer + 1])
                             : eng_model_dup_layer_name (model, layer);
}

const char *
eng_layer_errors_get_data (EngLayerErrors *self)
{
  return self->data;
}

const char *
eng_layer_errors_get_recipe (EngLayerErrors *self)
{
  return self->recipe;
}

guint
eng_layer_errors_get_n_units (EngLayerErrors *self)
{
  return self->n_units;
}

gboolean
eng_layer_errors_is_complete (EngLayerErrors *self)
{
  return self->n_known == self->n_wanted;
}

double
eng_layer_errors_get_progress (EngLayerErrors *self)
{
  return self->n_wanted > 0 ? (double)self->n_known / self->n_wanted : 1;
}

const EngLayerError *
eng_layer_errors_get (EngLayerErrors *self, int layer)
{
  g_return_val_if_fail (layer >= -1 && layer <= self->n_layers, NULL);
  return &self->layers[layer + 1];
}

const EngLayerError *
eng_layer_errors_get_whole (EngLayerErrors *self)
{
  return &self->layers[self->n_layers + 2];
}

EngFigure
eng_layer_errors_get_sensitivity (EngLayerErrors *self, int layer)
{
  const EngLayerError *error = eng_layer_errors_get (self, layer);
  const char *unit = eng_layer_errors_sensitivity_unit (self->kind);
  if (error->reason != NULL)
    return eng_figure_unavailable (unit, error->reason);
  if (error->n_units == 0)
    return eng_figure_unavailable (unit, "not measured yet");
  return self->kind == ENG_MODEL_LANGUAGE ? error->divergence : error->outputs.relative;
}

const char *
eng_layer_errors_sensitivity_unit (EngModelKind kind)
{
  return kind == ENG_MODEL_LANGUAGE ? "nat" : "%";
}

char *
eng_layer_deviation_format (const EngLayerDeviation *deviation)
{
  if (deviation->is_exact)
    return g_strdup ("exact");
  if (!deviation->sqnr_db.available)
    return g_strdup_printf ("unavailable: %s", deviation->sqnr_db.reason);
  return g_strdup_printf ("%.1f dB", deviation->sqnr_db.value);
}

/* ---- JSON ---- */

static void
write_figure (JsonBuilder *builder, const char *name, const EngFigure *figure)
{
  json_builder_set_member_name (builder, name);
  if (!figure->available)
    {
      json_builder_add_null_value (builder);
      return;
    }
  json_builder_begin_object (builder);
  eng_json_add_double (builder, "value", figure->value);
  eng_json_add_double (builder, "low", figure->low);
  eng_json_add_double (builder, "high", figure->high);
  json_builder_end_object (builder);
}

static void
write_deviation (JsonBuilder *builder, const char *name, const EngLayerDeviation *deviation)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  eng_json_add_bool (builder, "exact", deviation->is_exact);
  write_figure (builder, "sqnr_db", &deviation->sqnr_db);
  write_figure (builder, "relative_l2_percent", &deviation->relative);
  eng_json_add_double (builder, "cosine", deviation->cosine);
  json_builder_end_object (builder);
}

static void
write_layer (EngLayerErrors *self, const EngLayerError *layer, gboolean whole, JsonBuilder *builder)
{
  gboolean language = self->kind == ENG_MODEL_LANGUAGE;

  eng_json_add_int (builder, "units", layer->n_units);
  if (layer->is_borrowed)
    eng_json_add_bool (builder, "of_another_recipe", TRUE);
  if (layer->reason != NULL)
    eng_json_add_string (builder, "unavailable", layer->reason);
  if (layer->reason != NULL || layer->n_units == 0)
    return;
  if (!whole)
    {
      write_deviation (builder, "local", &layer->local);
      write_deviation (builder, "accumulated", &layer->accumulated);
    }
  if (!language)
    write_deviation (builder, "outputs", &layer->outputs);
  if (language)
    write_figure (builder, "kl_divergence_nats_per_token", &layer->divergence);
  write_figure (builder, language ? "loss_change_nats_per_token" : "accuracy_loss_pp",
                &layer->loss);
  write_figure (builder, "agreement_percent", &layer->agreement);
}

void
eng_layer_errors_write (EngLayerErrors *self, EngModel *model, JsonBuilder *builder,
                        const char *member)
{
  json_builder_set_member_name (builder, member);
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "data", self->data);
  eng_json_add_string (builder, "changed", self->recipe);
  eng_json_add_int (builder, "units", self->n_units);
  eng_json_add_bool (builder, "complete", eng_layer_errors_is_complete (self));
  json_builder_set_member_name (builder, "whole");
  json_builder_begin_object (builder);
  write_layer (self, eng_layer_errors_get_whole (self), TRUE, builder);
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, self->names != NULL ? "matrices" : "layers");
  json_builder_begin_array (builder);
  for (int layer = -1; layer <= self->n_layers; layer++)
    {
      g_autofree char *name = eng_layer_errors_dup_name (self, model, layer);
      json_builder_begin_object (builder);
      if (self->names == NULL)
        eng_json_add_int (builder, "layer", layer);
      eng_json_add_string (builder, "name", name);
      write_layer (self, &self->layers[layer + 1], FALSE, builder);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}
