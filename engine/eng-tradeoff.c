/* Points from runs: merging, joining evaluations, the front, limits and the best allowed point.
 * Called by the view and the command line; reading runs is eng-tradeoff-runs.c, its words and
 * documents eng-tradeoff-text.c. */
#include "eng-tradeoff-private.h"

#include "eval/eng-text-set.h"

#include <math.h>
#include <string.h>

static void
point_free (gpointer data)
{
  EngTradeoffPoint *point = data;

  g_free (point->run_id);
  g_free (point->label);
  g_free (point->short_label);
  g_free (point->model_name);
  g_free (point->model_hash);
  g_free (point->build_hash);
  g_free (point->workload);
  g_free (point->device);
  g_free (point->missing);
  g_clear_pointer (&point->recipe, eng_recipe_unref);
  g_free (point);
}

void
eng_tradeoff_free (EngTradeoff *self)
{
  if (self == NULL)
    return;
  g_free (self->set);
  g_free (self->sentence);
  g_free (self->caveat);
  g_strfreev (self->workloads);
  g_strfreev (self->sets);
  g_ptr_array_unref (self->points);
  g_ptr_array_unref (self->missing);
  g_array_unref (self->front);
  g_free (self);
}

/* ---- Which runs ---- */

static gboolean
is_of_model (const EngTradeoffRun *run, const EngTradeoffQuery *query)
{
  if (run->kind != query->kind)
    return FALSE;
  if (g_strcmp0 (run->model_hash, query->model_hash) == 0)
    return TRUE;
  return query->model != NULL && !run->estimate
         && eng_run_model_same_network (&run->model, query->model);
}

/* Runs of the model, newest first; borrowed. */
static GPtrArray *
select_runs (EngTradeoffRuns *runs, const EngTradeoffQuery *query)
{
  GPtrArray *selected = g_ptr_array_new ();

  for (guint i = 0; i < runs->runs->len; i++)
    if (is_of_model (runs->runs->pdata[i], query))
      g_ptr_array_add (selected, runs->runs->pdata[i]);
  return selected;
}

static void
add_once (GPtrArray *texts, const char *text)
{
  if (!g_ptr_array_find_with_equal_func (texts, text, g_str_equal, NULL))
    g_ptr_array_add (texts, g_strdup (text));
}

static void
list_choices (EngTradeoff *self, GPtrArray *runs)
{
  GPtrArray *workloads = g_ptr_array_new (), *sets = g_ptr_array_new ();

  for (guint i = 0; i < runs->len; i++)
    {
      const EngTradeoffRun *run = runs->pdata[i];
      if (run->set != NULL)
        add_once (sets, run->set);
      else if (!run->estimate)
        add_once (workloads, run->workload);
    }
  g_ptr_array_add (workloads, NULL);
  g_ptr_array_add (sets, NULL);
  self->workloads = (GStrv)g_ptr_array_free (workloads, FALSE);
  self->sets = (GStrv)g_ptr_array_free (sets, FALSE);
}

/* ---- Merging ---- */

/* Evaluations of a build are one point whatever they are on: what they say is joined set by set. */
static gboolean
same_point (const EngTradeoffRun *a, const EngTradeoffRun *b)
{
  if ((a->set != NULL) != (b->set != NULL) || a->estimate || b->estimate)
    return FALSE;
  if (g_strcmp0 (a->build_hash, b->build_hash) != 0)
    return FALSE;
  return a->set != NULL
         || (g_str_equal (a->workload_key, b->workload_key) && g_str_equal (a->device, b->device));
}

/* Of the runs of one point, newest first: valid ones before degraded ones; invalid ones have no
 * figures. */
static void
merge_figures (EngTradeoffPoint *point, GPtrArray *group)
{
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    {
      const EngTradeoffRun *first = group->pdata[0];
      gboolean found = FALSE;

      point->figures[id] = first->figures[id];
      if (first->set != NULL && eng_figure_id_is_evaluated (id))
        {
          point->figures[id] = eng_figure_unavailable (eng_figure_id_unit (id), NULL); /* joined */
          continue;
        }
      if (first->validity == ENG_RUN_INVALID)
        point->figures[id] = eng_figure_unavailable (eng_figure_id_unit (id), "the run is invalid");
      for (EngValidity v = ENG_RUN_VALID; v < ENG_RUN_INVALID && !found; v++)
        for (guint i = 0; i < group->len && !found; i++)
          {
            const EngTradeoffRun *run = group->pdata[i];
            if (run->validity != v || !run->figures[id].available)
              continue;
            point->figures[id] = run->figures[id];
            found = TRUE;
          }
    }
}

static EngTradeoffPoint *
point_from_group (GPtrArray *group, gboolean with_model)
{
  EngTradeoffPoint *point = g_new0 (EngTradeoffPoint, 1);
  const EngTradeoffRun *run = group->pdata[0];

  for (guint i = 0; i < group->len; i++) /* the newest of the best validity */
    if (((EngTradeoffRun *)group->pdata[i])->validity < run->validity)
      run = group->pdata[i];
  point->run_id = g_strdup (run->id);
  point->label = with_model && run->model_name[0] != '\0'
                     ? g_strdup_printf ("%s: %s", run->model_name, run->recipe_text)
                     : g_strdup (run->recipe_text);
  point->model_name = g_strdup (run->model_name);
  point->model_hash = g_strdup (run->model_hash);
  point->build_hash = g_strdup (run->build_hash);
  point->workload = g_strdup (run->workload);
  point->device = g_strdup (run->device);
  point->recipe = run->recipe != NULL ? eng_recipe_ref (run->recipe) : NULL;
  point->time = run->time;
  point->n_runs = group->len;
  point->validity = run->validity;
  point->estimate = run->estimate;
  point->evaluation = run->set != NULL;
  point->beaten_by = -1;
  merge_figures (point, group);
  return point;
}

/* ---- Evaluations ---- */

static const EngTradeoffRun *
find_evaluation (GPtrArray *runs, const char *build_hash, const char *set, EngFigureId id)
{
  for (guint i = 0; i < runs->len; i++)
    {
      const EngTradeoffRun *run = runs->pdata[i];
      if (run->set != NULL && run->figures[id].available && run->validity != ENG_RUN_INVALID
          && (build_hash == NULL || g_strcmp0 (run->build_hash, build_hash) == 0)
          && (set == NULL || g_str_equal (run->set, set)))
        return run;
    }
  return NULL;
}

/* The set whose evaluations give figure @id: the one asked for, or the newest that has it. */
static const char *
choose_set (GPtrArray *runs, const EngTradeoffQuery *query, EngFigureId id)
{
  const EngTradeoffRun *newest;

  if (query->set != NULL)
    return query->set;
  newest = find_evaluation (runs, NULL, NULL, id);
  return newest != NULL ? newest->set : NULL;
}

static const char *
why_not_evaluated (GPtrArray *runs, const char *build_hash, const char *set, EngFigureId id)
{
  const EngTradeoffRun *other = find_evaluation (runs, build_hash, NULL, id);

  if (other == NULL || set == NULL)
    return "this build was not evaluated for it";
  g_autofree char *name = eng_data_dup_title (other->set);
  g_autofree char *wanted = eng_data_dup_title (set);
  g_autofree char *text = g_strdup_printf ("evaluated on %s, not on %s", name, wanted);
  return g_intern_string (text);
}

static void
join_evaluations (EngTradeoffPoint *point, GPtrArray *runs, const EngTradeoffQuery *query)
{
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    {
      if (point->figures[id].available || !eng_figure_id_is_evaluated (id) || point->estimate)
        continue;
      const char *set = choose_set (runs, query, id);
      const EngTradeoffRun *run
          = set != NULL ? find_evaluation (runs, point->build_hash, set, id) : NULL;
      point->figures[id]
          = run != NULL
                ? run->figures[id]
                : eng_figure_unavailable (eng_figure_id_unit (id),
                                          why_not_evaluated (runs, point->build_hash, set, id));
    }
}

static gboolean
was_run (GPtrArray *runs, const char *build_hash)
{
  for (guint i = 0; i < runs->len; i++)
    {
      const EngTradeoffRun *run = runs->pdata[i];
      if (run->set == NULL && !run->estimate && g_strcmp0 (run->build_hash, build_hash) == 0)
        return TRUE;
    }
  return FALSE;
}

/* ---- Points ---- */

static char *
why_missing (const EngTradeoffPoint *point, const EngTradeoffQuery *query)
{
  if (query->workload != NULL && !point->estimate && !point->evaluation
      && !g_str_equal (point->workload, query->workload))
    return g_strdup_printf ("another workload: %s", point->workload);
  if (point->validity == ENG_RUN_INVALID)
    return g_strdup ("the run is invalid");
  for (guint i = 0; i < 2; i++)
    {
      EngFigureId id = i == 0 ? query->x : query->y;
      const EngFigure *figure = &point->figures[id];
      if (!figure->available || !isfinite (figure->value))
        return g_strdup_printf ("%s: %s", eng_figure_id_title (id),
                                figure->reason != NULL ? figure->reason : "not recorded");
    }
  return NULL;
}

static void
add_points (EngTradeoff *self, GPtrArray *runs, const EngTradeoffQuery *query)
{
  g_autofree gboolean *taken = g_new0 (gboolean, runs->len + 1);

  for (guint i = 0; i < runs->len; i++)
    {
      const EngTradeoffRun *first = runs->pdata[i];
      if (taken[i] || (first->set != NULL && was_run (runs, first->build_hash)))
        continue;

      g_autoptr (GPtrArray) group = g_ptr_array_new ();
      g_ptr_array_add (group, runs->pdata[i]);
      for (guint k = i + 1; k < runs->len; k++)
        if (!taken[k] && same_point (first, runs->pdata[k]))
          {
            taken[k] = TRUE;
            g_ptr_array_add (group, runs->pdata[k]);
          }
      EngTradeoffPoint *point = point_from_group (group, query->model != NULL);
      join_evaluations (point, runs, query);
      point->missing = why_missing (point, query);
      g_ptr_array_add (point->missing != NULL ? self->missing : self->points, point);
    }
}

/* ---- Front, limits, best ---- */

static EngFigure
shown_figure (const EngTradeoffPoint *point, EngFigureId id)
{
  return point->estimate ? eng_figure_unavailable (NULL, "estimate") : point->figures[id];
}

static gint
compare_on_front (gconstpointer a, gconstpointer b, gpointer data)
{
  const EngTradeoff *self = data;
  const EngTradeoffPoint *p = self->points->pdata[*(const guint *)a];
  const EngTradeoffPoint *q = self->points->pdata[*(const guint *)b];
  double dx = p->figures[self->x].value - q->figures[self->x].value;
  double dy = p->figures[self->y].value - q->figures[self->y].value;

  return dx != 0 ? (dx > 0) - (dx < 0) : (dy > 0) - (dy < 0);
}

static void
find_front (EngTradeoff *self)
{
  guint n = self->points->len;
  g_autofree EngFigure *x = g_new (EngFigure, n + 1);
  g_autofree EngFigure *y = g_new (EngFigure, n + 1);
  g_autofree EngParetoState *states = g_new (EngParetoState, n + 1);
  g_autofree int *by = g_new (int, n + 1);

  for (guint i = 0; i < n; i++)
    {
      x[i] = shown_figure (self->points->pdata[i], self->x);
      y[i] = shown_figure (self->points->pdata[i], self->y);
    }
  eng_pareto (x, y, n, eng_figure_id_lower_is_better (self->x),
              eng_figure_id_lower_is_better (self->y), states, by);
  for (guint i = 0; i < n; i++)
    {
      EngTradeoffPoint *point = self->points->pdata[i];
      point->pareto = states[i];
      point->beaten_by = by[i];
      if (states[i] == ENG_PARETO_FRONT)
        g_array_append_val (self->front, i);
    }
  g_array_sort_with_data (self->front, compare_on_front, self);
}

static void
check_limits (EngTradeoff *self, const EngTradeoffQuery *query)
{
  for (guint i = 0; i < self->points->len; i++)
    {
      EngTradeoffPoint *point = self->points->pdata[i];
      point->allowed = ENG_LIMIT_INSIDE;
      for (guint k = 0; k < query->n_limits; k++)
        point->allowed
            = MIN (point->allowed,
                   eng_limit_check (&query->limits[k], &point->figures[query->limits[k].id]));
      if (!point->estimate && point->allowed >= ENG_LIMIT_CROSSED)
        self->n_allowed++;
    }
}

/* Better in @first, or as good there and better in @second. */
static gboolean
better (const EngTradeoffPoint *a, const EngTradeoffPoint *b, EngFigureId first, EngFigureId second)
{
  EngFigureId ids[] = { first, second };

  for (guint i = 0; i < 2; i++)
    {
      double va = a->figures[ids[i]].value, vb = b->figures[ids[i]].value;
      if (va != vb)
        return (va < vb) == !!eng_figure_id_lower_is_better (ids[i]);
    }
  return FALSE; /* the newer one, which comes first, stays */
}

static gboolean
is_limited (const EngTradeoffQuery *query, EngFigureId id)
{
  for (guint i = 0; i < query->n_limits; i++)
    if (query->limits[i].id == id)
      return TRUE;
  return FALSE;
}

/* The figure that is left to choose by: the axis that has no limit, else y. */
static void
find_best (EngTradeoff *self, const EngTradeoffQuery *query)
{
  gboolean by_x = is_limited (query, self->y) && !is_limited (query, self->x);
  EngFigureId goal = by_x ? self->x : self->y, other = by_x ? self->y : self->x;

  for (guint i = 0; i < self->points->len && query->n_limits > 0; i++)
    {
      const EngTradeoffPoint *point = self->points->pdata[i];
      if (point->estimate || point->allowed < ENG_LIMIT_CROSSED)
        continue;
      if (self->best < 0 || better (point, self->points->pdata[self->best], goal, other))
        self->best = (int)i;
    }
}

EngFigureId
eng_tradeoff_choose_y (EngTradeoffRuns *runs, const EngTradeoffQuery *query)
{
  g_return_val_if_fail (runs != NULL && query != NULL, ENG_FIGURE_PEAK_MEMORY);

  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    {
      EngTradeoffQuery tried = *query;
      tried.y = id;
      g_autoptr (EngTradeoff) tradeoff = eng_figure_id_is_accuracy (id) && id != query->x
                                             ? eng_tradeoff_new (runs, &tried)
                                             : NULL;
      if (tradeoff != NULL && tradeoff->points->len > 1)
        return id;
    }
  return ENG_FIGURE_PEAK_MEMORY;
}

EngTradeoff *
eng_tradeoff_new (EngTradeoffRuns *runs, const EngTradeoffQuery *query)
{
  g_return_val_if_fail (runs != NULL && query != NULL, NULL);
  g_return_val_if_fail (query->x < ENG_N_FIGURES && query->y < ENG_N_FIGURES, NULL);

  EngTradeoff *self = g_new0 (EngTradeoff, 1);
  g_autoptr (GPtrArray) selected = select_runs (runs, query);

  self->x = query->x;
  self->y = query->y;
  self->best = -1;
  self->points = g_ptr_array_new_with_free_func (point_free);
  self->missing = g_ptr_array_new_with_free_func (point_free);
  self->front = g_array_new (FALSE, FALSE, sizeof (guint));
  if (eng_figure_id_is_evaluated (query->y))
    self->set = g_strdup (choose_set (selected, query, query->y));
  else if (eng_figure_id_is_evaluated (query->x))
    self->set = g_strdup (choose_set (selected, query, query->x));
  list_choices (self, selected);
  add_points (self, selected, query);
  eng_tradeoff_shorten_labels (self->points);
  eng_tradeoff_shorten_labels (self->missing);
  find_front (self);
  check_limits (self, query);
  find_best (self, query);
  eng_tradeoff_write_sentences (self, query);
  return self;
}
