/* A runner that drafts by prompt lookup: the text is the plain one, token by token; what it tells
 * of its rounds adds up. */
#include <math.h>
#include <string.h>

#include "eng-build-file.h"
#include "rt-speculate.h"
#include "rt-work.h"
#include "runner-case.h"
#include "../engine/eng-test.h"

#define N_PROMPT 24

/* A text that repeats itself, which lookups find again. */
static void
fill_prompt (gint32 *prompt)
{
  gint32 period[6];

  eng_test_fill_tokens (period, G_N_ELEMENTS (period));
  for (guint i = 0; i < N_PROMPT; i++)
    prompt[i] = period[i % G_N_ELEMENTS (period)];
}

static void
write_work (const char *path, const RtWorkLookup *lookup, double budget_s, guint n_decode)
{
  gint32 prompt[N_PROMPT];
  RtError error = { 0 };
  RtWork work = { .kind = RT_WORK_TEXT,
                  .n_threads = case_is_emulated () ? 1 : 2,
                  .budget_s = budget_s,
                  .prompt = prompt,
                  .n_prompt = N_PROMPT,
                  .n_decode = n_decode,
                  .ignore_end = true };

  fill_prompt (prompt);
  if (lookup != NULL)
    work.lookup = *lookup;
  rt_work_write (path, &work, &error);
  g_assert_cmpstr (error.message, ==, "");
}

static void
make_build (CaseFiles *files, const char *recipe)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, recipe, NULL);
  g_autoptr (GError) error = NULL;

  case_files_init (files);
  eng_build_write_file (build, files->build, NULL, NULL, &error);
  g_assert_no_error (error);
}

static GArray *
take_tokens (GPtrArray *lines)
{
  GArray *tokens = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i < lines->len; i++)
    if (case_is_kind (lines->pdata[i], "token"))
      {
        gint64 id = json_object_get_int_member (lines->pdata[i], "id");
        g_assert_cmpint (json_object_get_int_member (lines->pdata[i], "index"), ==, tokens->len);
        g_array_append_val (tokens, id);
      }
  return tokens;
}

static guint
get (JsonObject *line, const char *name)
{
  return (guint)json_object_get_int_member (line, name);
}

/* Accepted drafts are the text's tokens, below each other; what was not tested was not accepted. */
static guint
check_drafts (JsonObject *round, const GArray *tokens)
{
  JsonArray *drafts = json_object_get_array_member (round, "drafts");
  guint n = json_array_get_length (drafts), n_accepted = 0;
  guint depth[RT_SPECULATE_MAX];

  g_assert_cmpuint (n, ==, get (round, "n_drafted"));
  g_assert_cmpuint (n, <=, RT_SPECULATE_MAX);
  for (guint i = 0; i < n; i++)
    {
      JsonArray *draft = json_array_get_array_element (drafts, i);
      gint64 parent = json_array_get_int_element (draft, 1);
      gboolean tested = json_array_get_int_element (draft, 2) != 0;
      gboolean accepted = json_array_get_int_element (draft, 3) != 0;
      g_assert_cmpuint (json_array_get_length (draft), ==, 4);
      g_assert_cmpint (parent, <=, i);
      depth[i] = parent == 0 ? 1 : depth[parent - 1] + 1;
      g_assert_true (tested || !accepted);
      if (!accepted)
        continue;
      n_accepted++;
      guint at = get (round, "first_token") + depth[i] - 1;
      if (depth[i] <= get (round, "n_emitted"))
        g_assert_cmpint (json_array_get_int_element (draft, 0), ==,
                         g_array_index (tokens, gint64, at));
    }
  g_assert_cmpuint (n_accepted, ==, get (round, "n_accepted"));
  return n_accepted;
}

typedef struct
{
  guint n_rounds, n_again, n_drafted, n_accepted, n_beside, n_emitted;
  guint piece_tokens, n_compared;
} Sums;

static void
check_rounds (GPtrArray *lines, const GArray *tokens, Sums *sums)
{
  *sums = (Sums){ 0 };
  for (guint i = 0; i < lines->len; i++)
    {
      JsonObject *line = lines->pdata[i];
      if (case_is_kind (line, "piece"))
        {
          sums->piece_tokens += get (line, "n_tokens");
          sums->n_compared += get (line, "n_compared");
          g_assert_cmpint (json_object_get_int_member (line, "n_differing"), ==, 0);
          g_assert_cmpfloat (json_object_get_double_member (line, "ns"), >, 0);
        }
      if (!case_is_kind (line, "round"))
        continue;
      g_assert_cmpuint (get (line, "n_run"), ==, 1 + get (line, "n_drafted"));
      if (json_object_get_boolean_member (line, "again"))
        {
          sums->n_again++;
          continue;
        }
      gboolean beside = json_object_get_boolean_member (line, "beside");
      g_assert_cmpuint (get (line, "first_token"), ==, 1 + sums->n_emitted);
      g_assert_true (!beside || get (line, "n_run") == 1);
      sums->n_accepted += check_drafts (line, tokens);
      sums->n_rounds++;
      sums->n_beside += beside;
      sums->n_drafted += get (line, "n_drafted");
      sums->n_emitted += get (line, "n_emitted");
    }
  g_assert_cmpuint (sums->n_emitted, ==, tokens->len - 1);
}

typedef struct
{
  const char *name, *recipe;
  RtWorkLookup lookup;
} Way;

static void
test_same_tokens (gconstpointer data)
{
  const Way *way = data;
  guint n_decode = 48;
  CaseFiles files;
  int status;
  Sums sums;

  make_build (&files, way->recipe);
  write_work (files.work, NULL, 0, n_decode);
  g_autoptr (GPtrArray) plain
      = case_run (case_command ("run", files.build, files.work, NULL), &status);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpuint (case_count (plain, "round"), ==, 0);
  write_work (files.work, &way->lookup, case_is_emulated () ? 0 : 0.4, n_decode);
  g_autoptr (GPtrArray) lines
      = case_run (case_command ("run", files.build, files.work, NULL), &status);
  g_assert_cmpint (status, ==, 0);
  case_check_end (lines, "complete");

  g_autoptr (GArray) expected = take_tokens (plain), tokens = take_tokens (lines);
  g_assert_cmpuint (expected->len, ==, n_decode);
  g_assert_cmpmem (tokens->data, tokens->len * sizeof (gint64), expected->data,
                   expected->len * sizeof (gint64));
  check_rounds (lines, tokens, &sums);
  g_assert_nonnull (case_find (lines, "costs"));
  g_assert_nonnull (case_find (lines, "repeats"));
  g_test_message ("%u rounds, %u drafted, %u accepted, %u again", sums.n_rounds, sums.n_drafted,
                  sums.n_accepted, sums.n_again);
  if (way->lookup.fallback == 0)
    {
      g_assert_cmpuint (sums.n_drafted, >, 0);
      g_assert_cmpuint (sums.n_accepted, >, 0);
      g_assert_cmpuint (sums.n_rounds, <, n_decode - 1);
    }
  if (!case_is_emulated ()) /* which takes too long for the text again */
    {
      g_assert_cmpuint (sums.n_again, >, 0);
      g_assert_cmpuint (sums.n_compared, >=, n_decode - 1);
    }
  case_files_clear (&files);
}

/* A build whose recipe does not speculate has no room for the logits of several tokens. */
static void
test_refused (void)
{
  RtWorkLookup lookup = { 4, 2, 6, 1, 0 };
  CaseFiles files;

  make_build (&files, "{}");
  write_work (files.work, &lookup, 0, 4);
  case_check_error (case_command ("run", files.build, files.work, NULL), "unsupported",
                    "logits of one token");
  case_files_clear (&files);
}

int
main (int argc, char **argv)
{
  static const Way ways[] = {
    { "chain", "{\"speculation\": {\"drafting\": \"lookup\"}}", { 4, 1, 6, 1, 0 } },
    { "tree",
      "{\"speculation\": {\"drafting\": \"lookup\", \"tree-width\": 2}}",
      { 3, 1, 6, 2, 0 } },
    { "automatic", "{\"speculation\": {\"drafting\": \"lookup\"}}", { 0, 2, 6, 1, 1 } },
  };

  g_test_init (&argc, &argv, NULL);
  if (!case_is_built ())
    return 0;
  for (guint i = 0; i < (case_is_emulated () ? 1 : G_N_ELEMENTS (ways)); i++)
    {
      g_autofree char *path = g_strconcat ("/runner-speculation/", ways[i].name, NULL);
      g_test_add_data_func (path, &ways[i], test_same_tokens);
    }
  g_test_add_func ("/runner-speculation/refused", test_refused);
  return g_test_run ();
}
