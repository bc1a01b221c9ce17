/* The announcement, on a thread of Avahi's own. Called by ag-main.c. What is announced is a hint
 * and proves nothing: the studio shows it as evidence, and pairing proves the rest. */
#include "ag-announce.h"

#include <avahi-client/client.h>
#include <avahi-client/publish.h>
#include <avahi-common/alternative.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/thread-watch.h>

struct _AgAnnounce
{
  AvahiThreadedPoll *poll;
  AvahiClient *client;
  AvahiEntryGroup *group;
  char *name; /* by avahi_malloc(); another one when it is taken */
  AvahiStringList *records;
  guint16 port;
  void (*why) (const char *reason);
  gboolean said;
};

static void announce (AgAnnounce *self, AvahiClient *client);

static void
complain (AgAnnounce *self, const char *reason)
{
  if (!self->said)
    self->why (reason);
  self->said = TRUE;
}

static void
rename_to_alternative (AgAnnounce *self)
{
  char *other = avahi_alternative_service_name (self->name);

  avahi_free (self->name);
  self->name = other;
}

static void
group_changed (AvahiEntryGroup *group, AvahiEntryGroupState state, void *data)
{
  AgAnnounce *self = data;

  self->group = group;
  if (state == AVAHI_ENTRY_GROUP_COLLISION)
    {
      rename_to_alternative (self);
      announce (self, avahi_entry_group_get_client (group));
    }
  else if (state == AVAHI_ENTRY_GROUP_FAILURE)
    complain (self, avahi_strerror (avahi_client_errno (avahi_entry_group_get_client (group))));
}

static void
announce (AgAnnounce *self, AvahiClient *client)
{
  int code = 0;

  if (!self->group)
    self->group = avahi_entry_group_new (client, group_changed, self);
  if (self->group && avahi_entry_group_is_empty (self->group))
    do
      {
        code = avahi_entry_group_add_service_strlst (self->group, AVAHI_IF_UNSPEC,
                                                     AVAHI_PROTO_UNSPEC, 0, self->name,
                                                     AG_SERVICE_TYPE, NULL, NULL, self->port,
                                                     self->records);
        if (code == AVAHI_ERR_COLLISION)
          rename_to_alternative (self);
      }
    while (code == AVAHI_ERR_COLLISION);
  else if (self->group)
    {
      avahi_entry_group_reset (self->group);
      announce (self, client);
      return;
    }
  if (self->group && code >= 0)
    code = avahi_entry_group_commit (self->group);
  if (!self->group || code < 0)
    complain (self,
              self->group ? avahi_strerror (code) : avahi_strerror (avahi_client_errno (client)));
}

static void
client_changed (AvahiClient *client, AvahiClientState state, void *data)
{
  AgAnnounce *self = data;

  switch (state)
    {
    case AVAHI_CLIENT_S_RUNNING:
      announce (self, client);
      break;
    case AVAHI_CLIENT_S_COLLISION:
    case AVAHI_CLIENT_S_REGISTERING:
      if (self->group)
        avahi_entry_group_reset (self->group);
      break;
    case AVAHI_CLIENT_CONNECTING:
      complain (self, "no avahi-daemon runs yet; the board is announced once one does");
      break;
    case AVAHI_CLIENT_FAILURE:
    default:
      complain (self, avahi_strerror (avahi_client_errno (client)));
      break;
    }
}

AgAnnounce *
ag_announce_new (const char *name, guint16 port, const char *machine,
                 const guint8 fingerprint[AG_FINGERPRINT_BYTES], void (*why) (const char *reason))
{
  AgAnnounce *self = g_new0 (AgAnnounce, 1);
  g_autofree char *digits = ag_hex_text (fingerprint, AG_FINGERPRINT_BYTES);
  int code = 0;

  self->name = avahi_strdup (name);
  self->port = port;
  self->why = why;
  self->records = avahi_string_list_add_printf (self->records, "version=%d", AG_PROTOCOL);
  self->records = avahi_string_list_add_printf (self->records, "machine=%s", machine);
  self->records = avahi_string_list_add_printf (self->records, "fingerprint=%s", digits);
  self->poll = avahi_threaded_poll_new ();
  if (self->poll)
    self->client = avahi_client_new (avahi_threaded_poll_get (self->poll), AVAHI_CLIENT_NO_FAIL,
                                     client_changed, self, &code);
  if (!self->client)
    complain (self, code ? avahi_strerror (code) : "no thread for it");
  else if (avahi_threaded_poll_start (self->poll) < 0)
    complain (self, "its thread does not start");
  return self;
}

void
ag_announce_free (AgAnnounce *self)
{
  if (!self)
    return;
  if (self->poll)
    avahi_threaded_poll_stop (self->poll);
  if (self->client)
    avahi_client_free (self->client);
  if (self->poll)
    avahi_threaded_poll_free (self->poll);
  avahi_string_list_free (self->records);
  avahi_free (self->name);
  g_free (self);
}
