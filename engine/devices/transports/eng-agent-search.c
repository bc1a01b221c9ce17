/* Boards that announce _lathe._tcp on the local network, through Avahi. Called by the search of the
 * transport, on a worker, for a few seconds. What is announced is evidence, not proof: pairing is.
 */
#include "transports/eng-agent-search.h"

#include <string.h>

#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/simple-watch.h>

#include "ag-proof.h"

#define SEARCH_S 4.0
#define MAX_FOUND 64 /* a network that shouts */
#define MAX_NAME 64  /* characters */

typedef struct
{
  AvahiSimplePoll *poll;
  AvahiClient *client;
  GPtrArray *found;
  guint n_asked; /* resolvers under way */
  gboolean complete;
  int failed; /* Avahi's code */
} Search;

/* At most @n characters of what anybody may announce, without those that are none to look at; newly
 * allocated. */
static char *
clean (const char *text, guint n)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_new (NULL);

  for (const char *p = valid; *p != '\0' && n > 0; p = g_utf8_next_char (p), n--)
    {
      gunichar c = g_utf8_get_char (p);
      g_string_append_unichar (out, g_unichar_isprint (c) ? c : 0xfffd);
    }
  return g_string_free (out, FALSE);
}

static char *
text_of (AvahiStringList *records, const char *key, guint n)
{
  AvahiStringList *record = avahi_string_list_find (records, key);
  char *value = NULL, *copy;

  if (record == NULL || avahi_string_list_get_pair (record, NULL, &value, NULL) < 0)
    return NULL;
  copy = value != NULL ? clean (value, n) : NULL;
  avahi_free (value);
  return copy;
}

static EngCandidate *
make_candidate (const char *name, const char *host, guint16 port, AvahiStringList *records)
{
  EngCandidate *candidate = g_new0 (EngCandidate, 1);
  g_autofree char *machine = text_of (records, "machine", 20);
  g_autofree char *version = text_of (records, "version", 8);
  g_autofree char *digits = text_of (records, "fingerprint", 2 * AG_FINGERPRINT_BYTES);
  guint8 fingerprint[AG_FINGERPRINT_BYTES];
  GString *evidence = g_string_new (NULL);

  g_string_printf (evidence, "announces _lathe._tcp on %s:%u", host, port);
  if (machine != NULL)
    g_string_append_printf (evidence, ", machine %s", machine);
  if (version != NULL && g_ascii_strtoll (version, NULL, 10) != AG_PROTOCOL)
    g_string_append_printf (evidence, ", protocol %s (this studio speaks %d)", version,
                            AG_PROTOCOL);
  if (digits != NULL && ag_hex_read (digits, fingerprint, sizeof fingerprint))
    {
      g_autofree char *text = ag_fingerprint_text (fingerprint);
      g_string_append_printf (evidence, ", fingerprint %s", text);
    }
  candidate->name = clean (name, MAX_NAME);
  candidate->evidence = g_string_free (evidence, FALSE);
  candidate->settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert (candidate->settings, g_strdup ("host"), g_strdup (host));
  g_hash_table_insert (candidate->settings, g_strdup ("port"), g_strdup_printf ("%u", port));
  return candidate;
}

/* The same board answers on each interface and in each protocol: its first address counts. */
static gboolean
is_known (Search *search, const char *name)
{
  g_autofree char *cleaned = clean (name, MAX_NAME);

  for (guint i = 0; i < search->found->len; i++)
    if (g_strcmp0 (((EngCandidate *)search->found->pdata[i])->name, cleaned) == 0)
      return TRUE;
  return FALSE;
}

static void
resolved (AvahiServiceResolver *resolver, AvahiIfIndex interface, AvahiProtocol protocol,
          AvahiResolverEvent event, const char *name, const char *type, const char *domain,
          const char *host_name, const AvahiAddress *address, uint16_t port,
          AvahiStringList *records, AvahiLookupResultFlags flags, void *data)
{
  Search *search = data;
  char host[AVAHI_ADDRESS_STR_MAX];

  search->n_asked--;
  if (event == AVAHI_RESOLVER_FOUND && !is_known (search, name) && search->found->len < MAX_FOUND)
    {
      avahi_address_snprint (host, sizeof host, address);
      g_ptr_array_add (search->found, make_candidate (name, host, port, records));
    }
  avahi_service_resolver_free (resolver);
}

static void
browsed (AvahiServiceBrowser *browser, AvahiIfIndex interface, AvahiProtocol protocol,
         AvahiBrowserEvent event, const char *name, const char *type, const char *domain,
         AvahiLookupResultFlags flags, void *data)
{
  Search *search = data;

  switch (event)
    {
    case AVAHI_BROWSER_NEW:
      if (search->n_asked < 2 * MAX_FOUND
          && avahi_service_resolver_new (search->client, interface, protocol, name, type, domain,
                                         AVAHI_PROTO_INET, 0, resolved, search)
                 != NULL)
        search->n_asked++;
      break;
    case AVAHI_BROWSER_ALL_FOR_NOW:
      search->complete = TRUE;
      break;
    case AVAHI_BROWSER_FAILURE:
      search->failed = avahi_client_errno (search->client);
      break;
    case AVAHI_BROWSER_REMOVE:
    case AVAHI_BROWSER_CACHE_EXHAUSTED:
    default:
      break;
    }
}

static void
client_changed (AvahiClient *client, AvahiClientState state, void *data)
{
  if (state == AVAHI_CLIENT_FAILURE)
    ((Search *)data)->failed = avahi_client_errno (client);
}

static gboolean
fail (GError **error, int code)
{
  if (code != AVAHI_ERR_NO_DAEMON)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                 "Boards with lathe-agent cannot be looked for: %s", avahi_strerror (code));
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                 "Boards with lathe-agent cannot be looked for: no avahi-daemon runs on this "
                 "computer (%s). Add them by their address, or: sudo %s avahi-daemon",
                 avahi_strerror (code),
                 g_file_test ("/usr/sbin/avahi-daemon", G_FILE_TEST_IS_EXECUTABLE)
                     ? "systemctl start"
                     : "apt install");
  return FALSE;
}

static void
look (Search *search, GCancellable *cancellable)
{
  gint64 until_us = g_get_monotonic_time () + (gint64)(SEARCH_S * G_USEC_PER_SEC);

  /* "All for now" is what the cache had; new ones answer within a second or two. */
  while (search->failed == 0 && g_get_monotonic_time () < until_us
         && !g_cancellable_is_cancelled (cancellable))
    if (avahi_simple_poll_iterate (search->poll, 100) != 0)
      break;
}

GPtrArray *
eng_agent_search (GCancellable *cancellable, GError **error)
{
  Search search = { 0 };
  AvahiServiceBrowser *browser = NULL;
  int code = AVAHI_ERR_NO_MEMORY;

  search.found = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_candidate_free);
  search.poll = avahi_simple_poll_new ();
  if (search.poll != NULL)
    search.client
        = avahi_client_new (avahi_simple_poll_get (search.poll), 0, client_changed, &search, &code);
  if (search.client != NULL)
    browser = avahi_service_browser_new (search.client, AVAHI_IF_UNSPEC, AVAHI_PROTO_INET,
                                         "_lathe._tcp", NULL, 0, browsed, &search);
  if (browser != NULL)
    look (&search, cancellable);
  else if (search.client != NULL)
    code = avahi_client_errno (search.client);
  if (browser != NULL)
    code = search.failed;
  if (search.client != NULL)
    avahi_client_free (search.client); /* with its browser and resolvers */
  if (search.poll != NULL)
    avahi_simple_poll_free (search.poll);
  if (code == 0 && !g_cancellable_set_error_if_cancelled (cancellable, error))
    return search.found;
  if (code != 0)
    fail (error, code);
  g_ptr_array_unref (search.found);
  return NULL;
}
