/* Requests of pairing, and of its end. Called by ag-server.c; ag-pairing.c judges the code,
 * ag-tokens.c keeps who is paired. What is wrong with a request is told to no stranger. */
#include "ag-server-private.h"

#include "ag-answer.h"
#include "ag-request.h"

static void
notify_pairing (AgServer *server, const char *event, const char *name)
{
  if (server->watch)
    server->watch (event, name, server->watch_data);
}

static void
refuse_pairing (AgServer *server, SoupServerMessage *msg, AgPairingResult result)
{
  g_autoptr (JsonBuilder) builder = NULL;

  if (result != AG_PAIRING_WRONG)
    {
      ag_answer (msg, 401, NULL);
      return;
    }
  notify_pairing (server, ag_pairing_get_tries (server->pairing) ? "wrong" : "void", NULL);
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  ag_json_add_number (builder, "tries_left", ag_pairing_get_tries (server->pairing));
  json_builder_end_object (builder);
  ag_answer (msg, 403, builder);
}

void
ag_server_pair_start (AgServer *server, SoupServerMessage *msg, const char *text, gsize n)
{
  g_autoptr (JsonBuilder) builder = NULL;
  g_autofree char *id_text = NULL, *share_text = NULL;
  guint8 id[16], share[AG_CPACE_SHARE_BYTES];
  AgPairStart start;
  AgPairingResult result;

  if (!ag_pairing_is_open (server->pairing, g_get_monotonic_time ())
      || !ag_pair_start_read (&start, text, n, NULL))
    {
      ag_answer (msg, 401, NULL);
      return;
    }
  result = ag_pairing_start (server->pairing, g_get_monotonic_time (), start.session, start.share,
                             start.name, id, share);
  ag_pair_start_clear (&start);
  if (result != AG_PAIRING_OK)
    {
      refuse_pairing (server, msg, result);
      return;
    }
  id_text = ag_hex_text (id, sizeof id);
  share_text = ag_hex_text (share, sizeof share);
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  ag_json_add_number (builder, "protocol", AG_PROTOCOL);
  ag_json_add_text (builder, "pairing", id_text);
  ag_json_add_text (builder, "share", share_text);
  ag_json_add_text (builder, "name", server->name);
  json_builder_end_object (builder);
  ag_answer (msg, 200, builder);
}

void
ag_server_pair_finish (AgServer *server, SoupServerMessage *msg, const char *text, gsize n)
{
  g_autoptr (JsonBuilder) builder = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *studio = NULL, *token = NULL, *proof_text = NULL;
  guint8 proof[AG_PROOF_BYTES];
  AgPairFinish finish;
  AgPairingResult result;
  const AgPaired *paired;

  if (!ag_pairing_is_open (server->pairing, g_get_monotonic_time ())
      || !ag_pair_finish_read (&finish, text, n, NULL))
    {
      ag_answer (msg, 401, NULL);
      return;
    }
  result = ag_pairing_finish (server->pairing, g_get_monotonic_time (), finish.pairing,
                              finish.proof, proof, &studio);
  if (result != AG_PAIRING_OK)
    {
      refuse_pairing (server, msg, result);
      return;
    }
  paired = ag_tokens_add (server->tokens, studio, &token, &error);
  if (!paired)
    {
      notify_pairing (server, "failed", error->message);
      ag_refuse_error (msg, error);
      return;
    }
  notify_pairing (server, "paired", studio);
  proof_text = ag_hex_text (proof, sizeof proof);
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  ag_json_add_text (builder, "proof", proof_text);
  ag_json_add_text (builder, "token", token);
  json_builder_end_object (builder);
  ag_answer (msg, 200, builder);
}

/* ---- and its end ---- */

typedef struct
{
  AgServer *server;
  char *id;
} Farewell;

static gboolean
say_farewell (gpointer data)
{
  Farewell *farewell = data;

  ag_door_close_pairing (farewell->server->door, farewell->id);
  g_free (farewell->id);
  g_free (farewell);
  return G_SOURCE_REMOVE;
}

void
ag_server_unpair (AgServer *server, SoupServerMessage *msg)
{
  const AgPaired *paired = ag_tokens_check (server->tokens, ag_token_of (msg));
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *id = paired ? g_strdup (paired->id) : NULL;
  Farewell *farewell;
  g_autoptr (GError) error = NULL;

  if (!id || !ag_tokens_remove (server->tokens, id, ids, &error))
    {
      if (error)
        ag_refuse_error (msg, error);
      return;
    }
  ag_answer (msg, 204, NULL);
  ag_hang_up_after (msg);
  /* Its other connections too, once this answer is out. */
  farewell = g_new0 (Farewell, 1);
  farewell->server = server;
  farewell->id = g_steal_pointer (&id);
  g_timeout_add (200, say_farewell, farewell);
}
