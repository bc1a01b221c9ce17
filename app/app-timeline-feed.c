/* What the timeline's plot is filled with. Called by the timeline view. Operators that take the
 * most time get a colour each, the rest share one. */
#include "app-timeline-feed.h"

#include "app-config.h"
#include "app-names.h"
#include "eng-timeline.h"

#include <glib/gi18n.h>
#include <string.h>

#define N_COLORED 7 /* operators with a colour of their own; the last colour is of all others */
#define GROUP_HEADING 0

struct _AppTimelineFeed
{
  EngTimeline *timeline;
  EngProfile *profile;
  RtPhase phase;

  GArray *spans;      /* PlotTimelineSpan */
  GArray *rows;       /* PlotTimelineRow; names in strings */
  GArray *groups;     /* PlotTimelineGroup */
  GPtrArray *names;   /* owned */
  GPtrArray *details; /* owned, beside each name */
  GPtrArray *strings; /* owned, of rows */
  guint *node_names;  /* [n_nodes] index of names */
  guint *node_groups; /* [n_nodes] */
  guint *layer_names; /* [n_layers + 2] */
  GArray *lengths;    /* gint64: of each step */
  GArray *step_of;    /* guint, beside spans: which of these steps */
  gint64 work_ns, wait_ns;
};

int
app_timeline_feed_family (int layer)
{
  return layer + 1;
}

static guint
add_name (AppTimelineFeed *self, char *name, char *detail)
{
  g_ptr_array_add (self->names, name);
  g_ptr_array_add (self->details, detail != NULL ? detail : g_strdup (""));
  return self->names->len - 1;
}

/* ---- Names ---- */

/* "MobilenetV2/": the first part of their path that nearly all nodes share; "" when there is none.
 * New. */
static char *
dup_common_path (EngProfile *profile)
{
  guint n = eng_profile_get_n_nodes (profile);

  for (guint i = 0; i < MIN (n, 8); i++) /* nearly all: one of the first has it */
    {
      const char *name = eng_profile_get_node_name (profile, i), *slash = strchr (name, '/');
      g_autofree char *path = slash != NULL ? g_strndup (name, (gsize)(slash + 1 - name)) : NULL;
      guint n_same = 0;

      for (guint k = 0; path != NULL && k < n; k++)
        n_same += g_str_has_prefix (eng_profile_get_node_name (profile, k), path);
      if (n_same * 10 >= n * 7 && n > 1)
        return g_steal_pointer (&path);
    }
  return g_strdup ("");
}

/* "attn_q" of "blk.3.attn_q": the layer stands above it. */
static char *
dup_short_name (const char *path, const char *name)
{
  const char *dot = g_str_has_prefix (name, "blk.") ? strchr (name + 4, '.') : NULL;

  return dot != NULL && dot[1] != '\0' ? g_strdup (dot + 1) : app_names_dup_short (path, name);
}

static void
name_nodes (AppTimelineFeed *self)
{
  guint n = eng_profile_get_n_nodes (self->profile);
  int n_layers = eng_profile_get_n_layers (self->profile);

  g_autofree char *path = dup_common_path (self->profile);

  self->node_names = g_new (guint, n + 1);
  self->layer_names = g_new (guint, (gsize)n_layers + 2);
  for (int layer = -1; layer <= n_layers; layer++)
    {
      g_autofree char *name = eng_profile_dup_layer_name (self->profile, layer);

      self->layer_names[layer + 1] = add_name (self, app_names_dup_short (path, name), NULL);
    }
  for (guint i = 0; i < n; i++)
    {
      const char *name = eng_profile_get_node_name (self->profile, i);
      int layer = eng_profile_get_node_layer (self->profile, i);
      const char *layer_name = self->names->pdata[self->layer_names[layer + 1]];

      self->node_names[i] = add_name (self, dup_short_name (path, name),
                                      g_str_has_suffix (name, layer_name)
                                          ? g_strdup (name)
                                          : g_strdup_printf ("%s · %s", layer_name, name));
    }
}

/* ---- Colours ---- */

typedef struct
{
  const char *op;
  gint64 ns;
} Share;

static int
compare_shares (const void *a, const void *b)
{
  const Share *x = a, *y = b;

  if (x->ns != y->ns)
    return x->ns < y->ns ? 1 : -1;
  return strcmp (x->op, y->op);
}

static Share *
find_share (GArray *shares, const char *op)
{
  for (guint i = 0; i < shares->len; i++)
    if (g_str_equal (g_array_index (shares, Share, i).op, op))
      return &g_array_index (shares, Share, i);
  Share share = { op, 0 };
  g_array_append_val (shares, share);
  return &g_array_index (shares, Share, shares->len - 1);
}

static GArray *
share_time (AppTimelineFeed *self)
{
  GArray *shares = g_array_new (FALSE, FALSE, sizeof (Share));
  guint n;
  const EngSpan *spans = eng_timeline_get_spans (self->timeline, &n);

  for (guint i = 0; i < n; i++)
    if (eng_timeline_get_step (self->timeline, spans[i].step)->phase == self->phase)
      find_share (shares, eng_profile_get_node_op (self->profile, spans[i].node))->ns
          += spans[i].end_ns - spans[i].start_ns;
  if (shares->len > 1)
    qsort (shares->data, shares->len, sizeof (Share), compare_shares);
  return shares;
}

static void
add_group (AppTimelineFeed *self, const char *name, int color)
{
  PlotTimelineGroup group = { name, color };

  g_array_append_val (self->groups, group);
}

static void
group_nodes (AppTimelineFeed *self)
{
  g_autoptr (GArray) shares = share_time (self);
  guint n_nodes = eng_profile_get_n_nodes (self->profile);
  guint n_own = shares->len > N_COLORED + 1 ? N_COLORED : shares->len;

  self->node_groups = g_new0 (guint, n_nodes + 1);
  add_group (self, _ ("heading"), -1);
  for (guint i = 0; i < n_own; i++)
    add_group (self, g_array_index (shares, Share, i).op, (int)i);
  if (n_own < shares->len)
    add_group (self, _ ("Other operators"), N_COLORED);
  for (guint i = 0; i < n_nodes; i++)
    {
      const char *op = eng_profile_get_node_op (self->profile, i);

      self->node_groups[i] = self->groups->len - 1;
      for (guint k = 0; k < n_own; k++)
        if (g_str_equal (g_array_index (shares, Share, k).op, op))
          self->node_groups[i] = k + 1;
    }
}

/* ---- Spans ---- */

static void
take_span (AppTimelineFeed *self, const PlotTimelineSpan *span)
{
  guint step = self->lengths->len > 0 ? self->lengths->len - 1 : 0;

  g_array_append_vals (self->spans, span, 1);
  g_array_append_val (self->step_of, step);
}

static void
add_heading (AppTimelineFeed *self, guint row, guint name, int family, gint64 start, gint64 end)
{
  PlotTimelineSpan span = { start, end, end, row, name, GROUP_HEADING, -1, family };

  take_span (self, &span);
}

/* Neighbouring nodes of one layer as one heading: nodes run one after the other. */
static void
add_layers (AppTimelineFeed *self, const EngTimelineStep *step, gint64 shift)
{
  guint n, n_nodes = eng_profile_get_n_nodes (self->profile);
  const EngSpan *spans = eng_timeline_get_spans (self->timeline, &n);
  g_autofree gint64 *starts = g_new (gint64, n_nodes + 1);
  g_autofree gint64 *ends = g_new (gint64, n_nodes + 1);
  gint64 start = 0, end = -1;
  int layer = 0;

  for (guint i = 0; i < n_nodes; i++)
    ends[i] = -1;
  for (guint i = step->first; i < step->first + step->n_spans; i++)
    {
      guint node = spans[i].node;

      starts[node] = ends[node] < 0 ? spans[i].start_ns : MIN (starts[node], spans[i].start_ns);
      ends[node] = MAX (ends[node], spans[i].end_ns);
    }
  for (guint i = 0; i <= n_nodes; i++)
    {
      gboolean last = i == n_nodes;

      if (!last && ends[i] < 0)
        continue;
      if (!last && end >= 0 && eng_profile_get_node_layer (self->profile, i) == layer)
        {
          end = MAX (end, ends[i]);
          continue;
        }
      if (end >= 0)
        add_heading (self, 1, self->layer_names[layer + 1], app_timeline_feed_family (layer),
                     start + shift, end + shift);
      if (last)
        break;
      layer = eng_profile_get_node_layer (self->profile, i);
      start = MAX (starts[i], end);
      end = MAX (ends[i], start);
    }
}

static void
add_step (AppTimelineFeed *self, const EngTimelineStep *step, gint64 shift)
{
  gint64 length = step->end_ns - step->start_ns, last_end[64] = { 0 };
  char *title
      = step->phase == RT_PHASE_INFERENCE
            ? g_strdup_printf (_ ("Inference %u"), step->number)
            : g_strdup_printf (ngettext ("Step %u, %u token", "Step %u, %u tokens", step->n_tokens),
                               step->number, step->n_tokens);
  guint n;
  const EngSpan *spans = eng_timeline_get_spans (self->timeline, &n);

  add_heading (self, 0, add_name (self, title, NULL), -1, step->start_ns + shift,
               step->end_ns + shift);
  g_array_append_val (self->lengths, length);
  add_layers (self, step, shift);
  for (guint i = step->first; i < step->first + step->n_spans; i++)
    {
      const EngSpan *from = &spans[i];
      int layer = eng_profile_get_node_layer (self->profile, from->node);
      PlotTimelineSpan span = { .start_ns = from->start_ns + shift,
                                .wait_ns = from->work_end_ns + shift,
                                .end_ns = from->end_ns + shift,
                                .row = 2u + from->thread,
                                .name = self->node_names[from->node],
                                .group = self->node_groups[from->node],
                                .item = (int)from->node,
                                .family = app_timeline_feed_family (layer) };

      /* A thread may be in the next node a moment before the others have seen the end of this
       * one. */
      if (from->thread < G_N_ELEMENTS (last_end))
        {
          span.start_ns = MAX (span.start_ns, last_end[from->thread]);
          span.wait_ns = MAX (span.wait_ns, span.start_ns);
          span.end_ns = MAX (span.end_ns, span.wait_ns);
          last_end[from->thread] = span.end_ns;
        }
      self->work_ns += span.wait_ns - span.start_ns;
      self->wait_ns += span.end_ns - span.wait_ns;
      take_span (self, &span);
    }
}

static void
add_steps (AppTimelineFeed *self)
{
  gint64 now = 0, gap = 0;

  for (guint s = 0; s < eng_timeline_get_n_steps (self->timeline); s++)
    {
      const EngTimelineStep *step = eng_timeline_get_step (self->timeline, s);

      if (step->phase != self->phase)
        continue;
      if (self->lengths->len > 0)
        now += gap;
      add_step (self, step, now - step->start_ns);
      now += step->end_ns - step->start_ns;
      gap = MAX (gap, (step->end_ns - step->start_ns) / 40);
    }
}

static void
add_rows (AppTimelineFeed *self)
{
  PlotTimelineRow steps = { _ ("Steps"), TRUE }, layers = { _ ("Layers"), TRUE };

  g_array_append_val (self->rows, steps);
  g_array_append_val (self->rows, layers);
  for (guint t = 0; t < eng_timeline_get_n_threads (self->timeline); t++)
    {
      char *name = g_strdup_printf (_ ("Thread %u"), t + 1);
      PlotTimelineRow row = { name, FALSE };

      g_ptr_array_add (self->strings, name);
      g_array_append_val (self->rows, row);
    }
}

static gboolean
has_phase (EngTimeline *timeline, RtPhase phase)
{
  for (guint s = 0; timeline != NULL && s < eng_timeline_get_n_steps (timeline); s++)
    if (eng_timeline_get_step (timeline, s)->phase == phase)
      return TRUE;
  return FALSE;
}

AppTimelineFeed *
app_timeline_feed_new (EngRun *run, RtPhase phase)
{
  EngTimeline *timeline = eng_run_get_timeline (run);
  AppTimelineFeed *self;

  if (!has_phase (timeline, phase))
    return NULL;
  self = g_new0 (AppTimelineFeed, 1);
  self->timeline = eng_timeline_ref (timeline);
  self->profile = eng_profile_ref (eng_run_get_profile (run));
  self->phase = phase;
  self->spans = g_array_new (FALSE, FALSE, sizeof (PlotTimelineSpan));
  self->rows = g_array_new (FALSE, FALSE, sizeof (PlotTimelineRow));
  self->groups = g_array_new (FALSE, FALSE, sizeof (PlotTimelineGroup));
  self->lengths = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->step_of = g_array_new (FALSE, FALSE, sizeof (guint));
  self->names = g_ptr_array_new_with_free_func (g_free);
  self->details = g_ptr_array_new_with_free_func (g_free);
  self->strings = g_ptr_array_new_with_free_func (g_free);
  name_nodes (self);
  group_nodes (self);
  add_rows (self);
  add_steps (self);
  return self;
}

void
app_timeline_feed_free (AppTimelineFeed *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->spans);
  g_array_unref (self->rows);
  g_array_unref (self->groups);
  g_array_unref (self->lengths);
  g_array_unref (self->step_of);
  g_ptr_array_unref (self->names);
  g_ptr_array_unref (self->details);
  g_ptr_array_unref (self->strings);
  g_free (self->node_names);
  g_free (self->node_groups);
  g_free (self->layer_names);
  eng_timeline_unref (self->timeline);
  eng_profile_unref (self->profile);
  g_free (self);
}

void
app_timeline_feed_install (AppTimelineFeed *self, PlotTimeline *plot)
{
  plot_timeline_set_data (plot, &(PlotTimelineData){
                                    .spans = (const PlotTimelineSpan *)self->spans->data,
                                    .n_spans = self->spans->len,
                                    .rows = (const PlotTimelineRow *)self->rows->data,
                                    .n_rows = self->rows->len,
                                    .groups = (const PlotTimelineGroup *)self->groups->data,
                                    .n_groups = self->groups->len,
                                    .names = (const char *const *)self->names->pdata,
                                    .details = (const char *const *)self->details->pdata,
                                    .n_names = self->names->len });
}

void
app_timeline_feed_lookup (AppTimelineFeed *self, int span, int *node, int *layer)
{
  *node = -1;
  *layer = G_MININT;
  if (span < 0 || (guint)span >= self->spans->len)
    return;
  const PlotTimelineSpan *found = &g_array_index (self->spans, PlotTimelineSpan, span);
  *node = found->item;
  if (found->family >= 0)
    *layer = found->family - 1;
}

/* ---- Summary ---- */

typedef struct
{
  const char *op;
  double work_ns[ENG_TIMELINE_STEPS], wait_ns[ENG_TIMELINE_STEPS]; /* of each step */
  double work, wait;                                               /* their medians */
} Sum;

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* Sorts @values. */
static double
median (double *values, guint n)
{
  qsort (values, n, sizeof *values, compare_doubles);
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static int
compare_sums (const void *a, const void *b)
{
  const Sum *x = a, *y = b;
  double all_x = x->work + x->wait, all_y = y->work + y->wait;

  if (all_x != all_y)
    return all_x < all_y ? 1 : -1;
  return strcmp (x->op, y->op);
}

static Sum *
find_sum (GArray *sums, const char *op)
{
  for (guint i = 0; i < sums->len; i++)
    if (g_str_equal (g_array_index (sums, Sum, i).op, op))
      return &g_array_index (sums, Sum, i);
  Sum sum = { .op = op };
  g_array_append_val (sums, sum);
  return &g_array_index (sums, Sum, sums->len - 1);
}

/* One step that another program interrupted must not decide what an operator takes: medians. */
static GArray *
sum_up (AppTimelineFeed *self)
{
  GArray *sums = g_array_new (FALSE, FALSE, sizeof (Sum));

  for (guint i = 0; i < self->spans->len; i++)
    {
      const PlotTimelineSpan *span = &g_array_index (self->spans, PlotTimelineSpan, i);
      guint step = g_array_index (self->step_of, guint, i);

      if (span->item < 0 || step >= ENG_TIMELINE_STEPS)
        continue;
      Sum *sum = find_sum (sums, eng_profile_get_node_op (self->profile, (guint)span->item));
      sum->work_ns[step] += (double)(span->wait_ns - span->start_ns);
      sum->wait_ns[step] += (double)(span->end_ns - span->wait_ns);
    }
  for (guint i = 0; i < sums->len; i++)
    {
      Sum *sum = &g_array_index (sums, Sum, i);

      sum->work = median (sum->work_ns, MIN (self->lengths->len, ENG_TIMELINE_STEPS));
      sum->wait = median (sum->wait_ns, MIN (self->lengths->len, ENG_TIMELINE_STEPS));
    }
  if (sums->len > 1)
    qsort (sums->data, sums->len, sizeof (Sum), compare_sums);
  return sums;
}

PlotTable *
app_timeline_feed_make_summary (AppTimelineFeed *self)
{
  const PlotUnit ns = PLOT_UNIT_NS, percent = PLOT_UNIT_PERCENT;
  g_autoptr (GArray) sums = sum_up (self);
  PlotTable *table = plot_table_new (_ ("Time of the threads by operator"));
  double all = 0;

  plot_table_add_column (table, _ ("Operator"), NULL);
  plot_table_add_column (table, _ ("Share"), &percent);
  plot_table_add_column (table, _ ("Working, median"), &ns);
  plot_table_add_column (table, _ ("Waiting, median"), &ns);
  plot_table_add_column (table, _ ("Waiting share"), &percent);
  for (guint i = 0; i < sums->len; i++)
    all += g_array_index (sums, Sum, i).work + g_array_index (sums, Sum, i).wait;
  for (guint i = 0; i < sums->len; i++)
    {
      const Sum *sum = &g_array_index (sums, Sum, i);
      double own = sum->work + sum->wait;
      guint row = plot_table_add_row (table);

      plot_table_set_text (table, row, 0, sum->op);
      plot_table_set_number (table, row, 1, all > 0 ? own / all : 0);
      plot_table_set_number (table, row, 2, sum->work);
      plot_table_set_number (table, row, 3, sum->wait);
      plot_table_set_number (table, row, 4, own > 0 ? sum->wait / own : 0);
    }
  return table;
}

static int
compare_lengths (const void *a, const void *b)
{
  gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

  return (x > y) - (x < y);
}

char *
app_timeline_feed_dup_caption (AppTimelineFeed *self)
{
  const PlotUnit unit = PLOT_UNIT_NS;
  guint n = self->lengths->len, n_threads = eng_timeline_get_n_threads (self->timeline);
  g_autofree gint64 *sorted = g_memdup2 (self->lengths->data, n * sizeof (gint64));
  gint64 all = self->work_ns + self->wait_ns;

  qsort (sorted, n, sizeof (gint64), compare_lengths);
  double median = n % 2 == 1 ? (double)sorted[n / 2]
                             : ((double)sorted[n / 2 - 1] + (double)sorted[n / 2]) / 2;
  g_autofree char *length = plot_format_value (&unit, median, 3);
  g_autofree char *steps
      = self->phase == RT_PHASE_INFERENCE
            ? g_strdup_printf (ngettext ("%u instrumented inference", "%u instrumented inferences",
                                         n),
                               n)
            : g_strdup_printf (ngettext ("%u instrumented step", "%u instrumented steps", n), n);
  g_autofree char *threads
      = g_strdup_printf (ngettext ("%u thread", "%u threads", n_threads), n_threads);
  /* Translators: steps, duration, threads, percent */
  return g_strdup_printf (_ ("The last %s, %s each · %s, waiting %.1f\u202f%% of their time"),
                          steps, length, threads,
                          all > 0 ? 100.0 * (double)self->wait_ns / (double)all : 0.0);
}
