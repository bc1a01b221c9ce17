/* Folders of safetensors as language models. The weights and vocabularies of GGUF files are written
 * out as such folders, by code of the test's own, and must come back as they were; and files that
 * are wrong say where. */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-model.h"
#include "eng-safetensors-file.h"
#include "eng-safetensors.h"
#include "test-data.h"

/* ---- writing ---- */

static char *
make_folder (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = g_dir_make_tmp ("lathe-safetensors-XXXXXX", &error);

  g_assert_no_error (error);
  return folder;
}

static void
remove_folder (char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_unlink (path);
    }
  g_rmdir (folder);
  g_free (folder);
}

static char *
write_file (const char *folder, const char *name, gconstpointer data, gsize n)
{
  char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, data, (gssize)n, NULL));
  return path;
}

static void
write_text (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = write_file (folder, name, text, strlen (text));
}

static void
add_quoted (GString *json, const char *text, gsize n)
{
  g_string_append_c (json, '"');
  for (gsize i = 0; i < n; i++)
    if (text[i] == '"' || text[i] == '\\')
      g_string_append_printf (json, "\\%c", text[i]);
    else if ((guchar)text[i] < 0x20)
      g_string_append_printf (json, "\\u%04x", text[i]);
    else
      g_string_append_c (json, text[i]);
  g_string_append_c (json, '"');
}

/* Tensors in the order they are added. */
typedef struct
{
  GString *header;
  GByteArray *data;
} Writer;

static void
writer_add (Writer *w, const char *name, const char *dtype, const guint64 *ne, guint n_dims,
            gconstpointer data, gsize n)
{
  g_string_append_printf (w->header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[",
                          w->header->len > 1 ? "," : "", name, dtype);
  for (guint i = n_dims; i-- > 0;)
    g_string_append_printf (w->header, "%" G_GUINT64_FORMAT "%s", ne[i], i > 0 ? "," : "");
  g_string_append_printf (w->header, "],\"data_offsets\":[%u,%" G_GSIZE_FORMAT "]}", w->data->len,
                          w->data->len + n);
  g_byte_array_append (w->data, data, (guint)n);
}

static void
writer_end (Writer *w, const char *folder, const char *name)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();

  g_string_append_c (w->header, '}');
  guint64 n = w->header->len;
  g_byte_array_append (all, (const guint8 *)&n, 8);
  g_byte_array_append (all, (const guint8 *)w->header->str, w->header->len);
  g_byte_array_append (all, w->data->data, w->data->len);
  g_free (write_file (folder, name, all->data, all->len));
  g_string_free (w->header, TRUE);
  g_byte_array_unref (w->data);
}

/* ---- a GGUF file as a folder ---- */

static const char *const names[][2] = {
  { "token_embd.weight", "model.embed_tokens.weight" },
  { "output_norm.weight", "model.norm.weight" },
  { "output.weight", "lm_head.weight" },
  { "attn_norm.weight", "input_layernorm.weight" },
  { "ffn_norm.weight", "post_attention_layernorm.weight" },
  { "attn_q.weight", "self_attn.q_proj.weight" },
  { "attn_k.weight", "self_attn.k_proj.weight" },
  { "attn_v.weight", "self_attn.v_proj.weight" },
  { "attn_output.weight", "self_attn.o_proj.weight" },
  { "ffn_gate.weight", "mlp.gate_proj.weight" },
  { "ffn_up.weight", "mlp.up_proj.weight" },
  { "ffn_down.weight", "mlp.down_proj.weight" },
};

static char *
their_name (RtSlice name)
{
  g_autofree char *ours = rt_slice_dup (name);
  const char *part = ours;
  int layer = -1, n = 0;

  if (sscanf (ours, "blk.%d.%n", &layer, &n) == 1 && n > 0)
    part = ours + n;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (part, names[i][0]))
      return layer < 0 ? g_strdup (names[i][1])
                       : g_strdup_printf ("model.layers.%d.%s", layer, names[i][1]);
  g_error ("no name for %s", ours);
}

/* Rows (2 i, 2 i + 1) of a head to (i, i + n / 2). */
static guint8 *
split_pairs (const RtGgufTensor *t, guint n_heads)
{
  guint64 per_head = t->ne[1] / n_heads;
  gsize row = t->bytes / t->ne[1];
  guint8 *out = g_malloc (t->bytes);

  for (guint64 head = 0; head < n_heads; head++)
    for (guint64 i = 0; i < per_head / 2; i++)
      for (guint64 half = 0; half < 2; half++)
        memcpy (out + (head * per_head + half * per_head / 2 + i) * row,
                (const guint8 *)t->data + (head * per_head + 2 * i + half) * row, row);
  return out;
}

static void
write_weights (const char *folder, const RtGguf *gguf, const RtArchParams *p, guint n_shards)
{
  g_autoptr (GString) index = g_string_new ("{\"weight_map\":{");
  guint64 n = rt_gguf_n_tensors (gguf);

  for (guint shard = 0; shard < n_shards; shard++)
    {
      Writer w = { g_string_new ("{"), g_byte_array_new () };
      g_autofree char *file = n_shards == 1
                                  ? g_strdup ("model.safetensors")
                                  : g_strdup_printf ("model-%u-of-%u.safetensors", shard, n_shards);
      for (guint64 i = n * shard / n_shards; i < n * (shard + 1) / n_shards; i++)
        {
          const RtGgufTensor *t = rt_gguf_tensor (gguf, i);
          g_autofree char *name = their_name (t->name);
          g_autofree guint8 *turned = NULL;
          if (strstr (name, "q_proj") != NULL)
            turned = split_pairs (t, p->n_heads);
          else if (strstr (name, "k_proj") != NULL)
            turned = split_pairs (t, p->n_kv_heads);
          writer_add (&w, name, t->dtype == KN_F32 ? "F32" : "F16", t->ne, t->n_dims,
                      turned != NULL ? turned : t->data, t->bytes);
          g_string_append_printf (index, "%s\"%s\":\"%s\"", i > 0 ? "," : "", name, file);
        }
      writer_end (&w, folder, file);
    }
  g_string_append (index, "}}");
  if (n_shards > 1)
    write_text (folder, "model.safetensors.index.json", index->str);
}

static void
write_config (const char *folder, const RtArchParams *p)
{
  char eps[G_ASCII_DTOSTR_BUF_SIZE], base[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *text = g_strdup_printf (
      "{\"model_type\":\"llama\",\"hidden_act\":\"silu\",\"hidden_size\":%u,\"intermediate_size\":%"
      "u,"
      "\"num_hidden_layers\":%u,\"num_attention_heads\":%u,\"num_key_value_heads\":%u,"
      "\"max_position_embeddings\":%u,\"rms_norm_eps\":%s,\"rope_theta\":%s,"
      "\"tie_word_embeddings\":%s,\"bos_token_id\":1,\"eos_token_id\":[2,3],\"rope_scaling\":null}",
      p->n_embd, p->n_ff, p->n_layers, p->n_heads, p->n_kv_heads, p->n_ctx_train,
      g_ascii_dtostr (eps, sizeof eps, (double)p->norm_eps),
      g_ascii_dtostr (base, sizeof base, (double)p->rope_base),
      p->tied_embeddings ? "true" : "false");

  write_text (folder, "config.json", text);
}

/* ---- vocabularies ---- */

typedef struct
{
  char *left, *right;
  double score;
  guint order;
} Merge;

static int
best_first (gconstpointer a, gconstpointer b)
{
  const Merge *x = a, *y = b;

  return x->score != y->score ? (x->score < y->score) - (x->score > y->score)
                              : (x->order > y->order) - (x->order < y->order);
}

/* Every way to put a piece together from two, best pieces first: what SentencePiece's scores
 * mean. */
static void
add_merges_of_scores (GString *json, const RtGguf *gguf)
{
  const RtGgufMeta *tokens = rt_gguf_get_array (gguf, "tokenizer.ggml.tokens", RT_GGUF_STRING);
  const RtGgufMeta *scores = rt_gguf_find (gguf, "tokenizer.ggml.scores");
  const RtGgufMeta *types = rt_gguf_find (gguf, "tokenizer.ggml.token_type");
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GArray) merges = g_array_new (FALSE, FALSE, sizeof (Merge));
  guint64 cursor = 0;
  RtSlice name;
  GHashTableIter iter;
  gpointer key, value;

  for (guint i = 0; rt_gguf_next_string (tokens, &cursor, &name); i++)
    {
      gint64 type = 1;
      rt_gguf_item_i64 (types, i, &type);
      if (type == 1)
        g_hash_table_insert (ids, rt_slice_dup (name), GUINT_TO_POINTER (i + 1));
    }
  g_hash_table_iter_init (&iter, ids);
  while (g_hash_table_iter_next (&iter, &key, &value))
    for (const char *cut = g_utf8_next_char ((char *)key); *cut != '\0';
         cut = g_utf8_next_char (cut))
      {
        Merge m = { g_strndup (key, (gsize)(cut - (char *)key)), g_strdup (cut), 0,
                    GPOINTER_TO_UINT (value) };
        if (g_hash_table_contains (ids, m.left) && g_hash_table_contains (ids, m.right))
          {
            rt_gguf_item_f64 (scores, m.order - 1, &m.score);
            g_array_append_val (merges, m);
            continue;
          }
        g_free (m.left);
        g_free (m.right);
      }
  g_array_sort (merges, best_first);
  for (guint i = 0; i < merges->len; i++)
    {
      Merge *m = &g_array_index (merges, Merge, i);
      g_string_append (json, i > 0 ? ",[" : "[");
      add_quoted (json, m->left, strlen (m->left));
      g_string_append_c (json, ',');
      add_quoted (json, m->right, strlen (m->right));
      g_string_append_c (json, ']');
      g_free (m->left);
      g_free (m->right);
    }
}

static void
add_merges_of_list (GString *json, const RtGguf *gguf)
{
  const RtGgufMeta *merges = rt_gguf_get_array (gguf, "tokenizer.ggml.merges", RT_GGUF_STRING);
  guint64 cursor = 0;
  RtSlice line;

  for (guint i = 0; rt_gguf_next_string (merges, &cursor, &line); i++)
    {
      g_string_append (json, i > 0 ? "," : "");
      add_quoted (json, line.data, line.length);
    }
}

static void
add_vocabulary (GString *json, const RtGguf *gguf, gboolean special)
{
  const RtGgufMeta *tokens = rt_gguf_get_array (gguf, "tokenizer.ggml.tokens", RT_GGUF_STRING);
  const RtGgufMeta *types = rt_gguf_find (gguf, "tokenizer.ggml.token_type");
  guint64 cursor = 0;
  RtSlice name;
  guint n = 0;

  for (guint i = 0; rt_gguf_next_string (tokens, &cursor, &name); i++)
    {
      gint64 type = 1;
      rt_gguf_item_i64 (types, i, &type);
      gboolean is_special = type == 3 || type == 4;
      if (special != is_special)
        continue;
      g_string_append (json, n++ > 0 ? "," : "");
      if (special)
        {
          g_string_append_printf (json, "{\"id\":%u,\"special\":%s,\"content\":", i,
                                  type == 3 ? "true" : "false");
          add_quoted (json, name.data, name.length);
          g_string_append_c (json, '}');
        }
      else
        {
          add_quoted (json, name.data, name.length);
          g_string_append_printf (json, ":%u", i);
        }
    }
}

/* @pre: the pre_tokenizer of a byte-level vocabulary, or NULL for one with scores. */
static void
write_tokenizer (const char *folder, const RtGguf *gguf, const char *pre, gboolean space_prefix,
                 const char *begin)
{
  g_autoptr (GString) json = g_string_new ("{\"added_tokens\":[");

  add_vocabulary (json, gguf, TRUE);
  g_string_append (json, "],\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"vocab\":{");
  add_vocabulary (json, gguf, FALSE);
  g_string_append (json, "},\"merges\":[");
  if (pre != NULL)
    add_merges_of_list (json, gguf);
  else
    add_merges_of_scores (json, gguf);
  g_string_append_printf (json, "],\"byte_fallback\":%s},\"pre_tokenizer\":%s",
                          pre != NULL ? "false" : "true", pre != NULL ? pre : "null");
  if (pre == NULL)
    g_string_append_printf (
        json,
        ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[%s{\"type\":"
        "\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xe2\x96\x81\"}]}",
        space_prefix ? "{\"type\":\"Prepend\",\"prepend\":\"\xe2\x96\x81\"}," : "");
  if (begin != NULL)
    g_string_append_printf (json,
                            ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{"
                            "\"SpecialToken\":{\"id\":\"%s\"}},{\"Sequence\":{\"id\":\"A\"}}]}",
                            begin);
  g_string_append_c (json, '}');
  write_text (folder, "tokenizer.json", json->str);
}

/* ---- comparing ---- */

static const char *const texts[] = {
  "",
  "Once upon a time",
  "  two spaces,\n\n\ttabs and 12345 numbers 3.14",
  "It's naïve, isn't it? 日本語 😀 <unk> — \"quotes\"",
  "<s>hello</s> <|im_start|>user\nHi<|im_end|>",
};

static void
assert_same_tokens (const RtTokenizer *a, const RtTokenizer *b)
{
  g_assert_nonnull (a);
  g_assert_nonnull (b);
  g_assert_cmpint (rt_tokenizer_bos (a), ==, rt_tokenizer_bos (b));
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    for (guint specials = 0; specials < 2; specials++)
      {
        int32_t *x = NULL, *y = NULL;
        gsize n_x = 0, n_y = 0;
        g_assert_true (rt_tokenizer_encode (a, texts[i], strlen (texts[i]), true, specials != 0, &x,
                                            &n_x, NULL));
        g_assert_true (rt_tokenizer_encode (b, texts[i], strlen (texts[i]), true, specials != 0, &y,
                                            &n_y, NULL));
        g_assert_cmpmem (x, n_x * sizeof *x, y, n_y * sizeof *y);
        free (x);
        free (y);
      }
}

static void
assert_same_weights (EngModel *a, EngModel *b)
{
  const RtGguf *x = eng_model_get_gguf (a), *y = eng_model_get_gguf (b);

  g_assert_cmpmem (eng_model_get_params (a), sizeof (RtArchParams), eng_model_get_params (b),
                   sizeof (RtArchParams));
  g_assert_cmpuint (rt_gguf_n_tensors (x), ==, rt_gguf_n_tensors (y));
  for (guint64 i = 0; i < rt_gguf_n_tensors (x); i++)
    {
      const RtGgufTensor *t = rt_gguf_tensor (x, i);
      g_autofree char *name = rt_slice_dup (t->name);
      const RtGgufTensor *u = rt_gguf_find_tensor (y, name);
      g_assert_nonnull (u);
      g_assert_cmpint (t->dtype, ==, u->dtype);
      g_assert_cmpmem (t->ne, sizeof t->ne, u->ne, sizeof u->ne);
      g_assert_cmpmem (t->data, t->bytes, u->data, u->bytes);
    }
}

/* Mapped data comes back from the file; copies must stay. */
static void
forget_all (EngModel *model)
{
  const RtGguf *gguf = eng_model_get_gguf (model);

  for (guint64 i = 0; i < rt_gguf_n_tensors (gguf); i++)
    rt_gguf_forget_tensor (gguf, rt_gguf_tensor (gguf, i));
}

static EngModel *
load (const char *folder, const char *name)
{
  g_autofree char *path = name != NULL ? g_build_filename (folder, name, NULL) : g_strdup (folder);
  g_autoptr (GError) error = NULL;
  EngModel *model = eng_model_load (path, NULL, &error);

  g_assert_no_error (error);
  return model;
}

/* The same description, weight for weight, and the same tokens: then nothing that runs can
 * differ. */
static void
check_round_trip (const char *path, const char *begin)
{
  g_autoptr (EngModel) original = load (path, NULL);
  const RtGguf *gguf = eng_model_get_gguf (original);
  bool prefix = true;
  char *folder = make_folder ();

  rt_gguf_get_bool (gguf, "tokenizer.ggml.add_space_prefix", &prefix);
  write_config (folder, eng_model_get_params (original));
  write_tokenizer (folder, gguf, NULL, prefix, begin);
  write_weights (folder, gguf, eng_model_get_params (original), 1);
  static const char *const opened[] = { NULL, "config.json", "model.safetensors" };
  for (guint i = 0; i < G_N_ELEMENTS (opened); i++)
    {
      g_autoptr (EngModel) model = load (folder, opened[i]);
      g_assert_cmpstr (eng_model_get_format (model), ==, "safetensors");
      g_assert_null (eng_model_get_tokenizer_error (model));
      forget_all (model);
      assert_same_weights (original, model);
      assert_same_tokens (eng_model_get_tokenizer (original), eng_model_get_tokenizer (model));
    }
  remove_folder (folder);

  folder = make_folder ();
  write_config (folder, eng_model_get_params (original));
  write_weights (folder, gguf, eng_model_get_params (original), 3);
  static const char *const shards[]
      = { NULL, "model.safetensors.index.json", "model-1-of-3.safetensors" };
  for (guint i = 0; i < G_N_ELEMENTS (shards); i++)
    {
      g_autoptr (EngModel) model = load (folder, shards[i]);
      g_assert_null (eng_model_get_tokenizer (model));
      g_assert_nonnull (strstr (eng_model_get_tokenizer_error (model), "tokenizer.json"));
      assert_same_weights (original, model);
    }
  remove_folder (folder);
}

static void
test_default_model (void)
{
  const char *source = g_getenv ("LATHE_SOURCE_ROOT");
  g_autofree char *path = g_build_filename (source != NULL ? source : ".", "data", "default-model",
                                            "lathe-default-f16.gguf", NULL);

  check_round_trip (path, "<s>");
}

static void
test_stories (void)
{
  g_autofree char *path = dup_test_data_or_skip ("llm/stories260K-f32.gguf");

  if (path != NULL)
    check_round_trip (path, "<s>");
}

/* ---- byte-level vocabularies ---- */

#define CASES "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}"
#define TAIL "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
#define BYTES(use) "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":" use "}"
#define SPLIT(regex)                                                                               \
  "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" regex  \
  "\"},\"behavior\":\"Isolated\",\"invert\":false}," BYTES ("false") "]}"

/* A small network around a real vocabulary. */
static void
check_vocabulary (const char *file, const char *pre)
{
  g_autofree char *path = g_build_filename (g_get_user_data_dir (), "lathe", "models", file, NULL);
  RtError error = { 0 };
  RtGguf *gguf = g_file_test (path, G_FILE_TEST_EXISTS) ? rt_gguf_open (path, &error) : NULL;
  const RtArchParams p = { .n_embd = 2,
                           .n_ff = 2,
                           .n_layers = 1,
                           .n_heads = 1,
                           .n_kv_heads = 1,
                           .n_ctx_train = 8,
                           .norm_eps = 1e-5f,
                           .rope_base = 1e4f,
                           .tied_embeddings = true };
  static const float zeros[4];
  static const char *const square[]
      = { "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
          "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj" };
  static const char *const norms[] = { "model.norm.weight", "model.layers.0.input_layernorm.weight",
                                       "model.layers.0.post_attention_layernorm.weight" };

  if (gguf == NULL)
    {
      g_test_skip ("the vocabulary is not there: data/fetch-models gets it");
      return;
    }
  char *folder = make_folder ();
  const RtGgufMeta *tokens = rt_gguf_get_array (gguf, "tokenizer.ggml.tokens", RT_GGUF_STRING);
  Writer w = { g_string_new ("{"), g_byte_array_new () };
  g_autofree guint8 *table = g_malloc0 (tokens->n_items * 4);
  writer_add (&w, "model.embed_tokens.weight", "BF16", (guint64[]){ 2, tokens->n_items }, 2, table,
              tokens->n_items * 4);
  for (guint i = 0; i < G_N_ELEMENTS (square); i++)
    {
      g_autofree char *name = g_strdup_printf ("model.layers.0.%s.weight", square[i]);
      writer_add (&w, name, "F32", (guint64[]){ 2, 2 }, 2, zeros, 16);
    }
  for (guint i = 0; i < G_N_ELEMENTS (norms); i++)
    writer_add (&w, norms[i], "F32", (guint64[]){ 2 }, 1, zeros, 8);
  writer_end (&w, folder, "model.safetensors");
  write_config (folder, &p);
  write_tokenizer (folder, gguf, pre, FALSE, NULL);

  RtTokenizer *expected = rt_tokenizer_new (gguf, &error);
  g_autoptr (EngModel) model = load (folder, NULL);
  g_assert_cmpstr (eng_model_get_tokenizer_error (model), ==, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      int32_t *x = NULL, *y = NULL;
      gsize n_x = 0, n_y = 0;
      g_assert_true (
          rt_tokenizer_encode (expected, texts[i], strlen (texts[i]), false, true, &x, &n_x, NULL));
      g_assert_true (rt_tokenizer_encode (eng_model_get_tokenizer (model), texts[i],
                                          strlen (texts[i]), false, true, &y, &n_y, NULL));
      g_assert_cmpmem (x, n_x * sizeof *x, y, n_y * sizeof *y);
      free (x);
      free (y);
    }
  rt_tokenizer_free (expected);
  rt_gguf_close (gguf);
  remove_folder (folder);
}

static void
test_smollm2 (void)
{
  check_vocabulary ("SmolLM2-135M-Instruct.Q4_1.gguf",
                    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\","
                    "\"individual_digits\":true}," BYTES ("true") "]}");
}

static void
test_gpt2 (void)
{
  check_vocabulary ("vocabs/ggml-vocab-gpt-2.gguf", BYTES ("true"));
}

static void
test_qwen2 (void)
{
  check_vocabulary ("vocabs/ggml-vocab-qwen2.gguf", SPLIT (CASES TAIL));
}

/* ---- files that are wrong ---- */

static void
assert_refused (const char *header, gint64 length, gsize n_data, const char *words)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  guint64 n = length >= 0 ? (guint64)length : strlen (header);

  g_byte_array_append (all, (const guint8 *)&n, 8);
  g_byte_array_append (all, (const guint8 *)header, (guint)strlen (header));
  for (gsize i = 0; i < n_data; i++)
    g_byte_array_append (all, (const guint8 *)"x", 1);
  g_autoptr (GBytes) bytes = g_bytes_new (all->data, all->len);
  g_autoptr (EngSafetensorsFile) file = eng_safetensors_file_new (bytes, &error);
  g_assert_null (file);
  if (strstr (error->message, words) == NULL)
    g_error ("'%s' does not say '%s'", error->message, words);
}

#define TENSOR(dtype, shape, range)                                                                \
  "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" range "}"

static void
test_refused (void)
{
  g_autofree char *deep = g_strnfill (1000, '[');

  assert_refused ("{}", 1 << 20, 0, "header of 1048576 bytes");
  assert_refused ("{}", G_MAXINT64, 0, "header of");
  assert_refused ("[]", -1, 0, "expected an object");
  assert_refused (deep, -1, 0, "deeper than 32");
  assert_refused ("{\"a\":/* \" */[[", -1, 0, "unexpected character");
  assert_refused ("{\"a\":7}", -1, 0, "not an object");
  assert_refused ("{\"a\":" TENSOR ("F33", "[1]", "[0,4]") "}", -1, 4, "'F33' are not known");
  assert_refused ("{\"a\":" TENSOR ("F32", "[-1]", "[0,4]") "}", -1, 4, "dimension 0");
  assert_refused ("{\"a\":" TENSOR ("F32", "[1.5]", "[0,4]") "}", -1, 4, "dimension 0");
  assert_refused ("{\"a\":" TENSOR ("F32", "[4294967296,4294967296,4]", "[0,4]") "}", -1, 4,
                  "overflows");
  assert_refused ("{\"a\":" TENSOR ("F32", "[2]", "[0,4]") "}", -1, 4, "2 elements of F32 in 4");
  assert_refused ("{\"a\":" TENSOR ("F32", "[2]", "[0,8]") "}", -1, 4, "bytes 0 to 8 of 4");
  assert_refused ("{\"a\":" TENSOR ("F32", "[1]", "[8,4]") "}", -1, 8, "bytes 8 to 4");
  assert_refused ("{\"a\":" TENSOR ("U8", "[4]", "[0,4]") ",\"b\":" TENSOR ("U8", "[4]",
                                                                            "[2,6]") "}",
                  -1, 6, "'a' and 'b' overlap");
  assert_refused ("{\"a\":" TENSOR ("U8", "[2]", "[2,4]") "}", -1, 4, "2 bytes before tensor 'a'");
  assert_refused ("{\"a\":" TENSOR ("U8", "[2]", "[0,2]") "}", -1, 4, "2 bytes at its end");
}

static void
assert_not_loaded (const char *folder, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_model_load (folder, NULL, &error);

  g_assert_null (model);
  if (strstr (error->message, words) == NULL)
    g_error ("'%s' does not say '%s'", error->message, words);
}

static void
test_folders_refused (void)
{
  char *folder = make_folder ();
  Writer w = { g_string_new ("{"), g_byte_array_new () };
  static const float zeros[4];

  writer_add (&w, "model.embed_tokens.weight", "F32", (guint64[]){ 2, 2 }, 2, zeros, 16);
  writer_end (&w, folder, "model.safetensors");
  assert_not_loaded (folder, "config.json");
  write_text (folder, "config.json", "{\"model_type\":\"mamba\"}");
  assert_not_loaded (folder, "unknown model_type 'mamba'; known are llama");
  write_text (folder, "config.json", "{\"model_type\":\"llama\",\"num_hidden_layers\":1.5}");
  assert_not_loaded (folder, "num_hidden_layers");
  const RtArchParams p = { .n_embd = 2,
                           .n_ff = 2,
                           .n_layers = 1,
                           .n_heads = 1,
                           .n_kv_heads = 1,
                           .n_ctx_train = 8,
                           .norm_eps = 1e-5f,
                           .rope_base = 1e4f };
  write_config (folder, &p);
  assert_not_loaded (folder, "lm_head.weight");
  const RtArchParams tied = { .n_embd = 2,
                              .n_ff = 2,
                              .n_layers = 1,
                              .n_heads = 1,
                              .n_kv_heads = 1,
                              .n_ctx_train = 8,
                              .norm_eps = 1e-5f,
                              .rope_base = 1e4f,
                              .tied_embeddings = true };
  write_config (folder, &tied);
  assert_not_loaded (folder, "blk.0.attn_norm.weight is missing");
  g_autofree char *weights = g_build_filename (folder, "model.safetensors", NULL);
  g_unlink (weights);
  assert_not_loaded (folder, "model.safetensors");
  write_text (folder, "model.safetensors.index.json",
              "{\"weight_map\":{\"a\":\"../a.safetensors\"}}");
  assert_not_loaded (folder, "expected the name of a file beside it");
  write_text (folder, "model.safetensors.index.json",
              "{\"weight_map\":{\"a\":\"gone.safetensors\"}}");
  assert_not_loaded (folder, "gone.safetensors");
  remove_folder (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/safetensors/default-model", test_default_model);
  g_test_add_func ("/safetensors/stories", test_stories);
  g_test_add_func ("/safetensors/smollm2-vocabulary", test_smollm2);
  g_test_add_func ("/safetensors/gpt2-vocabulary", test_gpt2);
  g_test_add_func ("/safetensors/qwen2-vocabulary", test_qwen2);
  g_test_add_func ("/safetensors/refused", test_refused);
  g_test_add_func ("/safetensors/folders-refused", test_folders_refused);
  return g_test_run ();
}
