/* Reading texts and questions. Called by the language models' evaluation; knows no tokens. */
#include "eval/eng-text-set.h"

#include <string.h>

#include "eng-error.h"
#include "eng-evals.h"
#include "eng-json.h"

#define MAX_TEXT_BYTES (64 << 20)
#define RESOURCE "/lathe/eval/"

static void
text_free (gpointer data)
{
  EngText *text = data;
  g_free (text->domain);
  g_free (text->what);
  g_bytes_unref (text->text);
  g_free (text);
}

static void
question_free (gpointer data)
{
  EngQuestion *question = data;
  g_free (question->domain);
  g_free (question->question);
  g_strfreev (question->choices);
  g_free (question);
}

void
eng_text_set_free (EngTextSet *self)
{
  if (self == NULL)
    return;
  g_free (self->title);
  g_ptr_array_unref (self->texts);
  g_ptr_array_unref (self->questions);
  g_free (self);
}

static EngTextSet *
set_new (const char *title)
{
  EngTextSet *self = g_new0 (EngTextSet, 1);
  self->title = g_strdup (title);
  self->texts = g_ptr_array_new_with_free_func (text_free);
  self->questions = g_ptr_array_new_with_free_func (question_free);
  return self;
}

static void
add_text (EngTextSet *self, const char *domain, const char *what, GBytes *bytes)
{
  EngText *text = g_new0 (EngText, 1);
  text->domain = g_strdup (domain);
  text->what = g_strdup (what);
  text->text = bytes;
  g_ptr_array_add (self->texts, text);
}

static GBytes *
bundled (const char *name, GError **error)
{
  g_autofree char *path = g_strconcat (RESOURCE, name, NULL);
  return g_resource_lookup_data (eng_evals_get_resource (), path, 0, error);
}

/* ---- Questions ---- */

static gboolean
fail_question (const char *path, guint index, const char *what, GError **error)
{
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s: question %u %s", path, index + 1, what);
  return FALSE;
}

static gboolean
read_question (EngTextSet *self, JsonArray *list, guint index, const char *path, GError **error)
{
  JsonNode *node = json_array_get_element (list, index);
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return fail_question (path, index, "is no object", error);
  JsonObject *object = json_node_get_object (node);
  const char *text = eng_json_get_string (object, "question");
  const char *domain = eng_json_get_string (object, "domain");
  g_auto (GStrv) choices = eng_json_dup_strv (object, "choices");
  gint64 answer = eng_json_get_int (object, "answer", -1);
  guint n = g_strv_length (choices);

  if (text == NULL || text[0] == '\0')
    return fail_question (path, index, "has no text in \"question\"", error);
  if (n < 2 || n > 64)
    return fail_question (path, index, "needs 2 to 64 strings in \"choices\"", error);
  for (guint i = 0; i < n; i++)
    if (choices[i][0] == '\0')
      return fail_question (path, index, "has an empty choice", error);
  if (answer < 0 || answer >= n)
    return fail_question (path, index, "has no \"answer\" that is the number of a choice, from 0",
                          error);

  EngQuestion *question = g_new0 (EngQuestion, 1);
  question->domain = g_strdup (domain != NULL ? domain : "");
  question->question = g_strdup (text);
  question->choices = g_steal_pointer (&choices);
  question->answer = (guint)answer;
  g_ptr_array_add (self->questions, question);
  return TRUE;
}

static EngTextSet *
read_questions (const char *json, const char *path, GError **error)
{
  g_autoptr (JsonNode) root = eng_json_parse_object (json, path, error);
  if (root == NULL)
    return NULL;
  JsonObject *object = json_node_get_object (root);
  JsonArray *list = eng_json_get_array (object, "questions");
  const char *title = eng_json_get_string (object, "title");
  g_autofree char *base = g_path_get_basename (path);

  if (eng_json_get_int (object, "lathe-questions", 0) != 1 || list == NULL
      || json_array_get_length (list) == 0)
    {
      g_set_error (
          error, ENG_ERROR, ENG_ERROR_FORMAT,
          "%s is no set of questions: it needs \"lathe-questions\": 1 and a list \"questions\"",
          path);
      return NULL;
    }
  g_autoptr (EngTextSet) self = set_new (title != NULL ? title : base);
  for (guint i = 0; i < json_array_get_length (list); i++)
    if (!read_question (self, list, i, path, error))
      return NULL;
  return g_steal_pointer (&self);
}

/* ---- Texts ---- */

/* The texts that @list names; they lie in @folder. */
static EngTextSet *
load_bundled_texts (const char *list_name, const char *folder, GError **error)
{
  g_autoptr (GBytes) index = bundled (list_name, error);
  if (index == NULL)
    return NULL;
  g_autofree char *json = g_strndup (g_bytes_get_data (index, NULL), g_bytes_get_size (index));
  g_autoptr (JsonNode) root = eng_json_parse_object (json, "bundled texts", error);
  if (root == NULL)
    return NULL;
  JsonObject *object = json_node_get_object (root);
  JsonArray *list = eng_json_get_array (object, "texts");
  g_autoptr (EngTextSet) self = set_new (eng_json_get_string (object, "title"));
  for (guint i = 0; list != NULL && i < json_array_get_length (list); i++)
    {
      JsonObject *entry = json_array_get_object_element (list, i);
      g_autofree char *name = g_strconcat (folder, eng_json_get_string (entry, "file"), NULL);
      GBytes *bytes = bundled (name, error);
      if (bytes == NULL)
        return NULL;
      add_text (self, eng_json_get_string (entry, "domain"), eng_json_get_string (entry, "what"),
                bytes);
    }
  return g_steal_pointer (&self);
}

static char *
domain_of (const char *path)
{
  char *base = g_path_get_basename (path), *dot = strrchr (base, '.');
  if (dot != NULL && dot != base)
    *dot = '\0';
  return base;
}

static gboolean
load_file (EngTextSet *self, const char *path, GError **error)
{
  char *contents;
  gsize n;
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE,
                                                  G_FILE_QUERY_INFO_NONE, NULL, error);
  if (info == NULL)
    return FALSE;
  if (g_file_info_get_size (info) > MAX_TEXT_BYTES)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%s is larger than 64 MB: cut a part out of it that is worth predicting", path);
      return FALSE;
    }
  if (!g_file_get_contents (path, &contents, &n, error))
    return FALSE;
  g_autoptr (GBytes) bytes = g_bytes_new_take (contents, n);
  if (n == 0 || memchr (contents, '\0', n) != NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   n == 0
                       ? "%s is empty: there is nothing to predict"
                       : "%s is no text: it holds bytes of zero. Give a plain text file (UTF-8), a "
                         "folder of them, or a set of questions (JSON)",
                   path);
      return FALSE;
    }
  g_autofree char *domain = domain_of (path);
  add_text (self, domain, NULL, g_steal_pointer (&bytes));
  return TRUE;
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

static EngTextSet *
load_folder (const char *path, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, error);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *base = g_path_get_basename (path);
  const char *name;

  if (dir == NULL)
    return NULL;
  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".txt") && name[0] != '.')
      g_ptr_array_add (names, g_build_filename (path, name, NULL));
  if (names->len == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
                   "The folder %s has no files *.txt: one file is one domain", path);
      return NULL;
    }
  qsort (names->pdata, names->len, sizeof (gpointer), compare_names);
  g_autoptr (EngTextSet) self = set_new (base);
  for (guint i = 0; i < names->len; i++)
    if (!load_file (self, names->pdata[i], error))
      return NULL;
  return g_steal_pointer (&self);
}

EngTextSet *
eng_text_set_load (const char *path, GError **error)
{
  g_return_val_if_fail (path != NULL, NULL);

  if (strcmp (path, ENG_BUNDLED_TEXTS) == 0)
    return load_bundled_texts ("texts.json", "texts/", error);
  if (strcmp (path, ENG_BUNDLED_CALIBRATION) == 0)
    return load_bundled_texts ("calibration.json", "calibration/", error);
  if (strcmp (path, ENG_BUNDLED_QUESTIONS) == 0)
    {
      g_autoptr (GBytes) bytes = bundled ("questions.json", error);
      if (bytes == NULL)
        return NULL;
      g_autofree char *json = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
      return read_questions (json, "bundled questions", error);
    }
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return load_folder (path, error);
  g_autofree char *base = g_path_get_basename (path);
  g_autoptr (EngTextSet) self = set_new (base);
  if (!load_file (self, path, error))
    return NULL;
  if (!g_str_has_suffix (path, ".json"))
    return g_steal_pointer (&self);
  GBytes *bytes = ((EngText *)self->texts->pdata[0])->text;
  g_autofree char *json = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  return read_questions (json, path, error);
}

char *
eng_data_dup_title (const char *path)
{
  g_return_val_if_fail (path != NULL, NULL);

  if (g_str_equal (path, ENG_BUNDLED_TEXTS))
    return g_strdup ("the bundled texts");
  if (g_str_equal (path, ENG_BUNDLED_CALIBRATION))
    return g_strdup ("the bundled calibration texts");
  if (g_str_equal (path, ENG_BUNDLED_QUESTIONS))
    return g_strdup ("the bundled questions");
  return g_path_get_basename (path);
}
