/* The selected point of the trade-off view: what it is, its figures beside the baseline, and
 * applying its recipe. Called by the view. */
#include "app-tradeoff-view-private.h"

#include "app-config.h"
#include "app-table.h"
#include "app-tradeoff-feed.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <string.h>

const char *
app_tradeoff_view_get_baseline_hash (AppTradeoffView *self)
{
  EngRun *run = eng_session_get_baseline (app_tradeoff_view_get_session (self));

  return run != NULL ? eng_run_get_build_hash (run) : NULL;
}

const char *
app_tradeoff_view_get_current_hash (AppTradeoffView *self)
{
  EngBuild *build = eng_session_get_build (app_tradeoff_view_get_session (self));

  return build != NULL ? eng_build_get_hash (build) : NULL;
}

static int
find_selected (AppTradeoffView *self)
{
  for (guint i = 0;
       self->tradeoff != NULL && self->selected != NULL && i < self->tradeoff->points->len; i++)
    {
      const EngTradeoffPoint *point = self->tradeoff->points->pdata[i];
      if (g_strcmp0 (point->run_id != NULL ? point->run_id : "", self->selected) == 0)
        return (int)i;
    }
  return -1;
}

/* Why the point's recipe cannot be applied; NULL: it can. */
static const char *
why_not_apply (AppTradeoffView *self, const EngTradeoffPoint *point)
{
  if (point->recipe == NULL)
    return _ ("This recipe was written by another version of Lathe");
  if (g_strcmp0 (point->model_hash, self->model_hash) != 0)
    return _ ("A point of another file: open that file to use it");
  if (eng_recipe_equal (point->recipe,
                        eng_session_get_recipe (app_tradeoff_view_get_session (self))))
    return _ ("This is the recipe in use");
  return NULL;
}

static char *
dup_note (const EngTradeoffPoint *point)
{
  g_autoptr (GDateTime) time = NULL;
  g_autofree char *when = NULL;

  if (point->estimate)
    return g_strdup (_ ("Estimated from kernels measured on this device, not run"));
  time = g_date_time_new_from_unix_local (point->time);
  when = g_date_time_format (time, "%x %R");
  if (point->n_runs > 1)
    return g_strdup_printf (_ ("%s · %s · %s, the newest of %u runs"), point->workload,
                            point->device, when, point->n_runs);
  return g_strdup_printf ("%s · %s · %s", point->workload, point->device, when);
}

void
app_tradeoff_view_update_details (AppTradeoffView *self)
{
  int at = find_selected (self);
  const EngTradeoffPoint *point;
  const char *why;
  g_autofree char *note = NULL;
  g_autoptr (PlotTable) table = NULL;

  gtk_widget_set_visible (self->details, at >= 0);
  if (at < 0)
    return;
  point = self->tradeoff->points->pdata[at];
  why = why_not_apply (self, point);
  note = dup_note (point);
  table = app_tradeoff_make_details (
      self->tradeoff, at,
      app_tradeoff_feed_find_build (self->tradeoff, app_tradeoff_view_get_baseline_hash (self)));
  gtk_label_set_label (GTK_LABEL (self->details_title), point->label);
  gtk_label_set_label (GTK_LABEL (self->details_note), note);
  gtk_widget_set_tooltip_text (self->details_note, note);
  gtk_widget_set_sensitive (self->apply, why == NULL);
  gtk_widget_set_tooltip_text (self->apply,
                               why != NULL
                                   ? why
                                   : _ ("Use this recipe; Ctrl+Z brings the present one back"));
  gtk_widget_set_visible (self->show_run, !point->estimate);
  adw_bin_set_child (ADW_BIN (self->details_bin), app_table_new (table, 190));
}

void
app_tradeoff_view_select_in_chart (AppTradeoffView *self)
{
  PlotLayer *layer = NULL;
  guint64 index = 0;
  gboolean filling = self->filling;

  self->filling = TRUE;
  if (app_tradeoff_feed_find (self->chart, find_selected (self), &layer, &index))
    plot_chart_select (self->chart, layer, index);
  else
    plot_chart_select (self->chart, NULL, 0);
  self->filling = filling;
}

void
app_tradeoff_view_on_point_selected (AppTradeoffView *self, PlotLayer *layer, guint64 index)
{
  int at = app_tradeoff_feed_get_point (layer, index);

  if (self->filling)
    return;
  g_clear_pointer (&self->selected, g_free);
  if (at >= 0)
    {
      const EngTradeoffPoint *point = self->tradeoff->points->pdata[at];
      self->selected = g_strdup (point->run_id != NULL ? point->run_id : "");
    }
  app_tradeoff_view_update_details (self);
}

void
app_tradeoff_view_on_apply (AppTradeoffView *self)
{
  int at = find_selected (self);
  const EngTradeoffPoint *point = at >= 0 ? self->tradeoff->points->pdata[at] : NULL;

  if (point != NULL && why_not_apply (self, point) == NULL)
    eng_session_set_recipe (app_tradeoff_view_get_session (self), point->recipe);
}

void
app_tradeoff_view_on_show_run (AppTradeoffView *self)
{
  if (self->selected != NULL && *self->selected != '\0')
    gtk_widget_activate_action (GTK_WIDGET (self), "win.show-run", "s", self->selected);
}
