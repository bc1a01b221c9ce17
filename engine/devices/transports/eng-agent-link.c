/* Files to and from a paired board. Made by eng-transport-agent.c; used through eng-link.h. A file
 * goes in pieces, each a request that is answered: what was answered is on the board, whatever
 * happens next. */
#include "transports/eng-agent-link.h"

#include <string.h>

#include <gnutls/crypto.h>

#include "ag-proof.h"

#define PIECE_BYTES (4 << 20)
#define SLOW_BYTES_PER_S 20e6 /* of a memory card, read back for the sum */

typedef struct
{
  EngLink link;
  EngAgentHttp *http;
  char *machine;
} AgentLink;

static JsonObject *
ask (EngLink *link, const char *method, const char *path, guint *status, GCancellable *cancellable,
     GError **error)
{
  EngAgentRequest request = { .method = method, .path = path };

  return eng_agent_http_ask (((AgentLink *)link)->http, &request, status, cancellable, error);
}

/* As ask(), where everything but 2xx is an error. */
static JsonObject *
need (EngLink *link, const char *method, const char *path, GCancellable *cancellable,
      GError **error)
{
  guint status = 0;
  g_autoptr (JsonObject) answer = ask (link, method, path, &status, cancellable, error);

  if (answer != NULL && status / 100 != 2)
    {
      eng_agent_http_refused (((AgentLink *)link)->http, status, answer, error);
      return NULL;
    }
  return g_steal_pointer (&answer);
}

static char *
agent_machine (EngLink *link, GCancellable *cancellable, GError **error)
{
  return g_strdup (((AgentLink *)link)->machine);
}

static gboolean
agent_size (EngLink *link, const char *name, guint64 *n_bytes, GCancellable *cancellable,
            GError **error)
{
  g_autofree char *path = g_strconcat ("/v1/files/", name, NULL);
  g_autoptr (JsonObject) answer = need (link, "GET", path, cancellable, error);

  if (answer == NULL)
    return FALSE;
  gint64 n = eng_json_get_int (answer, "bytes", -1);
  *n_bytes = n >= 0 ? (guint64)n : G_MAXUINT64;
  return TRUE;
}

static gboolean
agent_remove (EngLink *link, const char *name, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_strconcat ("/v1/files/", name, NULL);
  g_autoptr (JsonObject) answer = need (link, "DELETE", path, cancellable, error);

  return answer != NULL;
}

/* ---- Putting a file ---- */

typedef struct
{
  GInputStream *in;
  GSeekable *seekable;
  const char *name;
  char sha256[65];
  gboolean program;
  guint64 n_done, n_all;
  guint64 n_sent; /* of the piece that is on its way */
  EngLinkProgress progress;
  gpointer user_data;
} Put;

static void
tell_progress (Put *put)
{
  if (put->progress != NULL)
    put->progress (MIN (put->n_done + put->n_sent, put->n_all), put->n_all, put->user_data);
}

static void
sent (guint n_bytes, gpointer data)
{
  Put *put = data;

  put->n_sent += n_bytes;
  tell_progress (put);
}

/* SHA-256 and length of all of it. */
static gboolean
sum_file (Put *put, GCancellable *cancellable, GError **error)
{
  g_autofree char *buffer = g_malloc (1 << 18);
  gnutls_hash_hd_t hash;
  guint8 sum[32];
  gssize n;

  if (gnutls_hash_init (&hash, GNUTLS_DIG_SHA256) < 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "No memory for a sum");
      return FALSE;
    }
  while ((n = g_input_stream_read (put->in, buffer, 1 << 18, cancellable, error)) > 0)
    {
      gnutls_hash (hash, buffer, (size_t)n);
      put->n_all += (guint64)n;
    }
  gnutls_hash_deinit (hash, sum);
  g_autofree char *text = ag_hex_text (sum, sizeof sum);
  g_strlcpy (put->sha256, text, sizeof put->sha256);
  return n == 0;
}

/* What is there already. *@complete: all of it, verified, under its name. */
static gboolean
look (EngLink *link, Put *put, gboolean *complete, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/v1/files/%s?sha256=%s", put->name, put->sha256);
  g_autoptr (JsonObject) answer = need (link, "GET", path, cancellable, error);

  if (answer == NULL)
    return FALSE;
  gint64 n_part = eng_json_get_int (answer, "part_bytes", 0);
  *complete = g_strcmp0 (eng_json_get_string (answer, "sha256"), put->sha256) == 0
              && eng_json_get_int (answer, "bytes", -1) == (gint64)put->n_all;
  put->n_done = *complete ? put->n_all : n_part > 0 ? (guint64)n_part : 0;
  if (put->n_done <= put->n_all)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
               "The board has more of %s than there is; remove it there", put->name);
  return FALSE;
}

/* One piece. *@complete: it was the last, and the board found the sum right. */
static gboolean
put_piece (EngLink *link, Put *put, gboolean *complete, GCancellable *cancellable, GError **error)
{
  AgentLink *self = (AgentLink *)link;
  gsize n = (gsize)MIN ((guint64)PIECE_BYTES, put->n_all - put->n_done), n_read = 0;
  g_autofree char *bytes = g_malloc (MAX (n, 1));
  g_autofree char *path = g_strconcat ("/v1/files/", put->name, NULL);
  g_autofree char *range = NULL;
  guint status = 0;

  if (!g_seekable_seek (put->seekable, (goffset)put->n_done, G_SEEK_SET, cancellable, error)
      || !g_input_stream_read_all (put->in, bytes, n, &n_read, cancellable, error))
    return FALSE;
  if (n_read != n)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s became shorter while it was copied",
                   put->name);
      return FALSE;
    }
  /* Nothing is left where the link was lost before the last answer, and of an empty file. */
  range = n > 0 ? g_strdup_printf ("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT
                                   "/%" G_GUINT64_FORMAT,
                                   put->n_done, put->n_done + n - 1, put->n_all)
                : g_strdup_printf ("bytes */%" G_GUINT64_FORMAT, put->n_all);
  g_autoptr (GBytes) body = g_bytes_new_take (g_steal_pointer (&bytes), n);
  /* The last one is answered once the board has read all of it back. */
  EngAgentRequest request
      = { .method = "PUT",
          .path = path,
          .body = body,
          .type = "application/octet-stream",
          .range = range,
          .sha256 = put->sha256,
          .program = put->program,
          .patience_s = self->http->patience_s + (double)put->n_all / SLOW_BYTES_PER_S,
          .wrote = sent,
          .user_data = put };
  put->n_sent = 0;
  g_autoptr (JsonObject) answer
      = eng_agent_http_ask (self->http, &request, &status, cancellable, error);
  if (answer == NULL)
    return FALSE;
  if (status != 201 && status != 202)
    return eng_agent_http_refused (self->http, status, answer, error);
  put->n_done += n;
  put->n_sent = 0;
  *complete = status == 201;
  return TRUE;
}

/* What a link that was lost put last may still be written or summed up there. */
static gboolean
wait_for_other (Put *put, gint64 until_us, GCancellable *cancellable)
{
  g_usleep (250000);
  tell_progress (put);
  return g_get_monotonic_time () < until_us && !g_cancellable_is_cancelled (cancellable);
}

static gboolean
put_file (EngLink *link, Put *put, GCancellable *cancellable, GError **error)
{
  gboolean complete = FALSE;
  gint64 until_us;

  if (!sum_file (put, cancellable, error) || !look (link, put, &complete, cancellable, error))
    return FALSE;
  until_us = g_get_monotonic_time ()
             + (gint64)((10 + (double)put->n_all / SLOW_BYTES_PER_S) * G_USEC_PER_SEC);
  tell_progress (put);
  while (!complete)
    {
      g_autoptr (GError) local = NULL;
      if (put_piece (link, put, &complete, cancellable, &local))
        tell_progress (put);
      else if (!g_error_matches (local, G_IO_ERROR, G_IO_ERROR_BUSY)
               || !wait_for_other (put, until_us, cancellable))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      else if (!look (link, put, &complete, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
agent_put (EngLink *link, const char *path, const char *name, gboolean program,
           EngLinkProgress progress, gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) in = g_file_read (file, cancellable, error);
  Put put = { .name = name, .program = program, .progress = progress, .user_data = user_data };

  if (in == NULL)
    return FALSE;
  put.in = G_INPUT_STREAM (in);
  put.seekable = G_SEEKABLE (in);
  return put_file (link, &put, cancellable, error);
}

static gboolean
agent_run (EngLink *link, const char *runner, const char *const *args, EngLinkData data,
           gpointer user_data, int *status, GCancellable *cancellable, GError **error)
{
  return eng_agent_run (((AgentLink *)link)->http, runner, args, data, user_data, status,
                        cancellable, error);
}

/* A service that was made before quotas were told says what is left, and that is enough. */
static gboolean
agent_space (EngLink *link, EngLinkSpace *space, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonObject) answer = need (link, "GET", "/v1/agent", cancellable, error);

  if (answer == NULL)
    return FALSE;
  guint64 used = (guint64)MAX (0, eng_json_get_int (answer, "used_bytes", 0));
  guint64 quota = (guint64)MAX (0, eng_json_get_int (answer, "quota_bytes", 0));
  space->left_bytes = (guint64)MAX (0, eng_json_get_int (answer, "left_bytes", 0));
  space->kept_bytes = (guint64)MAX (0, eng_json_get_int (answer, "builds_bytes", 0));
  if (quota > 0 && space->left_bytes >= (quota > used ? quota - used : 0))
    space->quota_bytes = quota;
  return TRUE;
}

static void
agent_close (EngLink *link)
{
  AgentLink *self = (AgentLink *)link;

  eng_agent_http_free (self->http);
  g_free (self->machine);
  g_free (self);
}

static const EngLinkClass agent_class = {
  .machine = agent_machine,
  .size = agent_size,
  .put = agent_put,
  .remove = agent_remove,
  .run = agent_run,
  .close = agent_close,
  .space = agent_space,
};

EngLink *
eng_agent_link_new (EngAgentHttp *http, gboolean *unpaired, GCancellable *cancellable,
                    GError **error)
{
  EngAgentRequest request = { .method = "GET", .path = "/v1/agent", .patience_s = 15 };
  AgentLink *self = g_new0 (AgentLink, 1);
  guint status = 0;

  self->link.klass = &agent_class;
  self->http = http;
  *unpaired = FALSE;
  g_autoptr (JsonObject) answer = eng_agent_http_ask (http, &request, &status, cancellable, error);
  if (answer != NULL && status == 200)
    self->machine = g_strdup (eng_json_get_string (answer, "machine"));
  if (self->machine != NULL)
    return &self->link;
  *unpaired = answer != NULL && status == 401;
  if (answer != NULL)
    eng_agent_http_refused (http, status, answer, error);
  agent_close (&self->link);
  return NULL;
}

/* ---- Builds kept ---- */

static GPtrArray *
read_builds (JsonObject *answer)
{
  GPtrArray *builds = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_board_build_free);
  JsonArray *array = eng_json_get_array (answer, "builds");
  const char *current = eng_json_get_string (answer, "current");

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      JsonObject *entry = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      if (entry == NULL || eng_json_get_string (entry, "name") == NULL)
        continue;
      EngBoardBuild *build = g_new0 (EngBoardBuild, 1);
      build->name = g_strdup (eng_json_get_string (entry, "name"));
      build->sha256 = g_strdup (eng_json_get_string (entry, "sha256"));
      build->first_s = eng_json_get_int (entry, "first_s", 0);
      build->n_bytes = (guint64)MAX (0, eng_json_get_int (entry, "bytes", 0));
      build->n_runs = (guint)eng_json_get_int (entry, "runs", 0);
      build->last_s = eng_json_get_int (entry, "last_s", 0);
      build->current = g_strcmp0 (current, build->name) == 0;
      g_ptr_array_add (builds, build);
    }
  return builds;
}

GPtrArray *
eng_agent_link_builds (EngLink *link, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (link != NULL && link->klass == &agent_class, NULL);

  g_autoptr (JsonObject) answer = need (link, "GET", "/v1/builds", cancellable, error);
  return answer != NULL ? read_builds (answer) : NULL;
}

GPtrArray *
eng_agent_link_rollback (EngLink *link, const char *name, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (link != NULL && link->klass == &agent_class, NULL);

  AgentLink *self = (AgentLink *)link;
  JsonBuilder *builder = json_builder_new ();
  guint status = 0;

  json_builder_begin_object (builder);
  if (name != NULL)
    eng_json_add_string (builder, "name", name);
  json_builder_end_object (builder);
  g_autofree char *text = eng_json_builder_finish (builder, FALSE);
  g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));
  EngAgentRequest request = {
    .method = "POST", .path = "/v1/builds/rollback", .body = body, .type = "application/json"
  };
  g_autoptr (JsonObject) answer
      = eng_agent_http_ask (self->http, &request, &status, cancellable, error);
  if (answer != NULL && status != 200)
    eng_agent_http_refused (self->http, status, answer, error);
  return answer != NULL && status == 200 ? read_builds (answer) : NULL;
}
