/* The model of a run, as far as a run keeps it. Called by the makers, writers and readers of runs
 * and by the trade-off, which shows runs of several files of one network together. */
#include "eng-run-model.h"

#include "eng-json.h"

#include <math.h>

void
eng_run_model_init (EngRunModel *self, EngModel *model)
{
  *self = (EngRunModel){ .known = TRUE,
                         .kind = eng_model_get_kind (model),
                         .arch = g_strdup (eng_model_get_arch (model)),
                         .n_layers = eng_model_get_n_layers (model),
                         .n_params = eng_model_get_n_params (model) };
}

void
eng_run_model_clear (EngRunModel *self)
{
  g_clear_pointer (&self->arch, g_free);
  self->known = FALSE;
}

void
eng_run_model_write (const EngRunModel *self, JsonBuilder *builder)
{
  if (!self->known)
    return;
  json_builder_set_member_name (builder, "model");
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "kind", self->kind == ENG_MODEL_LANGUAGE ? "language" : "network");
  eng_json_add_string (builder, "architecture", self->arch);
  eng_json_add_int (builder, "layers", self->n_layers);
  eng_json_add_int (builder, "parameters", (gint64)self->n_params);
  json_builder_end_object (builder);
}

void
eng_run_model_read (EngRunModel *self, JsonObject *run)
{
  JsonObject *object = eng_json_get_object (run, "model");

  eng_run_model_clear (self);
  if (object == NULL)
    return;
  *self = (EngRunModel){ .known = TRUE,
                         .kind = g_strcmp0 (eng_json_get_string (object, "kind"), "network") == 0
                                     ? ENG_MODEL_NETWORK
                                     : ENG_MODEL_LANGUAGE,
                         .arch = g_strdup (eng_json_get_string (object, "architecture")),
                         .n_layers
                         = (guint)CLAMP (eng_json_get_int (object, "layers", 0), 0, G_MAXINT),
                         .n_params = (guint64)MAX (0, eng_json_get_int (object, "parameters", 0)) };
}

gboolean
eng_run_model_same_network (const EngRunModel *a, const EngRunModel *b)
{
  double params_a = (double)a->n_params, params_b = (double)b->n_params;

  /* Blocks of a network are found by names, which its files may write differently. */
  return a->known && b->known && a->kind == b->kind && g_strcmp0 (a->arch, b->arch) == 0
         && (a->kind == ENG_MODEL_NETWORK || a->n_layers == b->n_layers)
         && fabs (params_a - params_b) <= 0.02 * fmax (params_a, params_b);
}
