/* The accuracy lane: what only this layer's change costs the model's output (sensitivity), or how
 * far the layer's own output is from the reference (local and accumulated error). Three lanes in
 * the plot, one of which is visible; the card reads all of them. */
#include "app-lane.h"

#include "app-config.h"
#include "app-layer-errors.h"

#include <glib/gi18n.h>
#include <math.h>

/* Values are nats per token; small numbers are written out. */
#define UNIT_NAT ((PlotUnit){ .symbol = "nat" })

static AppLayerErrors *
errors_of (const AppLane *lane)
{
  return app_stage_get_layer_errors (lane->stage);
}

static GObject *
source (AppStage *stage)
{
  return G_OBJECT (app_stage_get_layer_errors (stage));
}

static guint
add (const AppLane *lane, AppLayerErrorKind kind)
{
  static const char *const titles[]
      = { N_ ("Sensitivity"), N_ ("Local error"), N_ ("Accumulated error") };
  gboolean nats = kind == APP_LAYER_ERROR_SENSITIVITY
                  && app_stage_get_kind (lane->stage) == ENG_MODEL_LANGUAGE;
  guint number = plot_lanes_add_lane (lane->lanes,
                                      &(PlotLaneInfo){ .title = _ (titles[kind]),
                                                       .unit = nats ? UNIT_NAT : PLOT_UNIT_PERCENT,
                                                       .flags = PLOT_LANE_LOWER_IS_BETTER
                                                                | PLOT_LANE_ALWAYS_READ,
                                                       .interval = _ ("95 %") });

  plot_lanes_add_series (lane->lanes, number,
                         &(PlotLaneSeriesInfo){
                             .name = _ ("measured"), .role = PLOT_ROLE_BAR, .color = 4 });
  plot_lanes_set_lane_visible (lane->lanes, number,
                               kind == app_layer_errors_get_shown (errors_of (lane)));
  return number;
}

/* In the lane's unit; shares of one for percentages. */
static EngFigure
figure_of (EngLayerErrors *errors, int layer, AppLayerErrorKind kind)
{
  const EngLayerError *error = eng_layer_errors_get (errors, layer);
  EngFigure figure = eng_layer_errors_get_sensitivity (errors, layer);

  if (error->reason == NULL && error->n_units > 0 && kind != APP_LAYER_ERROR_SENSITIVITY)
    figure = kind == APP_LAYER_ERROR_LOCAL ? error->local.relative : error->accumulated.relative;
  return figure;
}

/* Put together from other recipes: hollow until it is measured with this one. */
static gboolean
is_borrowed (EngLayerErrors *errors)
{
  return errors != NULL && eng_layer_errors_get_whole (errors)->n_units == 0;
}

static void
fill (const AppLane *lane, AppLayerErrorKind kind)
{
  EngLayerErrors *errors = app_layer_errors_get (errors_of (lane));
  double *const *c = lane->columns;

  for (guint i = 0; i < app_axis_n_items (lane->axis); i++)
    {
      int layer = app_axis_get_layer (lane->axis, i);
      EngFigure figure = { 0 };

      c[0][i] = c[1][i] = c[2][i] = NAN;
      /* An operator alone is not measured. */
      if (errors == NULL || app_axis_get_node_name (lane->axis, i) != NULL
          || layer > eng_layer_errors_get_n_layers (errors))
        continue;
      figure = figure_of (errors, layer, kind);
      if (!figure.available)
        continue;
      double scale = g_str_equal (figure.unit, "%") ? 0.01 : 1;
      c[0][i] = scale * figure.value;
      if (figure.n > 0 && isfinite (figure.low))
        {
          c[1][i] = scale * figure.low;
          c[2][i] = scale * figure.high;
        }
    }
  app_lane_set_values (lane, 0, c[0], c[1], c[2],
                       is_borrowed (errors) ? PLOT_STATE_ESTIMATE : PLOT_STATE_MEASURED);
}

/* "Not measured yet: choose Measure in this lane's menu, about 20 s". */
static char *
dup_note (const AppLane *lane)
{
  AppLayerErrors *errors = errors_of (lane);
  EngModel *model = eng_session_get_model (app_stage_get_session (lane->stage));
  const char *why_not = app_layer_errors_get_why_not (errors);
  EngFigure prefill = app_stage_get_figure (lane->stage, ENG_FIGURE_PREFILL);
  double seconds = app_layer_errors_estimate_s (model, prefill.available ? prefill.value : NAN);
  g_autofree char *time = NULL;

  if (app_layer_errors_get_measuring (errors))
    return g_strdup (_ ("Measuring…"));
  if (why_not != NULL)
    /* Translators: the reason why there is nothing to measure, from the engine */
    return g_strdup_printf (_ ("Accuracy: %s"), why_not);
  if (!isfinite (seconds))
    return g_strdup (_ ("Accuracy per layer is not measured yet: press Measure Accuracy"));
  time = seconds < 90 ? g_strdup_printf (_ ("%.0f s"), MAX (1, seconds))
                      : g_strdup_printf (_ ("%.0f min"), ceil (seconds / 60));
  /* Translators: how long it takes */
  return g_strdup_printf (
      _ ("Accuracy per layer is not measured yet: press Measure Accuracy, about %s"), time);
}

/* What all layers together cost, beside the lane. */
static char *
dup_total (EngLayerErrors *errors, AppLayerErrorKind kind)
{
  const EngLayerError *whole = errors != NULL ? eng_layer_errors_get_whole (errors) : NULL;
  const PlotUnit nat = UNIT_NAT, percent = { .symbol = "%" };
  g_autofree char *value = NULL;

  if (whole == NULL || kind != APP_LAYER_ERROR_SENSITIVITY)
    return g_strdup ("");
  if (is_borrowed (errors))
    return g_strdup (_ ("from other recipes"));
  if (eng_layer_errors_get_kind (errors) == ENG_MODEL_LANGUAGE)
    value = plot_format_value (&nat, whole->divergence.value, 3);
  else
    value = plot_format_value (&percent, whole->outputs.relative.value, 3);
  /* Translators: the change of the model's output when all layers are changed at once */
  return g_strdup_printf (_ ("all layers %s"), value);
}

static void
update_texts (const AppLane *lane, AppLayerErrorKind kind)
{
  AppLayerErrors *errors = errors_of (lane);
  g_autofree char *note = dup_note (lane);
  g_autofree char *total = dup_total (app_layer_errors_get (errors), kind);

  plot_lanes_set_lane_visible (lane->lanes, lane->lane,
                               kind == app_layer_errors_get_shown (errors));
  plot_lanes_set_lane_note (lane->lanes, lane->lane, note);
  plot_lanes_set_lane_total (lane->lanes, lane->lane, total);
}

/* ---- in words ---- */

static void
append_deviation (GString *text, const char *name, const EngLayerDeviation *deviation)
{
  const PlotUnit percent = { .symbol = "%" };
  g_autofree char *db = eng_layer_deviation_format (deviation);
  g_autofree char *relative = NULL;

  if (deviation->is_exact)
    {
      g_string_append_printf (text, _ (" · %s exact"), name);
      return;
    }
  if (!deviation->sqnr_db.available)
    return;
  relative = plot_format_value (&percent, deviation->relative.value, 3);
  /* Translators: name of the error, signal to noise, relative error, cosine */
  g_string_append_printf (text, _ (" · %s SQNR %s, error %s, cosine %.5f"), name, db, relative,
                          deviation->cosine);
}

static void
append_figure (GString *text, const char *name, const EngFigure *figure, const char *symbol)
{
  const PlotUnit unit = { .symbol = symbol };
  g_autofree char *value = NULL;
  g_autofree char *interval = NULL;
  g_autofree char *both = NULL;

  if (!figure->available)
    return;
  value = plot_format_value (&unit, figure->value, 3);
  if (isfinite (figure->low))
    interval = plot_format_interval (&unit, figure->low, figure->high);
  both = interval != NULL ? g_strdup_printf ("%s (%s)", value, interval) : g_strdup (value);
  g_string_append_printf (text, " · %s %s", name, both);
}

static char *
dup_detail (const AppLane *lane, guint item)
{
  EngLayerErrors *errors = app_layer_errors_get (errors_of (lane));
  int layer = app_axis_get_layer (lane->axis, item);
  const EngLayerError *error;
  GString *text;

  if (errors == NULL || app_axis_get_node_name (lane->axis, item) != NULL
      || layer > eng_layer_errors_get_n_layers (errors))
    return NULL;
  error = eng_layer_errors_get (errors, layer);
  if (error->reason != NULL)
    return g_strdup_printf (_ ("Accuracy: %s"), error->reason);
  if (error->n_units == 0)
    return NULL;
  text = g_string_new (error->is_borrowed
                           ? _ ("Only this layer changed, measured with another recipe")
                           : _ ("Only this layer changed"));
  append_figure (text, _ ("divergence"), &error->divergence, "nat");
  if (eng_layer_errors_get_kind (errors) == ENG_MODEL_LANGUAGE)
    append_figure (text, _ ("log-likelihood lost"), &error->loss, "nat");
  else
    append_figure (text, _ ("accuracy lost"), &error->loss, "pp");
  append_deviation (text, _ ("outputs"), &error->outputs);
  append_figure (text, _ ("same best"), &error->agreement, "%");
  append_deviation (text, _ ("local"), &error->local);
  append_deviation (text, _ ("accumulated"), &error->accumulated);
  return g_string_free (text, FALSE);
}

/* ---- the bar over the lanes ---- */

static GtkWidget *
make_control (AppStage *stage)
{
  GtkBuilder *builder = gtk_builder_new_from_resource (APP_PATH "/ui/app-lane-accuracy.ui");
  GtkWidget *control = g_object_ref (GTK_WIDGET (gtk_builder_get_object (builder, "control")));

  g_object_unref (builder);
  g_object_force_floating (G_OBJECT (control));
  return control;
}

/* ---- the three lanes ---- */

#define LANE(name, kind)                                                                           \
  static guint add_##name (const AppLane *lane)                                                    \
  {                                                                                                \
    return add (lane, kind);                                                                       \
  }                                                                                                \
  static void fill_##name (const AppLane *lane)                                                    \
  {                                                                                                \
    fill (lane, kind);                                                                             \
  }                                                                                                \
  static void update_##name (const AppLane *lane)                                                  \
  {                                                                                                \
    update_texts (lane, kind);                                                                     \
  }

LANE (sensitivity, APP_LAYER_ERROR_SENSITIVITY)
LANE (local, APP_LAYER_ERROR_LOCAL)
LANE (accumulated, APP_LAYER_ERROR_ACCUMULATED)

const AppLaneKind app_lane_sensitivity = {
  .id = "sensitivity",
  .add = add_sensitivity,
  .fill = fill_sensitivity,
  .source = source,
  .dup_detail = dup_detail,
  .make_control = make_control,
  .update_texts = update_sensitivity,
};

const AppLaneKind app_lane_local_error = {
  .id = "local-error",
  .add = add_local,
  .fill = fill_local,
  .source = source,
  .update_texts = update_local,
};

const AppLaneKind app_lane_accumulated_error = {
  .id = "accumulated-error",
  .add = add_accumulated,
  .fill = fill_accumulated,
  .source = source,
  .update_texts = update_accumulated,
};
