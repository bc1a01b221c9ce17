/* The table of transports. A new one is a file in transports/ and a line here. */
#include "eng-transport.h"

#define MAX_ADDED 4

/* Added ones follow the built-in ones, which end with the first NULL. */
static const EngTransport *transports[16 + MAX_ADDED] = {
  &eng_transport_local,
  &eng_transport_virtual,
  &eng_transport_ssh,
  &eng_transport_agent,
  &eng_transport_probe,
};

static guint
count (void)
{
  guint n = 0;

  while (n < G_N_ELEMENTS (transports) && transports[n] != NULL)
    n++;
  return n;
}

void
eng_transport_add (const EngTransport *transport)
{
  guint n = count ();

  g_return_if_fail (transport != NULL && n < G_N_ELEMENTS (transports));
  transports[n] = transport;
}

const EngTransport *const *
eng_transports (guint *n)
{
  *n = count ();
  return transports;
}

const EngTransport *
eng_transport_find (const char *id)
{
  for (guint i = 0; i < count (); i++)
    if (g_strcmp0 (transports[i]->id, id) == 0)
      return transports[i];
  return NULL;
}

void
eng_candidate_free (EngCandidate *candidate)
{
  if (candidate == NULL)
    return;
  g_free (candidate->name);
  g_free (candidate->evidence);
  g_clear_pointer (&candidate->settings, g_hash_table_unref);
  g_free (candidate);
}
