/* The studio's side of pairing. Called by eng-transport-agent.c when no token is kept. The code
 * never leaves this process: what is sent is a share and a proof (ag-cpace.h), and both hang on the
 * certificate that this connection showed, so an intermediary with another one gets a refusal from
 * the board and learns nothing of the code. */
#include "transports/eng-agent-pair.h"

#include <string.h>

#include <gnutls/crypto.h>

#include "ag-proof.h"

static JsonObject *
post (EngAgentHttp *http, const char *path, JsonBuilder *builder, guint *status,
      GCancellable *cancellable, GError **error)
{
  g_autofree char *text = eng_json_builder_finish (builder, FALSE);
  g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));
  EngAgentRequest request
      = { .method = "POST", .path = path, .body = body, .type = "application/json" };

  return eng_agent_http_ask (http, &request, status, cancellable, error);
}

static gboolean
refused (EngAgentHttp *http, guint status, JsonObject *answer, GError **error)
{
  if (status == 401)
    g_set_error (
        error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
        "%s waits for no studio: run lathe-agent pair there and give the code that it shows",
        http->host);
  else if (status == 403)
    g_set_error (
        error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
        "That is not the code that %s shows (%d tries are left), or somebody is in between",
        http->host, (int)eng_json_get_int (answer, "tries_left", 0));
  else
    eng_agent_http_refused (http, status, answer, error);
  return FALSE;
}

static char *
studio_name (void)
{
  g_autofree char *name = g_strdup_printf ("%s on %s", g_get_user_name (), g_get_host_name ());
  g_autofree char *valid = g_utf8_make_valid (name, -1);

  return g_utf8_substring (valid, 0, MIN (g_utf8_strlen (valid, -1), 64));
}

typedef struct
{
  AgCpace cpace;
  char *name;
  char *pairing; /* the board's name of this exchange */
  guint8 key[AG_CPACE_KEY_BYTES];
} Exchange;

static gboolean
start (EngAgentHttp *http, Exchange *exchange, GCancellable *cancellable, GError **error)
{
  JsonBuilder *builder = json_builder_new ();
  g_autoptr (GBytes) mine = g_bytes_new (exchange->name, strlen (exchange->name));
  g_autofree char *session = NULL, *share = NULL;
  gsize n_session;
  const void *session_bytes = g_bytes_get_data (exchange->cpace.session, &n_session);
  guint8 theirs[AG_CPACE_SHARE_BYTES];
  guint status = 0;

  session = ag_hex_text (session_bytes, n_session);
  share = ag_hex_text (exchange->cpace.share, sizeof exchange->cpace.share);
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "session", session);
  eng_json_add_string (builder, "share", share);
  eng_json_add_string (builder, "name", exchange->name);
  json_builder_end_object (builder);
  g_autoptr (JsonObject) answer
      = post (http, "/v1/pair/start", builder, &status, cancellable, error);
  if (answer == NULL)
    return FALSE;
  if (status != 200)
    return refused (http, status, answer, error);
  const char *name = eng_json_get_string (answer, "name");
  exchange->pairing = g_strdup (eng_json_get_string (answer, "pairing"));
  if (eng_json_get_int (answer, "protocol", 0) != AG_PROTOCOL || exchange->pairing == NULL
      || name == NULL
      || !ag_hex_read (eng_json_get_string (answer, "share"), theirs, sizeof theirs))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   "%s speaks another version of the protocol than this studio's (%d): install the "
                   "same version of both",
                   http->host, AG_PROTOCOL);
      return FALSE;
    }
  g_autoptr (GBytes) board = g_bytes_new (name, strlen (name));
  if (ag_cpace_finish (&exchange->cpace, TRUE, mine, theirs, board, exchange->key))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
               "%s does not follow the protocol of pairing: somebody may be in between",
               http->host);
  return FALSE;
}

static gboolean
finish (EngAgentHttp *http, Exchange *exchange, GCancellable *cancellable, GError **error)
{
  JsonBuilder *builder = json_builder_new ();
  guint8 proof[AG_PROOF_BYTES], expected[AG_PROOF_BYTES], theirs[AG_PROOF_BYTES];
  guint8 token[AG_TOKEN_BYTES];
  g_autofree char *text = NULL;
  guint status = 0;

  ag_proof_of_studio (exchange->key, proof);
  ag_proof_of_agent (exchange->key, expected);
  text = ag_hex_text (proof, sizeof proof);
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "pairing", exchange->pairing);
  eng_json_add_string (builder, "proof", text);
  json_builder_end_object (builder);
  g_autoptr (JsonObject) answer
      = post (http, "/v1/pair/finish", builder, &status, cancellable, error);
  if (answer == NULL)
    return FALSE;
  if (status != 200)
    return refused (http, status, answer, error);
  if (!ag_hex_read (eng_json_get_string (answer, "proof"), theirs, sizeof theirs)
      || !ag_proof_equal (theirs, expected, sizeof theirs)
      || !ag_hex_read (eng_json_get_string (answer, "token"), token, sizeof token))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                   "%s did not prove that it knows the code: it is not the board that shows it",
                   http->host);
      return FALSE;
    }
  explicit_bzero (token, sizeof token);
  eng_agent_http_set_token (http, eng_json_get_string (answer, "token"));
  return TRUE;
}

/* People read it in groups and type it so. */
static char *
digits_of (const char *code, GError **error)
{
  g_autoptr (GString) digits = g_string_new (NULL);

  for (; *code != '\0'; code++)
    if (g_ascii_isdigit (*code))
      g_string_append_c (digits, *code);
    else if (!g_ascii_isspace (*code) && *code != '-')
      break;
  if (*code == '\0' && digits->len == AG_CODE_DIGITS)
    return g_strdup (digits->str);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "The code that lathe-agent pair shows has %d digits", AG_CODE_DIGITS);
  return NULL;
}

gboolean
eng_agent_pair_with_code (EngAgentHttp *http, const char *code, GCancellable *cancellable,
                          GError **error)
{
  g_autofree char *digits = digits_of (code, error);
  guint8 random[32];
  Exchange exchange = { 0 };

  if (digits == NULL)
    return FALSE;
  if (gnutls_rnd (GNUTLS_RND_NONCE, random, sizeof random) < 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                           "This computer has no random numbers");
      return FALSE;
    }
  g_autoptr (GBytes) session = g_bytes_new (random, sizeof random);
  g_autoptr (GBytes) channel = ag_proof_channel (http->fingerprint);
  exchange.name = studio_name ();
  gboolean ok = ag_cpace_start (&exchange.cpace, digits, channel, session, NULL);
  if (!ok)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                         "This computer has no random numbers");
  ok = ok && start (http, &exchange, cancellable, error)
       && finish (http, &exchange, cancellable, error);
  ag_cpace_clear (&exchange.cpace);
  explicit_bzero (exchange.key, sizeof exchange.key);
  explicit_bzero (digits, strlen (digits));
  g_free (exchange.name);
  g_free (exchange.pairing);
  return ok;
}

/* ---- With the user ---- */

/* Its certificate, by a request that says nothing of us. */
static gboolean
see_certificate (EngAgentHttp *http, GCancellable *cancellable, GError **error)
{
  EngAgentRequest request = { .method = "GET", .path = "/v1/agent", .patience_s = 15 };
  guint status = 0;

  http->pinned = FALSE;
  eng_agent_http_set_token (http, NULL);
  g_autoptr (JsonObject) answer = eng_agent_http_ask (http, &request, &status, cancellable, error);
  if (answer == NULL)
    return FALSE;
  if (status == 401 && http->pinned)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
               "What answers at %s is no lathe-agent (status %u)", http->base, status);
  return FALSE;
}

gboolean
eng_agent_pair (EngAgentHttp *http, EngDevice *device, const EngAsk *ask, GCancellable *cancellable,
                GError **error)
{
  gboolean keep = FALSE; /* a code is good once */

  if (!see_certificate (http, cancellable, error))
    return FALSE;
  g_autofree char *fingerprint = ag_fingerprint_text (http->fingerprint);
  if (ask == NULL || ask->confirm == NULL || ask->secret == NULL)
    {
      g_set_error (
          error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
          "%s (fingerprint %s) is not paired with this studio, and nobody is here to give the "
          "code that lathe-agent pair shows there",
          http->host, fingerprint);
      return FALSE;
    }
  g_autofree char *text = g_strdup_printf (
      "Run this on the board:\n\n    lathe-agent pair\n\nIt shows a fingerprint and a code. Is the "
      "fingerprint this one?\n\n    %s",
      fingerprint);
  if (!ask->confirm (device, "Pair with this board?", text, ask->user_data))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "%s was not paired",
                   http->host);
      return FALSE;
    }
  g_autofree char *code
      = ask->secret (device, "Code of the board", "The 8 digits that lathe-agent pair shows.",
                     &keep, ask->user_data);
  if (code == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                   "%s was not paired: no code was given", http->host);
      return FALSE;
    }
  gboolean ok = eng_agent_pair_with_code (http, code, cancellable, error);
  explicit_bzero (code, strlen (code));
  return ok;
}
