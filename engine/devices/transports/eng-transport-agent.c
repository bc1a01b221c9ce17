/* Boards with lathe-agent: found on the local network or given by their address, paired once by a
 * code, reached over HTTPS with the certificate of that day. What is kept is one secret in the
 * keyring: certificate and token together, so that neither is ever used without the other. */
#include <string.h>

#include "ag-proof.h"
#include "eng-secret.h"
#include "eng-transport.h"
#include "transports/eng-agent-link.h"
#include "transports/eng-agent-pair.h"
#include "transports/eng-agent-search.h"

#define WHAT "agent"
#define IDENTITY "certificate" /* the setting: its fingerprint, by which the board is known again */
#define DEFAULT_PORT "4663"

static const EngTransportField fields[] = {
  { "host", "Host", "Name or address of the board that runs lathe-agent.", NULL, FALSE },
  { "port", "Port", "Where lathe-agent listens there.", DEFAULT_PORT, FALSE },
  { NULL },
};

/* Where no keyring answers, pairings of this process. */
static GMutex lock;
static GHashTable *unkept; /* device id -> secret */

static EngBoardKind
agent_kind (EngDevice *device)
{
  return ENG_BOARD_LINUX;
}

static guint16
read_port (const char *text)
{
  guint64 port = 0;

  return g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT16, &port, NULL) ? (guint16)port : 0;
}

static char *
agent_validate (GHashTable *settings)
{
  const char *host = g_hash_table_lookup (settings, "host");
  const char *port = g_hash_table_lookup (settings, "port");

  if (host == NULL || *host == '\0')
    return g_strdup ("The host is missing");
  if (strpbrk (host, " /@[]?#%\t") != NULL || strlen (host) > 253)
    return g_strdup_printf ("%s is no name or address of a host", host);
  if (port != NULL && read_port (port) == 0)
    return g_strdup_printf ("%s is no port: 1 to 65535", port);
  return NULL;
}

/* ---- What pairing left ---- */

static void
free_secret (gpointer text)
{
  explicit_bzero (text, strlen (text));
  g_free (text);
}

static void
remember (const char *id, const char *secret)
{
  g_mutex_lock (&lock);
  if (unkept == NULL)
    unkept = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_secret);
  if (secret != NULL)
    g_hash_table_insert (unkept, g_strdup (id), g_strdup (secret));
  else
    g_hash_table_remove (unkept, id);
  g_mutex_unlock (&lock);
}

static char *
recall (const char *id)
{
  char *secret;

  g_mutex_lock (&lock);
  secret = unkept != NULL ? g_strdup (g_hash_table_lookup (unkept, id)) : NULL;
  g_mutex_unlock (&lock);
  return secret;
}

/* "FINGERPRINT:TOKEN" */
static gboolean
use_secret (EngAgentHttp *http, const char *secret)
{
  g_autofree char *first = g_strndup (secret, 2 * AG_FINGERPRINT_BYTES);
  guint8 fingerprint[AG_FINGERPRINT_BYTES], token[AG_TOKEN_BYTES];
  const char *second = strchr (secret, ':');
  gboolean ok = second != NULL && ag_hex_read (first, fingerprint, sizeof fingerprint)
                && second == secret + strlen (first)
                && ag_hex_read (second + 1, token, sizeof token);

  explicit_bzero (token, sizeof token);
  if (!ok)
    return FALSE;
  eng_agent_http_pin (http, fingerprint);
  eng_agent_http_set_token (http, second + 1);
  return TRUE;
}

/* Kept in the keyring, or the user says that this session is enough. */
static gboolean
keep_secret (EngAgentHttp *http, EngDevice *device, const EngAsk *ask, GCancellable *cancellable,
             GError **error)
{
  g_autofree char *first = ag_hex_text (http->fingerprint, AG_FINGERPRINT_BYTES);
  g_autofree char *secret = g_strconcat (first, ":", http->token, NULL);
  g_autofree char *label
      = g_strdup_printf ("Pairing with %s (Lathe)", eng_device_get_name (device));
  const char *id = eng_device_get_id (device);
  g_autoptr (GError) local = NULL;
  gboolean ok = eng_secret_store (id, WHAT, label, secret, cancellable, &local);
  /* A keyring may ask for its own password for longer than anybody waits: the code is spent. */
  gboolean waited = g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  if (!ok && !waited)
    {
      g_autofree char *text = g_strdup_printf (
          "%s.\n\nThe pairing can be used until this program ends, and then the board wants a code "
          "again.",
          local->message);
      ok = ask->confirm (device, "Pair for this session only?", text, ask->user_data);
    }
  if (ok || waited)
    {
      remember (id, secret);
      eng_device_set_setting (device, IDENTITY, first);
    }
  if (!ok)
    g_propagate_error (error, g_steal_pointer (&local));
  explicit_bzero (secret, strlen (secret));
  return ok;
}

static gboolean
load_secret (EngAgentHttp *http, EngDevice *device, GCancellable *cancellable)
{
  const char *id = eng_device_get_id (device);
  g_autofree char *here = recall (id);
  gboolean ok = here != NULL && use_secret (http, here);

  if (here != NULL)
    explicit_bzero (here, strlen (here));
  if (ok)
    return TRUE;
  /* Without a keyring it is as if never paired: pairing will say what is wrong with it. */
  char *secret = eng_secret_lookup (id, WHAT, cancellable, NULL);
  ok = secret != NULL && use_secret (http, secret);
  eng_secret_free (secret);
  return ok;
}

/* ---- Opening ---- */

static EngAgentHttp *
new_http (EngDevice *device, GError **error)
{
  const char *host = eng_device_get_setting (device, "host");
  const char *port_text = eng_device_get_setting (device, "port");
  guint16 port = read_port (port_text != NULL ? port_text : DEFAULT_PORT);

  if (host != NULL && port != 0)
    return eng_agent_http_new (host, port);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "%s has no host or no port that can be used", eng_device_get_name (device));
  return NULL;
}

static EngLink *
pair_and_open (EngDevice *device, const EngAsk *ask, GCancellable *cancellable, GError **error)
{
  EngAgentHttp *http = new_http (device, error);
  gboolean unpaired;

  if (http == NULL)
    return NULL;
  if (eng_agent_pair (http, device, ask, cancellable, error)
      && keep_secret (http, device, ask, cancellable, error))
    return eng_agent_link_new (http, &unpaired, cancellable, error);
  eng_agent_http_free (http);
  return NULL;
}

static EngLink *
agent_open (EngDevice *device, const EngAsk *ask, GCancellable *cancellable, GError **error)
{
  EngAgentHttp *http = new_http (device, error);
  g_autoptr (GError) local = NULL;
  gboolean unpaired = FALSE;
  EngLink *link;

  if (http == NULL)
    return NULL;
  if (!load_secret (http, device, cancellable))
    {
      eng_agent_http_free (http);
      return pair_and_open (device, ask, cancellable, error);
    }
  g_autofree char *certificate = ag_hex_text (http->fingerprint, AG_FINGERPRINT_BYTES);
  link = eng_agent_link_new (http, &unpaired, cancellable, &local);
  if (link != NULL)
    eng_device_set_setting (device, IDENTITY, certificate);
  if (link != NULL)
    return link;
  /* Unpaired at the board: pair again where somebody is there to do it. */
  if (unpaired && ask != NULL)
    return pair_and_open (device, ask, cancellable, error);
  g_propagate_error (error, g_steal_pointer (&local));
  return NULL;
}

/* ---- Forgetting ---- */

/* The board is told, if it hears: its list of pairings has no end of ours left over. */
static gpointer
say_goodbye (gpointer data)
{
  EngAgentHttp *http = data;
  EngAgentRequest request = { .method = "DELETE", .path = "/v1/pairing", .patience_s = 5 };
  guint status = 0;
  g_autoptr (JsonObject) answer = eng_agent_http_ask (http, &request, &status, NULL, NULL);

  eng_agent_http_free (http);
  return NULL;
}

static void
agent_forget (EngDevice *device)
{
  const char *id = eng_device_get_id (device);
  EngAgentHttp *http = new_http (device, NULL);

  if (http != NULL && load_secret (http, device, NULL))
    g_thread_unref (g_thread_new ("goodbye", say_goodbye, http));
  else
    eng_agent_http_free (http);
  remember (id, NULL);
  eng_secret_remove (id, WHAT, NULL, NULL);
}

/* ---- Two entries of one board ---- */

/* What has to be done for them where it may take a while: the keyring may ask for its password, a
 * board may not answer. */
typedef struct
{
  EngDevice *kept, *gone;
  gboolean take;
  char *replaced; /* the secret of @kept that was replaced already; NULL: none */
} Merge;

static char *
look_up (const char *id)
{
  char *stored = eng_secret_lookup (id, WHAT, NULL, NULL);
  char *secret = g_strdup (stored);

  eng_secret_free (stored);
  return secret;
}

/* The pairing that @secret is of ends, at the board too; not while something runs by it. */
static void
end_pairing (EngDevice *device, const char *secret)
{
  EngAgentHttp *http = eng_device_get_busy (device) ? NULL : new_http (device, NULL);

  if (http != NULL && use_secret (http, secret))
    say_goodbye (http);
  else
    eng_agent_http_free (http);
}

static gpointer
merge_secrets (gpointer data)
{
  Merge *merge = data;
  const char *id = eng_device_get_id (merge->kept);
  char *from_gone = recall (eng_device_get_id (merge->gone));
  char *unused = NULL;

  if (from_gone == NULL)
    from_gone = look_up (eng_device_get_id (merge->gone));

  if (!merge->take)
    unused = g_steal_pointer (&from_gone);
  else if (from_gone != NULL)
    {
      g_autofree char *label
          = g_strdup_printf ("Pairing with %s (Lathe)", eng_device_get_name (merge->kept));
      unused = merge->replaced != NULL ? g_steal_pointer (&merge->replaced) : look_up (id);
      remember (id, from_gone);
      eng_secret_store (id, WHAT, label, from_gone, NULL, NULL);
    }
  remember (eng_device_get_id (merge->gone), NULL);
  eng_secret_remove (eng_device_get_id (merge->gone), WHAT, NULL, NULL);
  if (unused != NULL && g_strcmp0 (unused, from_gone) != 0)
    end_pairing (merge->kept, unused);
  g_clear_pointer (&unused, free_secret);
  g_clear_pointer (&from_gone, free_secret);
  g_clear_pointer (&merge->replaced, free_secret);
  g_object_unref (merge->kept);
  g_object_unref (merge->gone);
  g_free (merge);
  return NULL;
}

/* Who opens @kept from now on takes the newer pairing; the rest is done in the background. */
static void
agent_merge (EngDevice *kept, EngDevice *gone, gboolean take)
{
  Merge *merge = g_new0 (Merge, 1);
  char *secret = take ? recall (eng_device_get_id (gone)) : NULL;

  merge->kept = g_object_ref (kept);
  merge->gone = g_object_ref (gone);
  merge->take = take;
  merge->replaced = take ? recall (eng_device_get_id (kept)) : NULL;
  if (secret != NULL)
    {
      remember (eng_device_get_id (kept), secret);
      free_secret (secret);
    }
  g_thread_unref (g_thread_new ("merge-pairings", merge_secrets, merge));
}

const EngTransport eng_transport_agent = {
  .id = "agent",
  .title = "lathe-agent",
  .summary
  = "A Linux board used again and again: it runs lathe-agent, is found on the local network, "
    "paired once by a code and reached over HTTPS.",
  .fields = fields,
  .can_add = TRUE,
  .kind = agent_kind,
  .validate = agent_validate,
  .search = eng_agent_search,
  .forget = agent_forget,
  .identity = IDENTITY,
  .merge = agent_merge,
  .open = agent_open,
  .list_builds = eng_agent_link_builds,
  .roll_back = eng_agent_link_rollback,
};
