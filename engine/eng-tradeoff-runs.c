/* Reading runs for the trade-off: from the history's headers, from runs, and estimates. Knows
 * nothing of points. */
#include "eng-tradeoff-private.h"

#include "eng-json.h"
#include "eval/eng-text-set.h"

#include <math.h>
#include <string.h>

static void
run_free (gpointer data)
{
  EngTradeoffRun *run = data;

  g_free (run->id);
  g_free (run->model_name);
  g_free (run->model_hash);
  g_free (run->build_hash);
  g_free (run->recipe_text);
  g_free (run->workload_key);
  g_free (run->workload);
  g_free (run->device);
  g_free (run->set);
  eng_run_model_clear (&run->model);
  g_clear_pointer (&run->recipe, eng_recipe_unref);
  g_free (run);
}

EngTradeoffRuns *
eng_tradeoff_runs_new (void)
{
  EngTradeoffRuns *self = g_new0 (EngTradeoffRuns, 1);

  self->runs = g_ptr_array_new_with_free_func (run_free);
  self->known = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
eng_tradeoff_runs_free (EngTradeoffRuns *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->known);
  g_ptr_array_unref (self->runs);
  g_free (self);
}

void
eng_tradeoff_runs_clear (EngTradeoffRuns *self)
{
  g_return_if_fail (self != NULL);

  g_hash_table_remove_all (self->known);
  g_ptr_array_set_size (self->runs, 0);
}

gboolean
eng_figure_id_is_evaluated (EngFigureId id)
{
  return eng_figure_id_is_accuracy (id) || id == ENG_FIGURE_ACCURACY_PER_JOULE
         || id == ENG_FIGURE_ACCURACY_PER_JOULE_MODEL;
}

gboolean
eng_figure_id_is_timed (EngFigureId id)
{
  return id != ENG_FIGURE_PEAK_MEMORY && id != ENG_FIGURE_WEIGHTS
         && !eng_figure_id_is_evaluated (id);
}

/* ---- Words ---- */

#define MAX_PROMPT 32

static char *
first_words (const char *text)
{
  g_autofree char *line = g_strdelimit (g_strdup (text), "\r\n\t", ' ');

  g_strstrip (line);
  if (g_utf8_strlen (line, -1) <= MAX_PROMPT)
    return g_steal_pointer (&line);
  g_autofree char *cut = g_utf8_substring (line, 0, MAX_PROMPT);
  return g_strconcat (g_strchomp (cut), "…", NULL);
}

static char *
describe_text (JsonObject *workload)
{
  const char *prompt = eng_json_get_string (workload, "prompt");
  g_autofree char *words = first_words (prompt != NULL ? prompt : "");

  return g_strdup_printf ("“%s”, %d tokens", words,
                          (int)eng_json_get_int (workload, "max_tokens", 0));
}

static char *
describe_input (JsonObject *workload)
{
  g_auto (GStrv) inputs = eng_json_dup_strv (workload, "inputs");
  double seconds = eng_json_get_double (workload, "seconds");
  double rate = eng_json_get_double (workload, "rate_hz");
  GString *text = g_string_new (NULL);

  if (inputs[0] == NULL)
    g_string_append (text, "random input");
  else
    {
      g_autofree char *name = g_path_get_basename (inputs[0]);
      g_string_append (text, name);
      if (g_strv_length (inputs) > 1)
        g_string_append_printf (text, " and %u more", g_strv_length (inputs) - 1);
    }
  if (rate > 0)
    g_string_append_printf (text, ", %g a second", rate);
  else if (seconds > 0)
    g_string_append (text, ", continuous");
  return g_string_free (text, FALSE);
}

/* ---- The header ---- */

static void
read_workload (EngTradeoffRun *run, JsonObject *header)
{
  JsonObject *workload = eng_json_get_object (header, "workload");

  if (workload == NULL)
    return;
  g_clear_pointer (&run->workload_key, g_free);
  g_clear_pointer (&run->workload, g_free);
  run->workload_key = eng_json_to_text (json_object_get_member (header, "workload"), FALSE);
  run->kind = g_strcmp0 (eng_json_get_string (workload, "kind"),
                         eng_workload_kind_name (ENG_WORKLOAD_INPUT))
                      == 0
                  ? ENG_WORKLOAD_INPUT
                  : ENG_WORKLOAD_TEXT;
  if (eng_json_get_bool (workload, "labelled", FALSE))
    {
      g_auto (GStrv) inputs = eng_json_dup_strv (workload, "inputs");
      run->set = g_strdup (inputs[0] != NULL ? inputs[0] : "");
      g_autofree char *name = eng_data_dup_title (run->set);
      run->workload = g_strdup_printf ("evaluation on %s", name);
    }
  else
    run->workload
        = run->kind == ENG_WORKLOAD_INPUT ? describe_input (workload) : describe_text (workload);
}

static void
read_device (EngTradeoffRun *run, JsonObject *header)
{
  JsonObject *machine = eng_json_get_object (header, "machine");
  const char *cpu = machine != NULL ? eng_json_get_string (machine, "cpu") : NULL;
  const char *device = machine != NULL ? eng_json_get_string (machine, "device") : NULL;

  g_free (run->device);
  if (device != NULL)
    run->device = g_strdup_printf ("%s (%s, %d CPUs)", device,
                                   cpu != NULL ? cpu : "processor unknown",
                                   (int)eng_json_get_int (machine, "cpus", 0));
  else if (cpu == NULL)
    run->device = g_strdup ("unknown device");
  else
    run->device = g_strdup_printf ("%s, %d CPUs", cpu, (int)eng_json_get_int (machine, "cpus", 0));
}

static void
read_header (EngTradeoffRun *run, const char *text)
{
  g_autoptr (JsonNode) root = text != NULL ? eng_json_parse_object (text, "run", NULL) : NULL;
  JsonObject *header = root != NULL ? json_node_get_object (root) : NULL;

  run->workload_key = g_strdup ("");
  run->workload = g_strdup ("unknown workload");
  run->device = g_strdup ("unknown device");
  if (header == NULL)
    return;
  read_workload (run, header);
  read_device (run, header);
  eng_run_model_read (&run->model, header);
  if (eng_json_get_object (header, "recipe") != NULL)
    {
      g_autofree char *recipe = eng_json_to_text (json_object_get_member (header, "recipe"), FALSE);
      run->recipe = eng_recipe_from_json (recipe, NULL);
    }
}

/* ---- Adding ---- */

static gint
compare_newest_first (gconstpointer a, gconstpointer b)
{
  const EngTradeoffRun *x = *(EngTradeoffRun *const *)a, *y = *(EngTradeoffRun *const *)b;
  return (x->time < y->time) - (x->time > y->time);
}

static void
take (EngTradeoffRuns *self, EngTradeoffRun *run)
{
  g_ptr_array_add (self->runs, run);
  if (run->id != NULL)
    g_hash_table_add (self->known, run->id);
}

void
eng_tradeoff_runs_add (EngTradeoffRuns *self, EngRun *source)
{
  g_return_if_fail (self != NULL && ENG_IS_RUN (source));

  if (g_hash_table_contains (self->known, eng_run_get_id (source)))
    return;

  EngTradeoffRun *run = g_new0 (EngTradeoffRun, 1);
  g_autofree char *document = eng_run_to_json (source); /* has what a header has */
  run->id = g_strdup (eng_run_get_id (source));
  run->model_name = g_strdup (eng_run_get_model_name (source));
  run->model_hash = g_strdup (eng_run_get_model_hash (source));
  run->build_hash = g_strdup (eng_run_get_build_hash (source));
  run->recipe_text = eng_run_dup_recipe_text (source);
  run->time = eng_run_get_time (source);
  run->validity = eng_run_get_validity (source);
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    run->figures[id] = eng_run_get_figure (source, id);
  read_header (run, document);
  take (self, run);
  g_ptr_array_sort (self->runs, compare_newest_first);
}

static EngTradeoffRun *
run_from_entry (const EngHistoryEntry *entry)
{
  EngTradeoffRun *run = g_new0 (EngTradeoffRun, 1);

  run->id = g_strdup (entry->id);
  run->model_name = g_strdup (entry->model_name);
  run->model_hash = g_strdup (entry->model_hash);
  run->build_hash = g_strdup (entry->build_hash);
  run->recipe_text = g_strdup (entry->recipe);
  run->time = entry->time;
  run->validity = entry->validity;
  memcpy (run->figures, entry->figures, sizeof run->figures);
  read_header (run, entry->header);
  return run;
}

gboolean
eng_tradeoff_runs_add_history (EngTradeoffRuns *self, EngHistory *history, GError **error)
{
  g_return_val_if_fail (self != NULL && ENG_IS_HISTORY (history), FALSE);

  g_autoptr (GPtrArray) entries = eng_history_list (history, NULL, error);
  if (entries == NULL)
    return FALSE;
  for (guint i = 0; i < entries->len; i++)
    {
      const EngHistoryEntry *entry = entries->pdata[i];
      if (!g_hash_table_contains (self->known, entry->id))
        take (self, run_from_entry (entry));
    }
  g_ptr_array_sort (self->runs, compare_newest_first);
  return TRUE;
}

void
eng_tradeoff_runs_set_estimate (EngTradeoffRuns *self, const char *model_hash, EngWorkloadKind kind,
                                EngRecipe *recipe, const EngFigure *figures)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (recipe == NULL || (model_hash != NULL && figures != NULL));

  for (guint i = self->runs->len; i-- > 0;)
    if (((EngTradeoffRun *)self->runs->pdata[i])->estimate)
      g_ptr_array_remove_index (self->runs, i);
  if (recipe == NULL)
    return;

  EngTradeoffRun *run = g_new0 (EngTradeoffRun, 1);
  run->model_hash = g_strdup (model_hash);
  run->model_name = g_strdup ("");
  run->build_hash = g_strdup ("");
  run->recipe = eng_recipe_ref (recipe);
  run->recipe_text
      = eng_recipe_describe_for (recipe, kind == ENG_WORKLOAD_INPUT ? ENG_MODEL_NETWORK
                                                                    : ENG_MODEL_LANGUAGE);
  run->kind = kind;
  run->workload_key = g_strdup ("");
  run->workload = g_strdup ("estimate");
  run->device = g_strdup ("this device");
  run->time = G_MAXINT64; /* newer than all */
  run->estimate = TRUE;
  memcpy (run->figures, figures, sizeof run->figures);
  take (self, run);
  g_ptr_array_sort (self->runs, compare_newest_first);
}
