/* tokenizer.json, see eng-safetensors-tokenizer.h. Two kinds of it have a tokenizer in the runtime:
 *
 *   byte-level BPE (GPT-2 and most since): names, merges, and the rule that cuts text into words
 *   first BPE with bytes as a last resort (Llama 2, Mistral, Gemma: once SentencePiece models): the
 *   runtime merges by scores; a token's score is the place of its first merge, so that the order is
 *   the same */
#include "eng-safetensors-tokenizer.h"

#include <string.h>

#include "eng-error.h"

enum
{
  NORMAL = 1,
  UNKNOWN = 2,
  CONTROL = 3,
  USER_DEFINED = 4,
  UNUSED = 5,
  BYTE = 6,
};

#define SPACE "\xe2\x96\x81"

/* How words are cut, as tokenizer.json writes it and as the runtime calls it. */
#define CASES "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
#define TAIL "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

static const struct
{
  const char *regex, *pre, *pre_ignoring_merges;
} splits[] = {
  { CASES "{1,3}" TAIL, "dbrx", "llama-bpe" },
  { CASES TAIL, "qwen2", NULL },
  { "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", "gpt-2",
    NULL },
};

typedef struct
{
  const EngSafetensorsTexts *texts;
  JsonObject *model;
  GError **error;
  guint n;
  const char **names; /* [n] NULL: no such token */
  gint32 *types;      /* [n] */
  GHashTable *ids;    /* name -> id + 1 */
  GPtrArray *owned;   /* strings made here */
} Vocabulary;

static gboolean refuse (Vocabulary *v, EngError code, const char *format, ...) G_GNUC_PRINTF (3, 4);

static gboolean
refuse (Vocabulary *v, EngError code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  return eng_strict_json_refuse (v->error, (int)code, "tokenizer.json: %s", text);
}

static const char *
type_of (JsonObject *object)
{
  const char *type = eng_strict_json_text (object, "type");

  return type != NULL ? type : "";
}

static gboolean
is_type (JsonObject *object, const char *type)
{
  return object != NULL && strcmp (type_of (object), type) == 0;
}

/* ---- names ---- */

static gboolean
add_token (Vocabulary *v, const char *name, JsonNode *number, gint32 type)
{
  gint64 id;

  if (!eng_strict_json_node_int (number, &id) || id < 0)
    return refuse (v, ENG_ERROR_FORMAT, "token '%.60s' has no number", name);
  /* More names than rows of the table: tokens that the network cannot see. */
  if (id >= v->n)
    return TRUE;
  if (v->names[id] != NULL && strcmp (v->names[id], name) != 0)
    return refuse (v, ENG_ERROR_FORMAT, "'%.60s' and '%.60s' are both token %" G_GINT64_FORMAT,
                   v->names[id], name, id);
  v->names[id] = name;
  v->types[id] = type;
  g_hash_table_insert (v->ids, (gpointer)name, GUINT_TO_POINTER ((guint)id + 1));
  return TRUE;
}

static gboolean
is_byte (const char *name)
{
  return strlen (name) == 6 && g_str_has_prefix (name, "<0x") && name[5] == '>'
         && g_ascii_isxdigit (name[3]) && g_ascii_isxdigit (name[4]);
}

static gboolean
read_names (Vocabulary *v, gboolean has_bytes)
{
  JsonObject *vocab = eng_strict_json_object (v->model, "vocab");
  JsonArray *added = eng_strict_json_array (v->texts->tokenizer, "added_tokens");
  const char *unknown = eng_strict_json_text (v->model, "unk_token");
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (vocab == NULL)
    return refuse (v, ENG_ERROR_FORMAT, "model.vocab is missing");
  json_object_iter_init (&iter, vocab);
  while (json_object_iter_next (&iter, &name, &node))
    if (!add_token (v, name, node, has_bytes && is_byte (name) ? BYTE : NORMAL))
      return FALSE;
  for (guint i = 0; added != NULL && i < json_array_get_length (added); i++)
    {
      JsonNode *item = json_array_get_element (added, i);
      JsonObject *token = JSON_NODE_HOLDS_OBJECT (item) ? json_node_get_object (item) : NULL;
      name = eng_strict_json_text (token, "content");
      if (name == NULL)
        return refuse (v, ENG_ERROR_FORMAT, "added_tokens: entry %u has no content", i);
      if (!add_token (v, name, eng_strict_json_member (token, "id"),
                      eng_strict_json_bool (token, "special", FALSE) ? CONTROL : USER_DEFINED))
        return FALSE;
    }
  guint id = unknown != NULL ? GPOINTER_TO_UINT (g_hash_table_lookup (v->ids, unknown)) : 0;
  if (id > 0 && has_bytes)
    v->types[id - 1] = UNKNOWN;
  return TRUE;
}

/* Rows of the table without a name. */
static void
fill_gaps (Vocabulary *v)
{
  for (guint i = 0; i < v->n; i++)
    if (v->names[i] == NULL)
      {
        char *name = g_strdup_printf ("[PAD%u]", i);
        g_ptr_array_add (v->owned, name);
        v->names[i] = name;
        v->types[i] = UNUSED;
      }
}

/* ---- merges ---- */

/* The two parts of merge @i: "a b", or [ "a", "b" ]. */
static gboolean
read_merge (Vocabulary *v, JsonArray *merges, guint i, char **left, char **right)
{
  JsonNode *node = json_array_get_element (merges, i);
  const char *text = eng_strict_json_node_text (node);
  const char *space = text != NULL && *text != '\0' ? strchr (text + 1, ' ') : NULL;

  if (space != NULL)
    {
      *left = g_strndup (text, (gsize)(space - text));
      *right = g_strdup (space + 1);
      return TRUE;
    }
  JsonArray *pair = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  if (pair != NULL && json_array_get_length (pair) == 2)
    {
      *left = g_strdup (eng_strict_json_node_text (json_array_get_element (pair, 0)));
      *right = g_strdup (eng_strict_json_node_text (json_array_get_element (pair, 1)));
      if (*left != NULL && *right != NULL)
        return TRUE;
      g_free (*left);
      g_free (*right);
    }
  return refuse (v, ENG_ERROR_FORMAT, "model.merges: entry %u is not two texts", i);
}

/* Merges as GGUF has them: "a b". */
static gboolean
list_merges (Vocabulary *v, JsonArray *merges, GPtrArray *lines)
{
  for (guint i = 0; i < json_array_get_length (merges); i++)
    {
      g_autofree char *left = NULL, *right = NULL;
      if (!read_merge (v, merges, i, &left, &right))
        return FALSE;
      if (strchr (left, ' ') != NULL || strchr (right, ' ') != NULL)
        return refuse (v, ENG_ERROR_FORMAT, "model.merges: entry %u has a space in a part", i);
      g_ptr_array_add (lines, g_strconcat (left, " ", right, NULL));
    }
  return TRUE;
}

static gboolean
score_merges (Vocabulary *v, JsonArray *merges, float *scores)
{
  for (guint i = 0; i < v->n; i++)
    scores[i] = -1e9f;
  for (guint i = 0; i < json_array_get_length (merges); i++)
    {
      g_autofree char *left = NULL, *right = NULL;
      if (!read_merge (v, merges, i, &left, &right))
        return FALSE;
      g_autofree char *both = g_strconcat (left, right, NULL);
      guint id = GPOINTER_TO_UINT (g_hash_table_lookup (v->ids, both));
      if (id > 0 && scores[id - 1] == -1e9f)
        scores[id - 1] = -(float)i - 1;
    }
  return TRUE;
}

/* ---- how text is cut ---- */

/* The steps of a sequence, or the one. */
static void
list_steps (JsonObject *step, const char *member, GPtrArray *steps)
{
  JsonArray *all = eng_strict_json_array (step, member);

  if (step == NULL)
    return;
  if (!is_type (step, "Sequence") || all == NULL)
    {
      g_ptr_array_add (steps, step);
      return;
    }
  for (guint i = 0; i < json_array_get_length (all); i++)
    {
      JsonNode *node = json_array_get_element (all, i);
      if (JSON_NODE_HOLDS_OBJECT (node))
        list_steps (json_node_get_object (node), member, steps);
    }
}

static const char *
split_name (Vocabulary *v, JsonObject *split)
{
  const char *regex = eng_strict_json_text (eng_strict_json_object (split, "pattern"), "Regex");
  gboolean ignores = eng_strict_json_bool (v->model, "ignore_merges", FALSE);

  for (guint i = 0; regex != NULL && i < G_N_ELEMENTS (splits); i++)
    if (strcmp (regex, splits[i].regex) == 0)
      return ignores && splits[i].pre_ignoring_merges != NULL ? splits[i].pre_ignoring_merges
                                                              : splits[i].pre;
  refuse (v, ENG_ERROR_UNSUPPORTED, "words are cut by '%.200s', which is not supported",
          regex != NULL ? regex : "a pattern that is no regular expression");
  return NULL;
}

/* NULL after refusing. */
static const char *
find_pre (Vocabulary *v)
{
  g_autoptr (GPtrArray) steps = g_ptr_array_new ();

  list_steps (eng_strict_json_object (v->texts->tokenizer, "pre_tokenizer"), "pretokenizers",
              steps);
  JsonObject *first = steps->len > 0 ? steps->pdata[0] : NULL;
  JsonObject *last = steps->len > 0 ? steps->pdata[steps->len - 1] : NULL;
  gboolean byte_level = is_type (last, "ByteLevel");
  gboolean gpt2 = byte_level && eng_strict_json_bool (last, "use_regex", TRUE);

  if (byte_level && eng_strict_json_bool (last, "add_prefix_space", FALSE))
    {
      refuse (v, ENG_ERROR_UNSUPPORTED, "a space is put before every text (add_prefix_space)");
      return NULL;
    }
  if (steps->len == 1 && gpt2)
    return "gpt-2";
  if (steps->len == 2 && gpt2 && is_type (first, "Digits")
      && eng_strict_json_bool (first, "individual_digits", FALSE))
    return "smollm";
  if (steps->len == 2 && byte_level && !gpt2 && is_type (first, "Split")
      && g_strcmp0 (eng_strict_json_text (first, "behavior"), "Isolated") == 0
      && !eng_strict_json_bool (first, "invert", FALSE))
    return split_name (v, first);
  refuse (v, ENG_ERROR_UNSUPPORTED,
          "words are cut in %u steps, the first of them %s: not supported", steps->len,
          first != NULL ? type_of (first) : "nothing");
  return NULL;
}

/* Whether a space is put before the text. */
static gboolean
has_space_prefix (Vocabulary *v)
{
  g_autoptr (GPtrArray) steps = g_ptr_array_new ();

  list_steps (eng_strict_json_object (v->texts->tokenizer, "normalizer"), "normalizers", steps);
  list_steps (eng_strict_json_object (v->texts->tokenizer, "pre_tokenizer"), "pretokenizers",
              steps);
  for (guint i = 0; i < steps->len; i++)
    {
      JsonObject *step = steps->pdata[i];
      const char *scheme = eng_strict_json_text (step, "prepend_scheme");
      if (is_type (step, "Prepend")
          && g_strcmp0 (eng_strict_json_text (step, "prepend"), SPACE) == 0)
        return TRUE;
      if (is_type (step, "Metaspace"))
        return scheme != NULL ? strcmp (scheme, "never") != 0
                              : eng_strict_json_bool (step, "add_prefix_space", TRUE);
    }
  return FALSE;
}

/* Normal forms that change more than spaces would give other tokens. */
static gboolean
check_normalizer (Vocabulary *v, gboolean has_bytes)
{
  g_autoptr (GPtrArray) steps = g_ptr_array_new ();

  list_steps (eng_strict_json_object (v->texts->tokenizer, "normalizer"), "normalizers", steps);
  for (guint i = 0; i < steps->len; i++)
    {
      JsonObject *step = steps->pdata[i];
      gboolean spaces = is_type (step, "Prepend")
                        || (is_type (step, "Replace")
                            && g_strcmp0 (eng_strict_json_text (step, "content"), SPACE) == 0);
      /* As in GGUF files: text is taken to be in NFC, as nearly all is. */
      if (!is_type (step, "NFC") && !(has_bytes && spaces))
        return refuse (v, ENG_ERROR_UNSUPPORTED, "the normalizer '%.40s' is not supported",
                       type_of (step));
    }
  return TRUE;
}

/* ---- special tokens ---- */

static guint
id_of (const Vocabulary *v, const char *name)
{
  return name != NULL ? GPOINTER_TO_UINT (g_hash_table_lookup (v->ids, name)) : 0;
}

/* Id + 1 of a token that tokenizer_config.json names, or config.json numbers; 0: none. */
static guint
special_id (const Vocabulary *v, const char *role)
{
  g_autofree char *member = g_strdup_printf ("%s_token", role);
  g_autofree char *number = g_strdup_printf ("%s_token_id", role);
  const char *name = eng_strict_json_text (v->texts->habits, member);
  JsonNode *node = eng_strict_json_member (v->texts->config, number);
  gint64 id;

  if (name == NULL)
    name = eng_strict_json_text (eng_strict_json_object (v->texts->habits, member), "content");
  if (id_of (v, name) > 0)
    return id_of (v, name);
  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node)
      && json_array_get_length (json_node_get_array (node)) > 0)
    node = json_array_get_element (json_node_get_array (node), 0);
  return eng_strict_json_node_int (node, &id) && id >= 0 && id < v->n ? (guint)id + 1 : 0;
}

/* The special token at one end of what the post-processor makes of a text: its id + 1, 0: none.
 * *@decides: whether there is a post-processor that says. */
static guint
template_id (const Vocabulary *v, gboolean at_end, gboolean *decides)
{
  g_autoptr (GPtrArray) steps = g_ptr_array_new ();

  list_steps (eng_strict_json_object (v->texts->tokenizer, "post_processor"), "processors", steps);
  for (guint i = 0; i < steps->len; i++)
    {
      JsonArray *single = eng_strict_json_array (steps->pdata[i], "single");
      if (!is_type (steps->pdata[i], "TemplateProcessing") || single == NULL
          || json_array_get_length (single) == 0)
        continue;
      guint last = json_array_get_length (single) - 1;
      JsonNode *node = json_array_get_element (single, at_end ? last : 0);
      JsonObject *item = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      *decides = TRUE;
      return id_of (v, eng_strict_json_text (eng_strict_json_object (item, "SpecialToken"), "id"));
    }
  return 0;
}

static void
write_end (const Vocabulary *v, EngGgufBytes *out, const char *role, gboolean at_end)
{
  gboolean decides = FALSE;
  guint from_template = template_id (v, at_end, &decides), id = special_id (v, role);
  g_autofree char *habit = g_strdup_printf ("add_%s_token", role);
  g_autofree char *key = g_strdup_printf ("tokenizer.ggml.add_%s_token", role);
  gboolean add
      = decides ? from_template > 0 : eng_strict_json_bool (v->texts->habits, habit, FALSE);

  if (!at_end && from_template > 0)
    id = from_template;
  /* -1: none, whatever the kind of vocabulary is used to. */
  eng_gguf_bytes_u32 (out, id - 1, "tokenizer.ggml.%s_token_id", role);
  eng_gguf_bytes_bool (out, add && id > 0, key);
}

static void
write_template (const Vocabulary *v, EngGgufBytes *out)
{
  const char *text = v->texts->template;
  JsonArray *all = eng_strict_json_array (v->texts->habits, "chat_template");

  if (text == NULL)
    text = eng_strict_json_text (v->texts->habits, "chat_template");
  /* Several: the one that is called default. */
  for (guint i = 0; text == NULL && all != NULL && i < json_array_get_length (all); i++)
    {
      JsonNode *node = json_array_get_element (all, i);
      JsonObject *one = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      if (g_strcmp0 (eng_strict_json_text (one, "name"), "default") == 0)
        text = eng_strict_json_text (one, "template");
    }
  if (text != NULL)
    eng_gguf_bytes_string (out, text, "tokenizer.chat_template");
}

/* ---- all ---- */

/* Everything that can fail comes before the first key. */
static gboolean
write_all (Vocabulary *v, EngGgufBytes *out)
{
  JsonArray *merges = eng_strict_json_array (v->model, "merges");
  gboolean has_bytes = eng_strict_json_bool (v->model, "byte_fallback", FALSE);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autofree float *scores = g_new (float, v->n);
  const char *type = eng_strict_json_text (v->model, "type"), *pre = NULL;

  if ((type != NULL && strcmp (type, "BPE") != 0) || merges == NULL)
    return refuse (v, ENG_ERROR_UNSUPPORTED, "a vocabulary of kind '%.40s'; BPE is supported",
                   type != NULL ? type : "without merges");
  if (!check_normalizer (v, has_bytes) || !read_names (v, has_bytes)
      || !(has_bytes ? score_merges (v, merges, scores)
                     : (pre = find_pre (v)) != NULL && list_merges (v, merges, lines)))
    return FALSE;
  fill_gaps (v);
  eng_gguf_bytes_string (out, has_bytes ? "llama" : "gpt2", "tokenizer.ggml.model");
  eng_gguf_bytes_strings (out, v->names, v->n, "tokenizer.ggml.tokens");
  eng_gguf_bytes_numbers (out, RT_GGUF_I32, v->types, v->n, "tokenizer.ggml.token_type");
  if (has_bytes)
    {
      eng_gguf_bytes_numbers (out, RT_GGUF_F32, scores, v->n, "tokenizer.ggml.scores");
      eng_gguf_bytes_bool (out, has_space_prefix (v), "tokenizer.ggml.add_space_prefix");
    }
  else
    {
      eng_gguf_bytes_string (out, pre, "tokenizer.ggml.pre");
      eng_gguf_bytes_strings (out, (const char *const *)lines->pdata, lines->len,
                              "tokenizer.ggml.merges");
    }
  write_end (v, out, "bos", FALSE);
  write_end (v, out, "eos", TRUE);
  write_template (v, out);
  return TRUE;
}

gboolean
eng_safetensors_tokenizer_read (const EngSafetensorsTexts *texts, guint n_vocab, EngGgufBytes *out,
                                GError **error)
{
  Vocabulary v = { .texts = texts,
                   .model = eng_strict_json_object (texts->tokenizer, "model"),
                   .error = error,
                   .n = n_vocab,
                   .names = g_new0 (const char *, n_vocab),
                   .types = g_new0 (gint32, n_vocab),
                   .ids = g_hash_table_new (g_str_hash, g_str_equal),
                   .owned = g_ptr_array_new_with_free_func (g_free) };
  gboolean ok
      = v.model != NULL ? write_all (&v, out) : refuse (&v, ENG_ERROR_FORMAT, "model is missing");

  g_free (v.names);
  g_free (v.types);
  g_hash_table_unref (v.ids);
  g_ptr_array_unref (v.owned);
  return ok;
}
