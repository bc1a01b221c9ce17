/* Builds for runners. Called by deployments and by `lathe convert`; the layout of the file is the
 * runtime's (rt-build-file.c). */
#include "eng-build-file.h"

#include "eng-build-private.h"
#include "eng-error.h"
#include "eng-json.h"
#include "eng-model-private.h"
#include "rt-build-file.h"

/* What the file says of itself, for people and for programs that find it. */
static char *
dup_info (EngBuild *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *recipe = eng_recipe_to_json (self->recipe);
  g_autofree char *words = eng_recipe_describe (self->recipe);

  json_builder_begin_object (builder);
  eng_json_add_string (builder, "made_by", "Lathe " LATHE_VERSION);
  eng_json_add_string (builder, "model", eng_model_get_name (self->model));
  eng_json_add_string (builder, "model_identity", eng_model_get_identity (self->model));
  eng_json_add_string (builder, "build_sha256", self->hash);
  eng_json_add_string (builder, "recipe_words", words);
  json_builder_set_member_name (builder, "recipe");
  json_builder_add_value (builder, json_from_string (recipe, NULL));
  json_builder_end_object (builder);
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  return eng_json_to_text (root, FALSE);
}

static bool
on_progress (uint64_t n_done, uint64_t n_all, void *data)
{
  EngJob *job = data;

  eng_job_report (job, "Writing the build", (double)n_done / (double)n_all);
  return !g_cancellable_is_cancelled (eng_job_get_cancellable (job));
}

gboolean
eng_build_write_file (EngBuild *self, const char *path, EngJob *job, char **sha256, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (self) && self->exec != NULL && path != NULL, FALSE);

  g_autofree char *info = dup_info (self);
  RtBuildParts parts
      = { .graph = self->graph, .weights = rt_exec_weights (self->exec), .info = info };
  uint8_t digest[RT_SHA256_BYTES];
  char text[2 * RT_SHA256_BYTES + 1];
  RtError rt_error = { 0 };

  g_strlcpy (parts.config.hash, self->hash, sizeof parts.config.hash);
  eng_build_get_max_symbols (self, parts.config.max_symbols);
  parts.config.max_symbols[1] = MAX (self->n_outputs, 1);
  parts.config.kv_format = self->kv_format;
  parts.config.kv_capacity = self->n_ctx;
  parts.config.planner = self->planner;
  parts.config.n_threads = self->n_threads;
  parts.config.is_language = eng_model_get_kind (self->model) == ENG_MODEL_LANGUAGE;
  if (!rt_build_write (path, &parts, job != NULL ? on_progress : NULL, job, digest, &rt_error))
    return eng_error_take_rt (&rt_error, error);
  if (sha256 != NULL)
    *sha256 = g_strdup (rt_sha256_text (digest, text));
  return TRUE;
}
