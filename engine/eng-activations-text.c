/* The calibration text: which tokens are run, and the key of all that the statistics depend on.
 * Called by the lookup and by the measurement; runs nothing. */
#include "eng-activations-private.h"

#include <stdlib.h>
#include <string.h>

#include "eng-error.h"
#include "eng-model-private.h"
#include "eval/eng-text-set.h"

#define WINDOW 256

/* Changes when the same text would give other statistics. */
#define ARITHMETIC "lathe calibration 1\n"

static char *
dup_path (EngRecipe *recipe)
{
  g_autofree char *path = eng_recipe_get_string (recipe, "calibration", "text", NULL);
  return path[0] != '\0' ? g_steal_pointer (&path) : g_strdup (ENG_BUNDLED_CALIBRATION);
}

static guint
n_wanted (EngRecipe *recipe)
{
  return (guint)CLAMP (eng_recipe_get_int (recipe, "calibration", "tokens"), WINDOW,
                       ENG_ACTIVATIONS_MAX_TOKENS);
}

/* ---- the key ---- */

static void
add_file_stamp (GString *stamp, const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info
      = g_file_query_info (file,
                           G_FILE_ATTRIBUTE_STANDARD_SIZE "," G_FILE_ATTRIBUTE_TIME_MODIFIED
                                                          "," G_FILE_ATTRIBUTE_TIME_MODIFIED_USEC
                                                          "," G_FILE_ATTRIBUTE_UNIX_INODE,
                           G_FILE_QUERY_INFO_NONE, NULL, NULL);
  if (info == NULL)
    return;
  g_string_append_printf (stamp,
                          "%s %" G_GOFFSET_FORMAT " %" G_GUINT64_FORMAT ".%u %" G_GUINT64_FORMAT
                          "\n",
                          path, g_file_info_get_size (info),
                          g_file_info_get_attribute_uint64 (info, G_FILE_ATTRIBUTE_TIME_MODIFIED),
                          g_file_info_get_attribute_uint32 (info,
                                                            G_FILE_ATTRIBUTE_TIME_MODIFIED_USEC),
                          g_file_info_get_attribute_uint64 (info, G_FILE_ATTRIBUTE_UNIX_INODE));
}

/* What tells one state of a file or folder from another without reading it. */
static char *
dup_stamp (const char *path)
{
  g_autoptr (GString) stamp = g_string_new (NULL);
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_DIR) ? g_dir_open (path, 0, NULL) : NULL;
  const char *name;

  add_file_stamp (stamp, path);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *full = g_build_filename (path, name, NULL);
      if (g_str_has_suffix (name, ".txt"))
        add_file_stamp (stamp, full);
    }
  return g_string_free (g_steal_pointer (&stamp), FALSE);
}

static char *
hash_texts (const char *path)
{
  g_autoptr (EngTextSet) set = eng_text_set_load (path, NULL);
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);

  if (set == NULL)
    return g_strdup_printf ("unreadable %s", path);
  for (guint i = 0; i < set->texts->len; i++)
    {
      const EngText *text = set->texts->pdata[i];
      gsize n;
      const guchar *bytes = g_bytes_get_data (text->text, &n);
      guint64 length = GUINT64_TO_LE (n);
      g_checksum_update (sum, (const guchar *)&length, sizeof length);
      g_checksum_update (sum, bytes, (gssize)n);
    }
  return g_strdup (g_checksum_get_string (sum));
}

/* The content's hash; asked for with every edit of a recipe, so files are read once for each
 * state. */
static char *
dup_text_hash (const char *path)
{
  static GMutex mutex;
  static GHashTable *known; /* stamp -> hash */
  g_autofree char *stamp
      = strcmp (path, ENG_BUNDLED_CALIBRATION) == 0 ? g_strdup (path) : dup_stamp (path);

  g_mutex_lock (&mutex);
  if (known == NULL)
    known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  char *hash = g_strdup (g_hash_table_lookup (known, stamp));
  if (hash == NULL)
    {
      hash = hash_texts (path);
      if (stamp[0] != '\0' && !g_str_has_prefix (hash, "unreadable"))
        g_hash_table_insert (known, g_strdup (stamp), g_strdup (hash));
    }
  g_mutex_unlock (&mutex);
  return hash;
}

char *
eng_calibration_dup_key (EngModel *model, EngRecipe *recipe)
{
  g_autofree char *path = dup_path (recipe);
  g_autofree char *text = dup_text_hash (path);
  g_autofree char *all = g_strdup_printf (ARITHMETIC "model %s\ntext %s\ntokens %u\n",
                                          eng_model_get_identity (model), text, n_wanted (recipe));
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, all, -1);
}

/* ---- tokens ---- */

typedef struct
{
  const RtTokenizer *tokenizer;
  gint32 bos; /* -1: windows begin without */
  guint window;
} Splitting;

static gint32 *
tokenize (const Splitting *self, const char *text, gsize n_bytes, gsize *n, GError **error)
{
  RtError rt_error = { 0 };
  gint32 *tokens = NULL;
  size_t n_tokens = 0;

  if (!rt_tokenizer_encode (self->tokenizer, text, n_bytes, false, false, &tokens, &n_tokens,
                            &rt_error))
    {
      eng_error_take_rt (&rt_error, error);
      return NULL;
    }
  *n = n_tokens;
  return tokens;
}

/* Windows evenly over a text, each from a whole number of windows on. */
static void
add_windows (const Splitting *self, const gint32 *text, gsize n_text, guint n_wanted_windows,
             GArray *tokens)
{
  guint n_taken = self->window - (self->bos >= 0); /* of the text, by one window */
  gsize n_slots = n_text / n_taken, n = MIN (n_slots, n_wanted_windows);

  for (gsize i = 0; i < n; i++)
    {
      gsize slot = (2 * i + 1) * n_slots / (2 * n);
      if (self->bos >= 0)
        g_array_append_val (tokens, self->bos);
      g_array_append_vals (tokens, text + slot * n_taken, n_taken);
    }
}

static gboolean
split (const Splitting *self, EngTextSet *set, guint n_tokens, GArray *tokens, GError **error)
{
  guint n_windows = MAX (1, n_tokens / self->window), n_done = 0;

  /* What one text cannot fill the later ones do. */
  for (guint i = 0; i < set->texts->len; i++)
    {
      const EngText *text = set->texts->pdata[i];
      guint n_left = set->texts->len - i;
      guint share = (n_windows - n_done + n_left - 1) / n_left;
      gsize n_bytes, n;
      const char *bytes = g_bytes_get_data (text->text, &n_bytes);
      gint32 *all = tokenize (self, bytes, n_bytes, &n, error);
      if (all == NULL)
        return FALSE;
      add_windows (self, all, n, share, tokens);
      n_done = tokens->len / self->window;
      free (all);
    }
  return TRUE;
}

/* Whether the model's own way to encode a text begins it with a token of its own. */
static gint32
find_bos (const RtTokenizer *tokenizer)
{
  RtError rt_error = { 0 };
  gint32 *tokens = NULL, bos = rt_tokenizer_bos (tokenizer);
  size_t n = 0;
  gboolean begins = rt_tokenizer_encode (tokenizer, "a", 1, true, false, &tokens, &n, &rt_error)
                    && n > 0 && bos >= 0 && tokens[0] == bos;
  free (tokens);
  return begins ? bos : -1;
}

static gboolean
check_model (EngModel *model, GError **error)
{
  if (eng_model_get_kind (model) == ENG_MODEL_LANGUAGE && eng_model_get_tokenizer (model) != NULL)
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
               eng_model_get_kind (model) != ENG_MODEL_LANGUAGE
                   ? "Calibration: %s is a network; a text says nothing to it%s"
                   : "Calibration: the tokenizer of %s cannot be used: %s",
               eng_model_get_name (model),
               eng_model_get_kind (model) != ENG_MODEL_LANGUAGE
                   ? ""
                   : eng_model_get_tokenizer_error (model));
  return FALSE;
}

gboolean
eng_calibration_tokens_make (EngModel *model, EngRecipe *recipe, EngCalibrationTokens *result,
                             GError **error)
{
  if (!check_model (model, error))
    return FALSE;
  g_autofree char *path = dup_path (recipe);
  g_autoptr (EngTextSet) set = eng_text_set_load (path, error);
  guint n_train = eng_model_get_n_ctx_train (model);
  Splitting self = { .tokenizer = eng_model_get_tokenizer (model),
                     .window = n_train > 0 ? MIN (WINDOW, n_train) : WINDOW };
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));

  if (set == NULL)
    {
      g_prefix_error (error, "Calibration: ");
      return FALSE;
    }
  self.bos = find_bos (self.tokenizer);
  if (!split (&self, set, n_wanted (recipe), tokens, error))
    {
      g_prefix_error (error, "Calibration with %s: ", set->title);
      return FALSE;
    }
  if (tokens->len == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "Calibration: %s has not %u tokens in a row: give it a longer text, a page or "
                   "more of what the model will see",
                   set->title, self.window);
      return FALSE;
    }
  result->window = self.window;
  result->n_windows = tokens->len / self.window;
  result->source = g_strdup_printf ("%u tokens of %s in windows of %u%s", tokens->len, set->title,
                                    self.window, self.bos >= 0 ? ", BOS first" : "");
  result->tokens = (gint32 *)g_array_free (g_steal_pointer (&tokens), FALSE);
  return TRUE;
}

void
eng_calibration_tokens_clear (EngCalibrationTokens *tokens)
{
  g_free (tokens->tokens);
  g_free (tokens->source);
  *tokens = (EngCalibrationTokens){ 0 };
}
