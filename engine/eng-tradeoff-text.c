/* The trade-off in words and as documents: labels that say only what differs, the sentence for the
 * best point, CSV and JSON. */
#include "eng-tradeoff-private.h"

#include "eng-json.h"

#include <math.h>
#include <string.h>

/* ---- Labels ---- */

/* How many points have each part of a label. */
static GHashTable *
count_parts (GPtrArray *points)
{
  GHashTable *counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < points->len; i++)
    {
      const EngTradeoffPoint *point = points->pdata[i];
      g_auto (GStrv) parts = g_strsplit (point->label, ", ", -1);

      for (guint k = 0; parts[k] != NULL; k++)
        {
          guint n = GPOINTER_TO_UINT (g_hash_table_lookup (counts, parts[k]));
          g_hash_table_replace (counts, g_strdup (parts[k]), GUINT_TO_POINTER (n + 1));
        }
    }
  return counts;
}

/* The parts of @label that at most @n_most points have. */
static char *
rare_parts (GHashTable *counts, guint n_most, const char *label)
{
  g_auto (GStrv) parts = g_strsplit (label, ", ", -1);
  g_autoptr (GPtrArray) kept = g_ptr_array_new ();

  for (guint i = 0; parts[i] != NULL; i++)
    if (GPOINTER_TO_UINT (g_hash_table_lookup (counts, parts[i])) <= n_most)
      g_ptr_array_add (kept, parts[i]);
  if (kept->len == 0)
    return g_strdup (parts[0] != NULL && parts[0][0] != '\0' ? parts[0] : label);
  g_ptr_array_add (kept, NULL);
  return g_strjoinv (", ", (GStrv)kept->pdata);
}

static gboolean
is_twin (GPtrArray *points, guint i)
{
  const EngTradeoffPoint *point = points->pdata[i];

  for (guint k = 0; k < points->len; k++)
    if (k != i && g_str_equal (((EngTradeoffPoint *)points->pdata[k])->label, point->label))
      return TRUE;
  return FALSE;
}

/* What most points have goes without saying, unless two labels would become one. */
void
eng_tradeoff_shorten_labels (GPtrArray *points)
{
  g_autoptr (GHashTable) counts = count_parts (points);
  g_autoptr (GHashTable) meanings /* short to whole label; "": several */
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint half = points->len / 2;

  for (guint i = 0; i < points->len; i++)
    {
      EngTradeoffPoint *point = points->pdata[i];
      point->short_label = rare_parts (counts, half, point->label);
      const char *meant = g_hash_table_lookup (meanings, point->short_label);
      if (meant == NULL || !g_str_equal (meant, point->label))
        g_hash_table_replace (meanings, g_strdup (point->short_label),
                              meant == NULL ? point->label : (gpointer) "");
    }
  for (guint i = 0; i < points->len; i++)
    {
      EngTradeoffPoint *point = points->pdata[i];
      g_autofree char *text = point->short_label;
      const char *meant = g_hash_table_lookup (meanings, text);

      if (meant[0] == '\0')
        {
          g_free (text);
          text = rare_parts (counts, points->len - 1, point->label);
        }
      /* The same recipe twice: what was run tells them apart. */
      point->short_label = is_twin (points, i) ? g_strdup_printf ("%s · %s", text, point->workload)
                                               : g_steal_pointer (&text);
    }
}

/* ---- Sentences ---- */

static char *
join_limits (const EngTradeoffQuery *query)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < query->n_limits; i++)
    {
      g_autofree char *limit = eng_limit_describe (&query->limits[i]);
      g_string_append_printf (text, "%s%s", i > 0 ? " and " : "", limit);
    }
  return g_string_free (text, FALSE);
}

static gboolean
overlap (const EngFigure *a, const EngFigure *b)
{
  if (isnan (a->low) || isnan (b->low))
    return a->n > 0 || b->n > 0 || a->value == b->value;
  return a->low <= b->high && b->low <= a->high;
}

/* Another allowed point whose interval overlaps that of the best one: nobody knows which is
 * better. */
static const EngTradeoffPoint *
find_rival (const EngTradeoff *self, EngFigureId goal)
{
  const EngTradeoffPoint *best = self->points->pdata[self->best];

  for (guint i = 0; i < self->points->len; i++)
    {
      const EngTradeoffPoint *point = self->points->pdata[i];
      if ((int)i != self->best && !point->estimate && point->allowed >= ENG_LIMIT_CROSSED
          && overlap (&point->figures[goal], &best->figures[goal]))
        return point;
    }
  return NULL;
}

static char *
say_best (const EngTradeoff *self, const EngTradeoffQuery *query, const char *limits)
{
  const EngTradeoffPoint *best = self->points->pdata[self->best];
  gboolean limited_y = FALSE, limited_x = FALSE;

  for (guint i = 0; i < query->n_limits; i++)
    {
      limited_x |= query->limits[i].id == self->x;
      limited_y |= query->limits[i].id == self->y;
    }
  EngFigureId goal = limited_y && !limited_x ? self->x : self->y;
  const EngTradeoffPoint *rival = find_rival (self, goal);
  g_autofree char *value = eng_figure_format (&best->figures[goal]);
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "Best with %s: %s. Of %u allowed %s it has the %s %s, %s", limits,
                          best->short_label, self->n_allowed,
                          self->n_allowed == 1 ? "point" : "points",
                          eng_figure_id_lower_is_better (goal) ? "lowest" : "highest",
                          eng_figure_id_title (goal), value);
  if (rival != NULL)
    g_string_append_printf (text, "; %s cannot be told from it", rival->short_label);
  if (best->allowed == ENG_LIMIT_CROSSED)
    g_string_append (text, "; its interval crosses the limit");
  g_string_append_c (text, '.');
  return g_string_free (text, FALSE);
}

static char *
say_none (const EngTradeoff *self, const char *limits)
{
  guint n_unknown = 0, n = 0;

  for (guint i = 0; i < self->points->len; i++)
    {
      const EngTradeoffPoint *point = self->points->pdata[i];
      n += !point->estimate;
      n_unknown += !point->estimate && point->allowed == ENG_LIMIT_UNKNOWN;
    }
  if (n == 0)
    return g_strdup_printf ("Nothing has been measured that could hold %s.", limits);
  if (n_unknown > 0)
    return g_strdup_printf (
        "None of the %u points is known to hold %s; of %u the limited figure is "
        "not known.",
        n, limits, n_unknown);
  return g_strdup_printf (
      "None of the %u points holds %s. Loosen the limit, or try another recipe.", n, limits);
}

static guint
count_different (GPtrArray *points, gsize offset)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < points->len; i++)
    {
      const EngTradeoffPoint *point = points->pdata[i];
      if (!point->estimate && !point->evaluation)
        g_hash_table_add (seen, G_STRUCT_MEMBER (char *, point, offset));
    }
  return g_hash_table_size (seen);
}

static char *
say_caveat (const EngTradeoff *self)
{
  guint n_workloads = count_different (self->points, G_STRUCT_OFFSET (EngTradeoffPoint, workload));
  guint n_devices = count_different (self->points, G_STRUCT_OFFSET (EngTradeoffPoint, device));

  if (!eng_figure_id_is_timed (self->x) && !eng_figure_id_is_timed (self->y))
    return NULL;
  if (n_devices > 1)
    return g_strdup_printf ("Runs of %u devices: figures of different devices do not compete.",
                            n_devices);
  if (n_workloads > 1)
    return g_strdup_printf (
        "Runs of %u workloads: times depend on what is run. Choose one to compare strictly.",
        n_workloads);
  return NULL;
}

void
eng_tradeoff_write_sentences (EngTradeoff *self, const EngTradeoffQuery *query)
{
  self->caveat = say_caveat (self);
  if (query->n_limits == 0)
    return;
  g_autofree char *limits = join_limits (query);
  self->sentence = self->best >= 0 ? say_best (self, query, limits) : say_none (self, limits);
}

/* ---- CSV (RFC 4180) ---- */

static void
add_cell (GString *csv, const char *text)
{
  if (csv->len > 0 && csv->str[csv->len - 1] != '\n')
    g_string_append_c (csv, ',');
  if (text == NULL || strpbrk (text, ",\"\r\n") == NULL)
    {
      g_string_append (csv, text != NULL ? text : "");
      return;
    }
  g_autofree char *quoted = NULL;
  g_auto (GStrv) parts = g_strsplit (text, "\"", -1);
  quoted = g_strjoinv ("\"\"", parts);
  g_string_append_printf (csv, "\"%s\"", quoted);
}

static void
add_number (GString *csv, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  add_cell (csv, isfinite (value) ? g_ascii_formatd (text, sizeof text, "%.9g", value) : "");
}

static void
add_figure (GString *csv, const EngFigure *figure)
{
  add_number (csv, figure->available ? figure->value : NAN);
  add_number (csv, figure->available ? figure->low : NAN);
  add_number (csv, figure->available ? figure->high : NAN);
}

static const char *
state_name (const EngTradeoffPoint *point)
{
  return point->estimate ? "estimate" : eng_validity_name (point->validity);
}

static const char *
allowed_name (const EngTradeoffPoint *point)
{
  static const char *const names[] = { "unknown", "no", "crossed", "yes" };
  return names[point->allowed];
}

static void
add_row (const EngTradeoff *self, GString *csv, const EngTradeoffPoint *point, gboolean best)
{
  g_autofree char *runs = g_strdup_printf ("%u", point->n_runs);

  add_cell (csv, point->label);
  add_cell (csv, point->model_name);
  add_cell (csv, point->workload);
  add_cell (csv, point->device);
  add_cell (csv, state_name (point));
  add_figure (csv, &point->figures[self->x]);
  add_figure (csv, &point->figures[self->y]);
  add_cell (csv, point->missing != NULL ? "" : eng_pareto_state_name (point->pareto));
  add_cell (csv, point->missing != NULL ? "" : allowed_name (point));
  add_cell (csv, best ? "yes" : "no");
  add_cell (csv, runs);
  add_cell (csv, point->run_id);
  add_cell (csv, point->build_hash);
  add_cell (csv, point->missing);
  g_string_append (csv, "\r\n");
}

char *
eng_tradeoff_to_csv (const EngTradeoff *self)
{
  static const char *const before[] = { "recipe", "model", "workload", "device", "state" };
  static const char *const behind[]
      = { "pareto", "allowed", "best", "runs", "run_id", "build_sha256", "missing" };
  static const char *const suffixes[] = { "", "_low95", "_high95" };
  EngFigureId axes[] = { self->x, self->y };
  GString *csv = g_string_new (NULL);

  g_return_val_if_fail (self != NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (before); i++)
    add_cell (csv, before[i]);
  for (guint a = 0; a < 2; a++)
    for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
      {
        g_autofree char *name = g_strconcat (eng_figure_id_name (axes[a]), suffixes[i], NULL);
        add_cell (csv, name);
      }
  for (guint i = 0; i < G_N_ELEMENTS (behind); i++)
    add_cell (csv, behind[i]);
  g_string_append (csv, "\r\n");
  for (guint i = 0; i < self->points->len; i++)
    add_row (self, csv, self->points->pdata[i], (int)i == self->best);
  for (guint i = 0; i < self->missing->len; i++)
    add_row (self, csv, self->missing->pdata[i], FALSE);
  return g_string_free (csv, FALSE);
}

/* ---- JSON ---- */

static void
write_figure (JsonBuilder *builder, EngFigureId id, const EngFigure *figure)
{
  EngFigure shown = *figure;

  shown.unit = eng_figure_id_unit (id);
  eng_json_add_figure (builder, eng_figure_id_name (id), &shown);
}

static void
write_point (const EngTradeoff *self, JsonBuilder *builder, const EngTradeoffPoint *point)
{
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "run_id", point->run_id);
  eng_json_add_string (builder, "recipe_text", point->label);
  json_builder_set_member_name (builder, "recipe");
  g_autofree char *recipe = point->recipe != NULL ? eng_recipe_to_json (point->recipe) : NULL;
  JsonNode *node = recipe != NULL ? json_from_string (recipe, NULL) : NULL;
  if (node != NULL)
    json_builder_add_value (builder, node);
  else
    json_builder_add_null_value (builder);
  eng_json_add_string (builder, "model_name", point->model_name);
  eng_json_add_string (builder, "model_sha256", point->model_hash);
  eng_json_add_string (builder, "build_sha256", point->build_hash);
  eng_json_add_string (builder, "workload", point->workload);
  eng_json_add_string (builder, "device", point->device);
  eng_json_add_string (builder, "state", state_name (point));
  eng_json_add_int (builder, "runs", point->n_runs);
  write_figure (builder, self->x, &point->figures[self->x]);
  if (self->y != self->x)
    write_figure (builder, self->y, &point->figures[self->y]);
  if (point->missing != NULL)
    eng_json_add_string (builder, "missing", point->missing);
  else
    {
      eng_json_add_string (builder, "pareto", eng_pareto_state_name (point->pareto));
      eng_json_add_string (builder, "allowed", allowed_name (point));
    }
  json_builder_end_object (builder);
}

static void
write_points (const EngTradeoff *self, JsonBuilder *builder, const char *name, GPtrArray *points)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < points->len; i++)
    write_point (self, builder, points->pdata[i]);
  json_builder_end_array (builder);
}

char *
eng_tradeoff_to_json (const EngTradeoff *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  JsonBuilder *builder = json_builder_new ();
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "x", eng_figure_id_name (self->x));
  eng_json_add_string (builder, "y", eng_figure_id_name (self->y));
  eng_json_add_string (builder, "evaluated_on", self->set);
  eng_json_add_string (builder, "caveat", self->caveat);
  write_points (self, builder, "points", self->points);
  json_builder_set_member_name (builder, "front");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->front->len; i++)
    json_builder_add_int_value (builder, g_array_index (self->front, guint, i));
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "best");
  if (self->best >= 0)
    json_builder_add_int_value (builder, self->best);
  else
    json_builder_add_null_value (builder);
  eng_json_add_string (builder, "sentence", self->sentence);
  write_points (self, builder, "missing", self->missing);
  json_builder_end_object (builder);
  return eng_json_builder_finish (builder, TRUE);
}
