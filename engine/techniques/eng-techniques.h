/* One row per file of this folder. */
#pragma once

#include "eng-build-private.h"

G_BEGIN_DECLS

extern const EngTechnique eng_technique_weight_format;
extern const EngTechnique eng_technique_layer_skip;
extern const EngTechnique eng_technique_prune_structured;
extern const EngTechnique eng_technique_vocabulary;
extern const EngTechnique eng_technique_kv_cache;
extern const EngTechnique eng_technique_softmax;
extern const EngTechnique eng_technique_context;
extern const EngTechnique eng_technique_threads;
extern const EngTechnique eng_technique_fusion;
extern const EngTechnique eng_technique_memory_plan;
extern const EngTechnique eng_technique_int8;
extern const EngTechnique eng_technique_speculation;
extern const EngTechnique eng_technique_calibration;
extern const EngTechnique eng_technique_sparsity;
extern const EngTechnique eng_technique_lookup;
extern const EngTechnique eng_technique_rounding;
extern const EngTechnique eng_technique_equalization;
extern const EngTechnique eng_technique_noisy_bias;
extern const EngTechnique eng_technique_activation_sparsity;

G_END_DECLS
