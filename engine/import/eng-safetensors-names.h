/* Names of weights: those of model folders to GGUF's. Private to import/. */
#pragma once

#include <glib.h>

#include "eng-safetensors-config.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_SAFETENSORS_MAP,     /* as it is */
  ENG_SAFETENSORS_QUERIES, /* rows of n_heads go in pairs */
  ENG_SAFETENSORS_KEYS,    /* rows of n_kv_heads go in pairs */
  ENG_SAFETENSORS_NORM,    /* 1 is added */
  ENG_SAFETENSORS_SKIP,    /* not needed */
} EngSafetensorsUse;

/* GGUF's name for @name; @name itself when there is none, so that who builds the graph can name
 * it. */
char *eng_safetensors_dup_name (const char *name, const EngSafetensorsConfig *config,
                                EngSafetensorsUse *use);

G_END_DECLS
