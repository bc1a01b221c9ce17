/* What a run keeps of its model besides name and hash: enough to tell whether another file holds
 * the same network. */
#pragma once

#include <json-glib/json-glib.h>

#include "eng-model.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean known; /* FALSE: a run of a version that did not keep this */
  EngModelKind kind;
  char *arch; /* "llama"; NULL for networks */
  guint n_layers;
  guint64 n_params;
} EngRunModel;

void eng_run_model_init (EngRunModel *self, EngModel *model);
void eng_run_model_clear (EngRunModel *self);

/* Member "model" of the object that is open; nothing when it is not known. */
void eng_run_model_write (const EngRunModel *self, JsonBuilder *builder);
void eng_run_model_read (EngRunModel *self, JsonObject *run);

/* Two files of one network in other formats: same kind, architecture and (of language models)
 * blocks, and parameter counts within 2 % (formats fold or add scales and biases). */
gboolean eng_run_model_same_network (const EngRunModel *a, const EngRunModel *b);

G_END_DECLS
