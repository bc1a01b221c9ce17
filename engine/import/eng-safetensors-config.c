/* config.json, see eng-safetensors-config.h. One row per model_type; the numbers themselves are
 * checked again by rt-arch.c, which reads what this writes. */
#include "eng-safetensors-config.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"

#define MAX_COUNT (1 << 28)

typedef struct
{
  const char *model_type, *arch;
  gboolean interleaves, norms_from_one, post_norms, is_tied;
  guint global_every; /* layers with and without a window take turns */
  gboolean gelu;
} Family;

static const Family families[] = {
  { "llama", "llama", .interleaves = TRUE },
  { "mistral", "llama", .interleaves = TRUE },
  { "qwen2", "qwen2" },
  { "qwen3", "qwen3" },
  { "gemma", "gemma", .norms_from_one = TRUE, .is_tied = TRUE, .gelu = TRUE },
  { "gemma2", "gemma2", .norms_from_one = TRUE, .is_tied = TRUE, .gelu = TRUE, .post_norms = TRUE,
    .global_every = 2 },
  { "gemma3_text", "gemma3", .norms_from_one = TRUE, .is_tied = TRUE, .gelu = TRUE,
    .post_norms = TRUE, .global_every = 6 },
};

typedef struct
{
  JsonObject *json;
  EngGgufBytes *out;
  const Family *family;
  EngSafetensorsConfig *config;
  GError **error;
} Reader;

static gboolean refuse (Reader *r, EngError code, const char *format, ...) G_GNUC_PRINTF (3, 4);

static gboolean
refuse (Reader *r, EngError code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  return eng_strict_json_refuse (r->error, (int)code, "config.json: %s", text);
}

void
eng_safetensors_config_clear (EngSafetensorsConfig *config)
{
  g_clear_pointer (&config->rope_factors, g_free);
}

/* ---- members ---- */

/* A whole number of 1 and more; absent: *@value stays, and must not be 0. */
static gboolean
read_count (Reader *r, const char *name, guint *value)
{
  JsonNode *node = eng_strict_json_member (r->json, name);
  gint64 number;

  if (node == NULL)
    return *value > 0 || refuse (r, ENG_ERROR_FORMAT, "%s is missing", name);
  if (!eng_strict_json_node_int (node, &number) || number < 1 || number > MAX_COUNT)
    return refuse (r, ENG_ERROR_FORMAT, "%s: expected a whole number of 1 to %d", name, MAX_COUNT);
  *value = (guint)number;
  return TRUE;
}

/* A number above 0; absent: *@value stays. */
static gboolean
read_positive (Reader *r, JsonObject *json, const char *name, double *value)
{
  JsonNode *node = eng_strict_json_member (json, name);
  double number;

  if (node == NULL)
    return TRUE;
  if (!eng_strict_json_node_number (node, &number) || !(number > 0))
    return refuse (r, ENG_ERROR_FORMAT, "%s: expected a number above 0", name);
  *value = number;
  return TRUE;
}

/* The same, and to the metadata when it is there. */
static gboolean
copy_positive (Reader *r, const char *name, const char *key)
{
  double value = 0;

  if (!read_positive (r, r->json, name, &value))
    return FALSE;
  if (value > 0)
    eng_gguf_bytes_f32 (r->out, (float)value, "%s.%s", r->family->arch, key);
  return TRUE;
}

static void
put_count (Reader *r, const char *key, guint value)
{
  eng_gguf_bytes_u32 (r->out, value, "%s.%s", r->family->arch, key);
}

/* ---- parts ---- */

static gboolean
find_family (Reader *r)
{
  const char *type = eng_strict_json_text (r->json, "model_type");
  g_autoptr (GString) known = g_string_new (NULL);

  if (type == NULL)
    return refuse (r, ENG_ERROR_FORMAT, "model_type is missing");
  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    {
      if (strcmp (type, families[i].model_type) == 0)
        {
          r->family = &families[i];
          return TRUE;
        }
      g_string_append_printf (known, "%s%s", i > 0 ? ", " : "", families[i].model_type);
    }
  return refuse (r, ENG_ERROR_UNSUPPORTED, "unknown model_type '%.60s'; known are %s", type,
                 known->str);
}

static gboolean
read_sizes (Reader *r)
{
  EngSafetensorsConfig *c = r->config;
  guint n_layers = 0, n_embd = 0, n_ff = 0, n_ctx = 2048, window = 0;

  if (!read_count (r, "num_hidden_layers", &n_layers) || !read_count (r, "hidden_size", &n_embd)
      || !read_count (r, "intermediate_size", &n_ff)
      || !read_count (r, "num_attention_heads", &c->n_heads))
    return FALSE;
  c->n_kv_heads = c->n_heads;
  c->head_dim = n_embd / c->n_heads;
  if (!read_count (r, "num_key_value_heads", &c->n_kv_heads)
      || !read_count (r, "head_dim", &c->head_dim)
      || !read_count (r, "max_position_embeddings", &n_ctx))
    return FALSE;
  /* Models whose window we do not have are exact up to it. */
  gboolean windowed = strcmp (r->family->model_type, "mistral") == 0
                      || eng_strict_json_bool (r->json, "use_sliding_window", FALSE);
  if (windowed && eng_strict_json_member (r->json, "sliding_window") != NULL)
    {
      if (!read_count (r, "sliding_window", &window))
        return FALSE;
      n_ctx = MIN (n_ctx, window);
    }
  put_count (r, "block_count", n_layers);
  put_count (r, "embedding_length", n_embd);
  put_count (r, "feed_forward_length", n_ff);
  put_count (r, "attention.head_count", c->n_heads);
  put_count (r, "attention.head_count_kv", c->n_kv_heads);
  put_count (r, "attention.key_length", c->head_dim);
  put_count (r, "attention.value_length", c->head_dim);
  put_count (r, "context_length", n_ctx);
  return TRUE;
}

static gboolean
check_activation (Reader *r)
{
  const char *name = eng_strict_json_text (r->json, "hidden_activation");
  gboolean known;

  if (name == NULL)
    name = eng_strict_json_text (r->json, "hidden_act");
  if (name == NULL)
    return TRUE;
  /* Gemma's first files say "gelu" and mean the approximation. */
  known = r->family->gelu ? strcmp (name, "gelu_pytorch_tanh") == 0 || strcmp (name, "gelu") == 0
                          : strcmp (name, "silu") == 0;
  return known
         || refuse (r, ENG_ERROR_UNSUPPORTED, "activation '%.40s'; models of type %s have %s", name,
                    r->family->model_type, r->family->gelu ? "gelu_pytorch_tanh" : "silu");
}

/* ---- rotary embeddings ---- */

/* Llama 3.1: low frequencies are slower by the factor, high ones stay, those in between are
 * mixed. */
static gboolean
read_llama3 (Reader *r, JsonObject *scaling, double base)
{
  guint n = r->config->head_dim / 2;
  double factor = 0, low = 0, high = 0, context = 0;

  if (!read_positive (r, scaling, "factor", &factor)
      || !read_positive (r, scaling, "low_freq_factor", &low)
      || !read_positive (r, scaling, "high_freq_factor", &high)
      || !read_positive (r, scaling, "original_max_position_embeddings", &context))
    return FALSE;
  if (factor == 0 || low == 0 || high <= low || context == 0 || n == 0 || n > 4096)
    return refuse (r, ENG_ERROR_FORMAT,
                   "rope scaling llama3 needs factor, low_freq_factor below high_freq_factor, and "
                   "original_max_position_embeddings");
  r->config->rope_factors = g_new (float, n);
  for (guint i = 0; i < n; i++)
    {
      double wavelength = 2 * G_PI * pow (base, (double)i / n);
      double smooth = (context / wavelength - low) / (high - low);
      r->config->rope_factors[i]
          = (float)(wavelength < context / high  ? 1
                    : wavelength > context / low ? factor
                                                 : 1 / ((1 - smooth) / factor + smooth));
    }
  return TRUE;
}

static gboolean
read_scaling (Reader *r, JsonObject *scaling, double base)
{
  const char *type = eng_strict_json_text (scaling, "rope_type");
  double factor = 1;

  if (type == NULL)
    type = eng_strict_json_text (scaling, "type");
  if (type == NULL || strcmp (type, "default") == 0)
    return TRUE;
  if (strcmp (type, "llama3") == 0)
    return read_llama3 (r, scaling, base);
  if (strcmp (type, "linear") != 0)
    return refuse (r, ENG_ERROR_UNSUPPORTED,
                   "rope scaling '%.40s' is not supported; linear and llama3 are", type);
  if (!read_positive (r, scaling, "factor", &factor))
    return FALSE;
  eng_gguf_bytes_string (r->out, "linear", "%s.rope.scaling.type", r->family->arch);
  eng_gguf_bytes_f32 (r->out, (float)factor, "%s.rope.scaling.factor", r->family->arch);
  return TRUE;
}

/* "rope_theta" and "rope_scaling", or both in "rope_parameters", there maybe one for each kind of
 * layer. */
static gboolean
read_rope (Reader *r)
{
  JsonObject *all = eng_strict_json_object (r->json, "rope_parameters");
  JsonObject *global = eng_strict_json_object (all, "full_attention");
  JsonObject *local = eng_strict_json_object (all, "sliding_attention");
  double base = r->family->global_every == 6 ? 1e6 : 1e4, local_base = 1e4, partial = 1;

  global = global != NULL ? global : all;
  if (!read_positive (r, r->json, "rope_theta", &base)
      || !read_positive (r, global, "rope_theta", &base)
      || !read_positive (r, r->json, "rope_local_base_freq", &local_base)
      || !read_positive (r, local, "rope_theta", &local_base)
      || !read_positive (r, r->json, "partial_rotary_factor", &partial)
      || !read_positive (r, global, "partial_rotary_factor", &partial))
    return FALSE;
  if (partial != 1)
    return refuse (r, ENG_ERROR_UNSUPPORTED, "partial_rotary_factor is %g; 1 is supported",
                   partial);
  if (r->family->global_every == 6 && local_base != 1e4)
    return refuse (r, ENG_ERROR_UNSUPPORTED, "rope_local_base_freq is %g; 10000 is supported",
                   local_base);
  eng_gguf_bytes_f32 (r->out, (float)base, "%s.rope.freq_base", r->family->arch);
  JsonObject *scaling = eng_strict_json_object (r->json, "rope_scaling");
  return read_scaling (r, scaling != NULL ? scaling : global, base);
}

/* ---- attention ---- */

/* Windowed layers must be where rt-arch.c has them. */
static gboolean
check_layers (Reader *r)
{
  JsonArray *types = eng_strict_json_array (r->json, "layer_types");
  guint every = r->family->global_every, given = every;

  if (eng_strict_json_member (r->json, "sliding_window_pattern") != NULL
      && !read_count (r, "sliding_window_pattern", &given))
    return FALSE;
  if (given != every)
    return refuse (r, ENG_ERROR_UNSUPPORTED, "sliding_window_pattern is %u; %u is supported", given,
                   every);
  for (guint i = 0; types != NULL && i < json_array_get_length (types); i++)
    {
      const char *type = eng_strict_json_node_text (json_array_get_element (types, i));
      const char *expected = i % every == every - 1 ? "full_attention" : "sliding_attention";
      if (g_strcmp0 (type, expected) != 0)
        return refuse (r, ENG_ERROR_UNSUPPORTED,
                       "layer_types: layer %u is '%.40s'; '%s' is supported", i,
                       type != NULL ? type : "", expected);
    }
  return TRUE;
}

static gboolean
read_attention (Reader *r)
{
  double scalar = 0;
  guint window = 4096;

  if (eng_strict_json_member (r->json, "rms_norm_eps") == NULL)
    return refuse (r, ENG_ERROR_FORMAT, "rms_norm_eps is missing");
  if (!copy_positive (r, "rms_norm_eps", "attention.layer_norm_rms_epsilon"))
    return FALSE;
  if (r->family->global_every == 0)
    return TRUE;
  if (!check_layers (r) || !read_count (r, "sliding_window", &window)
      || !read_positive (r, r->json, "query_pre_attn_scalar", &scalar)
      || !copy_positive (r, "attn_logit_softcapping", "attn_logit_softcapping")
      || !copy_positive (r, "final_logit_softcapping", "final_logit_softcapping"))
    return FALSE;
  put_count (r, "attention.sliding_window", window);
  if (scalar > 0)
    eng_gguf_bytes_f32 (r->out, (float)(1 / sqrt (scalar)), "%s.attention.scale", r->family->arch);
  return TRUE;
}

gboolean
eng_safetensors_config_read (JsonObject *json, EngGgufBytes *out, EngSafetensorsConfig *config,
                             GError **error)
{
  Reader r = { .json = json, .out = out, .config = config, .error = error };

  *config = (EngSafetensorsConfig){ 0 };
  if (!find_family (&r))
    return FALSE;
  config->arch = r.family->arch;
  config->interleaves = r.family->interleaves;
  config->norms_from_one = r.family->norms_from_one;
  config->post_norms = r.family->post_norms;
  config->is_tied = eng_strict_json_bool (json, "tie_word_embeddings", r.family->is_tied);
  eng_gguf_bytes_string (out, r.family->arch, "general.architecture");
  return check_activation (&r) && read_sizes (&r) && read_rope (&r) && read_attention (&r);
}
