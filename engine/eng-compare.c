/* The comparison: runs lined up into rows of layers and operators, with values and changes. Called
 * by `lathe compare`, the window's view and the report; what is comparable is eng-comparable.c,
 * what has values eng-compare-metric.c, what lies on one line eng-align.c. */
#include "eng-compare-private.h"

#include <math.h>
#include <string.h>

#include "eng-run-device.h"

typedef struct
{
  EngCompareRow row;
  char *name, *op;
  GArray **nodes;    /* [n_runs] guint */
  EngFigure *values; /* [n_runs * ENG_N_LAYER_METRICS] */
} Row;

struct _EngComparison
{
  gatomicrefcount ref_count;
  guint n_runs;
  EngRun **runs;
  RtPhase phase;
  EngAlignKind *kinds;        /* [n_runs] */
  EngComparable *comparables; /* [n_runs] */
  char **labels;              /* [n_runs] */
  GPtrArray *rows;            /* of Row */
};

G_DEFINE_BOXED_TYPE (EngComparison, eng_comparison, eng_comparison_ref, eng_comparison_unref)

/* ---- Rows ---- */

static void
row_free (gpointer data)
{
  Row *row = data;

  for (guint r = 0; row->nodes[r] != NULL; r++)
    g_array_unref (row->nodes[r]);
  g_free (row->nodes);
  g_free (row->values);
  g_free (row->name);
  g_free (row->op);
  g_free (row);
}

/* Takes @name and @op. */
static Row *
add_row (EngComparison *self, int depth, int layer, char *name, char *op)
{
  Row *row = g_new0 (Row, 1);

  row->name = name;
  row->op = op;
  row->row = (EngCompareRow){ depth, layer, name, op };
  row->nodes = g_new0 (GArray *, self->n_runs + 1);
  for (guint r = 0; r < self->n_runs; r++)
    row->nodes[r] = g_array_new (FALSE, FALSE, sizeof (guint));
  row->values = g_new0 (EngFigure, (gsize)self->n_runs * ENG_N_LAYER_METRICS);
  g_ptr_array_add (self->rows, row);
  return row;
}

static void
add_nodes (EngComparison *self, Row *row, const EngAlignGroup *group)
{
  for (guint r = 0; r < self->n_runs; r++)
    g_array_append_vals (row->nodes[r], group->nodes[r]->data, group->nodes[r]->len);
}

static int
compare_guint (gconstpointer a, gconstpointer b)
{
  guint x = *(const guint *)a, y = *(const guint *)b;

  return x < y ? -1 : x > y;
}

static void
fill_row (EngComparison *self, Row *row, EngLayerErrors *const *errors)
{
  for (guint r = 0; r < self->n_runs; r++)
    {
      const EngMetricSource from
          = { self->runs[r], self->phase, errors != NULL ? errors[r] : NULL };

      g_array_sort (row->nodes[r], compare_guint);
      for (EngLayerMetric metric = 0; metric < ENG_N_LAYER_METRICS; metric++)
        {
          EngFigure *value = &row->values[r * ENG_N_LAYER_METRICS + metric];
          const char *unit = eng_layer_metric_unit (metric);

          if (self->comparables[r].withheld[ENG_ASPECT_LAYERS] != NULL)
            *value = eng_figure_unavailable (unit,
                                             g_intern_string (
                                                 self->comparables[r].withheld[ENG_ASPECT_LAYERS]));
          else if (row->nodes[r]->len == 0)
            *value = eng_figure_unavailable (unit, "not executed here");
          else
            *value = eng_layer_metric_measure (metric, &from,
                                               (const guint *)(gpointer)row->nodes[r]->data,
                                               row->nodes[r]->len);
        }
    }
}

/* The names of what the group's first run executes there, joined with " + "; for both names and
 * operators each is told once. */
static char *
join_texts (EngComparison *self, const EngAlignGroup *group,
            const char *(*get) (EngProfile *, guint))
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new ();
  guint r = 0;

  while (r + 1 < self->n_runs && group->nodes[r]->len == 0)
    r++;
  for (guint k = 0; k < group->nodes[r]->len; k++)
    {
      const char *text
          = get (eng_run_get_profile (self->runs[r]), g_array_index (group->nodes[r], guint, k));

      if (!g_ptr_array_find_with_equal_func (texts, text, g_str_equal, NULL))
        g_ptr_array_add (texts, (gpointer)text);
    }
  g_ptr_array_add (texts, NULL);
  return g_strjoinv (" + ", (char **)texts->pdata);
}

static void
add_layer (EngComparison *self, const EngAlignment *alignment, int layer)
{
  Row *sum = NULL;

  for (guint g = 0; g < alignment->groups->len; g++)
    {
      const EngAlignGroup *group = alignment->groups->pdata[g];

      if (group->layer != layer)
        continue;
      if (sum == NULL)
        sum = add_row (self, 0, layer,
                       eng_profile_dup_layer_name (eng_run_get_profile (self->runs[0]), layer),
                       g_strdup (""));
      add_nodes (self, sum, group);
      add_nodes (self,
                 add_row (self, 1, layer, join_texts (self, group, eng_profile_get_node_name),
                          join_texts (self, group, eng_profile_get_node_op)),
                 group);
    }
}

/* ---- Labels ---- */

static gboolean
differ (EngRun **runs, guint n, const char *(*get) (EngRun *))
{
  for (guint r = 1; r < n; r++)
    if (g_strcmp0 (get (runs[0]), get (runs[r])) != 0)
      return TRUE;
  return FALSE;
}

/* When it was measured, for runs that are alike in everything else; its id where that is the same,
 * too. */
static void
add_time (EngComparison *self, GString *label, guint r)
{
  gint64 seconds = eng_run_get_time (self->runs[r]);
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (seconds);
  g_autofree char *when = NULL;
  gboolean same_day = TRUE, same_time = FALSE;

  for (guint s = 0; s < self->n_runs; s++)
    {
      same_day = same_day && ABS (eng_run_get_time (self->runs[s]) - seconds) < 12 * 3600;
      same_time = same_time || (s != r && eng_run_get_time (self->runs[s]) == seconds);
    }
  when = time != NULL && !same_time
             ? g_date_time_format (time, same_day ? "%H:%M:%S" : "%e %b %Y %H:%M")
             : NULL;
  if (when != NULL)
    g_string_append_printf (label, " · %s", when);
  else
    g_string_append_printf (label, " · %.8s", eng_run_get_id (self->runs[r]));
}

static gboolean
recipes_differ (EngComparison *self)
{
  for (guint r = 1; r < self->n_runs; r++)
    if (!eng_recipe_equal (eng_run_get_recipe (self->runs[0]), eng_run_get_recipe (self->runs[r])))
      return TRUE;
  return FALSE;
}

static void
add_part (GString *label, const char *part)
{
  g_string_append_printf (label, "%s%s", label->len > 0 ? " · " : "", part);
}

/* The recipe, and what else tells them apart; the device alone where one recipe ran on several. */
static void
make_labels (EngComparison *self)
{
  gboolean models = differ (self->runs, self->n_runs, eng_run_get_model_hash),
           devices = differ (self->runs, self->n_runs, eng_run_get_device),
           isas = differ (self->runs, self->n_runs, eng_run_get_isa) && !devices,
           recipes = !devices || recipes_differ (self);

  self->labels = g_new0 (char *, self->n_runs + 1);
  for (guint r = 0; r < self->n_runs; r++)
    {
      EngRun *run = self->runs[r];
      const char *device = eng_run_get_device (run), *file = eng_run_get_model_file (run);
      g_autofree char *recipe = eng_run_dup_recipe_text (run);
      g_autoptr (GString) label = g_string_new (NULL);

      if (devices)
        add_part (label, device != NULL ? device : "This computer");
      if (models)
        add_part (label, file != NULL ? file : eng_run_get_model_name (run));
      if (recipes)
        add_part (label, recipe);
      if (isas)
        add_part (label, eng_run_get_isa (run));
      for (guint s = 0; s < r; s++)
        if (g_str_equal (self->labels[s], label->str))
          {
            add_time (self, label, r);
            break;
          }
      self->labels[r] = g_string_free (g_steal_pointer (&label), FALSE);
    }
}

/* ---- The value ---- */

EngComparison *
eng_comparison_new (EngRun *const *runs, guint n_runs, RtPhase phase)
{
  return eng_comparison_new_with_errors (runs, n_runs, phase, NULL);
}

EngComparison *
eng_comparison_new_with_errors (EngRun *const *runs, guint n_runs, RtPhase phase,
                                EngLayerErrors *const *errors)
{
  g_autofree EngProfile **profiles = g_new (EngProfile *, n_runs);
  g_autoptr (EngAlignment) alignment = NULL;
  EngComparison *self;

  g_return_val_if_fail (n_runs > 0 && phase < RT_N_PHASES, NULL);

  self = g_new0 (EngComparison, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->n_runs = n_runs;
  self->phase
      = eng_run_get_workload (runs[0])->kind == ENG_WORKLOAD_INPUT ? RT_PHASE_INFERENCE : phase;
  self->runs = g_new0 (EngRun *, n_runs + 1);
  self->comparables = g_new0 (EngComparable, n_runs);
  self->rows = g_ptr_array_new_with_free_func (row_free);
  for (guint r = 0; r < n_runs; r++)
    {
      self->runs[r] = g_object_ref (runs[r]);
      profiles[r] = eng_run_get_profile (runs[r]);
    }
  alignment = eng_align (profiles, n_runs);
  self->kinds = g_memdup2 (alignment->kinds, n_runs * sizeof *self->kinds);
  for (guint r = 0; r < n_runs; r++)
    eng_comparable_init (&self->comparables[r], runs[0], runs[r], self->kinds[r],
                         alignment->reasons[r]);
  for (int layer = -1; layer <= eng_profile_get_n_layers (profiles[0]); layer++)
    add_layer (self, alignment, layer);
  for (guint i = 0; i < self->rows->len; i++)
    fill_row (self, self->rows->pdata[i], errors);
  make_labels (self);
  return self;
}

EngComparison *
eng_comparison_ref (EngComparison *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_comparison_unref (EngComparison *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  for (guint r = 0; r < self->n_runs; r++)
    {
      g_object_unref (self->runs[r]);
      eng_comparable_clear (&self->comparables[r]);
    }
  g_free (self->runs);
  g_free (self->comparables);
  g_free (self->kinds);
  g_strfreev (self->labels);
  g_ptr_array_unref (self->rows);
  g_free (self);
}

guint
eng_comparison_get_n_runs (EngComparison *self)
{
  return self->n_runs;
}

EngRun *
eng_comparison_get_run (EngComparison *self, guint run)
{
  g_return_val_if_fail (run < self->n_runs, NULL);
  return self->runs[run];
}

RtPhase
eng_comparison_get_phase (EngComparison *self)
{
  return self->phase;
}

char *
eng_comparison_dup_label (EngComparison *self, guint run)
{
  g_return_val_if_fail (run < self->n_runs, NULL);
  return g_strdup (self->labels[run]);
}

EngAlignKind
eng_comparison_get_alignment (EngComparison *self, guint run)
{
  g_return_val_if_fail (run < self->n_runs, ENG_ALIGN_NONE);
  return self->kinds[run];
}

const char *
eng_comparison_get_withheld (EngComparison *self, guint run, EngAspect aspect)
{
  g_return_val_if_fail (run < self->n_runs && aspect < ENG_N_ASPECTS, NULL);
  return self->comparables[run].withheld[aspect];
}

const char *const *
eng_comparison_get_caveats (EngComparison *self, guint run)
{
  g_return_val_if_fail (run < self->n_runs, NULL);
  return (const char *const *)self->comparables[run].caveats;
}

guint
eng_comparison_get_n_rows (EngComparison *self)
{
  return self->rows->len;
}

static const Row *
get_row (EngComparison *self, guint row)
{
  return self->rows->pdata[row];
}

const EngCompareRow *
eng_comparison_get_row (EngComparison *self, guint row)
{
  g_return_val_if_fail (row < self->rows->len, NULL);
  return &get_row (self, row)->row;
}

gboolean
eng_comparison_is_executed (EngComparison *self, guint row, guint run)
{
  g_return_val_if_fail (row < self->rows->len && run < self->n_runs, FALSE);
  return get_row (self, row)->nodes[run]->len > 0;
}

const guint *
eng_comparison_get_nodes (EngComparison *self, guint row, guint run, guint *n)
{
  g_return_val_if_fail (row < self->rows->len && run < self->n_runs, NULL);

  *n = get_row (self, row)->nodes[run]->len;
  return (const guint *)(gpointer)get_row (self, row)->nodes[run]->data;
}

EngFigure
eng_comparison_get_value (EngComparison *self, guint row, guint run, EngLayerMetric metric)
{
  g_return_val_if_fail (row < self->rows->len && run < self->n_runs && metric < ENG_N_LAYER_METRICS,
                        (EngFigure){ 0 });
  return get_row (self, row)->values[run * ENG_N_LAYER_METRICS + metric];
}

static EngChange
withheld_change (const char *reason)
{
  return (EngChange){ ENG_CHANGE_NONE, NAN, NAN, NAN, FALSE, g_intern_string (reason) };
}

EngChange
eng_comparison_get_change (EngComparison *self, guint row, guint run, EngLayerMetric metric)
{
  g_return_val_if_fail (row < self->rows->len && run < self->n_runs && metric < ENG_N_LAYER_METRICS,
                        (EngChange){ 0 });

  const EngFigure *before = &get_row (self, row)->values[metric],
                  *after = &get_row (self, row)->values[run * ENG_N_LAYER_METRICS + metric];
  const char *withheld = self->comparables[run].withheld[eng_layer_metric_aspect (metric)];

  if (withheld != NULL)
    return withheld_change (withheld);
  if (!before->available || !after->available)
    return withheld_change (!after->available ? after->reason
                            : g_str_equal (before->reason, "not executed here")
                                ? "not executed in the first run"
                                : before->reason);
  return eng_change (before, after, eng_layer_metric_lower_is_better (metric));
}

char *
eng_comparison_dup_note (EngComparison *self, guint row, guint run)
{
  g_return_val_if_fail (row < self->rows->len && run < self->n_runs, NULL);

  const Row *data = get_row (self, row);
  guint n = data->nodes[run]->len, most = 0;

  if (data->row.depth == 0 || n == 0)
    return NULL;
  for (guint r = 0; r < self->n_runs; r++)
    most = MAX (most, data->nodes[r]->len);
  if (n == most)
    return NULL;
  return n == 1 ? g_strdup_printf ("fused: one operator here for %u elsewhere", most)
                : g_strdup_printf ("%u operators here for %u elsewhere", n, most);
}

EngFigure
eng_comparison_get_figure (EngComparison *self, guint run, EngFigureId id)
{
  g_return_val_if_fail (run < self->n_runs, (EngFigure){ 0 });
  return eng_run_get_figure (self->runs[run], id);
}

EngChange
eng_comparison_get_figure_change (EngComparison *self, guint run, EngFigureId id)
{
  g_return_val_if_fail (run < self->n_runs, (EngChange){ 0 });

  const char *withheld = self->comparables[run].withheld[eng_figure_id_aspect (id)];
  EngFigure before = eng_run_get_figure (self->runs[0], id),
            after = eng_run_get_figure (self->runs[run], id);

  return withheld != NULL ? withheld_change (withheld)
                          : eng_change (&before, &after, eng_figure_id_lower_is_better (id));
}

double
eng_comparison_get_row_change (EngComparison *self, guint row, EngLayerMetric metric)
{
  double most = 0;

  for (guint run = 1; run < self->n_runs; run++)
    {
      EngChange change = eng_comparison_get_change (self, row, run, metric);

      if (change.verdict != ENG_CHANGE_NONE)
        most = MAX (most, fabs (change.frac));
    }
  return most;
}

gboolean
eng_comparison_can_align (EngRun *first, EngRun *run, char **reason)
{
  if (eng_run_get_workload (first)->kind != eng_run_get_workload (run)->kind)
    {
      if (reason != NULL)
        *reason = g_strdup ("One run is of a language model, the other of a network.");
      return FALSE;
    }
  return eng_align_check (eng_run_get_profile (first), eng_run_get_profile (run), reason)
         != ENG_ALIGN_NONE;
}
