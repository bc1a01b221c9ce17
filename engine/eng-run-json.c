/* A run from and to its JSON document: what the history keeps and what is exported. Units are in
 * the field names; a figure that is not available is null with its reason. */
#include "eng-energy-private.h"
#include "eng-error.h"
#include "eng-json.h"
#include "eng-profile-private.h"
#include "eng-run-private.h"
#include "eng-run-verdict.h"

#include <math.h>

#define FORMAT_KEY "lathe-run"
#define FORMAT_VERSION 1

/* ---- Writing ---- */

/* The object's members, and its end. Endless is null: JSON has no infinity. */
static void
write_input_workload (JsonBuilder *builder, const EngWorkload *workload)
{
  g_autofree char *seed = g_strdup_printf ("%" G_GUINT64_FORMAT, workload->input_seed);

  eng_json_add_strv (builder, "inputs", (const char *const *)workload->inputs);
  eng_json_add_string (builder, "seed", seed);
  eng_json_add_int (builder, "repeats", workload->n_repeats);
  eng_json_add_double (builder, "seconds", workload->seconds);
  eng_json_add_double (builder, "rate_hz", workload->rate_hz);
  eng_json_add_bool (builder, "labelled", workload->labelled);
  json_builder_end_object (builder);
}

static void
write_workload (JsonBuilder *builder, const EngWorkload *workload)
{
  g_autofree char *seed = g_strdup_printf ("%" G_GUINT64_FORMAT, (guint64)workload->sampler.seed);

  json_builder_set_member_name (builder, "workload");
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "kind", eng_workload_kind_name (workload->kind));
  eng_json_add_double (builder, "interval_width", workload->interval_width);
  eng_json_add_double (builder, "budget_s", workload->budget_s);
  if (workload->kind == ENG_WORKLOAD_INPUT)
    {
      write_input_workload (builder, workload);
      return;
    }
  if (workload->labelled)
    {
      eng_json_add_strv (builder, "inputs", (const char *const *)workload->inputs);
      eng_json_add_bool (builder, "labelled", TRUE);
      json_builder_end_object (builder);
      return;
    }
  eng_json_add_string (builder, "prompt", workload->prompt);
  eng_json_add_string (builder, "system", workload->system);
  eng_json_add_bool (builder, "chat", workload->chat);
  eng_json_add_int (builder, "max_tokens", workload->n_predict);
  eng_json_add_bool (builder, "ignore_end", workload->ignore_end);
  eng_json_add_double (builder, "temperature", (double)workload->sampler.temperature);
  eng_json_add_int (builder, "top_k", workload->sampler.top_k);
  eng_json_add_double (builder, "top_p", (double)workload->sampler.top_p);
  eng_json_add_double (builder, "min_p", (double)workload->sampler.min_p);
  eng_json_add_string (builder, "seed", seed); /* 64 bits do not fit a JSON number */
  json_builder_end_object (builder);
}

/* Our own text of JSON as a member, not as a string in a string. */
static void
write_embedded (JsonBuilder *builder, const char *name, const char *json)
{
  g_autoptr (JsonNode) node = json != NULL ? json_from_string (json, NULL) : NULL;
  json_builder_set_member_name (builder, name);
  if (node != NULL)
    json_builder_add_value (builder, g_steal_pointer (&node));
  else
    json_builder_add_null_value (builder);
}

/* Why the repeats of each headline figure ended. */
static void
write_ended (JsonBuilder *builder, EngRun *self)
{
  json_builder_set_member_name (builder, "ended_by");
  json_builder_begin_object (builder);
  for (guint i = 0; i < ENG_N_FIGURES; i++)
    if (self->ended[i] != RT_REPEAT_MORE)
      eng_json_add_string (builder, eng_figure_id_name (i),
                           rt_repeat_verdict_name (self->ended[i]));
  json_builder_end_object (builder);
}

char *
eng_run_to_json (EngRun *self)
{
  JsonBuilder *builder = json_builder_new ();
  g_autofree char *recipe = eng_recipe_to_json (self->recipe);

  json_builder_begin_object (builder);
  eng_json_add_int (builder, FORMAT_KEY, FORMAT_VERSION);
  eng_json_add_string (builder, "id", self->id);
  eng_json_add_int (builder, "time_unix_s", self->time);
  eng_json_add_string (builder, "engine_version", self->engine_version);
  eng_json_add_string (builder, "model_name", self->model_name);
  if (self->model_file != NULL)
    eng_json_add_string (builder, "model_file", self->model_file);
  eng_json_add_string (builder, "model_sha256", self->model_hash);
  eng_run_model_write (&self->model, builder);
  eng_json_add_string (builder, "build_sha256", self->build_hash);
  eng_json_add_string (builder, "isa", self->isa);
  eng_json_add_int (builder, "threads", self->n_threads);
  eng_json_add_int (builder, "context_tokens", self->n_ctx);
  eng_json_add_string (builder, "validity", eng_validity_name (self->validity));
  eng_json_add_strv (builder, "reasons", (const char *const *)self->reasons);
  eng_json_add_strv (builder, "notes", (const char *const *)self->notes);
  eng_json_add_string (builder, "stop", self->stop);
  write_ended (builder, self);
  if (self->workload->kind == ENG_WORKLOAD_TEXT)
    {
      eng_json_add_int (builder, "prompt_tokens", self->n_prompt);
      eng_json_add_int (builder, "generated_tokens", self->n_generated);
    }
  else
    eng_json_add_int (builder, "inferences", self->n_inferences);
  json_builder_set_member_name (builder, "figures");
  json_builder_begin_object (builder);
  for (guint i = 0; i < ENG_N_FIGURES; i++)
    if (eng_figure_id_applies (i, self->workload->kind)
        && (self->figures[i].available || i < ENG_FIGURE_PERPLEXITY
            || !(eng_figure_id_is_accuracy (i) || eng_figure_id_is_speculation (i))))
      eng_json_add_figure (builder, eng_figure_id_name (i), &self->figures[i]);
  json_builder_end_object (builder);
  write_embedded (builder, "recipe", recipe);
  write_workload (builder, self->workload);
  write_embedded (builder, "machine", self->machine_json);
  eng_json_add_string (builder, "text", self->text);
  if (self->result != NULL)
    {
      g_autofree char *result = eng_result_to_json (self->result);
      write_embedded (builder, "result", result);
    }
  if (self->evaluation != NULL)
    eng_evaluation_write (self->evaluation, builder, "evaluation");
  eng_conditions_write (&self->conditions, builder);
  if (self->energy != NULL)
    eng_energy_write (self->energy, self->profile, builder);
  eng_run_estimate_write (self->estimate, builder, "estimate");
  eng_run_verdicts_write (self->verdicts, builder, "verdicts");
  eng_profile_write (self->profile, builder, "profile");
  if (self->timeline != NULL)
    eng_timeline_write (self->timeline, builder, "timeline");
  if (self->speculation != NULL)
    eng_speculation_write (self->speculation, builder, "speculation");
  json_builder_end_object (builder);
  return eng_json_builder_finish (builder, FALSE);
}

/* ---- Reading ---- */

static EngFigure
read_figure (JsonObject *figures, EngFigureId id)
{
  return eng_json_get_figure (figures, eng_figure_id_name (id), eng_figure_id_unit (id),
                              eng_figure_id_is_speculation (id) ? "the recipe drafts nothing"
                                                                : "not recorded");
}

static guint
get_count (JsonObject *object, const char *name)
{
  return (guint)CLAMP (eng_json_get_int (object, name, 0), 0, G_MAXINT);
}

static double
get_positive (JsonObject *object, const char *name)
{
  double value = eng_json_get_double (object, name);
  return value > 0 ? value : 0;
}

/* Absent in runs of earlier versions: what new ones have. */
static void
read_precision (EngWorkload *workload, JsonObject *object)
{
  double width = eng_json_get_double (object, "interval_width");
  double budget = eng_json_get_double (object, "budget_s");

  if (width >= 0)
    workload->interval_width = width;
  if (budget > 0)
    workload->budget_s = budget;
}

static void
read_ended (EngRun *self, JsonObject *object)
{
  for (guint i = 0; object != NULL && i < ENG_N_FIGURES; i++)
    {
      const char *name = eng_json_get_string (object, eng_figure_id_name (i));
      for (RtRepeatVerdict v = RT_REPEAT_MORE; name != NULL && v <= RT_REPEAT_ENOUGH; v++)
        if (g_str_equal (name, rt_repeat_verdict_name (v)))
          self->ended[i] = v;
    }
}

static EngWorkload *
read_input_workload (JsonObject *object)
{
  g_auto (GStrv) inputs = eng_json_dup_strv (object, "inputs");
  EngWorkload *workload = eng_workload_new_input ((const char *const *)inputs);
  const char *seed = eng_json_get_string (object, "seed");

  workload->input_seed = seed != NULL ? g_ascii_strtoull (seed, NULL, 10) : 0;
  workload->n_repeats = get_count (object, "repeats");
  workload->rate_hz = get_positive (object, "rate_hz");
  workload->labelled = eng_json_get_bool (object, "labelled", FALSE);
  workload->seconds = json_object_has_member (object, "seconds")
                              && json_object_get_null_member (object, "seconds")
                          ? INFINITY
                          : get_positive (object, "seconds");
  return workload;
}

/* Runs of earlier versions name no kind: they are all of text. */
static EngWorkload *
read_workload (JsonObject *object)
{
  if (g_strcmp0 (eng_json_get_string (object, "kind"), eng_workload_kind_name (ENG_WORKLOAD_INPUT))
      == 0)
    return read_input_workload (object);

  EngWorkload *workload = eng_workload_new (eng_json_get_string (object, "prompt"));
  const char *seed = eng_json_get_string (object, "seed");
  double top_p = eng_json_get_double (object, "top_p");
  double temperature = eng_json_get_double (object, "temperature");
  double min_p = eng_json_get_double (object, "min_p");

  workload->labelled = eng_json_get_bool (object, "labelled", FALSE);
  if (workload->labelled)
    workload->inputs = eng_json_dup_strv (object, "inputs");
  workload->system = g_strdup (eng_json_get_string (object, "system"));
  workload->chat = eng_json_get_bool (object, "chat", FALSE);
  workload->n_predict = get_count (object, "max_tokens");
  workload->ignore_end = eng_json_get_bool (object, "ignore_end", FALSE);
  workload->sampler
      = (RtSamplerConfig){ .temperature = isnan (temperature) ? 0 : (float)temperature,
                           .top_k = get_count (object, "top_k"),
                           .top_p = isnan (top_p) ? 1 : (float)top_p,
                           .min_p = isnan (min_p) ? 0 : (float)min_p,
                           .seed = seed != NULL ? g_ascii_strtoull (seed, NULL, 10) : 0 };
  return workload;
}

static char *
dup_embedded (JsonObject *object, const char *name)
{
  JsonObject *member = eng_json_get_object (object, name);
  return member != NULL ? eng_json_to_text (json_object_get_member (object, name), FALSE) : NULL;
}

static EngValidity
read_validity (JsonObject *object)
{
  const char *name = eng_json_get_string (object, "validity");
  for (EngValidity v = ENG_RUN_VALID; v <= ENG_RUN_INVALID; v++)
    if (g_strcmp0 (name, eng_validity_name (v)) == 0)
      return v;
  return ENG_RUN_INVALID; /* what does not say that it is valid is not */
}

static gboolean
read_texts (EngRun *self, JsonObject *object, GError **error)
{
  const char *id, *name, *model_hash, *build_hash, *isa, *version, *stop, *text;

  if (!eng_json_need_string (object, "id", "run", &id, error)
      || !eng_json_need_string (object, "model_name", "run", &name, error)
      || !eng_json_need_string (object, "build_sha256", "run", &build_hash, error))
    return FALSE;
  model_hash = eng_json_get_string (object, "model_sha256");
  isa = eng_json_get_string (object, "isa");
  version = eng_json_get_string (object, "engine_version");
  stop = eng_json_get_string (object, "stop");
  text = eng_json_get_string (object, "text");
  self->id = g_strdup (id);
  self->model_name = g_strdup (name);
  self->model_file = g_strdup (eng_json_get_string (object, "model_file"));
  self->build_hash = g_strdup (build_hash);
  self->model_hash = g_strdup (model_hash != NULL ? model_hash : "");
  self->isa = g_strdup (isa != NULL ? isa : "");
  self->engine_version = g_strdup (version != NULL ? version : "");
  self->stop = g_intern_string (stop != NULL ? stop : "");
  self->text = g_strdup (text != NULL ? text : "");
  return TRUE;
}

EngRun *
eng_run_from_json (const char *json, GError **error)
{
  g_return_val_if_fail (json != NULL, NULL);
  g_autoptr (JsonNode) root = eng_json_parse_object (json, "run", error);
  if (root == NULL)
    return NULL;

  JsonObject *object = json_node_get_object (root);
  JsonObject *profile = eng_json_get_object (object, "profile");
  JsonObject *workload = eng_json_get_object (object, "workload");
  JsonObject *figures = eng_json_get_object (object, "figures");
  g_autofree char *recipe = dup_embedded (object, "recipe");
  gint64 version = eng_json_get_int (object, FORMAT_KEY, 0);
  if (version != FORMAT_VERSION || profile == NULL || workload == NULL || recipe == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   version > FORMAT_VERSION
                       ? "The run was written by a newer Lathe; this program reads version %d"
                       : "This is not a run of version %d: recipe, workload or profile is missing",
                   FORMAT_VERSION);
      return NULL;
    }

  g_autoptr (EngRun) self = g_object_new (ENG_TYPE_RUN, NULL);
  if (!read_texts (self, object, error)
      || (self->recipe = eng_recipe_from_json (recipe, error)) == NULL
      || (self->profile = eng_profile_read (profile, error)) == NULL)
    return NULL;
  JsonObject *timeline = eng_json_get_object (object, "timeline");
  if (timeline != NULL
      && (self->timeline = eng_timeline_read (timeline, self->profile, error)) == NULL)
    return NULL;
  JsonObject *speculation = eng_json_get_object (object, "speculation");
  if (speculation != NULL
      && (self->speculation = eng_speculation_read (speculation, error)) == NULL)
    return NULL;
  JsonObject *evaluation = eng_json_get_object (object, "evaluation");
  if (evaluation != NULL && (self->evaluation = eng_evaluation_read (evaluation, error)) == NULL)
    return NULL;
  self->energy = eng_energy_read (object, self->profile);
  self->time = eng_json_get_int (object, "time_unix_s", 0);
  self->estimate = eng_run_estimate_read (eng_json_get_object (object, "estimate"));
  self->verdicts
      = eng_run_verdicts_read (object, "verdicts", eng_profile_get_n_layers (self->profile));
  eng_run_model_read (&self->model, object);
  self->workload = read_workload (workload);
  read_precision (self->workload, workload);
  eng_conditions_read (&self->conditions, object);
  read_ended (self, eng_json_get_object (object, "ended_by"));
  self->machine_json = dup_embedded (object, "machine");
  if (self->machine_json == NULL)
    self->machine_json = g_strdup ("{}");
  self->validity = read_validity (object);
  self->reasons = eng_json_dup_strv (object, "reasons");
  self->notes = eng_json_dup_strv (object, "notes");
  self->n_prompt = get_count (object, "prompt_tokens");
  self->n_generated = get_count (object, "generated_tokens");
  self->n_inferences = get_count (object, "inferences");
  self->n_threads = get_count (object, "threads");
  self->n_ctx = get_count (object, "context_tokens");
  eng_run_clear_figures (self, self->workload->kind);
  for (guint i = 0; i < ENG_N_FIGURES; i++)
    if (eng_figure_id_applies (i, self->workload->kind))
      self->figures[i] = read_figure (figures, i);
  return g_steal_pointer (&self);
}
