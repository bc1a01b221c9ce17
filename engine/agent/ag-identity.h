/* Who this board is to the network: a key and a certificate of its own, made at the first start. */
#pragma once

#include <glib.h>
#include <gnutls/gnutls.h>

#include "ag-proof.h"

G_BEGIN_DECLS

typedef struct
{
  gnutls_certificate_credentials_t credentials;
  guint8 fingerprint[AG_FINGERPRINT_BYTES];
} AgIdentity;

/* From "certificate.pem" and "key.pem" in @folder; where neither is there they are made. One
 * without the other, or files that cannot be read, are an error: a new key would unpair every
 * studio. */
AgIdentity *ag_identity_load (const char *folder, GError **error);
void ag_identity_free (AgIdentity *identity); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AgIdentity, ag_identity_free)

G_END_DECLS
