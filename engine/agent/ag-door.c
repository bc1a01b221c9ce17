/* Accepts connections, counts them by address, makes them TLS, hands them on, and ends those that
 * take too long. Used by ag-server.c; knows nothing of HTTP and tokens but that somebody showed
 * one. One main loop; nothing waits. */
#include "ag-door.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

const AgDoorLimits ag_door_limits = {
  .n_per_address = 8,
  .n_strangers = 64,
  .n_paired = 32,
  .stranger_s = 15,
  .idle_s = 120,
  .header_bytes = 16384,
  .per_s = 10,
  .burst = 24,
};

#define ACCEPTS_AT_ONCE 64
#define MAX_ADDRESSES 4096 /* remembered; the rest share one */

typedef struct
{
  char *name;
  double tokens; /* of the bucket that limits new connections */
  gint64 filled_us;
  guint n_strangers, n_guests;
} Address;

struct _AgGuest
{
  AgDoor *door;
  AgTls *tls;          /* not owned once it is handed on */
  gboolean owned;      /* still shaking hands */
  GSocket *socket;     /* owned */
  GSocketAddress *far; /* owned; carries the guest */
  GSource *source;     /* of the handshake */
  Address *address;    /* while it is not cut */
  char *pairing;       /* NULL: a stranger */
  gint64 born_us;
  guint n_holds;
  gboolean cut;
};

struct _AgDoor
{
  AgIdentity *identity;
  AgDoorLimits limits;
  AgDoorWelcome welcome;
  gpointer user_data;
  GSocket *socket;
  GSource *source, *sweep;
  GHashTable *addresses; /* name -> Address */
  GQueue guests;         /* oldest first; those that are cut are not in it */
  AgDoorCounts counts;
};

/* ---- addresses ---- */

static void
address_free (gpointer data)
{
  Address *address = data;

  g_free (address->name);
  g_free (address);
}

/* An IPv6 network hands out 2^64 addresses to one owner. */
static char *
name_of (GSocketAddress *far)
{
  GInetAddress *inet = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (far));
  const guint8 *bytes = g_inet_address_to_bytes (inet);
  static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };

  if (g_inet_address_get_family (inet) != G_SOCKET_FAMILY_IPV6)
    return g_inet_address_to_string (inet);
  if (memcmp (bytes, mapped, sizeof mapped) == 0)
    return g_strdup_printf ("%u.%u.%u.%u", bytes[12], bytes[13], bytes[14], bytes[15]);
  return g_strdup_printf ("%02x%02x:%02x%02x:%02x%02x:%02x%02x::/64", bytes[0], bytes[1], bytes[2],
                          bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]);
}

static void
refill (AgDoor *door, Address *address, gint64 now_us)
{
  address->tokens
      = MIN (door->limits.burst,
             address->tokens + door->limits.per_s * (double)(now_us - address->filled_us) / 1e6);
  address->filled_us = now_us;
}

/* Those that have nothing here and whose bucket is full again are as if never seen. */
static void
forget_addresses (AgDoor *door, gint64 now_us)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, door->addresses);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Address *address = value;

      refill (door, address, now_us);
      if (address->n_guests == 0 && address->tokens >= door->limits.burst)
        g_hash_table_iter_remove (&iter);
    }
}

static Address *
address_of (AgDoor *door, GSocketAddress *far, gint64 now_us)
{
  g_autofree char *name = name_of (far);
  Address *address = g_hash_table_lookup (door->addresses, name);

  if (!address && g_hash_table_size (door->addresses) >= MAX_ADDRESSES)
    {
      g_free (name);
      name = g_strdup ("others");
      address = g_hash_table_lookup (door->addresses, name);
    }
  if (!address)
    {
      address = g_new0 (Address, 1);
      address->name = g_steal_pointer (&name);
      address->tokens = door->limits.burst;
      address->filled_us = now_us;
      g_hash_table_insert (door->addresses, address->name, address);
    }
  refill (door, address, now_us);
  return address;
}

/* ---- guests ---- */

static void
leave (AgGuest *guest)
{
  AgDoor *door = guest->door;

  if (guest->cut)
    return;
  guest->cut = TRUE;
  g_queue_remove (&door->guests, guest);
  guest->address->n_guests--;
  if (guest->pairing)
    door->counts.n_paired--;
  else
    {
      door->counts.n_strangers--;
      guest->address->n_strangers--;
    }
  guest->address = NULL;
}

static void
stop_handshake (AgGuest *guest)
{
  if (guest->source)
    g_source_destroy (guest->source);
  g_clear_pointer (&guest->source, g_source_unref);
}

/* The stream is gone: so is the guest. */
static void
stream_gone (gpointer data, GObject *where_it_was)
{
  AgGuest *guest = data;

  leave (guest);
  stop_handshake (guest);
  g_object_set_data (G_OBJECT (guest->far), "ag-guest", NULL);
  g_object_unref (guest->far);
  g_object_unref (guest->socket);
  g_free (guest->pairing);
  g_free (guest);
}

/* Ends it now; the guest may be freed by that. */
static void
cut (AgGuest *guest)
{
  leave (guest);
  stop_handshake (guest);
  ag_tls_cut (guest->tls);
  if (guest->owned)
    {
      guest->owned = FALSE;
      g_object_unref (guest->tls);
    }
}

AgGuest *
ag_door_find (GSocketAddress *remote)
{
  return remote ? g_object_get_data (G_OBJECT (remote), "ag-guest") : NULL;
}

static gboolean handshake_ready (GSocket *socket, GIOCondition condition, gpointer data);

static void
shake_hands (AgGuest *guest)
{
  AgDoor *door = guest->door;
  g_autoptr (GSocketAddress) near = NULL;
  g_autoptr (GIOStream) stream = NULL;
  AgTlsProgress progress = ag_tls_handshake (guest->tls);

  stop_handshake (guest);
  if (progress == AG_TLS_FAILED)
    {
      cut (guest);
      return;
    }
  if (progress != AG_TLS_DONE)
    {
      guest->source
          = g_socket_create_source (guest->socket,
                                    progress == AG_TLS_WAIT_READ ? G_IO_IN : G_IO_OUT, NULL);
      g_source_set_callback (guest->source, G_SOURCE_FUNC (handshake_ready), guest, NULL);
      g_source_attach (guest->source, g_main_context_get_thread_default ());
      return;
    }
  near = g_socket_get_local_address (guest->socket, NULL);
  if (!near)
    {
      cut (guest);
      return;
    }
  ag_tls_set_allowance (guest->tls, door->limits.header_bytes);
  guest->owned = FALSE;
  stream = G_IO_STREAM (guest->tls);
  door->welcome (guest, stream, near, guest->far, door->user_data);
}

static gboolean
handshake_ready (GSocket *socket, GIOCondition condition, gpointer data)
{
  shake_hands (data);
  return G_SOURCE_REMOVE;
}

/* The house is full: the address that has most loses its oldest. So one that asks for much takes
 * from itself, and a studio that needs a blink for its token finds room. */
static gboolean
make_room (AgDoor *door)
{
  AgGuest *oldest = NULL;

  for (GList *l = door->guests.head; l; l = l->next)
    {
      AgGuest *guest = l->data;
      if (!guest->pairing
          && (!oldest || guest->address->n_strangers > oldest->address->n_strangers))
        oldest = guest;
    }
  if (!oldest)
    return FALSE;
  door->counts.n_evicted++;
  cut (oldest);
  return TRUE;
}

static gboolean
may_enter (AgDoor *door, Address *address)
{
  if (address->tokens < 1 || address->n_strangers >= door->limits.n_per_address)
    return FALSE;
  address->tokens -= 1;
  return door->counts.n_strangers < door->limits.n_strangers || make_room (door);
}

static void
enter (AgDoor *door, GSocket *socket)
{
  g_autoptr (GSocketAddress) far = g_socket_get_remote_address (socket, NULL);
  gint64 now_us = g_get_monotonic_time ();
  Address *address;
  AgGuest *guest;
  AgTls *tls;

  door->counts.n_accepted++;
  if (!far || !G_IS_INET_SOCKET_ADDRESS (far))
    return;
  address = address_of (door, far, now_us);
  if (!may_enter (door, address) || !(tls = ag_tls_new (socket, door->identity)))
    {
      door->counts.n_refused++;
      return;
    }
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
  g_socket_set_keepalive (socket, TRUE);
  guest = g_new0 (AgGuest, 1);
  guest->door = door;
  guest->tls = tls;
  guest->owned = TRUE;
  guest->socket = g_object_ref (socket);
  guest->far = g_steal_pointer (&far);
  guest->address = address;
  guest->born_us = now_us;
  g_object_set_data (G_OBJECT (guest->far), "ag-guest", guest);
  g_object_weak_ref (G_OBJECT (tls), stream_gone, guest);
  g_queue_push_tail (&door->guests, guest);
  address->n_strangers++;
  address->n_guests++;
  door->counts.n_strangers++;
  shake_hands (guest);
}

static gboolean
knock (GSocket *listening, GIOCondition condition, gpointer data)
{
  AgDoor *door = data;

  for (int i = 0; i < ACCEPTS_AT_ONCE; i++)
    {
      g_autoptr (GSocket) socket = g_socket_accept (listening, NULL, NULL);
      if (!socket)
        break;
      enter (door, socket); /* refused: closed here, before a byte was read */
    }
  return G_SOURCE_CONTINUE;
}

static gboolean
sweep (gpointer data)
{
  AgDoor *door = data;
  gint64 now_us = g_get_monotonic_time ();

  for (GList *l = door->guests.head, *next; l; l = next)
    {
      AgGuest *guest = l->data;
      double age_s = (double)(now_us - guest->born_us) / 1e6;
      double idle_s = (double)(now_us - ag_tls_get_last_us (guest->tls)) / 1e6;

      next = l->next;
      if (guest->pairing ? guest->n_holds == 0 && idle_s > door->limits.idle_s
                         : age_s > door->limits.stranger_s)
        {
          door->counts.n_late++;
          cut (guest);
        }
    }
  forget_addresses (door, now_us);
  return G_SOURCE_CONTINUE;
}

gboolean
ag_guest_prove (AgGuest *guest, const char *pairing)
{
  AgDoor *door = guest->door;

  if (guest->pairing)
    return strcmp (guest->pairing, pairing) == 0;
  if (guest->cut || door->counts.n_paired >= door->limits.n_paired)
    return FALSE;
  guest->pairing = g_strdup (pairing);
  guest->address->n_strangers--;
  door->counts.n_strangers--;
  door->counts.n_paired++;
  return TRUE;
}

void
ag_guest_begin (AgGuest *guest)
{
  ag_tls_set_allowance (guest->tls, G_MAXUINT64);
}

void
ag_guest_end (AgGuest *guest)
{
  ag_tls_set_allowance (guest->tls, guest->door->limits.header_bytes);
  ag_tls_set_idle (guest->tls);
}

void
ag_guest_hold (AgGuest *guest)
{
  guest->n_holds++;
}

void
ag_guest_release (AgGuest *guest)
{
  g_return_if_fail (guest->n_holds > 0);
  guest->n_holds--;
}

void
ag_guest_cut (AgGuest *guest)
{
  cut (guest);
}

void
ag_door_close_pairing (AgDoor *door, const char *pairing)
{
  for (GList *l = door->guests.head, *next; l; l = next)
    {
      AgGuest *guest = l->data;
      next = l->next;
      if (guest->pairing && strcmp (guest->pairing, pairing) == 0)
        cut (guest);
    }
}

AgDoorCounts
ag_door_get_counts (AgDoor *door)
{
  return door->counts;
}

guint16
ag_door_get_port (AgDoor *door)
{
  g_autoptr (GSocketAddress) near = g_socket_get_local_address (door->socket, NULL);

  return near ? g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (near)) : 0;
}

/* ---- opening and closing ---- */

/* One socket for both families where the system has IPv6. */
static GSocket *
listen_on (const char *address, guint16 port, GError **error)
{
  g_autoptr (GInetAddress) inet = NULL;
  g_autoptr (GSocketAddress) place = NULL;
  g_autoptr (GSocket) socket = NULL;

  if (address)
    inet = g_inet_address_new_from_string (address);
  if (address && !inet)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "%s is no IP address to listen on", address);
      return NULL;
    }
  if (!inet)
    {
      inet = g_inet_address_new_any (G_SOCKET_FAMILY_IPV6);
      socket
          = g_socket_new (G_SOCKET_FAMILY_IPV6, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
      if (socket)
        g_socket_set_option (socket, IPPROTO_IPV6, IPV6_V6ONLY, FALSE, NULL);
    }
  if (!address && !socket)
    {
      g_object_unref (inet);
      inet = g_inet_address_new_any (G_SOCKET_FAMILY_IPV4);
    }
  if (!socket)
    socket = g_socket_new (g_inet_address_get_family (inet), G_SOCKET_TYPE_STREAM,
                           G_SOCKET_PROTOCOL_TCP, error);
  place = g_inet_socket_address_new (inet, port);
  if (!socket)
    return NULL;
  g_socket_set_blocking (socket, FALSE);
  g_socket_set_listen_backlog (socket, 512);
  if (!g_socket_bind (socket, place, TRUE, error) || !g_socket_listen (socket, error))
    {
      g_prefix_error (error, "Port %u: ", port);
      return NULL;
    }
  return g_steal_pointer (&socket);
}

AgDoor *
ag_door_new (AgIdentity *identity, const char *address, guint16 port, const AgDoorLimits *limits,
             AgDoorWelcome welcome, gpointer user_data, GError **error)
{
  GSocket *socket = listen_on (address, port, error);
  AgDoor *door;

  if (!socket)
    return NULL;
  door = g_new0 (AgDoor, 1);
  door->identity = identity;
  door->limits = *limits;
  door->welcome = welcome;
  door->user_data = user_data;
  door->socket = socket;
  door->addresses = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, address_free);
  g_queue_init (&door->guests);
  door->source = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (door->source, G_SOURCE_FUNC (knock), door, NULL);
  g_source_attach (door->source, g_main_context_get_thread_default ());
  door->sweep = g_timeout_source_new (500);
  g_source_set_callback (door->sweep, sweep, door, NULL);
  g_source_attach (door->sweep, g_main_context_get_thread_default ());
  return door;
}

void
ag_door_free (AgDoor *door)
{
  if (!door)
    return;
  g_source_destroy (door->source);
  g_source_unref (door->source);
  g_source_destroy (door->sweep);
  g_source_unref (door->sweep);
  g_socket_close (door->socket, NULL);
  g_object_unref (door->socket);
  while (door->guests.head)
    cut (door->guests.head->data);
  g_hash_table_unref (door->addresses);
  g_free (door);
}
