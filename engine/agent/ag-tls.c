/* GnuTLS behind GIOStream, for libsoup's server. Made by ag-door.c; knows nothing of HTTP. Streams
 * cannot wait: what would block says so, and libsoup's server asks through sources. All of it on
 * one thread. */
#include "ag-tls.h"

#include <string.h>

/* Shared by the stream and its two directions, which may outlive it. */
typedef struct
{
  GSocket *socket;
  gnutls_session_t session;
  guint64 allowance;
  gint64 last_us;
  gboolean unsent; /* a record that the socket did not take yet */
  gboolean idle;   /* between two requests */
  gboolean ended;  /* and there it ended */
  gboolean closed;
} State;

static void
state_clear (gpointer data)
{
  State *state = data;

  if (state->session)
    gnutls_deinit (state->session);
  g_clear_object (&state->socket);
}

static void
state_unref (State *state)
{
  g_rc_box_release_full (state, state_clear);
}

/* ---- reading ---- */

#define AG_TYPE_TLS_INPUT (ag_tls_input_get_type ())
G_DECLARE_FINAL_TYPE (AgTlsInput, ag_tls_input, AG, TLS_INPUT, GInputStream)
struct _AgTlsInput
{
  GInputStream parent;
  State *state;
};
static void ag_tls_input_pollable (GPollableInputStreamInterface *iface);
G_DEFINE_FINAL_TYPE_WITH_CODE (AgTlsInput, ag_tls_input, G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                      ag_tls_input_pollable))

static gssize
take_error (ssize_t code, GError **error)
{
  if (code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "The other side is slower");
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                         gnutls_strerror ((int)code));
  return -1;
}

static gssize
read_record (State *state, void *buffer, gsize count, GError **error)
{
  ssize_t n;

  if (state->ended)
    return 0;
  if (state->closed)
    return take_error (GNUTLS_E_PREMATURE_TERMINATION, error);
  if (state->allowance == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE, "Too long a request");
      return -1;
    }
  n = gnutls_record_recv (state->session, buffer, MIN (count, state->allowance));
  if (n < 0)
    return take_error (n, error);
  if (state->allowance != G_MAXUINT64)
    state->allowance -= (guint64)n;
  return n;
}

static gssize
input_read (GPollableInputStream *stream, void *buffer, gsize count, GError **error)
{
  State *state = AG_TLS_INPUT (stream)->state;
  g_autoptr (GError) local = NULL;
  gssize n = read_record (state, buffer, count, &local);

  if (n > 0)
    {
      state->idle = FALSE;
      state->last_us = g_get_monotonic_time ();
    }
  else if (state->idle && count > 0 && !g_error_matches (local, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      /* libsoup 3.2 looks after a connection from the first byte of a request on: one that ends
       * between two requests would stay in its list for ever. So a request begins, and ends there.
       */
      state->idle = FALSE;
      state->ended = TRUE;
      *(char *)buffer = 'x';
      return 1;
    }
  if (local)
    g_propagate_error (error, g_steal_pointer (&local));
  return n;
}

static gboolean
input_ready (GPollableInputStream *stream)
{
  State *state = AG_TLS_INPUT (stream)->state;

  return state->closed || gnutls_record_check_pending (state->session) > 0
         || (g_socket_condition_check (state->socket, G_IO_IN) & G_IO_IN);
}

static GSource *
input_source (GPollableInputStream *stream, GCancellable *cancellable)
{
  State *state = AG_TLS_INPUT (stream)->state;
  g_autoptr (GSource) inner = NULL;

  if (state->closed || gnutls_record_check_pending (state->session) > 0)
    inner = g_timeout_source_new (0);
  else
    inner = g_socket_create_source (state->socket, G_IO_IN, NULL);
  return g_pollable_source_new_full (stream, inner, cancellable);
}

/* libsoup asks for what is there; nobody may wait on the main loop. */
static gssize
input_read_now (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable,
                GError **error)
{
  return input_read (G_POLLABLE_INPUT_STREAM (stream), buffer, count, error);
}

static void
ag_tls_input_finalize (GObject *object)
{
  g_clear_pointer (&AG_TLS_INPUT (object)->state, state_unref);
  G_OBJECT_CLASS (ag_tls_input_parent_class)->finalize (object);
}

static void
ag_tls_input_class_init (AgTlsInputClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ag_tls_input_finalize;
  G_INPUT_STREAM_CLASS (klass)->read_fn = input_read_now;
}

static void
ag_tls_input_pollable (GPollableInputStreamInterface *iface)
{
  iface->is_readable = input_ready;
  iface->create_source = input_source;
  iface->read_nonblocking = input_read;
}

static void
ag_tls_input_init (AgTlsInput *input)
{
}

/* ---- writing ---- */

#define AG_TYPE_TLS_OUTPUT (ag_tls_output_get_type ())
G_DECLARE_FINAL_TYPE (AgTlsOutput, ag_tls_output, AG, TLS_OUTPUT, GOutputStream)
struct _AgTlsOutput
{
  GOutputStream parent;
  State *state;
};
static void ag_tls_output_pollable (GPollableOutputStreamInterface *iface);
G_DEFINE_FINAL_TYPE_WITH_CODE (AgTlsOutput, ag_tls_output, G_TYPE_OUTPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM,
                                                      ag_tls_output_pollable))

static gssize
output_write (GPollableOutputStream *stream, const void *buffer, gsize count, GError **error)
{
  State *state = AG_TLS_OUTPUT (stream)->state;
  ssize_t n;

  if (state->closed)
    return take_error (GNUTLS_E_PREMATURE_TERMINATION, error);
  /* A record that did not go out whole is GnuTLS's already: asked for again, not given again. */
  n = state->unsent ? gnutls_record_send (state->session, NULL, 0)
                    : gnutls_record_send (state->session, buffer, MIN (count, 16384));
  state->unsent = n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED;
  if (n < 0)
    return take_error (n, error);
  state->last_us = g_get_monotonic_time ();
  return MIN (n, (ssize_t)count);
}

static gboolean
output_ready (GPollableOutputStream *stream)
{
  State *state = AG_TLS_OUTPUT (stream)->state;

  return state->closed || (g_socket_condition_check (state->socket, G_IO_OUT) & G_IO_OUT);
}

static GSource *
output_source (GPollableOutputStream *stream, GCancellable *cancellable)
{
  State *state = AG_TLS_OUTPUT (stream)->state;
  g_autoptr (GSource) inner = NULL;

  if (state->closed)
    inner = g_timeout_source_new (0);
  else
    inner = g_socket_create_source (state->socket, G_IO_OUT, NULL);
  return g_pollable_source_new_full (stream, inner, cancellable);
}

static gssize
output_write_now (GOutputStream *stream, const void *buffer, gsize count, GCancellable *cancellable,
                  GError **error)
{
  return output_write (G_POLLABLE_OUTPUT_STREAM (stream), buffer, count, error);
}

static void
ag_tls_output_finalize (GObject *object)
{
  g_clear_pointer (&AG_TLS_OUTPUT (object)->state, state_unref);
  G_OBJECT_CLASS (ag_tls_output_parent_class)->finalize (object);
}

static void
ag_tls_output_class_init (AgTlsOutputClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ag_tls_output_finalize;
  G_OUTPUT_STREAM_CLASS (klass)->write_fn = output_write_now;
}

static void
ag_tls_output_pollable (GPollableOutputStreamInterface *iface)
{
  iface->is_writable = output_ready;
  iface->create_source = output_source;
  iface->write_nonblocking = output_write;
}

static void
ag_tls_output_init (AgTlsOutput *output)
{
}

/* ---- both ---- */

struct _AgTls
{
  GIOStream parent;
  State *state;
  AgTlsInput *input;
  AgTlsOutput *output;
};
G_DEFINE_FINAL_TYPE (AgTls, ag_tls, G_TYPE_IO_STREAM)

void
ag_tls_cut (AgTls *tls)
{
  State *state = tls->state;

  if (state->closed)
    return;
  state->closed = TRUE;
  /* Wakes the sources that wait for it. */
  g_socket_shutdown (state->socket, TRUE, TRUE, NULL);
}

static gboolean
tls_close (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  AgTls *tls = AG_TLS (stream);

  if (!tls->state->closed)
    gnutls_bye (tls->state->session, GNUTLS_SHUT_WR); /* as far as it goes without waiting */
  ag_tls_cut (tls);
  return TRUE;
}

/* GIOStream's own would do it on a thread. */
static void
tls_close_async (GIOStream *stream, int priority, GCancellable *cancellable,
                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_return_boolean (task, tls_close (stream, cancellable, NULL));
}

static gboolean
tls_close_finish (GIOStream *stream, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static GInputStream *
tls_input (GIOStream *stream)
{
  return G_INPUT_STREAM (AG_TLS (stream)->input);
}

static GOutputStream *
tls_output (GIOStream *stream)
{
  return G_OUTPUT_STREAM (AG_TLS (stream)->output);
}

static void
ag_tls_dispose (GObject *object)
{
  AgTls *tls = AG_TLS (object);

  if (tls->state)
    ag_tls_cut (tls);
  g_clear_object (&tls->input);
  g_clear_object (&tls->output);
  /* GIOStream closes what is open, for the last time. */
  G_OBJECT_CLASS (ag_tls_parent_class)->dispose (object);
}

static void
ag_tls_finalize (GObject *object)
{
  g_clear_pointer (&AG_TLS (object)->state, state_unref);
  G_OBJECT_CLASS (ag_tls_parent_class)->finalize (object);
}

static void
ag_tls_class_init (AgTlsClass *klass)
{
  GIOStreamClass *stream = G_IO_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ag_tls_dispose;
  G_OBJECT_CLASS (klass)->finalize = ag_tls_finalize;
  stream->get_input_stream = tls_input;
  stream->get_output_stream = tls_output;
  stream->close_fn = tls_close;
  stream->close_async = tls_close_async;
  stream->close_finish = tls_close_finish;
}

static void
ag_tls_init (AgTls *tls)
{
  tls->state = g_rc_box_new0 (State);
  tls->state->allowance = G_MAXUINT64;
  tls->state->last_us = g_get_monotonic_time ();
  tls->input = g_object_new (AG_TYPE_TLS_INPUT, NULL);
  tls->input->state = g_rc_box_acquire (tls->state);
  tls->output = g_object_new (AG_TYPE_TLS_OUTPUT, NULL);
  tls->output->state = g_rc_box_acquire (tls->state);
}

AgTls *
ag_tls_new (GSocket *socket, AgIdentity *identity)
{
  g_autoptr (AgTls) tls = g_object_new (AG_TYPE_TLS, NULL);
  State *state = tls->state;
  int code;

  state->socket = g_object_ref (socket);
  code = gnutls_init (&state->session,
                      GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS);
  if (code >= 0)
    code = gnutls_priority_set_direct (state->session, "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL);
  if (code >= 0)
    code = gnutls_credentials_set (state->session, GNUTLS_CRD_CERTIFICATE, identity->credentials);
  if (code < 0)
    return NULL;
  gnutls_handshake_set_timeout (state->session, GNUTLS_INDEFINITE_TIMEOUT); /* the door's task */
  gnutls_transport_set_int (state->session, g_socket_get_fd (socket));
  return g_steal_pointer (&tls);
}

AgTlsProgress
ag_tls_handshake (AgTls *tls)
{
  int code;

  do
    code = gnutls_handshake (tls->state->session);
  while (code < 0 && code != GNUTLS_E_AGAIN && !gnutls_error_is_fatal (code));
  if (code == GNUTLS_E_SUCCESS)
    return AG_TLS_DONE;
  if (code == GNUTLS_E_AGAIN)
    return gnutls_record_get_direction (tls->state->session) ? AG_TLS_WAIT_WRITE : AG_TLS_WAIT_READ;
  return AG_TLS_FAILED;
}

void
ag_tls_set_allowance (AgTls *tls, guint64 n_bytes)
{
  tls->state->allowance = n_bytes;
}

void
ag_tls_set_idle (AgTls *tls)
{
  tls->state->idle = TRUE;
}

gint64
ag_tls_get_last_us (AgTls *tls)
{
  return tls->state->last_us;
}
